"""Wire what a running node does beside answering queries: one line for each feature."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tessera.bootstrap.fetch_node import fetch_handler_of
from tessera.bootstrap.node_learning import keep_learning, learnings_of
from tessera.bootstrap.permits import outbox_of, permit_book, reports_of
from tessera.bootstrap.receive import keep_receiving
from tessera.bootstrap.runs import keep_running, runs_of
from tessera.domain.access.permit import Action
from tessera.node.learning import Learnings
from tessera.node.link import NodeLink
from tessera.node.permits import PermitBook
from tessera.node.reports import Reports
from tessera.node.runs import Runs
from tessera.node.tasks import Handler, TaskHandlers, in_thread, permit_handlers
from tessera.node.uses import stop_handler, use_handler
from tessera.wire.tasks import TaskKind

_log = logging.getLogger(__name__)
Service = Callable[[], Awaitable[None]]
"""Goes on for as long as the node runs; it is cancelled at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What features of a running node are made of."""

    home: Path
    link: NodeLink
    book: PermitBook
    reports: Reports
    runs: Runs
    learnings: Learnings

    @classmethod
    def of(cls, home: Path, link: NodeLink) -> "Running":
        """Return the parts of the node in `home`. Raises NotFound, Conflict without a hub."""
        book, reports = permit_book(home), reports_of(home)
        runs = runs_of(home, book, reports)
        learnings = learnings_of(home, runs)
        return cls(home=home, link=link, book=book, reports=reports, runs=runs, learnings=learnings)


def lasting(running: Running) -> dict[str, Handler]:
    """Return handlers of tasks that are done once, whatever happens."""
    return {
        **permit_handlers(running.book),
        TaskKind.USE: use_handler(
            {Action.RUN: running.runs.take_up, Action.LEARN: running.learnings.take_up}
        ),
        TaskKind.STOP: stop_handler([running.runs.stop, running.learnings.stop]),
        TaskKind.LEARN: in_thread(running.learnings.take_kit),
    }


def fleeting(running: Running) -> dict[str, Handler]:
    """Return handlers of tasks that somebody waits for now."""
    return {TaskKind.FETCH: fetch_handler_of(running)}


def services(running: Running) -> list[Service]:
    return [
        partial(running.reports.keep_sending, running.link),
        partial(keep_running, running.runs),
        partial(keep_learning, running.learnings),
        partial(keep_receiving, running.home),
    ]


def task_handlers(running: Running) -> TaskHandlers:
    return TaskHandlers(
        outbox=outbox_of(running.home), lasting=lasting(running), fleeting=fleeting(running)
    )


@asynccontextmanager
async def served(running: Running) -> AsyncIterator[None]:
    """Run the services meanwhile; the fault of one is logged and stops no other."""
    tasks = [asyncio.ensure_future(service()) for service in services(running)]
    for task in tasks:
        task.add_done_callback(_tell_fault)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tell_fault(done: "asyncio.Future[None]") -> None:
    if not done.cancelled() and (fault := done.exception()) is not None:
        _log.error("a part of the node has stopped; restart the node", exc_info=fault)
