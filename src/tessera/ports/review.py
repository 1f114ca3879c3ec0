"""Port: pictures that wait for a person, and what persons decided. In the identified zone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal, Protocol

from tessera.domain.deid.pixels.findings import Decision, Finding, Layout, Picture
from tessera.ports.intake import Taken
from tessera.ports.ledger import LedgerEntry

FACE = "face"
"""Reason of the gate for slices of a head, where the profile takes faces out."""
FACE_AND_TEXT = "face-and-text"
"""The same, and text was looked for in its pixels: that has to be done again, as one."""
HEADS = frozenset((FACE, FACE_AND_TEXT))
FACE_NOT_FOUND = "face-not-found"
PIXEL_REASONS = frozenset(("text-risk", "burned-in", "pixels", "document"))
"""Reasons of the gate that a look at the pixels can lift."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """One held instance about which a person decides."""

    entry: LedgerEntry
    """Where it came from, and its copy in quarantine."""
    reason: str
    """Why no machine decided: a code of the pixel stage."""
    layout: Layout
    findings: tuple[Finding, ...]
    pictures: tuple[Picture, ...]
    since: datetime

    @property
    def item_id(self) -> str:
        return item_id_of(self.entry.source.key)


def item_id_of(source_key: str) -> str:
    """Return the twelve digits that name a held instance; they tell nothing of it."""
    return sha256(b"review\x00" + source_key.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class ToLookAt:
    """A held instance, with a person's decisions when there are any."""

    entry: LedgerEntry
    decisions: tuple[Decision, ...] | None = None


@dataclass(frozen=True, slots=True)
class SeenPixels:
    """What a worker made of one: taken, refused, still held, or an item for a person."""

    taken: Taken
    item: ReviewItem | None = None


Look = Callable[[Sequence[ToLookAt]], Sequence[SeenPixels]]
"""Looks at the pixels of some held instances; staged files are durable when it returns."""
Verdict = Literal["cleaned", "refused"]


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was decided for all pictures of one device and layout."""

    layout: Layout
    decisions: tuple[Decision, ...]
    by: str
    since: datetime


class ReviewQueue(Protocol):
    """`tessera.testing.review_queue.ReviewQueueContract` is the specification."""

    def put(self, items: Sequence[ReviewItem]) -> None:
        """Insert or replace by item id, all or none; durable when it returns."""
        ...

    def waiting(self) -> tuple[ReviewItem, ...]:
        """Return what nobody has decided yet, oldest first, without pictures."""
        ...

    def find(self, item_id: str) -> ReviewItem:
        """Return one waiting item with its pictures. Raises NotFound."""
        ...

    def close(self, item_ids: Sequence[str], verdict: Verdict, by: str, at: datetime) -> None:
        """Take items out of the queue; their pictures and texts are deleted. Unknown: no error."""
        ...

    def closed(self) -> Mapping[str, int]:
        """Return verdict → how many."""
        ...

    def remember(self, rule: Remembered) -> None:
        """Keep decisions for a layout, in place of earlier ones for it."""
        ...

    def forget(self, key: str) -> None:
        """Drop what is remembered for a layout's key. Raises NotFound."""
        ...

    def remembered(self) -> tuple[Remembered, ...]:
        """Return all that is remembered, newest first."""
        ...
