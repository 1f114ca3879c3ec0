"""Port: what waits at a node to be told to its hub, and which tasks have been done."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tessera.wire.fields import Json
from tessera.wire.tasks import DeliveredPart, Report


class Sort(StrEnum):
    """Of what waits."""

    REPORT = "report"
    PART = "part"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One message on its way. `body` was encoded from a Report, or by `parts_of`."""

    number: int
    """Rises; the order of sending."""
    sort: Sort
    body: Json


class Outbox(Protocol):
    """Implementations pass `OutboxContract` of `tessera.testing.permit_book`.

    Every change is whole and durable when it returns; several processes may use it at the same
    time. Every method raises Unavailable when the outbox cannot be read or written.
    """

    def put_reports(self, reports: Sequence[Report]) -> None:
        """Add reports, all or none, behind what waits."""
        ...

    def put_parts(self, parts: Sequence[DeliveredPart]) -> None:
        """Add the parts of one released file, all or none, behind what waits."""
        ...

    def first(self) -> Sequence[Waiting]:
        """Return what is to be sent next: one part, or at most 50 reports; oldest first."""
        ...

    def remove(self, numbers: Sequence[int]) -> None:
        """Take away what has been sent; an unknown number is no error."""
        ...

    def set_aside(self, number: int, problem: str) -> None:
        """Keep it, but out of the way: the hub does not want it."""
        ...

    def finish(self, task_id: str, report: Report) -> None:
        """Remember a task as done and add its report, both or none. Again changes nothing."""
        ...

    def is_finished(self, task_id: str) -> bool:
        """Say whether a task was done before; if so its report is sent again."""
        ...
