"""Port: what the hub keeps of trainings. Of a model only its hash, until all have released it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tessera.domain.learning.plan import LearningState
from tessera.wire.learning import Learning, RoundUpdate


class LearningStore(Protocol):
    """Implementations pass `tessera.testing.learning_records.LearningStoreContract`."""

    def add(self, learning: Learning) -> bool:
        """Add a training whose runs are there; False when its id is, whatever it holds."""
        ...

    def find(self, learn_id: str) -> Learning | None:
        """Return a training with its sites as their runs stand, and its updates in order."""
        ...

    def of_use(self, use_id: str) -> Learning | None:
        """Return the training to which a run belongs."""
        ...

    def all(self) -> Sequence[Learning]:
        """Return every training, last asked for first, then by id."""
        ...

    def open(self) -> Sequence[Learning]:
        """Return those that are not in a final state, first asked for first."""
        ...

    def change(
        self,
        learn_id: str,
        state: LearningState,
        at: datetime,
        *,
        was: LearningState,
        detail: str = "",
    ) -> bool:
        """Set the state if it was `was`; False when it was another."""
        ...

    def set_model(self, learn_id: str, sha256: str, rounds: int) -> None:
        """Note the hash of the global model and after how many rounds it was made."""
        ...

    def set_key(self, use_id: str, key: str) -> bool:
        """Keep the key for a node's kit in place of an earlier one; False for an unknown use."""
        ...

    def add_update(self, learn_id: str, update: RoundUpdate) -> bool:
        """Keep what a node gave in a round; False when there is something already."""
        ...

    def note_inputs(self, use_id: str, hashes: Sequence[str]) -> None:
        """Note by SHA-256 the files that went to a run, so that tests of a model are found."""
        ...

    def uses_with_input(self, sha256: str) -> Sequence[str]:
        """Return the runs that got this file, ascending."""
        ...
