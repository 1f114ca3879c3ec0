"""What the hub asks a node for, each taken up once, none holding up another kind."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from tessera.domain.access.permit import PermitRefused
from tessera.domain.access.tool import ToolBundle
from tessera.domain.errors import TesseraError, Unavailable
from tessera.node.permits import PermitBook
from tessera.ports.outbox import Outbox
from tessera.wire import fields
from tessera.wire.tasks import Report, ReportKind, Task, TaskKind
from tessera.wire.text import one_line

Handler = Callable[[Task], Awaitable[None]]
"""Takes a task up and returns; longer work goes on elsewhere."""
UNKNOWN_KIND: Final = "unknown-kind"
_log = logging.getLogger(__name__)
_AT_ONCE: Final = 4
"""Fleeting tasks of one kind that are done at the same time."""
_MAX_WAITING: Final = 200
"""Tasks under way, at the most; the hub sends the others again."""
_REMEMBERED: Final = 5000
"""Fleeting tasks that are remembered."""


def in_thread(function: Callable[[Task], None]) -> Handler:
    """Return a handler that runs `function` beside the event loop."""

    async def run(task: Task) -> None:
        await asyncio.to_thread(function, task)

    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskHandlers:
    """Handlers by kind.

    Lasting: in order within a kind, remembered for ever, reported as done. Fleeting: some at a
    time, remembered in memory, reported only when refused.
    """

    outbox: Outbox
    lasting: Mapping[str, Handler]
    fleeting: Mapping[str, Handler] = field(default_factory=dict)
    _under_way: dict[str, asyncio.Task[None]] = field(init=False, default_factory=dict)
    _rooms: dict[str, asyncio.Semaphore] = field(init=False, default_factory=dict)
    _fleeted: dict[str, None] = field(init=False, default_factory=dict)

    def take(self, tasks: Iterable[Task]) -> int:
        """Start what is new, without waiting; return how many that were."""
        n_new = 0
        for task in tasks:
            if task.task_id in self._under_way or task.task_id in self._fleeted:
                continue
            if len(self._under_way) >= _MAX_WAITING:
                _log.warning("the hub asks too much at once: tasks are left for later")
                break
            is_fleeting = task.kind in self.fleeting
            if is_fleeting:
                self._remember(task.task_id)
            working = asyncio.create_task(self._fleet(task) if is_fleeting else self._last(task))
            self._under_way[task.task_id] = working
            working.add_done_callback(partial(self._forget, task.task_id))
            n_new += 1
        return n_new

    async def close(self, timeout_s: float) -> None:
        """Wait a little for what is under way, then leave it: the hub sends it again."""
        under_way = list(self._under_way.values())
        if under_way:
            await asyncio.wait(under_way, timeout=timeout_s)
        for working in under_way:
            working.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _last(self, task: Task) -> None:
        try:
            async with self._room(task.kind, 1):
                if await asyncio.to_thread(self.outbox.is_finished, task.task_id):
                    return
                problem = await self._refusal(task, self.lasting.get(task.kind))
                await asyncio.to_thread(self._finish, task, *problem)
        except Unavailable as err:
            _log.warning("task %s (%s) is left for later: %s", task.task_id, _kind(task), err)

    async def _fleet(self, task: Task) -> None:
        try:
            async with self._room(task.kind, _AT_ONCE):
                problem, reason = await self._refusal(task, self.fleeting[task.kind])
            if problem:
                report = done_report(task.task_id, problem, reason)
                await asyncio.to_thread(self.outbox.put_reports, [report])
        except Unavailable as err:
            self._fleeted.pop(task.task_id, None)
            _log.warning("task %s (%s) is left for later: %s", task.task_id, _kind(task), err)

    async def _refusal(self, task: Task, handler: Handler | None) -> tuple[str, str]:
        """Return the problem and its reason, both empty when the task was taken up.

        Raises Unavailable when the task should come again.
        """
        if handler is None:
            _log.warning("the hub asks for %r, which this program does not know", _kind(task))
            return UNKNOWN_KIND, ""
        try:
            await handler(task)
        except Unavailable:
            raise
        except PermitRefused as err:
            _log.warning("task %s (%s): %s", task.task_id, _kind(task), err)
            return err.code, err.reason.value
        except TesseraError as err:
            _log.error("task %s (%s): %s", task.task_id, _kind(task), err)
            return err.code, ""
        except Exception:
            _log.exception("task %s (%s) could not be taken up", task.task_id, _kind(task))
            return TesseraError.code, ""
        return "", ""

    def _finish(self, task: Task, problem: str, reason: str) -> None:
        self.outbox.finish(task.task_id, done_report(task.task_id, problem, reason))

    def _room(self, kind: str, n_at_once: int) -> asyncio.Semaphore:
        known = kind if kind in self.lasting or kind in self.fleeting else ""
        return self._rooms.setdefault(known, asyncio.Semaphore(n_at_once))

    def _remember(self, task_id: str) -> None:
        self._fleeted[task_id] = None
        while len(self._fleeted) > _REMEMBERED:
            del self._fleeted[next(iter(self._fleeted))]

    def _forget(self, task_id: str, done: asyncio.Task[None]) -> None:
        self._under_way.pop(task_id, None)
        if not done.cancelled() and (fault := done.exception()) is not None:
            _log.error("task %s: %s", task_id, fault)


def done_report(task_id: str, problem: str = "", reason: str = "") -> Report:
    """Return the report that ends a task at the hub."""
    body = {"task_id": task_id, "problem": problem, "reason": reason}
    return Report(kind=ReportKind.DONE, body=body)


def permit_handlers(book: PermitBook) -> dict[str, Handler]:
    """Return the handlers of permits and of their revocation."""

    def receive(task: Task) -> None:
        bundles = fields.items(task.body, "tools", _bundle)
        permit = book.receive(fields.text(task.body, "token"), bundles)
        _log.info(
            "permit %s (%s) waits for a person here: tessera node permit show HOME %s",
            permit.permit_id,
            permit.title,
            permit.permit_id,
        )

    def revoke(task: Task) -> None:
        book.revoke(fields.text(task.body, "token"))

    return {TaskKind.PERMIT: in_thread(receive), TaskKind.REVOKE: in_thread(revoke)}


def _bundle(entry: object, place: str) -> ToolBundle:
    return ToolBundle.from_json(fields.as_object(entry, place))


def _kind(task: Task) -> str:
    return one_line(task.kind, 40)
