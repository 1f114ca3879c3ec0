"""Port: the cohort queries that people keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedCohort:
    """A query under a name; its answers are with the searches that asked it."""

    cohort_id: str
    owner: str
    """The person who keeps it."""
    name: str
    query: str
    """Normalised text."""
    saved_at: datetime
    is_shared: bool = False
    """Whoever is signed in and has the address may read the query; the answers stay the owner's."""
    search_ids: tuple[str, ...] = ()
    """Of the owner's last two runs, the newest first."""


class SavedCohortStore(Protocol):
    def put(self, cohort: SavedCohort) -> None:
        """Keep a cohort, or what has changed of it."""
        ...

    def find(self, cohort_id: str) -> SavedCohort | None: ...

    def of_owner(self, owner: str) -> Sequence[SavedCohort]:
        """Return a person's cohorts, the newest first."""
        ...

    def remove(self, cohort_id: str) -> None:
        """Remove it; an unknown one is no error."""
        ...
