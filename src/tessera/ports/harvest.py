"""Ports: taking over descriptions from other catalogues."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from tessera.domain.catalogue.harvested import (
    HarvestedEntry,
    HarvestSource,
    ReadDataset,
    RunState,
)
from tessera.domain.errors import InvalidInput, NotFound, Refused


class AddressRefused(Refused):
    """An address leads where this hub does not go: another scheme, or its own network."""

    code: ClassVar[str] = "address-refused"
    public: ClassVar[str] = "This address is not asked."


class SourceUnreadable(InvalidInput):
    """What a source sent is too large, or is not what it says that it is."""

    code: ClassVar[str] = "source-unreadable"
    public: ClassVar[str] = "The source cannot be read."


class RecordGone(NotFound):
    """The source says that a record is not there (404) or no longer there (410)."""

    code: ClassVar[str] = "record-gone"
    public: ClassVar[str] = "The source does not have this record."

    def __init__(self, message: str, left: "Fetched | None" = None) -> None:
        super().__init__(message)
        self.left = left
        """What the source says in its place (410): a tombstone, if it can be read."""


@dataclass(frozen=True, slots=True)
class Fetched:
    data: bytes
    media: str
    """Media type without parameters, lower case; "" when none was said."""
    address: str
    """Where it was found in the end, after redirects."""


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """What one document of a source says."""

    datasets: tuple[ReadDataset, ...]
    catalogues: tuple[str, ...] = ()
    """Addresses of catalogues that it names and does not describe."""
    named: tuple[str, ...] = ()
    """IRIs of datasets that it names and does not describe."""


class Fetch(Protocol):
    def get(self, address: str, *, allow_private: bool) -> Fetched:
        """Return what is at `address`, within limits of size and time.

        Raises AddressRefused, SourceUnreadable, RecordGone, Unavailable.
        """
        ...


class ReadRecords(Protocol):
    def __call__(self, fetched: Fetched) -> ReadDocument:
        """Read a document in any form that is known. Raises SourceUnreadable."""
        ...


class HarvestStore(Protocol):
    """Implementations pass `tessera.testing.HarvestStoreContract`, which is the specification."""

    def add(self, source: HarvestSource) -> None:
        """Add a source. Raises Conflict when its id or its address is there."""
        ...

    def remove(self, source_id: str) -> None:
        """Remove a source and all that came from it. Raises NotFound."""
        ...

    def source(self, source_id: str) -> HarvestSource | None: ...

    def sources(self) -> Sequence[HarvestSource]:
        """Return the sources in the order in which they were added, then by id."""
        ...

    def ran(self, source_id: str, at: datetime, state: RunState, detail: str) -> None:
        """Note how a run ended. Raises NotFound."""
        ...

    def put(self, entries: Sequence[HarvestedEntry]) -> None:
        """Insert or replace by source and IRI, all or none."""
        ...

    def entries(self, source_id: str | None = None) -> Sequence[HarvestedEntry]:
        """Return what came from one source or from all, last seen first, then by IRI."""
        ...

    def entry(self, key: str) -> HarvestedEntry | None: ...
