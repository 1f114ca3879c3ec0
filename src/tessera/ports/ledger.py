"""Port: the intake ledger, in the identified zone. What arrived, and what became of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

NOT_READ = "not-read"
"""Reason of a source that could not be read this time; it is taken again by the next run."""


class State(StrEnum):
    """What became of one source file; it is not taken again unless it changes."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    """The same instance with the same content was already stored."""
    HELD = "held"
    """It waits in quarantine for a person: its pixels or class may carry text."""
    REFUSED = "refused"
    """It cannot be taken; the reason says why and the mend what to do."""
    IGNORED = "ignored"
    """Not an instance at all: another kind of file, an empty one, a DICOMDIR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One thing to take in: a file, or a member of a zip."""

    path: str
    member: str = ""
    """Name inside the zip at `path`; empty for a plain file."""
    size: int
    modified_ns: int

    @property
    def key(self) -> str:
        """Return what names it, for people and the ledger, in printable characters only.

        File names may hold line ends and bytes that are no text.
        """
        name = f"{self.path}!{self.member}" if self.member else self.path
        return printable(name)


def printable(name: str) -> str:
    """Return a file name with what cannot be shown or stored as text written as an escape."""
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    source: SourceFile
    state: State
    reason: str = ""
    message: str = ""
    element: str = ""
    mend: str = ""
    instance_uid: str = ""
    """The replaced UID, when stored or a duplicate."""
    quarantine: str = ""
    """File name in the quarantine folder, when its bytes are kept there."""


class Ledger(Protocol):
    """Implementations pass `tessera.testing.node_stores.LedgerContract`: the specification."""

    def settled(self, sources: Sequence[SourceFile]) -> frozenset[str]:
        """Return the keys of those that are settled with this size and time.

        What is held because its patient opted out never is: an opt-out can be taken back.
        Nor is what could not be read (NOT_READ): the file or its permission may come back.
        """
        ...

    def record(self, entries: Sequence[LedgerEntry], tally: Mapping[str, int] = ...) -> None:
        """Insert or replace by source key, and add to the tally, all or none; durable after."""
        ...

    def stored(self, instance_uids: Sequence[str]) -> dict[str, str]:
        """Return instance UID → key of the source that was stored as it."""
        ...

    def counts(self) -> dict[tuple[State, str], int]:
        """Return (state, reason) → number of sources."""
        ...

    def tally(self) -> Mapping[str, int]:
        """Return everything that was counted since the home was made: name → sum."""
        ...

    def entries(self, states: Sequence[State]) -> Iterator[LedgerEntry]:
        """Yield entries in these states, by source key ascending."""
        ...
