"""Trainings at a real node: two real sandboxes, a real bridge, up to the airlock and the outbox."""

import json
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from tessera.adapters.hpke.sealing import HpkeSealing
from tessera.bootstrap.opt_out import opt_out
from tessera.bootstrap.permits import permit_book
from tessera.bootstrap.runs import records_of, runs_that_had
from tessera.domain.access.permit import PermitRefused
from tessera.domain.errors import Conflict, InvalidInput, NotFound
from tessera.domain.zones import Identified
from tessera.node.learning_terms import LearningLimits, UnusableTerms
from tessera.testing.lone_engine import scripted_kit, whole_script
from tessera.wire.frames import arrays_from, arrays_to
from tessera.wire.refusals import BadSeal
from tessera.wire.tasks import RunState
from tests.integration.test_runs import events, leftovers
from tests.learning_trial import LearnTrial
from tests.opt_out_trial import PATIENTS, subject_of
from tests.run_trial import needs_sandbox

ROOT = Path(__file__).parents[2]


def sandboxes(trial: LearnTrial) -> list[str]:
    """Return the first processes of the sandboxes that see something of this trial."""
    place = "/".join(trial.folder.parts[-2:])
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "cmdline").read_bytes()
                mounts = (folder / "mountinfo").read_text()
            except OSError:
                continue
            if b"/run/tessera/runner.py" in line and b"bwrap" not in line and place in mounts:
                found.append(folder.name)
    return found


@pytest.fixture(autouse=True)
def _sandbox() -> Iterator[None]:
    needs_sandbox()
    yield


def test_a_training_goes_from_the_use_to_the_outbox(tmp_path: Path) -> None:
    trial = LearnTrial(tmp_path)
    run = trial.learn()
    assert (run.state, run.detail) == (RunState.IN_AIRLOCK, ""), trial.engine_log(run.use_id)
    assert leftovers(trial) == []
    assert trial.told() == [("waiting", ""), ("running", ""), ("in-airlock", "")]
    shelf = trial.airlock.shelf
    model = shelf.read(run.use_id, "model.npz")
    weights = arrays_from(model)
    first = np.random.default_rng(1).normal(size=(3, 4))
    assert np.allclose(weights["w"], first + 2 * 3.0)
    assert model == arrays_to(weights)  # the same bytes at every node
    told = json.loads(shelf.read(run.use_id, "training.json"))
    assert told["n_subjects"] == 30 and told["rounds"] == 2
    assert told["by_round"][1] == {"round": 2, "metrics": {"auc": 0.812, "loss": 0.5}}
    left = [one for one in events(trial) if one.event == "update-released"]
    assert [one.facts["round"] for one in left] == [0, 1, 2]
    decided = trial.airlock.release(run.use_id, by="Data office", despite="a toy, for a test")
    assert {one.name: str(one.decided) for one in decided} == {
        "model.npz": "released",
        "training.json": "released",
    }, decided


@pytest.mark.parametrize(
    ("do", "word"),
    [
        ("nan", "gate model"),
        ("extra", "gate model"),
        ("whole", "gate model"),
        ("pseudonym", "gate subject"),
        ("metric", "gate form"),
        ("few", "gate few-subjects"),
        ("exit", "exit 7"),
        ("garbage", "protocol"),
    ],
)
def test_what_the_gate_refuses_ends_the_training_and_nothing_leaves(
    tmp_path: Path, do: str, word: str
) -> None:
    trial = LearnTrial(tmp_path)
    run = trial.learn(do=do)
    assert (run.state, run.detail) == (RunState.FAILED, word)
    assert trial.told()[-1] == ("failed", word)
    assert "-> {'type': 'refused'}" in trial.engine_log(run.use_id)
    left = [one.facts["round"] for one in events(trial) if one.event == "update-released"]
    assert left == [0]
    assert not trial.airlock.shelf.has(run.use_id) and leftovers(trial) == []


def test_too_few_subjects_at_the_start_end_it_before_the_node_is_ready(tmp_path: Path) -> None:
    trial = LearnTrial(tmp_path)
    use_id, task = trial.learn_task(do="few-at-begin")
    with trial.learning() as learnings:
        learnings.take_up(task)
        run = trial.ended(use_id)
    assert (run.state, run.detail) == (RunState.FAILED, "gate few-subjects")
    assert trial.reported("learn") == []


@pytest.mark.parametrize(
    ("script", "n_left"),
    [
        ([{"type": "begin"}, {"type": "begin"}], 1),
        ([{"type": "begin"}, {"type": "train", "round": 1}, {"type": "train", "round": 1}], 2),
        ([{"type": "begin"}, {"type": "train", "round": 2}, {"type": "train", "round": 1}], 2),
        ([{"type": "begin"}, {"type": "train", "round": 3}], 1),
        ([{"type": "begin"}, {"type": "final", "rounds": 2}], 1),
        ([{"type": "begin"}, {"type": "train", "round": 1, "payload": "other.npz"}], 1),
        ([{"type": "run", "round": 1}], 0),
    ],
)
def test_an_engine_that_asks_for_more_than_was_signed_gets_nothing(
    tmp_path: Path, script: list[dict[str, object]], n_left: int
) -> None:
    trial = LearnTrial(tmp_path)
    other = arrays_to({"w": np.zeros((3, 4)), "b": np.zeros(4), "kind": np.zeros(3, np.uint8)})
    run = trial.learn(kit=scripted_kit(script, {"other.npz": other}))
    assert run.state is RunState.FAILED and run.detail.startswith("gate "), run
    assert sum(one.event == "update-released" for one in events(trial)) == n_left
    assert not trial.airlock.shelf.has(run.use_id)


@pytest.mark.parametrize(
    "terms",
    [
        {"rounds": 0},
        {"rounds": 201},
        {"nodes": ["valencia"]},
        {"nodes": ["linkoping", "linkoping"]},
        {"nodes": ["linkoping", "paris"]},
        {"min_nodes": 3},
        {"round_s": 10**9},
        {"code": "x"},
    ],
)
def test_absurd_terms_are_refused(tmp_path: Path, terms: dict[str, object]) -> None:
    trial = LearnTrial(tmp_path)
    _, task = trial.learn_task(**terms)
    with pytest.raises(UnusableTerms):
        trial.learnings().take_up(task)
    assert trial.told() == [("refused", "unusable-terms")]
    assert not records_of(trial.home).all()


def test_a_node_that_does_not_learn_says_so(tmp_path: Path) -> None:
    trial = LearnTrial(tmp_path, limits=LearningLimits(is_on=False))
    _, task = trial.learn_task()
    with pytest.raises(UnusableTerms, match=r"node\.toml"):
        trial.learnings().take_up(task)


def test_a_use_by_somebody_else_is_refused(tmp_path: Path) -> None:
    trial = LearnTrial(tmp_path)
    _, task = trial.learn_task(by=trial.hub)
    with pytest.raises(PermitRefused):
        trial.learnings().take_up(task)
    assert trial.told() == [("refused", "other-person")]


def test_a_permit_revoked_in_a_round_ends_both_sandboxes_within_seconds(tmp_path: Path) -> None:
    trial = LearnTrial(tmp_path)
    use_id, task = trial.learn_task(do="sleep")
    with trial.learning() as learnings:
        learnings.take_up(task)
        learnings.take_kit(trial.kit_task(use_id, scripted_kit(whole_script(2))))
        trial.wait(use_id, lambda one: one.state is RunState.RUNNING)
        time.sleep(2)
        assert len(sandboxes(trial)) == 2
        begun = time.monotonic()
        permit_book(trial.home).revoke_here(trial.permit.permit_id, "over", "Data office")
        run = trial.ended(use_id)
        assert time.monotonic() - begun < 15
    assert (run.state, run.detail) == (RunState.STOPPED, "revoked")
    assert sandboxes(trial) == [] and leftovers(trial) == []
    assert [one.facts["round"] for one in events(trial) if one.event == "update-released"] == [0]


def test_the_person_stops_it_while_it_waits_for_the_others(tmp_path: Path) -> None:
    trial = LearnTrial(tmp_path)
    use_id, task = trial.learn_task()
    with trial.learning() as learnings:
        learnings.take_up(task)
        trial.key_of(use_id)
        assert learnings.stop(use_id) and not learnings.stop(str(uuid4()))
        run = trial.ended(use_id)
    assert (run.state, run.detail) == (RunState.STOPPED, "person")
    assert sandboxes(trial) == []


def test_somebody_opting_out_ends_it_since_it_cannot_forget(tmp_path: Path) -> None:
    trial = LearnTrial(tmp_path)
    use_id, task = trial.learn_task()
    with trial.learning() as learnings:
        learnings.take_up(task)
        trial.key_of(use_id)
        opt_out(trial.home, [Identified(PATIENTS[7])])
        run = trial.ended(use_id)
    assert (run.state, run.detail) == (RunState.STOPPED, "opt-out")
    (one,) = runs_that_had(trial.home, [subject_of(trial.node, PATIENTS[7])])
    assert one.run.action == "learn" and one.models == ()


def test_a_round_that_takes_too_long_ends_it(tmp_path: Path) -> None:
    trial = LearnTrial(tmp_path)
    use_id, task = trial.learn_task(do="sleep", round_s=5)
    with trial.learning() as learnings:
        learnings.take_up(task)
        learnings.take_kit(trial.kit_task(use_id, scripted_kit(whole_script(2))))
        run = trial.ended(use_id)
    assert (run.state, run.detail) == (RunState.FAILED, "round-too-long")


def test_a_kit_that_never_comes_ends_it(tmp_path: Path) -> None:
    trial = LearnTrial(tmp_path, limits=LearningLimits(wait_s=1))
    use_id, task = trial.learn_task()
    with trial.learning() as learnings:
        learnings.take_up(task)
        run = trial.ended(use_id)
    assert (run.state, run.detail) == (RunState.FAILED, "no-kit")


def test_a_kit_for_another_or_for_more_rounds_is_not_taken(tmp_path: Path) -> None:
    trial = LearnTrial(tmp_path)
    use_id, task = trial.learn_task()
    kit = scripted_kit(whole_script(2))
    with trial.learning() as learnings:
        learnings.take_up(task)
        good = trial.kit_task(use_id, kit, rounds=2)
        with pytest.raises(InvalidInput, match="signed are 2"):
            learnings.take_kit(trial.kit_task(use_id, kit, rounds=3))
        stranger = HpkeSealing().seal(kit, HpkeSealing().reader().public_key, use_id)
        sealed = {"use_id": use_id, "kit": b64encode(stranger).decode()}
        with pytest.raises(BadSeal):
            learnings.take_kit(replace(good, body=sealed))
        with pytest.raises(NotFound):
            learnings.take_kit(replace(good, body={**good.body, "use_id": str(uuid4())}))
        learnings.take_kit(good)
        with pytest.raises(Conflict):
            learnings.take_kit(good)
        assert trial.ended(use_id).state is RunState.IN_AIRLOCK


def test_a_node_that_ends_while_it_waits_begins_again_with_a_new_key(tmp_path: Path) -> None:
    trial = LearnTrial(tmp_path)
    use_id, task = trial.learn_task()
    with trial.learning() as learnings:
        learnings.take_up(task)
        key = trial.key_of(use_id)
    assert trial.record(use_id).state is RunState.WAITING and sandboxes(trial) == []
    with trial.learning():
        assert trial.key_of(use_id, after=key)


def test_a_killed_node_fails_the_training_clearly_and_leaves_no_process(tmp_path: Path) -> None:
    trial = LearnTrial(tmp_path)
    use_id, task = trial.learn_task(do="sleep")
    trial.learnings().take_up(task)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.learning_trial import learnings_at\n"
        "learnings_at(Path(sys.argv[1])).work()\n"
    )
    command = [sys.executable, "-c", code, str(trial.home)]
    with subprocess.Popen(command, cwd=ROOT) as node:
        try:
            trial.key_of(use_id)
            time.sleep(0.5)
            assert len(sandboxes(trial)) == 1
        finally:
            node.send_signal(signal.SIGKILL)
    until = time.monotonic() + 3
    while sandboxes(trial) and time.monotonic() < until:
        time.sleep(0.05)
    assert sandboxes(trial) == []
    (run,) = records_of(trial.home).all()
    begun = replace(run, state=RunState.RUNNING)  # as it is once the kit has come
    assert records_of(trial.home).change(begun, was=RunState.WAITING)
    with trial.learning():
        run = trial.ended(use_id)
    assert (run.state, run.detail) == (RunState.FAILED, "interrupted")
    assert trial.told()[-1] == ("failed", "interrupted")
    assert not trial.airlock.shelf.has(use_id) and leftovers(trial) == []
