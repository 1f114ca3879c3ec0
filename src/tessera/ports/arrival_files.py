"""Port: the files that peers have sent and that wait to be taken in. Identified zone."""

from collections.abc import Sequence
from typing import Protocol

from tessera.ports.ledger import SourceFile


class ArrivalFiles(Protocol):
    """The truth about what waits; `Arrivals` says whose the files are."""

    def mend(self) -> None:
        """Remove what was never answered with success, and bring the list up to the files.

        Only while nothing is received.
        """
        ...

    def waiting(self, at_most: int) -> Sequence[SourceFile]:
        """Return files that wait, those that came first before the others."""
        ...

    def settle(self, sources: Sequence[SourceFile]) -> None:
        """Remove files that were taken in, or keep them elsewhere, as the settings say."""
        ...

    def tidy(self) -> None:
        """Forget rows whose files are gone; cheap when there is nothing to do."""
        ...
