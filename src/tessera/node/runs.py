"""Use case: take up a run that a permit allows, do it in the sandbox, bring its outputs to the
airlock. What is told to the hub is a state and a fixed word, never what the tool says.
"""

import logging
import threading
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from tessera.domain.access.permit import Action, Permit, PermitRefused
from tessera.domain.access.run import MAX_ATTEMPTS, check_number, least_limits
from tessera.domain.access.tool import Entry, Limits, OutputKind, ToolBundle
from tessera.domain.audit import events
from tessera.domain.errors import InvalidInput, TesseraError, Unavailable
from tessera.domain.ids import DatasetId, Pseudonym
from tessera.node.airlock import Airlock
from tessera.node.permits import CheckedUse
from tessera.node.supervise import Supervised
from tessera.node.uses import claimed_use
from tessera.node.view import Views
from tessera.ports.run_records import Decided, RunRecord, RunRecords
from tessera.ports.sandbox import Ended, Sandbox, SandboxRequest, SandboxResult
from tessera.wire import fields
from tessera.wire.tasks import RunState, Task

_log = logging.getLogger(__name__)
PERSON: Final = "person"
"""Why a run was stopped: who asked for it asked to stop it."""
OPT_OUT: Final = "opt-out"
"""Somebody in the run opted out: it is begun again without her."""
NODE_ENDS: Final = "node-ends"
EXIT: Final = "exit"
"""The tool ended with an error. Not which: 256 codes would be a way out past the airlock."""
_MAX_INPUT_BYTES: Final = 500_000_000
_TOLD_AGAIN: Final = timedelta(days=30)
"""Where a run stands is told anew after a start: a kill may have come before it was."""
_PAUSE_S: Final = 5.0
"""After a fault of the records, until they are asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Every method may be called from several threads. One process of a node does runs."""

    home: Path
    airlock: Airlock
    views: Views
    sandbox: Sandbox
    allowed: Limits
    at_once: int = 1
    a_day: int = 100
    """Runs of one permit in 24 hours."""
    _wake: threading.Condition = field(init=False, default_factory=threading.Condition)
    _running: dict[str, Supervised] = field(init=False, default_factory=dict)
    _to_stop: set[str] = field(init=False, default_factory=set)
    """Runs whose person has asked to stop them, wherever they stand at that moment."""
    _ending: threading.Event = field(init=False, default_factory=threading.Event)

    @property
    def records(self) -> RunRecords:
        return self.airlock.records

    def take_up(self, task: Task) -> None:
        """Write down a run that the permit allows; it is begun as soon as there is room.

        The same task again changes nothing. Raises PermitRefused, TooManyRuns, InvalidInput;
        the hub has been told then.
        """
        token = fields.text(task.body, "token")
        use_id = claimed_use(token).use_id
        known = self.records.all()
        is_new = all(one.use_id != use_id for one in known)
        try:
            checked = self.airlock.book.check(token, Action.RUN, task_id=task.task_id)
            if not is_new:
                return
            tool = self.airlock.book.tool(checked.use.tool)
            if Entry.RUN not in tool.entries:
                raise InvalidInput(f"tool {tool.name} has no entry run")
            self._check_number(checked, known)
            self._write_inputs(checked, task)
        except Unavailable:
            raise
        except TesseraError as err:
            word = err.reason.value if isinstance(err, PermitRefused) else err.code
            if is_new:
                self.views.maker.remove(self._folder(use_id) / "inputs")
                self.airlock.reports.run_state(use_id, RunState.REFUSED, word)
            raise
        record = RunRecord(
            use_id=checked.use.use_id,
            action=Action.RUN.value,
            permit_id=checked.permit.permit_id,
            person=f"{checked.person.name}, {checked.person.organisation}",
            tool=checked.use.tool,
            datasets=checked.use.datasets,
            taken_at=self.airlock.clock.now(),
            task_id=task.task_id,
            arguments=checked.use.arguments,
            has_inputs=bool(checked.use.inputs),
        )
        if self.records.add(record):
            self.airlock.reports.run_state(record.use_id, RunState.WAITING)
        with self._wake:
            self._wake.notify_all()

    def stop(self, use_id: str) -> bool:
        """Stop a run because its person asks; False when no such run is here."""
        for run in self.records.all():
            if run.use_id == use_id and run.action == Action.RUN:
                break
        else:
            return False
        if run.state in (RunState.WAITING, RunState.RUNNING):
            self._to_stop.add(use_id)  # seen also by a run that is only about to begin
            if (supervised := self._running.get(use_id)) is not None:
                supervised.stop(PERSON)
            elif run.state is RunState.WAITING:
                self._end(run, RunState.STOPPED, PERSON, was=RunState.WAITING)
        return True

    def recover(self) -> None:
        """Bring runs that a kill broke off to where they can go on. Call before `work`."""
        runs = [run for run in self.records.all() if run.action == Action.RUN]
        self.airlock.recover(runs, since=self.airlock.clock.now() - _TOLD_AGAIN)
        for run in runs:
            self.views.remove(run.use_id)
            if run.state not in (RunState.WAITING, RunState.RUNNING):
                self.views.maker.remove(self._folder(run.use_id) / "inputs")
            if run.state is not RunState.RUNNING:
                continue
            if self.airlock.shelf.has(run.use_id):
                self._end(run, RunState.IN_AIRLOCK, "")
            elif run.attempts >= MAX_ATTEMPTS:
                self._end(run, RunState.FAILED, "interrupted")
            else:
                self._again(run)

    def work(self) -> None:
        """Do waiting runs, `at_once` at a time, until `close`."""
        self.recover()
        threads = [
            threading.Thread(target=self._work, name=f"run-{number}", daemon=True)
            for number in range(self.at_once)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def close(self) -> None:
        """Stop what runs; it is begun again when the node starts next."""
        self._ending.set()
        for supervised in list(self._running.values()):
            supervised.stop(NODE_ENDS)
        with self._wake:
            self._wake.notify_all()

    def runs_with(self, subjects: Collection[Pseudonym]) -> tuple["RunWith", ...]:
        """Return which runs, trainings and released models had any of these, the oldest first."""
        return runs_with(self.records, subjects)

    def _work(self) -> None:
        while not self._ending.is_set():
            try:
                run = self._next()
            except Exception:  # this thread must outlive a full disk
                _log.exception("the runs cannot be read; trying again in %.0f s", _PAUSE_S)
                self._ending.wait(_PAUSE_S)
                continue
            if run is None:
                with self._wake:
                    self._wake.wait(timeout=1.0)
                continue
            try:
                self._do(run)
            except Exception:
                _log.exception("run %s", run.use_id)
                self.views.remove(run.use_id)
                with suppress(TesseraError):  # the records themselves: `recover` sees to it
                    self._end(run, RunState.FAILED, TesseraError.code)

    def _next(self) -> RunRecord | None:
        for run in self.records.all():
            if run.action == Action.RUN and run.state is RunState.WAITING:
                now = self.airlock.clock.now()
                begun = replace(
                    run, state=RunState.RUNNING, attempts=run.attempts + 1, started_at=now
                )
                if self.records.change(begun, was=RunState.WAITING):
                    return begun
        return None

    def _do(self, run: RunRecord) -> None:
        book = self.airlock.book
        try:
            permit = book.permit(run.permit_id)
            tool = book.tool(run.tool)
            view = self.views.make(run.use_id, permit, run.datasets)
            request = self._request(run, tool, view.folder)
        except PermitRefused as err:
            self.views.remove(run.use_id)
            self._end(run, RunState.REFUSED, err.reason.value)
            return
        except TesseraError as err:
            _log.error("run %s cannot begin: %s", run.use_id, err)
            self.views.remove(run.use_id)
            self._end(run, RunState.FAILED, err.code)
            return
        told = events.run_started(run.use_id, run.permit_id, run.tool)
        self.airlock.audit.append(told, self.airlock.clock.now())
        self.airlock.reports.run_state(run.use_id, RunState.RUNNING)
        try:
            result, reason = self._supervise(run, request)
        except TesseraError as err:
            _log.error("run %s: %s", run.use_id, err)
            self._end(run, RunState.FAILED, err.code)
            return
        finally:
            self.views.remove(run.use_id)
        self._write_log(run, result)
        self._conclude(run, tool, permit, result, reason)

    def _supervise(self, run: RunRecord, request: SandboxRequest) -> tuple[SandboxResult, str]:
        supervised = Supervised(self.sandbox.start(request), lambda: self._why_not(run))
        self._running[run.use_id] = supervised
        try:
            if self._ending.is_set():
                supervised.stop(NODE_ENDS)
            if run.use_id in self._to_stop:
                supervised.stop(PERSON)
            result = supervised.wait()
            # Asked once more: it may have ended between two questions.
            return result, supervised.reason or self._why_not(run)
        finally:
            del self._running[run.use_id]

    def _why_not(self, run: RunRecord) -> str:
        if (reason := self.airlock.book.still_allowed(run.permit_id)) is not None:
            return reason.value
        return OPT_OUT if self.views.opted_out(run.use_id) else ""

    def _conclude(
        self,
        run: RunRecord,
        tool: ToolBundle,
        permit: Permit,
        result: SandboxResult,
        reason: str,
    ) -> None:
        run = replace(run, exit_code=result.exit_code)
        is_stopped = result.ended is Ended.STOPPED or bool(reason)
        if is_stopped and reason in (NODE_ENDS, OPT_OUT):
            self._again(replace(run, attempts=run.attempts - 1, exit_code=None))
        elif is_stopped:
            self._end(run, RunState.STOPPED, reason or result.ended.value)
        elif result.ended is Ended.FAILED:
            self._end(run, RunState.FAILED, EXIT)
        elif result.ended is not Ended.DONE:
            self._end(run, RunState.FAILED, result.ended.value)
        elif not tool.outputs.keys() & result.outputs.keys():
            self._end(run, RunState.FAILED, "no-output")
        else:
            declared: dict[str, OutputKind] = dict(tool.outputs)
            self.airlock.put(run, result.outputs, declared, permitted=permit.outputs)
            self._end(run, RunState.IN_AIRLOCK, "")

    def _request(self, run: RunRecord, tool: ToolBundle, data: Path) -> SandboxRequest:
        mounts = {"/data": data}
        if run.has_inputs:
            mounts["/inputs"] = self._folder(run.use_id) / "inputs"
        return SandboxRequest(
            program=self.airlock.book.tool_folder(run.tool),
            entry=tool.entries[Entry.RUN],
            mounts=mounts,
            environment={
                "TESSERA_ARGUMENTS": run.arguments,
                "TESSERA_MINIMUM": str(self.airlock.minimum),
            },
            limits=least_limits(tool.limits, self.allowed),
        )

    def _check_number(self, checked: CheckedUse, known: Sequence[RunRecord]) -> None:
        """Raise TooManyRuns when its permit has had its runs of the day. `known`: all runs."""
        since = self.airlock.clock.now() - timedelta(days=1)
        mine = (one for one in known if one.permit_id == checked.permit.permit_id)
        n_runs = sum(one.action == Action.RUN and one.taken_at > since for one in mine)
        check_number(n_runs, self.a_day)

    def _write_inputs(self, checked: CheckedUse, task: Task) -> None:
        """Write the files that came along, each compared with the hash that its person signed."""
        if not checked.use.inputs:
            return
        given = fields.child(task.body, "inputs")
        folder = self._folder(checked.use.use_id) / "inputs"
        for made in (folder.parent.parent, folder.parent, folder):
            made.mkdir(exist_ok=True, mode=0o700)
        n_bytes = 0
        for name, digest in checked.use.inputs:
            try:
                content = b64decode(fields.text(given, name), validate=True)
            except (Base64Error, ValueError) as err:
                raise InvalidInput(f"input {name}: expected base64") from err
            n_bytes += len(content)
            if sha256(content).hexdigest() != digest or n_bytes > _MAX_INPUT_BYTES:
                raise InvalidInput(f"input {name} is not the file that its person signed for")
            (folder / name).write_bytes(content)

    def _write_log(self, run: RunRecord, result: SandboxResult) -> None:
        path = self._folder(run.use_id) / "log.txt"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(result.log, encoding="utf-8", errors="replace")

    def _again(self, run: RunRecord) -> None:
        waiting = replace(run, state=RunState.WAITING, detail="", started_at=None)
        if self.records.change(waiting, was=RunState.RUNNING):
            self.airlock.reports.run_state(run.use_id, RunState.WAITING)

    def _end(
        self, run: RunRecord, state: RunState, detail: str, *, was: RunState = RunState.RUNNING
    ) -> None:
        now = self.airlock.clock.now()
        ended = replace(run, state=state, detail=detail, ended_at=now)
        if self.records.change(ended, was=was):
            self._to_stop.discard(run.use_id)
            self.views.maker.remove(self._folder(run.use_id) / "inputs")
            self.airlock.reports.run_state(run.use_id, state, detail)
            told = events.run_ended(run.use_id, run.permit_id, state.value, detail)
            self.airlock.audit.append(told, now)

    def _folder(self, use_id: str) -> Path:
        return self.home / "runs" / use_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWith:
    """One run or training that had somebody in it. Stays at the node."""

    run: RunRecord
    subjects: frozenset[Pseudonym]
    datasets: tuple[tuple[DatasetId, int], ...]
    """The versions in which they were."""
    models: tuple[str, ...]
    """Files of kind model that came out and were released."""
    n_released: int
    """Files of any kind that were released."""


def runs_with(records: RunRecords, subjects: Collection[Pseudonym]) -> tuple[RunWith, ...]:
    """Return which runs, trainings and released models had any of `subjects`, the oldest first."""
    seen = records.seen(subjects=subjects)
    by_use = {one.use_id for one in seen}
    found = []
    for run in records.all():
        if run.use_id not in by_use:
            continue
        mine = [one for one in seen if one.use_id == run.use_id]
        released = [one for one in records.outputs(run.use_id) if one.decided is Decided.RELEASED]
        found.append(
            RunWith(
                run=run,
                subjects=frozenset(one.subject for one in mine),
                datasets=tuple(dict.fromkeys((one.dataset_id, one.version) for one in mine)),
                models=tuple(one.name for one in released if one.kind is OutputKind.MODEL),
                n_released=len(released),
            )
        )
    return tuple(found)
