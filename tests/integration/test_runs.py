"""Runs of permitted tools at a real node, in a real sandbox, up to the outbox to the hub."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from uuid import uuid4

import pyarrow.parquet as pq
import pytest

from tessera.bootstrap.node import NodeSettings
from tessera.bootstrap.opt_out import opt_out
from tessera.bootstrap.permits import permit_book
from tessera.bootstrap.runs import keep_running, records_of, run_log, runs_that_had
from tessera.bootstrap.tasks import Running, lasting
from tessera.cli import exit_codes
from tessera.domain.access.permit import PermitRefused, Reason
from tessera.domain.audit.entry import Event
from tessera.domain.errors import InvalidInput, NotFound
from tessera.domain.zones import Identified
from tessera.node.link import NodeLink
from tessera.ports.run_records import RunRecord
from tessera.wire.tasks import RunState, Task, TaskKind
from tests.integration.test_opt_out import tessera
from tests.opt_out_trial import PATIENTS, subject_of
from tests.run_trial import COUNT, IMAGES, RunTrial, made_tool, needs_sandbox

HER = PATIENTS[7]
FOREVER = "import time\nopen('/out/counts.json', 'w').write('{\"half\": 1')\ntime.sleep(600)\n"


@pytest.fixture(autouse=True)
def _sandbox() -> Iterator[None]:
    needs_sandbox()
    yield


def leftovers(trial: RunTrial) -> list[Path]:
    return [p for p in (trial.home / "runs").glob("*/data/*") if p.exists()]


def events(trial: RunTrial) -> list[Event]:
    from tessera.bootstrap.audit import entries

    return [one.event for one in entries(trial.home)]


def test_a_run_goes_from_the_use_to_the_outbox(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path)
    run = trial.run(arguments='{"n_asked": 12}')
    assert (run.state, run.detail, run.exit_code) == (RunState.IN_AIRLOCK, "", 0)
    assert leftovers(trial) == []
    assert "seen TES-" in run_log(trial.home, run.use_id)  # stays here
    told = trial.told()
    assert told == [("waiting", ""), ("running", ""), ("in-airlock", "")]
    content = trial.airlock.shelf.read(run.use_id, "counts.json")
    assert json.loads(content) == {"n_subjects": 30, "n_files": 60, "n_asked": 12}

    (one,) = trial.airlock.release(run.use_id, by="Data office")
    assert (one.name, one.decided, one.problem) == ("counts.json", "released", "")
    assert trial.told() == [("part", "counts.json"), ("released", "")]
    names = [event.event for event in events(trial)]
    assert names[-3:] == ["run-started", "run-ended", "output-released"]
    facts = events(trial)[-1].facts
    assert facts["findings_stop"] == 0 and facts["despite"] == "no" and facts["n_bytes"]


def test_inputs_come_along_when_they_are_what_was_signed(tmp_path: Path) -> None:
    code = "open('/out/counts.json','w').write(open('/inputs/model.json').read())"
    trial = RunTrial(tmp_path, tool=made_tool(code))
    run = trial.run(inputs={"model.json": b'{"n": 50}'})
    assert trial.airlock.shelf.read(run.use_id, "counts.json") == b'{"n": 50}'
    _, task = trial.task(inputs={"model.json": b"{}"}, sent={"model.json": b"[]"})
    trial.told()
    with pytest.raises(InvalidInput, match=r"model\.json is not the file"):
        trial.runs().take_up(task)
    assert trial.told() == [("refused", "invalid-input")]


def test_a_use_by_somebody_else_is_refused_with_a_word(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path)
    use_id, task = trial.task(by=trial.hub)
    with pytest.raises(PermitRefused):
        trial.runs().take_up(task)
    assert trial.told() == [("refused", Reason.OTHER_PERSON.value)]
    assert all(one.use_id != use_id for one in records_of(trial.home).all())


def test_the_same_task_again_is_one_run_and_a_replay_changes_nothing(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path)
    _, task = trial.task()
    runs = trial.runs()
    runs.take_up(task)
    runs.take_up(task)
    replayed = Task(task_id="6f0c5a52-6a63-4a8e-9a43-6a7e6c2d0001", kind="use", body=task.body)
    with pytest.raises(PermitRefused):
        runs.take_up(replayed)
    assert len(records_of(trial.home).all()) == 1
    assert trial.told() == [("waiting", "")]


def test_a_permit_revoked_in_the_middle_stops_the_run_within_seconds(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path, tool=made_tool(FOREVER))
    use_id, task = trial.task()
    with trial.working() as runs:
        runs.take_up(task)
        trial.wait(use_id, lambda one: one.state is RunState.RUNNING)
        time.sleep(1.5)
        begun = time.monotonic()
        permit_book(trial.home).revoke_here(trial.permit.permit_id, "over", "Data office")
        run = trial.wait(use_id, lambda one: one.state is not RunState.RUNNING)
        assert time.monotonic() - begun < 15
    assert (run.state, run.detail) == (RunState.STOPPED, "revoked")
    assert trial.told()[-1] == ("stopped", "revoked")
    assert not trial.airlock.shelf.has(use_id) and leftovers(trial) == []


def test_a_permit_that_runs_out_stops_the_run(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path, tool=made_tool(FOREVER), ends_in=timedelta(seconds=8))
    use_id, task = trial.task()
    with trial.working() as runs:
        runs.take_up(task)
        run = trial.wait(use_id, lambda one: one.state is RunState.STOPPED)
    assert run.detail == "expired"


def test_a_run_that_waits_when_its_permit_ends_is_refused(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path)
    use_id, task = trial.task()
    trial.runs().take_up(task)
    permit_book(trial.home).revoke_here(trial.permit.permit_id, "over", "Data office")
    with trial.working():
        run = trial.wait(use_id, lambda one: one.state is not RunState.WAITING)
        run = trial.wait(use_id, lambda one: one.state is not RunState.RUNNING)
    assert (run.state, run.detail) == (RunState.REFUSED, "revoked")


def test_the_person_stops_a_run_that_waits_and_one_that_runs(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path, tool=made_tool(FOREVER))
    (first, task), (second, behind) = trial.task(), trial.task()
    with trial.working() as runs:
        runs.take_up(task)
        runs.take_up(behind)
        trial.wait(first, lambda one: one.state is RunState.RUNNING)
        assert runs.stop(second)
        assert trial.record(second).state is RunState.STOPPED
        while not runs._running:
            time.sleep(0.01)
        assert runs.stop(first) and not runs.stop("6f0c5a52-6a63-4a8e-9a43-6a7e6c2d0001")
        run = trial.wait(first, lambda one: one.state is RunState.STOPPED)
    assert run.detail == "person"


@pytest.mark.parametrize(
    ("code", "limits", "detail"),
    [
        ("import sys\nprint('TES-SECRET')\nsys.exit(7)", "", "exit"),
        ("raise ValueError('TES-SECRET')", "", "exit"),
        ("pass", "", "no-output"),
        ("open('/out/other.txt','w').write('x')", "", "no-output"),
        ("import time\ntime.sleep(60)", "[limits]\nseconds = 2\n", "too-long"),
    ],
)
def test_of_a_failure_the_hub_gets_a_fixed_word_and_no_text(
    tmp_path: Path, code: str, limits: str, detail: str
) -> None:
    trial = RunTrial(tmp_path, tool=made_tool(code, limits=limits))
    run = trial.run()
    assert (run.state, run.detail) == (RunState.FAILED, detail)
    told = trial.told()
    assert told[-1] == ("failed", detail) and "SECRET" not in repr(told)
    assert not trial.airlock.shelf.has(run.use_id)


def test_the_node_limits_a_tool_that_asks_for_more(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path, tool=made_tool(FOREVER, limits="[limits]\nseconds = 80000\n"))
    settings = replace(NodeSettings.load(trial.home), run_seconds=2)
    (trial.home / "node.toml").write_text(settings.to_toml(), "utf-8")
    assert trial.run().detail == "too-long"


def test_who_opts_out_between_two_runs_is_absent_from_the_second(tmp_path: Path) -> None:
    code = COUNT.replace('"n_files": files', '"n_files": files, "all": walk()').replace(
        "asked =",
        "def walk():\n"
        "    tables = {t: pq.read_table(f'{folder}/tables/{t}.parquet').to_pylist() for t in\n"
        "              ('patient','condition','study','series','instance')}\n"
        "    names = sorted(n for _, _, ns in os.walk(f'{folder}/instances') for n in ns)\n"
        "    return repr(tables) + repr(names)\n"
        "asked =",
    )
    trial = RunTrial(tmp_path, tool=made_tool(code))
    her = subject_of(trial.node, HER)
    first = trial.run()
    opt_out(trial.home, [Identified(HER)])
    second = trial.run()
    seen = [
        json.loads(trial.airlock.shelf.read(one.use_id, "counts.json")) for one in (first, second)
    ]
    assert [one["n_subjects"] for one in seen] == [30, 29]
    assert [one["n_files"] for one in seen] == [60, 58]
    for word in (her, "2.25.1007"):
        assert word in seen[0]["all"] and word not in seen[1]["all"]
    (had,) = runs_that_had(trial.home, [her])
    assert (had.run.use_id, had.datasets, had.n_released) == (first.use_id, ((IMAGES, 1),), 0)
    assert trial.airlock.look(first.use_id).opted_out == {her}
    assert trial.airlock.look(second.use_id).opted_out == frozenset()
    source = trial.node.research / "datasets" / "images" / "v1"
    assert pq.read_table(source / "patient.parquet").num_rows == 30


def test_who_opts_out_during_a_run_is_out_of_it_when_it_begins_again(tmp_path: Path) -> None:
    code = (
        "import json, time, pyarrow.parquet as pq\n"
        "n = pq.read_table('/data/images/tables/patient.parquet').num_rows\n"
        "time.sleep(600 if n == 30 else 0)\n"
        "json.dump({'n_subjects': n}, open('/out/counts.json', 'w'))\n"
    )
    trial = RunTrial(tmp_path, tool=made_tool(code))
    use_id, task = trial.task()
    with trial.working() as runs:
        runs.take_up(task)
        trial.wait(use_id, lambda one: one.state is RunState.RUNNING)
        time.sleep(1.5)
        opt_out(trial.home, [Identified(HER)])
        run = trial.wait(use_id, lambda one: one.state is RunState.IN_AIRLOCK)
    assert json.loads(trial.airlock.shelf.read(use_id, "counts.json")) == {"n_subjects": 29}
    assert run.attempts == 1


_NODE = """
import sys
from pathlib import Path
from tessera.bootstrap.permits import permit_book, reports_of
from tessera.bootstrap.runs import runs_of
home = Path(sys.argv[1])
runs_of(home, permit_book(home), reports_of(home)).work()
"""


def killed_in_the_middle(trial: RunTrial, use_id: str, mark: str) -> RunRecord:
    node = subprocess.Popen([sys.executable, "-c", _NODE, str(trial.home)])
    try:
        trial.wait(use_id, lambda one: one.state is RunState.RUNNING)
        end = time.monotonic() + 20
        while not (inside := sandboxed(mark)) and time.monotonic() < end:
            time.sleep(0.1)
        assert inside
    finally:
        os.kill(node.pid, signal.SIGKILL)
        node.wait()
    end = time.monotonic() + 5
    while inside & sandboxed(mark) and time.monotonic() < end:
        time.sleep(0.05)
    assert not inside & sandboxed(mark)  # the tool has died with the node
    return trial.record(use_id)


def sandboxed(mark: str) -> set[int]:
    """Return the processes that were given `mark` in their tool's arguments."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "environ").read_bytes():
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def test_a_killed_node_runs_it_again_from_the_start_once_and_then_gives_up(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path, tool=made_tool(FOREVER))
    mark = str(uuid4())
    use_id, task = trial.task(arguments=json.dumps({"mark": mark}))
    trial.runs().take_up(task)
    for attempt in (1, 2):
        run = killed_in_the_middle(trial, use_id, mark)
        assert (run.state, run.attempts) == (RunState.RUNNING, attempt)
        assert not trial.airlock.shelf.has(use_id)
    with trial.working():
        run = trial.wait(use_id, lambda one: one.state is not RunState.RUNNING)
    assert (run.state, run.detail) == (RunState.FAILED, "interrupted")
    assert leftovers(trial) == []
    assert trial.told()[-1] == ("failed", "interrupted")


def test_a_node_that_is_stopped_begins_the_run_again_and_that_is_no_attempt(
    tmp_path: Path,
) -> None:
    trial = RunTrial(tmp_path, tool=made_tool(FOREVER))
    use_id, task = trial.task()
    with trial.working() as runs:
        runs.take_up(task)
        trial.wait(use_id, lambda one: one.state is RunState.RUNNING)
    run = trial.record(use_id)
    assert (run.state, run.attempts) == (RunState.WAITING, 0)


def test_the_running_node_takes_tasks_up_and_ends_cleanly(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path, tool=made_tool(FOREVER))
    mark = str(uuid4())
    use_id, task = trial.task(arguments=json.dumps({"mark": mark}))

    async def node() -> None:
        running = Running.of(trial.home, cast("NodeLink", None))
        handlers = lasting(running)
        working = asyncio.ensure_future(keep_running(running.runs))
        await handlers[TaskKind.USE](task)
        while not running.runs._running:
            await asyncio.sleep(0.02)
        with pytest.raises(NotFound):
            await handlers[TaskKind.STOP](replace(task, body={"use_id": str(task.task_id)}))
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    asyncio.run(node())
    assert trial.record(use_id).state is RunState.WAITING
    assert not sandboxed(mark) and leftovers(trial) == []


def test_the_commands_list_show_and_let_out(tmp_path: Path) -> None:
    trial = RunTrial(tmp_path)
    run = trial.run()
    start = run.use_id[:6]
    listed = json.loads(tessera("node", "airlock", "list", trial.home, "--json").stdout)
    assert [one["use_id"] for one in listed] == [run.use_id]
    shown = tessera("node", "airlock", "show", trial.home, start).stdout
    assert '"n_subjects": 30' in shown and "seen TES-" in shown and "no finding" in shown
    assert str(trial.home / "airlock" / run.use_id / "files") in shown
    asked = tessera("node", "airlock", "release", trial.home, start)
    assert (asked.returncode, trial.record(run.use_id).state) == (2, RunState.IN_AIRLOCK)
    done = tessera("node", "airlock", "release", trial.home, start, "--yes", "--by", "Eva Ek")
    assert (done.returncode, done.stdout) == (0, "counts.json: released\n")
    again = tessera("node", "airlock", "release", trial.home, start, "--yes")
    assert again.returncode == exit_codes.FAILED and "released" in again.stderr
    (one,) = json.loads(tessera("node", "runs", trial.home, "--json").stdout)
    assert (one["state"], one["person"]) == ("released", "Anna Berg, Uppsala")
    log = tessera("node", "runs", trial.home, start, "--log")
    assert log.stdout.startswith("seen TES-")
    (output,) = records_of(trial.home).outputs(run.use_id)
    assert (output.by, output.decided) == ("Eva Ek", "released")
    assert output.at is not None and output.at <= datetime.now(UTC)


def test_the_opt_out_report_names_versions_runs_and_models(tmp_path: Path) -> None:
    code = (
        "import json, numpy as np\n"
        "np.savez('/out/model.npz', w=np.linspace(0, 1, 7))\n"
        "json.dump({'n_subjects': 30}, open('/out/counts.json', 'w'))\n"
    )
    trial = RunTrial(tmp_path, tool=made_tool(code))
    run = trial.run()
    assert {one.decided for one in trial.airlock.release(run.use_id, by="Eva")} == {"released"}
    done = tessera("node", "opt-out", "add", trial.home, "-", given=HER)
    assert "was in: run" in done.stdout and "model.npz" in done.stdout, done.stdout
    her = subject_of(trial.node, HER)
    again = json.loads(
        tessera("node", "opt-out", "add", trial.home, "-", "--json", given=HER).stdout
    )
    (had,) = again["runs"]
    assert (had["use_id"], had["subjects"], had["models"]) == (run.use_id, [her], ["model.npz"])
    assert (had["action"], had["released"], had["state"]) == ("run", 2, "released")
