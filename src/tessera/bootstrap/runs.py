"""Wire runs at a node and their airlock: HOME/runs, HOME/airlock, the sandbox."""

import asyncio
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tessera.adapters.access_runs import FolderAirlock, FolderViews, SqliteRunRecords
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.audit import node_audit
from tessera.bootstrap.datasets import dataset_store
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.node import NodeSettings, open_node
from tessera.bootstrap.permits import permit_book, reports_of
from tessera.bootstrap.stores import fetched_from
from tessera.domain.access.tool import Limits
from tessera.domain.errors import NotFound
from tessera.domain.ids import Pseudonym
from tessera.node.airlock import Airlock
from tessera.node.permits import PermitBook
from tessera.node.reports import Reports
from tessera.node.runs import Runs, RunWith, runs_with
from tessera.node.view import Views
from tessera.ports.run_records import RunRecord
from tessera.ports.sandbox import Sandbox

if TYPE_CHECKING:
    from tessera.adapters.bubblewrap import BubblewrapSandbox


def records_of(home: Path) -> SqliteRunRecords:
    return SqliteRunRecords(home / "runs" / "runs.sqlite")


def views_of(home: Path, book: PermitBook) -> Views:
    """Return what makes views of dataset versions for runs and trainings."""
    node = open_node(home)
    return Views(
        home=home,
        node_id=book.node_id,
        maker=FolderViews(node.research, fetched_from(home, node.settings)),
        store=dataset_store(node),
        exclusions=exclusions_of(home),
        records=records_of(home),
    )


def airlock_of(
    home: Path, book: PermitBook | None = None, reports: Reports | None = None
) -> Airlock:
    """Return the airlock of a node. Raises NotFound, and Conflict when it has no hub."""
    book = book or permit_book(home)
    return Airlock(
        records=records_of(home),
        shelf=FolderAirlock(home / "airlock"),
        views=views_of(home, book),
        book=book,
        reports=reports or reports_of(home),
        audit=node_audit(home),
        clock=SystemClock(),
        minimum=NodeSettings.load(home).minimum_count,
    )


def runs_of(home: Path, book: PermitBook, reports: Reports, sandbox: Sandbox | None = None) -> Runs:
    """Return what does runs in the one process that runs the node."""
    settings = NodeSettings.load(home)
    airlock = airlock_of(home, book, reports)
    return Runs(
        home=home,
        airlock=airlock,
        views=airlock.views,
        sandbox=sandbox or sandbox_of(),
        allowed=Limits(
            seconds=settings.run_seconds,
            memory_mb=settings.run_memory_mb,
            processes=settings.run_processes,
            output_mb=settings.run_output_mb,
        ),
        at_once=settings.runs_at_once,
        a_day=settings.runs_a_day,
    )


@cache
def sandbox_of() -> "BubblewrapSandbox":
    """Return this machine's sandbox; it looks once whether it can contain a tool."""
    from tessera.adapters.bubblewrap import BubblewrapSandbox  # loads numpy

    return BubblewrapSandbox()


async def keep_running(runs: Runs) -> None:
    """Do runs for as long as the node runs; what is under way at the end is begun again."""
    working = asyncio.create_task(asyncio.to_thread(runs.work))
    try:
        await asyncio.shield(working)
    finally:
        runs.close()
        await working


def run_list(home: Path) -> tuple[RunRecord, ...]:
    """Return every run of the node, the newest first. Raises NotFound."""
    NodeSettings.load(home)
    return tuple(reversed(records_of(home).all()))


def run_log(home: Path, use_id: str) -> str:
    """Return what a tool wrote in its run. It may tell of subjects: it stays here."""
    try:
        return (home / "runs" / use_id / "log.txt").read_text(encoding="utf-8")
    except FileNotFoundError as err:
        raise NotFound(f"run {use_id} has no log yet") from err


def runs_that_had(home: Path, subjects: Collection[Pseudonym]) -> tuple[RunWith, ...]:
    """Return the runs, trainings and released models that had any of these subjects."""
    return runs_with(records_of(home), subjects)
