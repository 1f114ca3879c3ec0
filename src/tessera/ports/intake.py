"""Port: taking one instance in, and the store it goes to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tessera.domain.ids import InstanceUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.zones import Deidentified
from tessera.ports.ledger import SourceFile, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a worker made of one source file. Nothing is indexed or in its place yet."""

    source: SourceFile
    row: Deidentified[InstanceRow] | None = None
    """Set when the instance was de-identified."""
    staged: str = ""
    """Name of its durable file in the staging folder."""
    state: State = State.STORED
    """HELD, REFUSED or IGNORED when there is no row."""
    reason: str = ""
    message: str = ""
    element: str = ""
    mend: str = ""
    quarantine: str = ""
    tally: Mapping[str, int] = field(default_factory=dict)
    """What was done to it, counted: see `tessera.domain.deid.tally`."""


TakeIn = Callable[[Sequence[SourceFile]], Sequence[Taken]]
"""Takes some sources in; staged files are durable when it returns. Never raises for bad input."""


@dataclass(frozen=True, slots=True)
class ObjectEntry:
    """One file of an instance store."""

    place: str
    n_bytes: int
    sha256: str = ""
    """Empty in listings."""


class InstanceStore(Protocol):
    """Where de-identified instances lie, as files.

    `tessera.testing.instance_store.InstanceStoreContract` and the kill tests of ingest are its
    specification. What is staged lies on the node's own disk, wherever the store is.
    """

    def place(self, instance_uid: InstanceUid) -> str:
        """Return where an instance belongs, relative to the store."""
        ...

    def path(self, place: str) -> Path:
        """Return the file at a place, or a local copy of it; it may not exist.

        Raises Unavailable when a store on other machines does not answer.
        """
        ...

    def publish(self, staged: Mapping[str, str]) -> None:
        """Move staged files (name → place) to their places, each atomically.

        Raises Unavailable as `path` does: what was not moved stays staged.
        """
        ...

    def discard(self, staged: Sequence[str]) -> None:
        """Remove staged files; unknown names are no error."""
        ...

    def leftovers(self) -> Mapping[str, InstanceUid]:
        """Return what an interrupted run left in staging: name → instance UID."""
        ...

    def sha256(self, staged: str) -> str:
        """Return the SHA-256 of a staged file."""
        ...


class InstanceFiles(Protocol):
    """The same store, for those who look at all of it: back-up, moving, and checking.

    `tessera.testing.instance_store.InstanceStoreContract` is the specification.
    """

    def entries(self) -> Iterator[ObjectEntry]:
        """Yield what the store holds: place and size, by place, ascending bytes."""
        ...

    def find(self, place: str) -> ObjectEntry | None:
        """Return what is at a place, or None."""
        ...

    def digest(self, place: str) -> str:
        """Return the SHA-256 of the content at a place. Raises NotFound."""
        ...

    def stream(self, place: str, offset: int = 0, n_bytes: int = -1) -> Iterator[bytes]:
        """Yield a range, or all from `offset`, in pieces. Raises NotFound."""
        ...

    def remove(self, place: str) -> None:
        """Remove what is at a place; an unknown place is no error."""
        ...
