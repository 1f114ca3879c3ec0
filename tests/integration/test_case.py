"""A released model on one study of a real node, in the real sandbox."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from pydicom import dcmread

from tessera.adapters.access import FolderToolShelf
from tessera.adapters.access_runs import FolderAirlock
from tessera.adapters.files.tool_folder import builtin_tool
from tessera.bootstrap.audit import entries
from tessera.bootstrap.case import CaseRequest, models_of, run_case
from tessera.bootstrap.datasets import DatasetRequest, create_dataset
from tessera.bootstrap.node import Node
from tessera.bootstrap.opt_out import opt_out
from tessera.bootstrap.runs import records_of
from tessera.domain.access.airlock import Inspection
from tessera.domain.access.tool import OutputKind
from tessera.domain.case.errors import CaseNotDone, InvalidCaseResult, InvalidModel, SubjectOptedOut
from tessera.domain.case.model import ModelCard
from tessera.domain.errors import Conflict, NotFound, TesseraError
from tessera.domain.ids import DatasetId
from tessera.domain.zones import Identified
from tessera.ports.run_records import Decided, OutputRecord, RunRecord
from tests.case_trial import (
    ONLY_NUMBER,
    ORIGINAL,
    PATIENT,
    READ,
    WRITE,
    add,
    marking_tool,
    node_with_study,
    run,
    stored,
    study_of,
)
from tests.run_trial import needs_sandbox

CLASSIFIER = Path(__file__).parents[2] / "src/tessera/toolbox/lesion_classifier"
CARD = b'{"external_test": {"auc": {"value": 0.9, "low": 0.8, "high": 0.95}, "n_subjects": 20}}'


@pytest.fixture
def node(tmp_path: Path) -> Node:
    needs_sandbox()
    return node_with_study(tmp_path / "home")


def test_what_a_model_marks_is_stored_beside_the_images(node: Node) -> None:
    outcome = run(node, add(node))
    assert outcome.is_new and len(stored(node)) == 9
    ds = dcmread(outcome.path)
    (source,) = {row.series_uid for row in outcome.answer.series}
    assert ds.Modality == "SEG" and outcome.row.referenced_series_uid == source
    assert ds.pixel_array.shape == (2, 16, 16) and ds.pixel_array.sum() == 2 * 5 * 6
    assert ds.ContentDescription == "Research use only. Not for diagnosis or treatment."
    assert "RESEARCH USE ONLY" in ds.SeriesDescription and "RESEARCH" in ds.ContentLabel
    assert "0.8750" in ds.ImageComments


def test_running_again_gives_the_same_object_and_changes_nothing(node: Node) -> None:
    model = add(node)
    first, before = run(node, model), stored(node)
    again = run(node, model)
    assert again.row == first.row and not again.is_new
    assert stored(node) == before


def test_a_probability_alone_becomes_a_report(node: Node) -> None:
    outcome = run(node, add(node, ONLY_NUMBER))
    ds = dcmread(outcome.path)
    assert ds.Modality == "SR" and len(stored(node)) == 9
    assert "RESEARCH USE ONLY" in str(ds) and "87.5" in str(ds)
    assert run(node, add(node, ONLY_NUMBER)).row == outcome.row


def test_nothing_that_was_made_here_is_shown_to_a_model_or_gets_into_a_dataset(node: Node) -> None:
    run(node, add(node))
    count = READ + "assert len(images) == 8, len(images)\n" + WRITE
    run(node, add(node, count))
    made = create_dataset(
        node.home,
        DatasetRequest(dataset_id=DatasetId("ct"), title="CT", contact_url="https://example.org"),
    )
    assert made.n_rows["instance"] == 8 and made.n_rows["series"] == 1


HOSTILE = {
    "another image": "uids[0] = '2.25.1'\n",
    "other shape": "masks = masks[:, :8]\n",
    "text": "told['label'] = 'Anna Andersson 1912'\n",
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_answer_that_is_not_about_the_study_is_refused_and_nothing_is_stored(
    node: Node, change: str
) -> None:
    before = stored(node)
    with pytest.raises(InvalidCaseResult, match=r"segments\.npz|case\.json"):
        run(node, add(node, READ + change + WRITE))
    assert stored(node) == before


def test_a_tool_that_gives_up_says_why_and_nothing_is_stored(node: Node) -> None:
    with pytest.raises(CaseNotDone, match="no prostate here"):
        run(node, add(node, "import sys\nsys.exit('no prostate here')\n"))
    assert len(stored(node)) == 8
    assert not list((node.home / "runs" / "cases").glob("case-*"))


def test_a_tool_sees_one_study_and_no_network(node: Node) -> None:
    code = (
        "import os, socket\n"
        "assert os.listdir('/data') == ['case'] and os.listdir('/inputs') == ['model.npz']\n"
        "try:\n    socket.create_connection(('192.0.2.1', 9), 1)\n"
        "except OSError:\n    pass\nelse:\n    raise SystemExit('reached the network')\n"
    )
    assert run(node, add(node, code + READ + WRITE)).is_new


def test_nothing_is_computed_of_a_patient_who_has_opted_out(node: Node) -> None:
    model = add(node)
    opt_out(node.home, [Identified(PATIENT)])
    with pytest.raises(SubjectOptedOut):
        run(node, model)
    assert len(stored(node)) == 8


def test_an_opt_out_while_the_tool_runs_stops_it(node: Node) -> None:
    model = add(node, "import time\ntime.sleep(120)\n")
    program = (
        "import sys; from pathlib import Path; from tessera.bootstrap.opt_out import opt_out\n"
        "from tessera.domain.zones import Identified\n"
        "import time; place = Path(sys.argv[1]) / 'runs' / 'cases'\n"
        "while not list(place.glob('*/case')): time.sleep(0.05)\n"
        "opt_out(Path(sys.argv[1]), [Identified(sys.argv[2])])\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(node.home), PATIENT]) as other:
        with pytest.raises(SubjectOptedOut):
            run(node, model)
        assert other.wait() == 0


def test_an_unknown_study_or_model_is_told_without_naming_the_study(node: Node) -> None:
    model = add(node)
    for uid in ("1.2.3.4567890", ORIGINAL):
        with pytest.raises(NotFound) as err:
            run_case(node.home, CaseRequest(study_uid=Identified(uid), model=model.sha256))
        assert uid not in str(err.value)
    with pytest.raises(NotFound, match="model list"):
        run_case(node.home, CaseRequest(study_uid=Identified(ORIGINAL), model="abcdef"))


def test_the_original_uid_is_written_down_nowhere(node: Node) -> None:
    run(node, add(node))
    log = "".join(str(entry) for entry in entries(node.home))
    assert "case-done" in log and "model-added" in log
    assert ORIGINAL not in log and study_of(node) not in log


KILL = """
import os, signal, sys
from pathlib import Path
from tessera.adapters.files.instance_store import FolderInstanceStore
from tessera.adapters.sqlite_node import SqliteInstanceIndex
from tests.case_trial import ORIGINAL, run
from tessera.bootstrap.case import models_of
from tessera.bootstrap.node import open_node
node = open_node(Path(sys.argv[1]))
def die(_, rows):
    if rows:
        os.kill(os.getpid(), signal.SIGKILL)
where = {"staged": (SqliteInstanceIndex, "put"), "indexed": (FolderInstanceStore, "publish")}
setattr(*where[sys.argv[2]], die)
run(node, models_of(node.home).all()[0])
"""


def test_a_kill_while_the_tool_runs_leaves_no_view_and_no_object(node: Node) -> None:
    model = add(node, "import time\ntime.sleep(120)\n")
    views = node.home / "runs" / "cases"
    with subprocess.Popen([sys.executable, "-c", KILL, str(node.home), "staged"]) as killed:
        while not list(views.glob("case-*/case")):
            assert killed.poll() is None
            time.sleep(0.05)
        killed.kill()
    models_of(node.home).remove(model.sha256)
    run(node, add(node))
    assert len(stored(node)) == 9 and not list(views.glob("case-*"))


@pytest.mark.parametrize("moment", ["staged", "indexed"])
def test_a_kill_leaves_nothing_half(node: Node, moment: str) -> None:
    model = add(node)
    killed = subprocess.run(
        [sys.executable, "-c", KILL, str(node.home), moment], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(list(node.store.staging.iterdir())) == 1
    outcome = run(node, model)
    assert not list((node.home / "runs" / "cases").glob("case-*"))
    assert len(stored(node)) == 9
    assert dcmread(outcome.path).Modality == "SEG"


def test_a_model_that_a_training_released_is_listed_by_itself_until_it_is_removed(
    node: Node,
) -> None:
    path, tool, use_id = node.home / "made.npz", marking_tool(), str(uuid4())
    np.savez(path, weights=np.arange(3.0))
    content = path.read_bytes()
    FolderToolShelf(node.home / "access" / "tools").put(tool)
    inspection = Inspection(sha256=sha256(content).hexdigest(), findings=())
    FolderAirlock(node.home / "airlock").put(
        use_id, {"model.npz": content}, {"model.npz": inspection}
    )
    records, models = records_of(node.home), models_of(node.home)
    run_record = RunRecord(
        use_id=use_id,
        action="learn",
        permit_id="p",
        person="A",
        tool=tool.digest,
        datasets=(),
        taken_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    records.add(run_record)
    output = OutputRecord(
        use_id=use_id,
        name="model.npz",
        kind=OutputKind.MODEL,
        sha256=inspection.sha256,
        n_bytes=len(content),
    )
    records.put_outputs(use_id, [output])
    assert models.all() == ()
    records.put_outputs(use_id, [replace(output, decided=Decided.RELEASED)])
    (model,) = models.all()
    assert model.origin == f"learn {use_id}" and run(node, model).is_new
    models.remove(model.sha256)
    assert models.all() == ()


def test_models_are_listed_removed_and_checked(node: Node) -> None:
    model, models = add(node, card=ModelCard.parse(CARD)), models_of(node.home)
    assert models.all() == (model,) and models.find(model.sha256[:6]) == model
    (node.home / "models" / model.sha256 / "tool" / "case.py").chmod(0o644)
    (node.home / "models" / model.sha256 / "tool" / "case.py").write_text("print(1)")
    with pytest.raises(Conflict, match="was changed"):
        run(node, model)
    models.remove(model.sha256)
    assert models.all() == ()
    with pytest.raises(InvalidModel, match="plain arrays"):
        models.add(b"PK", marking_tool(), ModelCard())


def command(*words: object) -> str:
    program = "from tessera.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        input=ORIGINAL + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


def test_the_command_tells_a_person_what_they_need(node: Node, tmp_path: Path) -> None:
    model = add(node, card=ModelCard.parse(CARD))
    picture = tmp_path / "look.png"
    words = ["node", "case", node.home, "-", "--original", "--model", model.sha256[:8]]
    told = command(*words, "--picture", picture)
    assert "Research use only – not for clinical decisions" in told
    assert "AUC 0.900 (95 % interval 0.800 to 0.950, 20 subjects)" in told
    assert picture.read_bytes().startswith(b"\x89PNG")
    found = json.loads(command(*words, "--json", "--out", tmp_path))
    assert found["probability"] == 0.875 and found["marked_slices"] == 2
    assert not found["object"]["is_new"]
    copy = tmp_path / Path(found["object"]["path"]).name
    assert copy.read_bytes() == Path(found["object"]["path"]).read_bytes()


def test_the_lesion_classifier_says_which_images_it_needs(node: Node, tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np, network, task\n"
        "spec = task.spec_for(task.learn_arguments({}))\n"
        "weights = task.network_for(spec).initial(np.random.default_rng(1))\n"
        "np.savez(sys.argv[1], **network.with_spec(weights, spec))\n"
    )
    made = tmp_path / "m.npz"
    subprocess.run([sys.executable, "-c", code, str(made)], check=True, cwd=CLASSIFIER)
    model = models_of(node.home).add(
        made.read_bytes(), builtin_tool("lesion-classifier"), ModelCard()
    )
    with pytest.raises(TesseraError, match="no T2-weighted MR series"):
        run_case(node.home, CaseRequest(study_uid=Identified(study_of(node)), model=model.sha256))
