"""The pixel pass: what ingest held for its pixels is looked at; a person decides the rest.

The same order of one batch as in `node.ingest`, so that a kill at any moment loses nothing:
staged files durable → index → files in their places → review queue → ledger → quarantine.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tessera.domain.deid.pixels.findings import Decision
from tessera.domain.errors import Conflict
from tessera.node.ingest import Intake, settle
from tessera.ports.intake import Taken
from tessera.ports.ledger import Ledger, LedgerEntry, State
from tessera.ports.review import (
    HEADS,
    PIXEL_REASONS,
    Look,
    Remembered,
    ReviewItem,
    ReviewQueue,
    SeenPixels,
    ToLookAt,
    Verdict,
    item_id_of,
)

_BATCH = 4
"""Pictures that a worker takes at a time: each may take seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelPass:
    """The parts that the pass works with. Held files are read from quarantine by `look`."""

    intake: Intake
    look: Look
    look_at_face: Look
    """As `look`, for all held slices of one series."""
    series_of: Callable[[LedgerEntry], str]
    """Returns the series of a held file, "" when it cannot be read."""
    queue: ReviewQueue
    remove: Callable[[str], None]
    """Takes a file out of quarantine, by name; one that is gone is no error."""
    now: Callable[[], datetime]

    def run(self, entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        """Yield one entry for each held instance that was looked at; durable when yielded."""
        held = list(entries)
        pictures = (ToLookAt(entry) for entry in held if entry.reason not in HEADS)
        for seen in self.intake.executor.map_unordered(self.look, _batches(pictures)):
            yield from self._settle(seen)
        heads = self._by_series(entry for entry in held if entry.reason in HEADS)
        slices = (tuple(ToLookAt(entry) for entry in series) for series in heads.values())
        for seen in self.intake.executor.map_unordered(self.look_at_face, slices):
            yield from self._settle(seen)

    def let_pass(self, entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        """Yield what became of slices of which a person said that no face is in them."""
        for series in self._by_series(entries).values():
            yield from self._settle(self.look_at_face([ToLookAt(entry, ()) for entry in series]))

    def _by_series(self, entries: Iterable[LedgerEntry]) -> dict[str, list[LedgerEntry]]:
        heads: dict[str, list[LedgerEntry]] = {}
        for entry in entries:
            heads.setdefault(self.series_of(entry) or entry.source.key, []).append(entry)
        return heads

    def decide(
        self,
        item_id: str,
        decisions: Sequence[Decision],
        *,
        by: str,
        remember: bool = False,
    ) -> LedgerEntry:
        """Finish one item by a person's decisions; return what became of it.

        With `remember` they count for every later picture of that device and layout. Raises
        NotFound; when something in it is still undecided it stays in the queue (state HELD).
        """
        item = self.queue.find(item_id)
        (seen,) = self.look([ToLookAt(item.entry, tuple(decisions))])
        (entry,) = self._settle([seen], by=by)
        if remember and entry.state is not State.HELD:
            self.queue.remember(Remembered(item.layout, tuple(decisions), by, self.now()))
        return entry

    def refuse(self, item_id: str, *, by: str) -> LedgerEntry:
        """Keep an instance out for good; its copy in quarantine goes. Raises NotFound."""
        item = self.queue.find(item_id)
        taken = Taken(
            source=item.entry.source,
            state=State.REFUSED,
            reason="review-refused",
            message="a person has looked at its pixels and keeps it out",
            element="(7FE0,0010)",
            mend="nothing to do; the original is at its source",
        )
        (entry,) = self._settle([SeenPixels(taken)], by=by, verdict="refused")
        self.remove(item.entry.quarantine)
        return entry

    def _settle(
        self, seen: Sequence[SeenPixels], *, by: str = "", verdict: Verdict = "cleaned"
    ) -> list[LedgerEntry]:
        self.queue.put([one.item for one in seen if one.item])
        entries = settle([one.taken for one in seen], self.intake)
        done = [entry for entry in entries if entry.state is not State.HELD]
        if by:
            names = [item_id_of(entry.source.key) for entry in done]
            self.queue.close(names, verdict, by, self.now())
        for one, entry in zip(seen, entries, strict=True):
            if entry.state in (State.STORED, State.DUPLICATE) and one.taken.quarantine:
                self.remove(one.taken.quarantine)
        return entries


def held_for_pixels(ledger: Ledger) -> list[LedgerEntry]:
    """Return what waits for a look at its pixels and has its copy in quarantine."""
    return [
        entry
        for entry in ledger.entries((State.HELD,))
        if entry.reason in PIXEL_REASONS | HEADS and entry.quarantine
    ]


def require_waiting(queue: ReviewQueue, item_id: str) -> ReviewItem:
    """Return one item by the start of its name. Raises NotFound, Conflict when several fit."""
    names = [one.item_id for one in queue.waiting() if one.item_id.startswith(item_id)]
    if len(names) > 1:
        raise Conflict(f"{len(names)} items begin with {item_id!r}; give more of the name")
    return queue.find(names[0] if names else item_id)


def _batches(work: Iterable[ToLookAt]) -> Iterator[tuple[ToLookAt, ...]]:
    batch: list[ToLookAt] = []
    for one in work:
        batch.append(one)
        if len(batch) == _BATCH:
            yield tuple(batch)
            batch = []
    if batch:
        yield tuple(batch)
