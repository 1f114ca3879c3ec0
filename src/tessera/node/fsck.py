"""Whether files, index, ledger and dataset versions still say the same, each against the others.

Files are listed first and rows second, and what looks wrong is looked at again, so that an
ingest that runs meanwhile is no finding. A repair loses nothing: what is in doubt is set aside,
and its source is taken again by the next ingest.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from tessera.domain.errors import NotFound, TesseraError
from tessera.domain.ids import DatasetId, InstanceUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.node.ingest import recover
from tessera.ports.dataset_store import DatasetStore
from tessera.ports.instance_index import InstanceIndex
from tessera.ports.intake import InstanceFiles, InstanceStore
from tessera.ports.ledger import NOT_READ, Ledger, LedgerEntry, State

KINDS: Final[Mapping[str, str]] = {
    "file-missing": "restore it from a backup; --repair lets its source be taken again",
    "file-size": "as for file-missing; --repair sets the file aside first",
    "file-hash": "as for file-size: the content has changed on the disk",
    "file-extra": "no row names it; --repair sets it aside in research/set-aside",
    "half-written": "an ingest was interrupted; the next one or --repair finishes or drops it",
    "ledger-orphan": "it says stored and is not; --repair lets its source be taken again",
    "quarantine-missing": "--repair lets its source be taken again",
    "version-unreadable": "restore the version's folder from a backup",
    "version-table": "missing or changed: restore the version's folder from a backup",
    "version-instance": "missing or another: restore it from a backup",
    "database": "restore the file from a backup",
}
"""Kind of finding → what to do."""
_BATCH: Final = 500
_OF_FILES: Final = frozenset(("file-missing", "file-size", "file-hash"))
_OF_SOURCES: Final = frozenset(("ledger-orphan", "quarantine-missing"))


class Files(InstanceStore, InstanceFiles, Protocol):
    """An instance store as fsck sees it."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that is wrong. `what` may name a source file: it stays in the hospital."""

    kind: str
    what: str
    detail: str = ""
    is_repaired: bool = False

    @property
    def mend(self) -> str:
        return KINDS[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """The parts that are compared."""

    index: InstanceIndex
    store: Files
    ledger: Ledger
    datasets: DatasetStore
    in_quarantine: Callable[[str], bool]
    """Says whether quarantine has a file of this name."""
    table_sha256: Callable[[DatasetId, int, str], str]
    """Returns the hash of a version's table; empty when it is missing."""
    is_ingesting: Callable[[], bool]
    """Says whether what is staged is on its way."""
    set_aside: Callable[[str], None]
    """Takes what is at a place out of the store and keeps it."""


def find_faults(
    node: Node, *, deep: bool = False, on_step: Callable[[str, int], None] = lambda _s, _n: None
) -> Iterator[Found]:
    """Yield what is wrong. With `deep` the content of each file is read.

    `on_step` is told what is looked at, and of how many. Raises Unavailable.
    """
    on_step("files", 0)
    sizes = {entry.place: entry.n_bytes for entry in node.store.entries()}
    on_step("index", len(sizes))
    leftovers = node.store.leftovers()
    bad: dict[str, InstanceRow] = {}
    hashes: dict[str, str] = {}
    for row in node.index.all():
        on_step("row", 1)
        hashes[row.path] = row.sha256
        n_bytes = sizes.pop(row.path, None)
        if n_bytes != row.n_bytes or (deep and not _is_whole(node.store, row)):
            bad[row.instance_uid] = row
    extra = _extra(node, sizes)
    for uid, row in bad.items():
        found = _fault(node, row, deep=deep)
        if found is None or uid in node.store.leftovers().values():
            continue  # well, or on its way to its place
        if (found := _fault(node, row, deep=deep)) is not None:  # it may have arrived just then
            yield found
    yield from (Found("file-extra", place) for place in extra)
    if not node.is_ingesting():
        still = node.store.leftovers()
        yield from (Found("half-written", name) for name in still if name in leftovers)
    on_step("ledger", 0)
    yield from _ledger(node)
    on_step("versions", 0)
    yield from _versions(node, hashes, frozenset(row.path for row in bad.values()))


def repair(node: Node, faults: Sequence[Found]) -> Iterator[Found]:
    """Mend what can be mended, and yield every fault with what came of it.

    The caller lets no ingest run meanwhile.
    """
    recover(node.index, node.store)
    doubtful = {fault.what for fault in faults if fault.kind in _OF_FILES}
    rows = {row.path: row for row in node.index.all() if row.path in doubtful} if doubtful else {}
    done: list[Found] = []
    for fault in faults:
        match fault.kind:
            case "half-written":
                done.append(replace(fault, is_repaired=True))
            case "file-extra":
                node.set_aside(fault.what)
                done.append(replace(fault, is_repaired=True))
            case kind if kind in _OF_FILES:
                if fault.kind != "file-missing":
                    node.set_aside(fault.what)
                done.append(replace(fault, is_repaired=True))
            case _:
                done.append(fault)
    lost = [row.instance_uid for row in rows.values()]
    node.index.remove(lost)
    again = {fault.what for fault in faults if fault.kind in _OF_SOURCES}
    _take_again(node.ledger, again, frozenset(lost))
    for fault in done:
        yield replace(fault, is_repaired=True) if fault.kind in _OF_SOURCES else fault


def _take_again(ledger: Ledger, keys: set[str], lost: frozenset[str]) -> None:
    """Make sources unsettled, so that the next ingest looks at them."""
    states = (State.STORED, State.DUPLICATE, State.HELD, State.REFUSED)
    entries = [
        entry
        for entry in ledger.entries(states)
        if entry.source.key in keys or entry.instance_uid in lost
    ]
    for start in range(0, len(entries), _BATCH):
        ledger.record(
            [
                LedgerEntry(
                    source=entry.source,
                    state=State.REFUSED,
                    reason=NOT_READ,
                    message="what was stored of it was lost",
                    mend="ingest the same folder again",
                )
                for entry in entries[start : start + _BATCH]
            ]
        )


def _is_whole(store: InstanceFiles, row: InstanceRow) -> bool:
    try:
        return store.digest(row.path) == row.sha256
    except NotFound:
        return False


def _fault(node: Node, row: InstanceRow, *, deep: bool) -> Found | None:
    """Look at a row again; None when it is well now, or gone."""
    if row.instance_uid not in node.index.find([row.instance_uid]):
        return None
    entry = node.store.find(row.path)
    if entry is None:
        return Found("file-missing", row.path)
    if entry.n_bytes != row.n_bytes:
        return Found("file-size", row.path, f"{entry.n_bytes} bytes, not {row.n_bytes}")
    if deep and not _is_whole(node.store, row):
        return Found("file-hash", row.path)
    return None


def _extra(node: Node, sizes: Mapping[str, int]) -> list[str]:
    """Return the places that no row names, also now."""
    places = [place for place in sizes if not place.rpartition("/")[2].startswith(".")]
    named: set[str] = set()
    by_uid = {InstanceUid(place.rpartition("/")[2].removesuffix(".dcm")): place for place in places}
    uids = list(by_uid)
    for start in range(0, len(uids), _BATCH):
        named |= {row.path for row in node.index.find(uids[start : start + _BATCH]).values()}
    return [place for place in places if place not in named]


def _ledger(node: Node) -> Iterator[Found]:
    batch: list[LedgerEntry] = []
    for entry in node.ledger.entries((State.STORED, State.DUPLICATE)):
        batch.append(entry)
        if len(batch) == _BATCH:
            yield from _orphans(node, batch)
            batch = []
    yield from _orphans(node, batch)
    for entry in node.ledger.entries((State.HELD, State.REFUSED)):
        if entry.quarantine and not node.in_quarantine(entry.quarantine):
            yield Found("quarantine-missing", entry.source.key)


def _orphans(node: Node, entries: Sequence[LedgerEntry]) -> Iterator[Found]:
    uids = [InstanceUid(entry.instance_uid) for entry in entries]
    known = node.index.find(uids)
    for entry in entries:
        if entry.instance_uid not in known:
            yield Found("ledger-orphan", entry.source.key)


def _versions(node: Node, hashes: Mapping[str, str], bad: frozenset[str]) -> Iterator[Found]:
    for dataset_id in node.datasets.dataset_ids():
        for number in node.datasets.versions(dataset_id):
            name = f"{dataset_id} v{number}"
            try:
                manifest = node.datasets.manifest(dataset_id, number)
            except TesseraError as err:
                yield Found("version-unreadable", name, type(err).__name__)
                continue
            for item in manifest.instances:
                if hashes.get(item.path) != item.sha256 or item.path in bad:
                    yield Found("version-instance", f"{name}: {item.path}")
            for table, entry in manifest.tables.items():
                if node.table_sha256(dataset_id, number, table) != entry.sha256:
                    yield Found("version-table", f"{name}: {table}")
