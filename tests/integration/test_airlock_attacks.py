"""A tool, or somebody at the node, tries to get something past the airlock."""

import base64
import bz2
import gzip
import io
import json
import pickle
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from tessera.bootstrap.permits import permit_book
from tessera.bootstrap.runs import records_of
from tessera.domain.access.airlock import AirlockRefused, Barrier, Finding, Severity
from tessera.domain.access.permit import PermitRefused
from tessera.domain.access.tool import OutputKind
from tessera.domain.errors import Conflict, NotFound
from tessera.ports.run_records import Decided, RunRecord
from tessera.wire.tasks import RunState
from tests.integration.test_opt_out import tessera
from tests.opt_out_trial import PATIENTS, subject_of
from tests.run_trial import COUNT, IMAGES, RunTrial, made_tool, needs_sandbox

DECLARED = {
    "counts.json": OutputKind.AGGREGATE,
    "counts.csv": OutputKind.AGGREGATE,
    "model.npz": OutputKind.MODEL,
    "figure.png": OutputKind.FIGURE,
}
REASON = "looked at with the statistician"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> RunTrial:
    return RunTrial(tmp_path_factory.mktemp("airlock"), outputs=frozenset(OutputKind))


def put(trial: RunTrial, files: dict[str, bytes]) -> RunRecord:
    """Lay files into the airlock as a run does at its end."""
    run = RunRecord(
        use_id=str(uuid4()),
        action="run",
        permit_id=trial.permit.permit_id,
        person="Anna Berg",
        tool=trial.tool.digest,
        datasets=((IMAGES, 1),),
        taken_at=trial.airlock.clock.now(),
        state=RunState.IN_AIRLOCK,
    )
    records = records_of(trial.home)
    records.add(run)
    records.put_subjects(run.use_id, IMAGES, 1, [subject_of(trial.node, p) for p in PATIENTS])
    trial.airlock.put(run, files, DECLARED, permitted=trial.permit.outputs)
    return run


def found(trial: RunTrial, name: str, content: bytes) -> dict[str, Finding]:
    run = put(trial, {name: content})
    (one,) = trial.airlock.look(run.use_id).outputs
    assert one.inspection is not None
    return {finding.code: finding for finding in one.inspection.findings}


def stays(trial: RunTrial, run: RunRecord, barrier: Barrier, despite: str = REASON) -> None:
    trial.told()
    (one,) = trial.airlock.release(run.use_id, by="Eva", despite=despite)
    assert (one.decided, barrier.value in one.problem) == (Decided.PENDING, True), one
    assert trial.told() == []
    assert trial.record(run.use_id).state is RunState.IN_AIRLOCK


def her(trial: RunTrial) -> str:
    return str(subject_of(trial.node, PATIENTS[7]))


def npz(**arrays: object) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def test_a_harmless_table_has_no_finding(shared: RunTrial) -> None:
    content = json.dumps({"n_subjects": 30, "mean_age": 61.2, "auc": {"value": 0.81}}).encode()
    assert found(shared, "counts.json", content) == {}
    assert found(shared, "counts.csv", b"cancer,n,mean_psa\nlung,15,1.2\nprostate,15,8.31\n") == {}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda p: p.encode(),
        lambda p: p.lower().encode(),
        lambda p: p[4:].encode(),
        lambda p: " ".join(p).encode(),
        lambda p: base64.b64encode(p.encode() * 2),
        lambda p: base64.b64encode(gzip.compress(p.encode())),
        lambda p: base64.b64encode(zlib.compress(p.encode())),
        lambda p: base64.b64encode(bz2.compress(p.encode())),
        lambda p: p.encode().hex().encode(),
        lambda p: base64.b64encode(base64.b64encode(p.encode())),
        lambda p: base64.b32encode(p.encode()),
        lambda p: base64.b64encode(p.encode("utf-16-le")),
    ],
    ids=str.split("plain lower tail spaced base64 gzip zlib bzip2 hex twice base32 utf16"),
)
def test_a_pseudonym_never_leaves_however_it_is_wrapped(shared: RunTrial, wrap: object) -> None:
    assert callable(wrap)
    content = json.dumps({"note": wrap(her(shared)).decode()}).encode()
    run = put(shared, {"counts.json": content})
    assert found(shared, "counts.json", content)["pseudonym"].is_final
    stays(shared, run, Barrier.FINAL)


def test_uids_and_hashes_of_images_never_leave(shared: RunTrial) -> None:
    row = next(iter(shared.node.index.all()))
    for word, code in ((row.instance_uid, "uid"), (row.study_uid, "uid"), (row.sha256, "hash")):
        assert found(shared, "counts.json", json.dumps({"note": word}).encode())[code].is_final
    part = json.dumps({"note": row.sha256[:20]}).encode()
    assert "hash" in found(shared, "counts.json", part)


@pytest.mark.parametrize("dtype", ["u1", "<i4", "<i8", "<f4", "<f8", "U", "S"])
def test_a_pseudonym_in_an_array_never_leaves(shared: RunTrial, dtype: str) -> None:
    who = her(shared)
    array = np.array([who]) if dtype == "U" else np.array([who.encode()])
    if dtype not in "US":
        array = np.frombuffer(who.encode(), np.uint8).astype(dtype)
    assert found(shared, "model.npz", npz(w=array))["pseudonym"].is_final


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"n_subjects": 3}, "small-count"),
        ({"counts": {"lung": 25, "prostate": 5}}, "small-count"),
        ({"hist": [12, 3, 15]}, "small-count"),
        ({"n": "3", "count": 4.0}, "small-count"),
        ({"epochs": 3}, "small-number"),
        ({"n_dead": 28}, "small-rest"),
        ({"max_age": 93}, "extreme"),
        ({"ages": list(range(40, 70))}, "row-per-subject"),
        ({"rows": [{"subject": 1}, {"subject": 2}]}, "row-per-subject"),
        ({"born": "1912-12-12"}, "dates"),
        ({"pnr": "191212-1212"}, "person-number"),
        ({"code": 123456789012}, "digits"),
        ({"mean": 61.23456789}, "long-decimals"),
        ({"note": "a word " * 20}, "free-text"),
        ({"blob": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU2Nzg5"}, "blob"),
    ],
)
def test_numbers_and_words_that_tell_of_few_are_found(
    shared: RunTrial, content: object, code: str
) -> None:
    assert code in found(shared, "counts.json", json.dumps(content).encode())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("cancer,n\nlung,3\nprostate,27\n", "small-count"),
        ("subject,age\n1,61\n2,63\n3,60\n", "row-per-subject"),
        ("age\n" + "61\n" * 30, "row-per-subject"),
        ("age;n\n61;12\n62\n", "format"),
        ("a,b\n1,\u200b2\n", "hidden"),
        ("a,b\n1,2" + " " * 40 + "\n", "hidden"),
    ],
)
def test_tables_of_each_subject_are_found(shared: RunTrial, text: str, code: str) -> None:
    assert code in found(shared, "counts.csv", text.encode())


@pytest.mark.parametrize(
    "raw", [b"{", b"{} {}", b'{"a":1,"a":2}', b"[NaN]", b"\xff\xfe", b"[" * 9999]
)
def test_what_is_no_json_never_leaves(shared: RunTrial, raw: bytes) -> None:
    assert found(shared, "counts.json", raw)["format"].is_final


def _zip(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return out.getvalue()


def test_an_archive_with_anything_but_plain_arrays_never_leaves(shared: RunTrial) -> None:
    plain = npz(w=np.linspace(0, 1, 5))
    assert set(found(shared, "model.npz", plain)) == {"parameters"}
    out = io.BytesIO(plain)
    with zipfile.ZipFile(out, "a") as archive:
        archive.comment = b"hidden"
    padded = bytearray(plain)
    at = padded.index(b"     \n")
    padded[at : at + 4] = b"#abc"
    for content in (
        npz(w=np.array([{"a": 1}], dtype=object)),
        npz(w=np.zeros(2, dtype=[("who", "i4")])),
        pickle.dumps({"w": 1}),
        plain + b"more",
        b"more" + plain,
        out.getvalue(),
        bytes(padded),
        _zip(w__txt=b"hello"),
        _zip(w__npy=pickle.dumps([1])),
    ):
        assert found(shared, "model.npz", content)["archive"].is_final


def test_arrays_that_are_records_or_images_are_found(shared: RunTrial) -> None:
    assert "row-per-subject" in found(shared, "model.npz", npz(w=np.zeros((30, 4))))
    assert "image" in found(shared, "model.npz", npz(w=np.zeros((64, 64))))
    assert "image" in found(shared, "model.npz", npz(w=np.zeros(64 * 64)))
    assert "whole-numbers" in found(shared, "model.npz", npz(w=np.zeros(5000, np.uint8)))
    assert "not-finite" in found(shared, "model.npz", npz(w=np.array([1.0, np.nan])))
    assert found(shared, "model.npz", npz(w=np.zeros(9)))["parameters"].severity is Severity.INFO
    many = found(shared, "model.npz", npz(w=np.zeros((7, 1000))))["parameters"]
    assert many.severity is Severity.LOOK


def test_what_the_tool_did_not_declare_and_the_permit_does_not_let_out_never_leaves(
    shared: RunTrial,
) -> None:
    run = put(shared, {"counts.json": b"{}", "notes.txt": b"hello"})
    decided = {one.name: one.decided for one in shared.airlock.release(run.use_id, by="Eva")}
    assert decided == {"counts.json": Decided.RELEASED}
    (note,) = [one for one in records_of(shared.home).outputs(run.use_id) if one.kind is None]
    assert (note.decided, note.reason) == (Decided.WITHHELD, "undeclared")
    assert ("part", "notes.txt") not in shared.told()


def test_a_kind_that_the_permit_does_not_name_never_leaves(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path, outputs=frozenset({OutputKind.AGGREGATE}))
    run = put(trial, {"model.npz": npz(w=np.zeros(3))})
    (looked,) = trial.airlock.look(run.use_id).outputs
    assert looked.inspection is not None
    assert "kind" in [one.code for one in looked.inspection.findings]
    (one,) = trial.airlock.release(run.use_id, by="Eva", despite=REASON)
    assert one.decided is Decided.PENDING and "output" in one.problem


def test_a_finding_that_stops_needs_a_reason(shared: RunTrial) -> None:
    run = put(shared, {"counts.json": b'{"n_subjects": 3}'})
    stays(shared, run, Barrier.STOP, despite="")
    stays(shared, run, Barrier.STOP, despite="because    ")
    (one,) = shared.airlock.release(run.use_id, by="Eva", despite=REASON)
    assert one.decided is Decided.RELEASED
    assert shared.told() == [("part", "counts.json"), ("released", "")]
    (kept,) = records_of(shared.home).outputs(run.use_id)
    assert (kept.by, kept.reason) == ("Eva", REASON)


def test_a_file_that_is_changed_in_the_airlock_does_not_leave(shared: RunTrial) -> None:
    run = put(shared, {"counts.json": b'{"n_subjects": 30}'})
    folder = shared.home / "airlock" / run.use_id
    path = folder / "files" / "counts.json"
    path.chmod(0o600)
    path.write_bytes(b'{"n_subjects": 31}')
    stays(shared, run, Barrier.CHANGED)
    # Nor when the findings are made to fit.
    findings = folder / "findings.json"
    body = json.loads(findings.read_bytes())
    body["outputs"][0]["sha256"] = shared.airlock.look(run.use_id).outputs[0].inspection.sha256  # type: ignore[union-attr]
    findings.chmod(0o600)
    findings.write_text(json.dumps(body), "utf-8")
    stays(shared, run, Barrier.CHANGED)
    path.unlink()
    path.symlink_to(shared.home / "node.toml")
    (one,) = shared.airlock.release(run.use_id, by="Eva", despite=REASON)
    assert one.decided is Decided.PENDING
    shown = tessera("node", "airlock", "show", shared.home, run.use_id)
    assert "not in the airlock any more" in shown.stdout


def test_nobody_and_twice_and_after_the_permit_nothing_leaves(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path)
    run = put(trial, {"counts.json": b'{"n_subjects": 30}', "model.npz": npz(w=np.zeros(3))})
    for by in ("", "  "):
        with pytest.raises(AirlockRefused, match="by name"):
            trial.airlock.release(run.use_id, by=by)
        with pytest.raises(AirlockRefused, match="by name"):
            trial.airlock.withhold(run.use_id, by=by)
    with pytest.raises(NotFound, match=r"no output \.\./node\.toml"):
        trial.airlock.release(run.use_id, ["../node.toml"], by="Eva")
    (one,) = trial.airlock.release(run.use_id, ["counts.json"], by="Eva")
    assert one.decided is Decided.RELEASED
    (again,) = trial.airlock.release(run.use_id, ["counts.json"], by="Eva")
    assert not again.is_new and "released before" in again.problem
    assert trial.told() == [("part", "counts.json")]  # the model still waits
    permit_book(trial.home).revoke_here(trial.permit.permit_id, "over", "Eva")
    with pytest.raises(PermitRefused):
        trial.airlock.release(run.use_id, by="Eva", despite=REASON)
    trial.airlock.withhold(run.use_id, by="Eva", reason="over")
    assert trial.told() == [("released", "")]  # what was let out was let out
    with pytest.raises(Conflict, match="released"):
        trial.airlock.release(run.use_id, by="Eva")


def test_after_the_permits_end_nothing_leaves(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path, ends_in=timedelta(seconds=3))
    run = put(trial, {"counts.json": b'{"n_subjects": 30}'})
    with pytest.raises(PermitRefused, match="expired"):
        for _ in range(1000):
            trial.airlock.look(run.use_id)
            late = replace(run, use_id=run.use_id)
            permit_book(trial.home).permit(late.permit_id)
    with pytest.raises(PermitRefused, match="expired"):
        trial.airlock.release(run.use_id, by="Eva")
    assert trial.told() == []


def test_withholding_is_told_without_a_reason(shared: RunTrial) -> None:
    run = put(shared, {"counts.json": b'{"n_subjects": 30}'})
    shared.told()
    done = tessera(
        "node", "airlock", "withhold", shared.home, run.use_id, "--yes", "--reason", "TES-SECRET"
    )
    assert (done.returncode, done.stdout) == (0, "counts.json: withheld\n")
    assert shared.told() == [("withheld", "")]


_ATTACK = """
import os, json
import pyarrow.parquet as pq
who = pq.read_table("/data/images/tables/patient.parquet")["subject"].to_pylist()
json.dump({"n": 30, "extra": who[0].lower()}, open("/out/counts.json", "w"))
open("/out/all.csv", "w").write("\\n".join(who))
os.symlink("/data/images/manifest.json", "/out/model.npz")
print("\\x1b[2J\\x1b]0;gotcha\\x07", who[0])
"""


@pytest.fixture
def _sandbox() -> Iterator[None]:
    needs_sandbox()
    yield


@pytest.mark.usefixtures("_sandbox")
def test_a_tool_that_tries_all_at_once_gets_nothing_out(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path, tool=made_tool(_ATTACK))
    run = trial.run()
    assert run.state is RunState.IN_AIRLOCK
    shown = tessera("node", "airlock", "show", trial.home, run.use_id[:8]).stdout
    assert "stop pseudonym (can never leave)" in shown
    assert "stop undeclared (can never leave)" in shown
    assert "\x1b" not in shown
    assert "gotcha" in shown
    done = tessera(
        "node", "airlock", "release", trial.home, run.use_id, "--yes", "--despite", REASON
    )
    assert done.returncode == 3 and "can never leave: pseudonym" in done.stderr
    told = trial.told()
    assert told[-1] == ("in-airlock", "") and not any(word == "part" for word, _ in told)
    assert "gotcha" in tessera("node", "runs", trial.home, run.use_id, "--log").stdout


@pytest.mark.usefixtures("_sandbox")
def test_a_tool_cannot_write_to_what_it_sees(tmp_path: Path) -> None:
    code = (
        "import os\n"
        "for root, _, names in os.walk('/data'):\n"
        "    for name in names:\n"
        "        try:\n"
        "            open(os.path.join(root, name), 'ab').write(b'x')\n"
        "            raise SystemExit(9)\n"
        "        except OSError:\n"
        "            pass\n" + COUNT
    )
    trial = RunTrial(tmp_path, tool=made_tool(code))
    paths = [trial.node.research / row.path for row in trial.node.index.all()]
    before = [path.read_bytes() for path in paths]
    assert trial.run().state is RunState.IN_AIRLOCK
    assert [path.read_bytes() for path in paths] == before
