"""Port: taking one instance in, and the store it goes to."""

from collections.abc import Callable, Mapping, Sequence
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


class InstanceStore(Protocol):
    """Where de-identified instances lie, as files.

    The kill tests of ingest are its specification.
    """

    def place(self, instance_uid: InstanceUid) -> str:
        """Return where an instance belongs, relative to the store."""
        ...

    def path(self, place: str) -> Path:
        """Return the file at a place; it may not exist."""
        ...

    def publish(self, staged: Mapping[str, str]) -> None:
        """Move staged files (name → place) to their places, each atomically."""
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
