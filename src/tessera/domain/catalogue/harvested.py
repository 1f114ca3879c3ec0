"""Descriptions taken over from other catalogues: what is kept of them, and what became of them.

Pure. A harvested dataset can be found here and nothing else: questions and applications go to
the catalogue it came from.
"""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

LONGEST_TITLE: Final = 500
LONGEST_TEXT: Final = 10_000
MOST_WORDS: Final = 100
"""Of keywords, cancers and the like in one description."""


class RunState(StrEnum):
    NEVER = "never"
    WHOLE = "whole"
    """Everything that the source names was read."""
    PARTIAL = "partial"
    """Some of it could not be read; what is missing is not taken for withdrawn."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestSource:
    """Another catalogue."""

    source_id: str
    name: str
    address: str
    """http, https, or the path of a file on the hub's own machine."""
    every_h: int
    """Hours between two runs; 0 for runs by hand alone."""
    allow_private: bool
    """The operator lets this source be at an address inside the own network."""
    added_at: datetime
    run_at: datetime | None = None
    state: RunState = RunState.NEVER
    detail: str = ""

    def is_due(self, now: datetime) -> bool:
        if not self.every_h:
            return False
        return self.run_at is None or now - self.run_at >= timedelta(hours=self.every_h)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """What a source says of a dataset that it has withdrawn; texts are cleaned and cut."""

    on: str = ""
    """The day, YYYY-MM-DD; empty when the source does not say."""
    reason: str = ""
    successor: str = ""
    """IRI of what takes its place, http or https; empty for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDataset:
    """One dataset as a source describes it; texts are cleaned and cut."""

    iri: str
    """The name by which the source knows it: http or https, or `urn:`."""
    identifier: str
    """`dct:identifier` at the source; the IRI where there is none."""
    title: Mapping[str, str]
    """Language tag → text; never empty. "" stands for no language."""
    description: Mapping[str, str]
    publisher: str
    custodian: str = ""
    landing_page: str = ""
    """http or https; empty when there is none."""
    version: str = ""
    modified: str = ""
    keywords: tuple[str, ...] = ()
    country: str = ""
    """ISO 3166-1 alpha-2, where it could be read."""
    cancers: tuple[str, ...] = ()
    """Concepts of our terminology."""
    modalities: tuple[str, ...] = ()
    n_subjects: int | None = None
    n_studies: int | None = None
    withdrawal: Withdrawal | None = None
    """Only of a dataset that its source has withdrawn."""

    @property
    def address(self) -> str:
        """Where a person reads of it at the source; "" when it has no page."""
        is_page = self.iri.startswith(("https://", "http://"))
        return self.landing_page or (self.iri if is_page else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestedEntry:
    """A dataset of another catalogue, and since when it is known."""

    source_id: str
    dataset: ReadDataset
    first_seen: datetime
    last_seen: datetime
    withdrawn_at: datetime | None = None
    """When it was found to be gone at the source; it stays here, marked."""

    @property
    def key(self) -> str:
        """Name of the entry in addresses of this hub."""
        return entry_key(self.source_id, self.dataset.iri)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run found at a source."""

    datasets: Sequence[ReadDataset]
    named: Collection[str] = ()
    """IRIs that the source names and that could not be read this time."""
    is_whole: bool = True
    """Every catalogue of the source could be read."""
    problems: tuple[str, ...] = field(default=())
    withdrawn: Mapping[str, Withdrawal] = field(default_factory=dict)
    """IRI → what the source says of its withdrawal; none of `datasets` is among them."""


def entry_key(source_id: str, iri: str) -> str:
    return sha256(f"{source_id}\n{iri}".encode()).hexdigest()[:20]


def reconciled(
    source_id: str, known: Sequence[HarvestedEntry], seen: Seen, now: datetime
) -> list[HarvestedEntry]:
    """Return the entries that change: new, seen again, or withdrawn.

    What was not found is withdrawn when every catalogue was read and none names it any more. What
    the source says that it has withdrawn is so in any case.
    """
    before = {entry.dataset.iri: entry for entry in known}
    changed: dict[str, HarvestedEntry] = {}
    for dataset in seen.datasets:
        old = before.get(dataset.iri)
        first = old.first_seen if old else now
        changed[dataset.iri] = HarvestedEntry(
            source_id=source_id, dataset=dataset, first_seen=first, last_seen=now
        )
    kept = {*changed, *seen.named}
    for iri, old in before.items():
        told = seen.withdrawn.get(iri)
        if told is None and (not seen.is_whole or iri in kept):
            continue
        gone = replace(old, withdrawn_at=old.withdrawn_at or now)
        if told != Withdrawal() and told is not None:
            gone = replace(gone, dataset=replace(old.dataset, withdrawal=told))
        if gone != old:
            changed[iri] = gone
    return list(changed.values())


def one_each(entries: Sequence[HarvestedEntry], order: Sequence[str]) -> list[HarvestedEntry]:
    """Return each dataset once: of two sources the one that comes first in `order`."""
    place = {source_id: at for at, source_id in enumerate(order)}
    best: dict[str, HarvestedEntry] = {}
    for entry in sorted(entries, key=lambda e: place.get(e.source_id, len(place))):
        held = best.setdefault(entry.dataset.iri, entry)
        if held.withdrawn_at is not None and entry.withdrawn_at is None:
            best[entry.dataset.iri] = entry
    return list(best.values())


def cleaned(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return foreign text as one that may be shown: no control or bidirectional marks, cut."""
    flat = " ".join(text[: longest * 2].split())
    kept = "".join(c for c in flat if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"
