"""Attacks on runs at a node: opt-outs at bad moments, lost stops, leftovers, floods, kills."""

import json
import os
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from tessera.adapters.access_runs import FolderViews
from tessera.bootstrap.node import NodeSettings
from tessera.bootstrap.opt_out import opt_out
from tessera.bootstrap.permits import permit_book
from tessera.bootstrap.runs import records_of
from tessera.domain.errors import InvalidInput, TesseraError, Unavailable
from tessera.domain.zones import Identified
from tessera.ports.run_records import Decided, RunRecord
from tessera.ports.sandbox import Sandbox, SandboxRequest, SandboxResult, SandboxRun
from tessera.wire.tasks import RunState
from tests.opt_out_trial import PATIENTS, subject_of
from tests.run_trial import IMAGES, RunTrial, made_tool, needs_sandbox

HER = PATIENTS[7]
SLEEPS = (
    "import json, time, pyarrow.parquet as pq\n"
    "n = pq.read_table('/data/images/tables/patient.parquet').num_rows\n"
    "time.sleep({seconds} if n == 30 else {later})\n"
    "json.dump({{'n_subjects': n}}, open('/out/counts.json', 'w'))\n"
)


@pytest.fixture(autouse=True)
def _sandbox() -> Iterator[None]:
    needs_sandbox()
    yield


def left(trial: RunTrial) -> list[str]:
    """Return what lies in HOME/runs of data and inputs."""
    folder = trial.home / "runs"
    return sorted(
        str(path.relative_to(folder))
        for name in ("data", "inputs")
        for path in folder.glob(f"*/{name}")
    )


def test_a_run_that_begins_again_without_her_may_take_its_time(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path, tool=made_tool(SLEEPS.format(seconds=600, later=3)))
    use_id, task = trial.task()
    with trial.working() as runs:
        runs.take_up(task)
        trial.wait(use_id, lambda one: one.state is RunState.RUNNING)
        time.sleep(1.5)
        opt_out(trial.home, [Identified(HER)])
        trial.wait(use_id, lambda one: one.state is RunState.IN_AIRLOCK, 20)
    assert json.loads(trial.airlock.shelf.read(use_id, "counts.json")) == {"n_subjects": 29}
    assert [state for state, _ in trial.told()].count("running") == 2


def late(trial: RunTrial, act: Callable[[], object]) -> RunRecord:
    """Do a run; `act` once, when the tool has ended and before its outputs are taken."""
    plain = trial.runs()
    acts = iter([act])

    def start(request: SandboxRequest) -> SandboxRun:
        run = plain.sandbox.start(request)
        wait = run.wait

        def waited() -> SandboxResult:
            result = wait()
            next(acts, lambda: None)()
            return result

        run.wait = waited  # type: ignore[method-assign]
        return run

    runs = replace(plain, sandbox=cast("Sandbox", SimpleNamespace(start=start)))
    use_id, task = trial.task()
    thread = threading.Thread(target=runs.work)
    thread.start()
    try:
        runs.take_up(task)
        return trial.wait(use_id, lambda one: one.state not in (RunState.WAITING, RunState.RUNNING))
    finally:
        runs.close()
        thread.join(30)


def test_who_opts_out_in_the_last_moment_is_in_nothing_that_comes_out(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path)
    run = late(trial, lambda: opt_out(trial.home, [Identified(HER)]))
    assert run.state is RunState.IN_AIRLOCK
    told = json.loads(trial.airlock.shelf.read(run.use_id, "counts.json"))
    assert told["n_subjects"] == 29


def test_a_permit_that_is_revoked_in_the_last_moment_brings_nothing_out(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path)
    book = permit_book(trial.home)
    run = late(trial, lambda: book.revoke_here(trial.permit.permit_id, "over", "Eva"))
    assert (run.state, run.detail) == (RunState.STOPPED, "revoked")
    assert not trial.airlock.shelf.has(run.use_id)


def test_who_is_left_after_many_opted_out_is_counted_and_not_who_was_there(tmp_path: Path) -> None:
    """The first attempt saw 30; in the second, whose outputs these are, only 3 are left."""
    trial = RunTrial(tmp_path, tool=made_tool(SLEEPS.format(seconds=600, later=0)))
    use_id, task = trial.task()
    with trial.working() as runs:
        runs.take_up(task)
        trial.wait(use_id, lambda one: one.state is RunState.RUNNING)
        opt_out(trial.home, [Identified(one) for one in PATIENTS[:27]])
        trial.wait(use_id, lambda one: one.state is RunState.IN_AIRLOCK)
    (one,) = trial.airlock.look(use_id).outputs
    assert one.inspection is not None
    assert "few-subjects" in {finding.code for finding in one.inspection.findings}


class SlowViews(FolderViews):
    """Takes its time, as with many instances."""

    def make(self, into: Path, *given: Any, **named: Any) -> Any:
        made = super().make(into, *given, **named)
        time.sleep(2)
        return made


def test_a_stop_while_the_view_is_made_stops(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path, tool=made_tool(SLEEPS.format(seconds=5, later=5)))
    use_id, task = trial.task()
    plain = trial.runs()
    slow = SlowViews(trial.node.research)
    views = replace(plain.views, maker=slow)
    runs = replace(plain, views=views, airlock=replace(plain.airlock, views=views))
    thread = threading.Thread(target=runs.work)
    thread.start()
    try:
        runs.take_up(task)
        trial.wait(use_id, lambda one: one.state is RunState.RUNNING)
        assert runs.stop(use_id)
        run = trial.wait(use_id, lambda one: one.state is not RunState.RUNNING)
    finally:
        runs.close()
        thread.join(30)
    assert (run.state, run.detail) == (RunState.STOPPED, "person")


def mounted(folder: Path, options: str) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    return done.returncode == 0


def patiently(trial: RunTrial, use_id: str) -> RunRecord:
    """Return a run that has ended; while the disk is full the records cannot even be read."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with suppress(Unavailable):
            run = trial.record(use_id)
            if run.state not in (RunState.WAITING, RunState.RUNNING):
                return run
        time.sleep(0.05)
    raise AssertionError("it does not end")


def test_a_full_disk_leaves_no_view_behind(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path)
    runs = trial.home / "runs"
    if not mounted(runs, "size=400k"):
        pytest.skip("nothing can be mounted here")
    try:
        use_id, task = trial.task()
        with trial.working() as working:
            working.take_up(task)
            run = patiently(trial, use_id)
        assert run.state is RunState.FAILED
        assert left(trial) == []
        assert not (runs / run.use_id / "data").exists()
        assert trial.told()[-1][0] == "failed"
    finally:
        subprocess.run(["umount", "-l", str(runs)], check=True)


def test_a_damaged_audit_log_leaves_no_view_behind(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path)
    use_id, task = trial.task()
    trial.runs().take_up(task)
    log = trial.home / "audit" / "log.jsonl"
    log.write_bytes(b"\n".join(log.read_bytes().split(b"\n")[:-2]) + b"\n")
    with trial.working():
        run = trial.wait(use_id, lambda one: one.state not in (RunState.WAITING, RunState.RUNNING))
    assert run.state is RunState.FAILED
    assert left(trial) == []
    assert trial.told()[-1][0] == "failed"


def test_inputs_that_are_not_what_was_signed_leave_nothing(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path)
    given = {"a.npz": b"right", "b.npz": b"right too"}
    _, task = trial.task(inputs=given, sent={**given, "b.npz": b"other"})
    with pytest.raises(InvalidInput):
        trial.runs().take_up(task)
    assert left(trial) == []
    assert trial.told() == [("refused", "invalid-input")]


def test_what_an_earlier_process_left_is_swept_and_the_hub_learns_the_end(tmp_path: Path) -> None:
    """As after a kill between the record and the report, or the removal of inputs."""
    trial = RunTrial(tmp_path)
    run = trial.run(inputs={"model.npz": b"m"})
    trial.told()
    records = records_of(trial.home)
    ended = replace(run, state=RunState.FAILED, detail="exit", ended_at=datetime.now(UTC))
    assert records.change(ended, was=run.state)
    for name in ("data/images", "inputs"):
        (trial.home / "runs" / run.use_id / name).mkdir(parents=True)
    (trial.home / "airlock" / f".part-{run.use_id}" / "files").mkdir(parents=True)
    trial.runs().recover()
    assert left(trial) == []
    assert not list((trial.home / "airlock").glob(".part-*"))
    assert trial.told() == [("failed", "exit")]


def test_an_exit_code_is_no_way_out(tmp_path: Path) -> None:
    code = "import json, os, sys\nsys.exit(json.loads(os.environ['TESSERA_ARGUMENTS'])['code'])\n"
    trial = RunTrial(tmp_path, tool=made_tool(code))
    runs = [trial.run(arguments=json.dumps({"code": number})) for number in (1, 77, 255)]
    assert [run.exit_code for run in runs] == [1, 77, 255]  # known here
    said = {state for state in trial.told() if state[0] == "failed"}
    assert len(said) == 1


def test_a_permit_is_good_for_so_many_runs_a_day(tmp_path: Path) -> None:
    """A bit by each of a thousand runs is a way out, and so are a thousand small differences."""
    trial = RunTrial(tmp_path)
    settings = replace(NodeSettings.load(trial.home), runs_a_day=3)
    (trial.home / "node.toml").write_text(settings.to_toml(), "utf-8")
    runs = trial.runs()
    for _ in range(3):
        runs.take_up(trial.task()[1])
    _, task = trial.task()
    with pytest.raises(TesseraError) as caught:
        runs.take_up(task)
    assert caught.value.code == "too-many-runs"
    assert len(records_of(trial.home).all()) == 3
    assert trial.told()[-1] == ("refused", "too-many-runs")


def test_everything_in_the_home_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        trial = RunTrial(tmp_path)
        run = trial.run(inputs={"model.npz": b"m"})
        trial.airlock.release(run.use_id, by="Eva")
    finally:
        os.umask(before)
    for top in ("runs", "airlock", "access"):
        for path in ((trial.home / top), *(trial.home / top).rglob("*")):
            mode = stat.S_IMODE(path.lstat().st_mode)
            is_of_tool = path.parent.name == "tools" or "tools" in path.parts
            assert not mode & (0o022 if is_of_tool else 0o077), f"{path} {mode:o}"


def test_who_was_in_a_run_is_not_forgotten_with_an_emptied_file(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path)
    trial.run()
    path = trial.home / "runs" / "runs.sqlite"
    for name in ("runs.sqlite-wal", "runs.sqlite-shm"):
        (path.parent / name).unlink(missing_ok=True)
    os.truncate(path, 0)
    records = records_of(trial.home)
    with pytest.raises(Unavailable):
        records.all()
    with pytest.raises(Unavailable):
        records.put_subjects(str(uuid4()), IMAGES, 1, [subject_of(trial.node, HER)])


def test_nothing_that_names_a_patient_is_written_anywhere(tmp_path: Path) -> None:
    code = (
        "import json, os\n"
        "for root, _, names in os.walk('/data'):\n"
        "    for name in names:\n"
        "        print(name, open(os.path.join(root, name), 'rb').read()[:300])\n"
        "json.dump({'n': 30}, open('/out/counts.json', 'w'))\n"
    )
    trial = RunTrial(tmp_path, tool=made_tool(code))
    run = trial.run()
    trial.airlock.release(run.use_id, by="Eva")
    her = str(subject_of(trial.node, HER))
    for top in ("runs", "airlock", "access", "audit"):
        for path in (trial.home / top).rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert HER.encode() not in content, path
                assert top in ("runs",) or her.encode() not in content, path


def test_two_who_release_at_once_release_once(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path)
    run = trial.run()
    trial.told()
    decided: list[bool] = []
    gate = threading.Barrier(4)

    def release() -> None:
        gate.wait()
        try:
            decided.extend(one.is_new for one in trial.airlock.release(run.use_id, by="Eva"))
        except TesseraError:
            decided.append(False)

    threads = [threading.Thread(target=release) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(decided) == [False, False, False, True]
    assert [state for state, _ in trial.told()] == ["part", "released"]


def test_outputs_that_are_gone_from_the_airlock_can_still_be_withheld(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path)
    run = trial.run()
    shutil.rmtree(trial.home / "airlock")
    (one,) = trial.airlock.release(run.use_id, by="Eva")
    assert one.decided == "pending" and one.problem
    (one,) = trial.airlock.withhold(run.use_id, by="Eva")
    assert one.decided == "withheld"
    assert trial.record(run.use_id).state is RunState.WITHHELD


TAMPERS = """
import ctypes, json, mmap, os, glob
done = []
def attempt(name, act):
    try:
        act()
        done.append(name)
    except BaseException:
        pass
libc = ctypes.CDLL(None, use_errno=True)
def checked(result):
    if result != 0:
        raise OSError
paths = glob.glob("/data/images/instances/*/*") + glob.glob("/data/images/tables/*")
for path in [*paths[:3], "/data/images/tables/patient.parquet", "/inputs/model.npz"]:
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC, os.O_WRONLY | os.O_APPEND):
        attempt("open", lambda: os.open(path, flags))
        attempt("proc", lambda: os.open("/proc/self/root" + path, flags))
    attempt("chmod", lambda: os.chmod(path, 0o777))
    attempt("chown", lambda: os.chown(path, os.getuid(), os.getgid()))
    attempt("utime", lambda: os.utime(path, (1, 1)))
    attempt("truncate", lambda: os.truncate(path, 0))
    attempt("unlink", lambda: os.unlink(path))
    attempt("rename", lambda: os.rename(path, path + "x"))
    attempt("link", lambda: os.link(path, "/out/counts.json"))
    attempt("link2", lambda: os.link(path, os.path.dirname(path) + "/x"))
    attempt("xattr", lambda: os.setxattr(path, "user.a", b"a"))
    fd = os.open(path, os.O_RDONLY)
    attempt("refd", lambda: os.open(f"/proc/self/fd/{fd}", os.O_RDWR))
    attempt("fchmod", lambda: os.fchmod(fd, 0o666))
    attempt("mmap", lambda: mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_WRITE))
    attempt("new", lambda: open(os.path.dirname(path) + "/new", "w"))
attempt("remount", lambda: checked(libc.mount(b"none", b"/data", None, 32 | 4096, None)))
attempt("unmount", lambda: checked(libc.umount2(b"/data", 2)))
attempt("symlink", lambda: os.symlink("/data/images/manifest.json", "/out/model.npz"))
attempt("runs", lambda: os.listdir("/data/../../runs"))
others = [p for p in os.listdir("/data") if p != "images"]
if "symlink" in done:
    done.remove("symlink")
json.dump({"done": sorted(set(done)), "others": others}, open("/out/counts.json", "w"))
"""


def test_nothing_that_a_tool_does_to_its_view_reaches_the_store(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path, tool=made_tool(TAMPERS))
    store = [path for path in trial.node.research.rglob("*") if path.is_file()]

    def state() -> list[object]:
        return [
            (
                path,
                found.st_mode,
                found.st_uid,
                found.st_mtime_ns,
                found.st_nlink,
                path.read_bytes(),
            )
            for path in store
            for found in [path.stat()]
        ]

    before = state()
    run = trial.run(inputs={"model.npz": b"m"})
    assert run.state is RunState.IN_AIRLOCK, run.detail
    told = json.loads(trial.airlock.shelf.read(run.use_id, "counts.json"))
    assert told == {"done": [], "others": []}
    assert [one.record.name for one in trial.airlock.look(run.use_id).outputs] == ["counts.json"]
    assert state() == before
    assert left(trial) == []


def test_a_killed_release_is_told_at_the_next_start(tmp_path: Path) -> None:
    """All is decided and delivered, and the node is killed before the hub was told so."""
    trial = RunTrial(tmp_path)
    run = trial.run()
    airlock = trial.airlock
    (record,) = airlock.records.outputs(run.use_id)
    done = replace(record, decided=Decided.RELEASED, by="Eva", at=datetime.now(UTC))
    airlock.records.put_outputs(run.use_id, [done])
    trial.told()
    trial.runs().recover()
    assert trial.record(run.use_id).state is RunState.RELEASED
    assert trial.told() == [("released", "")]
    trial.runs().recover()
    assert trial.told() == [("released", "")]  # again, which the hub passes over
