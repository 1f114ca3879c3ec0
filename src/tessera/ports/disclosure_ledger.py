"""Port: what a node has told about its subjects, to whom, and what it told about sets like it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from tessera.domain.cohort.disclosure import CountPolicy
from tessera.domain.cohort.exact import ExactSet
from tessera.domain.errors import InvalidInput
from tessera.domain.ids import DatasetId


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many different questions a dataset answers in a stretch of time."""

    each: int = 200
    """From one asker. Visitors who are not signed in are one asker together."""
    together: int = 2000
    """From all askers."""
    during: timedelta = timedelta(days=30)

    def __post_init__(self) -> None:
        if self.each < 1 or self.together < 1:
            raise InvalidInput("a budget is one question at least")


class DisclosureLedger(Protocol):
    """Implementations pass `DisclosureLedgerContract` of `tessera.testing.disclosure_ledger`."""

    def key(self) -> bytes:
        """Return the secret of sketches and noise; made at the first call. Raises Unavailable."""
        ...

    def ask(
        self, dataset_id: DatasetId, asker: str, question: str, budget: Budget, now: datetime
    ) -> bool:
        """Enter a question and return whether it may be answered.

        The same from the same asker costs once in a stretch of time. What a question costs
        depends on its text alone: else the cost would tell what matches. Outlives the process
        when it returns. Raises Unavailable.
        """
        ...

    def tell(
        self, dataset_id: DatasetId, sets: Mapping[str, ExactSet], policy: CountPolicy
    ) -> Mapping[str, int | None]:
        """Return the number to tell about each set, by its label (`sticky.number_for`).

        What is told for the first time outlives the process when it returns, also when two
        processes ask at once. Raises Unavailable.
        """
        ...
