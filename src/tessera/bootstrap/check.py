"""Wire the check of files and of dataset versions: readers, worker processes, tables."""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from hashlib import file_digest
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from threading import current_thread, main_thread

from tessera.adapters.files.check_source import Source, read_sources, sources
from tessera.adapters.parquet.records import read_records
from tessera.adapters.report import render_html
from tessera.adapters.tables.columns import read_columns
from tessera.bootstrap.check_pictures import Pixels, picture_reader, shown_pictures
from tessera.domain.catalogue.manifest import Manifest, parse_manifest
from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.errors import InvalidInput, NotFound, Unavailable
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.checks import CHECKS
from tessera.domain.quality.inputs import ReadInstance, ReadOutcome
from tessera.domain.quality.registry import Check
from tessera.domain.quality.report import QualityReport
from tessera.domain.quality.selection import NEEDS_PICTURES
from tessera.node.check import Extras, OnOutcome, PictureReader, check_files, check_version

__all__ = ["CheckRequest", "Checked", "Pixels", "check", "checked", "render_html"]

MANIFEST = "manifest.json"
_BATCH = 32
"""Files per message to a worker: few enough for an even progress bar."""
_WORTH_A_POOL = 200
"""Fewer files are read sooner here than worker processes start."""
_WAITING_PER_WORKER = 4
"""Batches handed out ahead, so that neither side waits and memory stays flat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """What `tessera check` was asked."""

    target: Path
    """A file, a folder, a zip, or the folder of a dataset version."""
    workers: int = 0
    """Processes; 0 means one per usable core."""
    clinical: Path | None = None
    """Clinical table to link images to; not for a dataset version, which has its own."""
    id_column: str = ""
    """Column of `clinical` that holds the identifiers that PatientID carries."""
    pixels: Pixels = Pixels.NONE
    """Which pictures are decoded for the checks that look at pictures."""
    checks: Sequence[Check] = field(default=CHECKS)
    """The checks that are run, in the order of the report."""
    checked_on: date | None = None
    """For dates in the future; not for a dataset version, whose dates are shifted."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A report, and the pictures that its findings show: PNG by instance UID."""

    report: QualityReport
    pictures: dict[str, bytes]


def checked(
    request: CheckRequest, *, on_total: Callable[[int], None], on_outcome: OnOutcome
) -> Checked:
    """Return the report with its pictures. Parameters and errors are those of `check`."""
    rows: dict[str, InstanceRow] = {}

    def kept(outcome: ReadOutcome) -> None:
        if isinstance(outcome, ReadInstance):
            rows[outcome.row.instance_uid] = outcome.row
        on_outcome(outcome)

    report = check(request, on_total=on_total, on_outcome=kept)
    return Checked(report, shown_pictures(report, rows))


def check(
    request: CheckRequest, *, on_total: Callable[[int], None], on_outcome: OnOutcome
) -> QualityReport:
    """Return the report on what the request names; raises NotFound, InvalidInput, Unavailable.

    `on_total` is told once how many files there are, `on_outcome` what came of each.
    """
    if request.workers < 0:
        raise InvalidInput("workers: use 0 (one per core) or more")
    manifest_file = request.target / MANIFEST
    if manifest_file.is_file() and (request.target / "instance.parquet").exists():
        if request.clinical is not None:
            raise InvalidInput("a dataset version has its own clinical table; leave --clinical out")
        return _check_version(
            request, parse_manifest(manifest_file.read_bytes()), on_total, on_outcome
        )
    subjects, table = None, None
    if request.clinical is not None:
        table = read_columns(request.clinical, request.id_column)
        subjects = frozenset(cell for cell in table.columns[request.id_column] if cell)
    found = list(sources(request.target))
    on_total(len(found))
    outcomes = _read(found, request.workers)
    extras = Extras(
        subjects=subjects,
        table=table,
        pictures=_picture_reader(request),
        checked_on=request.checked_on,
        checks=request.checks,
    )
    return check_files(outcomes, on_outcome=on_outcome, extras=extras)


def _picture_reader(request: CheckRequest) -> PictureReader | None:
    if not any(check.id in NEEDS_PICTURES for check in request.checks):
        return None
    return picture_reader(request.pixels, request.workers)


def _check_version(
    request: CheckRequest,
    manifest: Manifest,
    on_total: Callable[[int], None],
    on_outcome: OnOutcome,
) -> QualityReport:
    folder = request.target.resolve()
    store = folder.parent.parent.parent / "instances"
    fetched = _fetched(store.parent.parent)
    if manifest.instances and not store.is_dir():
        raise NotFound(f"{store}: the instances of a dataset version are looked for here")
    by_label: dict[str, str] = {}
    for item in manifest.instances:
        path = store / item.path
        if not path.resolve().is_relative_to(store):
            raise InvalidInput(f"{MANIFEST}: {item.path!r} leads out of the node's store")
        if fetched is not None:
            path = fetched(item.path)
        if path.is_file():
            by_label[Source(path).label] = item.path
    on_total(len(by_label))
    file_sha256: dict[str, str] = {}

    def outcomes() -> Iterator[ReadOutcome]:
        for outcome in _read([Source(Path(label)) for label in by_label], request.workers):
            if isinstance(outcome, ReadInstance):
                file_sha256[by_label[outcome.row.path]] = outcome.row.sha256
            elif not isinstance(outcome, InstanceRow):
                file_sha256[by_label[outcome.path]] = _sha256(Path(outcome.path))
            yield outcome

    tables = {name: folder / f"{name}.parquet" for name in manifest.tables}
    return check_version(
        manifest,
        outcomes(),
        on_outcome=on_outcome,
        table_sha256={name: _sha256(path) for name, path in tables.items() if path.is_file()},
        file_sha256=file_sha256,
        records=_records(folder),
        extras=Extras(pictures=_picture_reader(request), checks=request.checks),
    )


def _fetched(home: Path) -> Callable[[str], Path] | None:
    """Return what copies an instance here, for a node whose instances are in an object store."""
    if not (home / "node.toml").exists():
        return None
    from tessera.bootstrap.exclusions import store_settings_of
    from tessera.bootstrap.stores import fetched_from

    return fetched_from(home, store_settings_of(home))


def _records(folder: Path) -> tuple[ClinicalRecord, ...] | None:
    """Return None where the tables cannot be read: the manifest then says what is wrong."""
    try:
        return read_records(folder)
    except InvalidInput:
        return None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def _read(found: Sequence[Source], workers: int) -> Iterator[ReadOutcome]:
    n_workers = workers or len(os.sched_getaffinity(0))
    batches = _batches(found)
    if n_workers == 1 or len(found) < _WORTH_A_POOL:
        for batch in batches:
            yield from read_sources(batch)
        return
    pool = ProcessPoolExecutor(n_workers, get_context("spawn"))
    waiting: deque[Future[list[ReadOutcome]]] = deque()
    try:
        for batch in batches:
            with _interrupts_held():
                waiting.append(pool.submit(read_sources, batch))
            if len(waiting) >= n_workers * _WAITING_PER_WORKER:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    except BrokenProcessPool as err:
        raise Unavailable(
            "a worker process ended unexpectedly, perhaps for lack of memory; try --workers 1"
        ) from err
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _batches(found: Sequence[Source]) -> Iterator[list[Source]]:
    rest = iter(found)
    while batch := list(islice(rest, _BATCH)):
        yield batch


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Start workers that Ctrl-C does not reach: the main process hears it and ends them.

    A worker starts inside `submit` and keeps the signals that are blocked at that moment.
    Another thread may take the signal meanwhile, so it is noted, and raised when the worker runs:
    a worker that is left half-started complains.
    """
    in_main_thread = current_thread() is main_thread()
    noted: list[int] = []
    if in_main_thread:
        handler = signal.signal(signal.SIGINT, lambda number, _frame: noted.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if in_main_thread:
            signal.signal(signal.SIGINT, handler)
        if noted:
            signal.raise_signal(signal.SIGINT)
