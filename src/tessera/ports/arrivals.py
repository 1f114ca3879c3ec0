"""Port: what has arrived and waits to be taken in. Identified zone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tessera.domain.imaging.origin import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One file that a peer has sent. `name` is its path within the folder of arrivals."""

    name: str
    caller: str
    """Title of the application entity that sent it."""
    sop_class: str
    transfer_syntax: str
    instance_uid: str = field(repr=False)
    n_bytes: int
    received: datetime
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedStudy:
    """What has come of one study since the home was made."""

    study_uid: str = field(repr=False)
    patient_id: str = field(repr=False)
    accession: str = field(repr=False)
    n_received: int
    """Objects; one that was sent twice counts twice."""
    last: datetime


class Arrivals(Protocol):
    """The list of what waits. The files are the truth; this says whose they are.

    Implementations pass `tessera.testing.arrivals.ArrivalsContract`: the specification.
    """

    def add(self, arrivals: Sequence[Arrival]) -> None:
        """Insert; a name that is known already changes nothing and is not counted twice."""
        ...

    def remove(self, names: Sequence[str]) -> None:
        """Forget those that were taken in; unknown names are no error."""
        ...

    def waiting(self) -> Sequence[Arrival]:
        """Return what waits, by name ascending."""
        ...

    def count(self) -> tuple[int, int]:
        """Return how many wait, and their bytes."""
        ...

    def studies(self, study_uids: Sequence[str] | None = None) -> Sequence[ArrivedStudy]:
        """Return what has come of these studies, or of all; by the time of the last arrival."""
        ...
