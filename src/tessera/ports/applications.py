"""Port: the events of applications for access, and what each person has seen of them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tessera.domain.access.application import Event


class ApplicationStore(Protocol):
    """Append-only. Implementations pass `tessera.testing.applications.ApplicationStoreContract`."""

    def append(self, events: Sequence[Event], *, expected: int) -> None:
        """Add events of one application, all or none; durable on return.

        `expected`: number of the last event that they were decided from, 0 for a new application.
        Raises ApplicationMoved when there is a later one.
        """
        ...

    def events(self, application_id: str, since: int = 0) -> Sequence[Event]:
        """Return the events after number `since`, in order; empty when there are none."""
        ...

    def heads(self) -> Mapping[str, int]:
        """Return the number of the last event of each application, first drafted first."""
        ...

    def visit(self, person_id: str, application_id: str, number: int) -> None:
        """Note that the person has seen the application up to that event."""
        ...

    def visited(self, person_id: str) -> Mapping[str, int]:
        """Return the last event that the person has seen of each application."""
        ...
