"""Ingest: take sources in, one result each. Knows no progress bar, no file system, no pool.

Order of one batch, so that a kill at any moment loses nothing and leaves nothing half
(decision record 0005): staged files durable → index transaction → staged files moved to
their places → ledger. `recover` rolls an interrupted batch forward or back.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tessera.domain.errors import uid_conflict
from tessera.domain.ids import InstanceUid
from tessera.node.batches import batches
from tessera.ports.executor import Executor
from tessera.ports.instance_index import InstanceIndex
from tessera.ports.intake import InstanceStore, TakeIn, Taken
from tessera.ports.ledger import Ledger, LedgerEntry, SourceFile, State

_BATCH = 24
"""Sources a worker takes at a time, at least: one index transaction, one ledger transaction."""
_LARGEST_BATCH = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The parts that ingest works with."""

    ledger: Ledger
    index: InstanceIndex
    store: InstanceStore
    executor: Executor
    take_in: TakeIn
    quarantine: Callable[[SourceFile], str]
    """Copies a source's bytes into quarantine and returns the name."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What an interrupted run had left."""

    n_finished: int
    """Staged files that the index knew: moved to their places."""
    n_dropped: int
    """Staged files that the index did not know: removed; their sources are taken again."""


def recover(index: InstanceIndex, store: InstanceStore) -> Recovered:
    """Bring index and store together again after a kill. Cheap when there is nothing to do."""
    leftovers = store.leftovers()
    rows = index.find(list(leftovers.values()))
    finish = {
        name: rows[uid].path
        for name, uid in leftovers.items()
        if uid in rows
        and not store.path(rows[uid].path).exists()
        and store.sha256(name) == rows[uid].sha256
    }
    store.publish(finish)
    drop = [name for name in leftovers if name not in finish]
    store.discard(drop)
    return Recovered(len(finish), len(drop))


def ingest(sources: Iterable[SourceFile], intake: Intake) -> Iterator[LedgerEntry | None]:
    """Yield one entry per source, or None for one that an earlier run had settled.

    A bad source never stops the rest. Every entry is durable when it is yielded.
    """
    recover(intake.index, intake.store)
    skipped = _Counter()
    batches = _unsettled(sources, intake.ledger, skipped)
    for taken in intake.executor.map_unordered(intake.take_in, batches):
        yield from [None] * skipped.take()
        yield from settle(taken, intake)
    yield from [None] * skipped.take()


class _Counter:
    def __init__(self) -> None:
        self.n = 0

    def take(self) -> int:
        n, self.n = self.n, 0
        return n


def _unsettled(
    sources: Iterable[SourceFile], ledger: Ledger, skipped: _Counter
) -> Iterator[tuple[SourceFile, ...]]:
    for batch in batches(sources, _BATCH, _LARGEST_BATCH):
        settled = ledger.settled(batch)
        skipped.n += sum(source.key in settled for source in batch)
        if todo := tuple(source for source in batch if source.key not in settled):
            yield todo


def settle(taken: Sequence[Taken], intake: Intake) -> list[LedgerEntry]:
    """Make one batch permanent and return its entries, in order."""
    uids = [one.row.value.instance_uid for one in taken if one.row]
    known = {uid: row.sha256 for uid, row in intake.index.find(uids).items()}
    owners = dict(intake.ledger.stored(uids))
    fresh: dict[str, Taken] = {}
    entries: list[LedgerEntry] = []
    for one in taken:
        if one.row is None:
            entries.append(_entry(one, one.state))
            continue
        row = one.row.value
        if row.instance_uid not in known:
            known[row.instance_uid] = row.sha256
            fresh[one.staged] = one
        if known[row.instance_uid] != row.sha256:
            entries.append(_conflict(one, row.instance_uid, intake))
        elif owners.setdefault(row.instance_uid, one.source.key) == one.source.key:
            entries.append(_entry(one, State.STORED, row.instance_uid))
        else:
            entries.append(_entry(one, State.DUPLICATE, row.instance_uid))
    intake.index.put([one.row for one in fresh.values() if one.row])
    intake.store.publish({name: one.row.value.path for name, one in fresh.items() if one.row})
    intake.store.discard([one.staged for one in taken if one.staged and one.staged not in fresh])
    intake.ledger.record(entries, _summed(one.tally for one in fresh.values()))
    return entries


def _summed(tallies: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for tally in tallies:
        total.update(tally)
    return total


def _entry(one: Taken, state: State, instance_uid: str = "") -> LedgerEntry:
    return LedgerEntry(
        source=one.source,
        state=state,
        reason=one.reason,
        message=one.message,
        element=one.element,
        mend=one.mend,
        instance_uid=instance_uid,
        quarantine=one.quarantine if state in (State.HELD, State.REFUSED) else "",
    )


def _conflict(one: Taken, instance_uid: InstanceUid, intake: Intake) -> LedgerEntry:
    """Keep the first content of a SOP Instance UID; the second goes to quarantine."""
    err = uid_conflict()
    return LedgerEntry(
        source=one.source,
        state=State.REFUSED,
        reason=err.reason,
        message=err.message,
        element=err.element,
        mend=err.mend,
        instance_uid=instance_uid,
        quarantine=one.quarantine or intake.quarantine(one.source),
    )
