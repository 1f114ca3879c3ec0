"""Use case: take part in federated trainings that a permit allows.

What is told to the hub is a state and a fixed word, a key, and updates that passed the gate.
"""

import logging
import threading
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass, field, replace
from typing import Final

from tessera.domain.access.permit import Action, PermitRefused, Reason
from tessera.domain.access.tool import Entry
from tessera.domain.audit import events
from tessera.domain.errors import InvalidInput, NotFound, TesseraError, Unavailable
from tessera.domain.learning.update_gate import UpdateRefused
from tessera.node.learning_run import OPT_OUT, LearningRun, Parts
from tessera.node.learning_session import NotAllowed
from tessera.node.learning_terms import terms_of
from tessera.node.runs import NODE_ENDS, PERSON
from tessera.node.supervise import UNCLEAR
from tessera.node.trainer import TrainerFailed
from tessera.node.uses import claimed_use
from tessera.ports.run_records import RunRecord, RunRecords
from tessera.wire import fields
from tessera.wire.tasks import RunState, Task

_log = logging.getLogger(__name__)
INTERRUPTED: Final = "interrupted"
_STOPS: Final = frozenset({PERSON, OPT_OUT, UNCLEAR, *(reason.value for reason in Reason)})
"""Words that mean that somebody or a rule stopped it, and that it did not fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnings:
    """Every method may be called from several threads. One process of a node learns."""

    parts: Parts
    at_once: int = 1
    _wake: threading.Condition = field(init=False, default_factory=threading.Condition)
    _under_way: dict[str, LearningRun] = field(init=False, default_factory=dict)
    _ending: threading.Event = field(init=False, default_factory=threading.Event)

    @property
    def records(self) -> RunRecords:
        return self.parts.airlock.records

    def take_up(self, task: Task) -> None:
        """Write down a training that the permit allows; it is begun as soon as there is room.

        The same task again changes nothing. Raises PermitRefused, UnusableTerms, InvalidInput;
        the hub has been told then.
        """
        airlock = self.parts.airlock
        token = fields.text(task.body, "token")
        use_id = claimed_use(token).use_id
        try:
            checked = airlock.book.check(token, Action.LEARN, task_id=task.task_id)
            tool = airlock.book.tool(checked.use.tool)
            if Entry.LEARN not in tool.entries:
                raise InvalidInput(f"tool {tool.name} has no entry learn")
            terms_of(checked.use.arguments, checked.permit, airlock.book.node_id, self.parts.limits)
        except Unavailable:
            raise
        except TesseraError as err:
            word = err.reason.value if isinstance(err, PermitRefused) else err.code
            if self._record(use_id) is None:
                airlock.reports.run_state(use_id, RunState.REFUSED, word)
            raise
        record = RunRecord(
            use_id=checked.use.use_id,
            action=Action.LEARN.value,
            permit_id=checked.permit.permit_id,
            person=f"{checked.person.name}, {checked.person.organisation}",
            tool=checked.use.tool,
            datasets=checked.use.datasets,
            taken_at=airlock.clock.now(),
            task_id=task.task_id,
            arguments=checked.use.arguments,
        )
        if self.records.add(record):
            airlock.reports.run_state(record.use_id, RunState.WAITING)
        with self._wake:
            self._wake.notify_all()

    def take_kit(self, task: Task) -> None:
        """Take the start-up kit of an engine, for a training that waits for it.

        Raises NotFound, Conflict, BadSeal, InvalidInput, PermitRefused.
        """
        use_id = fields.text(task.body, "use_id")
        under_way = self._under_way.get(use_id)
        if under_way is None:
            raise NotFound("no training waits for this kit")
        try:
            sealed = b64decode(fields.text(task.body, "kit"), validate=True)
        except (Base64Error, ValueError) as err:
            raise InvalidInput("kit: expected base64") from err
        rounds = fields.integer(task.body, "rounds") if "rounds" in task.body else None
        under_way.take_kit(sealed, rounds)

    def stop(self, use_id: str) -> bool:
        """Stop a training because its person or the hub asks; False when it is not here."""
        under_way = self._under_way.get(use_id)
        if under_way is not None:
            under_way.stop(PERSON)
            return True
        run = self._record(use_id)
        if run is None or run.action != Action.LEARN:
            return False
        if run.state is RunState.WAITING:
            self._end(run, RunState.STOPPED, PERSON)
        return True

    def recover(self) -> None:
        """End trainings that a kill broke off, unless the model was kept. Call before `work`.

        One that only waited for the others is begun again, with a new key.
        """
        for run in self.records.all():
            if run.action == Action.LEARN and run.state is RunState.RUNNING:
                self.parts.views.remove(run.use_id)
                if self.parts.airlock.shelf.has(run.use_id):
                    self._end(run, RunState.IN_AIRLOCK, "")
                else:
                    self._end(run, RunState.FAILED, INTERRUPTED)

    def work(self) -> None:
        """Do trainings, `at_once` at a time, until `close`."""
        self.recover()
        threads = [
            threading.Thread(target=self._work, name=f"learning-{number}", daemon=True)
            for number in range(self.at_once)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def close(self) -> None:
        """End what is under way: what had begun has failed, what only waited begins again."""
        self._ending.set()
        for under_way in list(self._under_way.values()):
            under_way.stop(NODE_ENDS)
        with self._wake:
            self._wake.notify_all()

    def _work(self) -> None:
        while not self._ending.is_set():
            under_way = self._next()
            if under_way is None:
                with self._wake:
                    self._wake.wait(timeout=1.0)
                continue
            try:
                self._do(under_way)
            finally:
                del self._under_way[under_way.run.use_id]

    def _next(self) -> LearningRun | None:
        with self._wake:
            for run in self.records.all():
                is_new = run.use_id not in self._under_way
                if run.action == Action.LEARN and run.state is RunState.WAITING and is_new:
                    under_way = LearningRun(parts=self.parts, run=run)
                    self._under_way[run.use_id] = under_way
                    if self._ending.is_set():
                        under_way.stop(NODE_ENDS)
                    return under_way
        return None

    def _do(self, under_way: LearningRun) -> None:
        try:
            under_way.take_part()
        except PermitRefused as err:
            self._end(under_way.run, RunState.REFUSED, err.reason.value)
        except UpdateRefused as err:
            self._broken(under_way, f"gate {err.fault}", err)
        except (TrainerFailed, NotAllowed) as err:
            self._broken(under_way, err.word, err)
        except TesseraError as err:
            self._broken(under_way, err.code, err)
        except Exception as err:
            _log.exception("training %s", under_way.run.use_id)
            self._broken(under_way, TesseraError.code, err)
        else:
            self._end(under_way.run, RunState.IN_AIRLOCK, "")

    def _broken(self, under_way: LearningRun, word: str, err: Exception) -> None:
        word = under_way.reason or word
        if word == NODE_ENDS and under_way.run.state is RunState.WAITING:
            return  # nothing has left: it begins again when the node does
        _log.error("training %s ends (%s): %s", under_way.run.use_id, word, err)
        state = RunState.STOPPED if word in _STOPS else RunState.FAILED
        self._end(under_way.run, state, word)

    def _record(self, use_id: str) -> RunRecord | None:
        return next((one for one in self.records.all() if one.use_id == use_id), None)

    def _end(self, run: RunRecord, state: RunState, detail: str) -> None:
        airlock = self.parts.airlock
        now = airlock.clock.now()
        ended = replace(run, state=state, detail=detail, ended_at=now)
        if self.records.change(ended, was=run.state):
            airlock.audit.append(
                events.run_ended(run.use_id, run.permit_id, state.value, detail), now
            )
            airlock.reports.run_state(run.use_id, state, detail)
