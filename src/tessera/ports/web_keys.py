"""Port: who may use DICOMweb, and what of it. Only digests of the keys are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class WebKey:
    name: str
    sees_all: bool
    """Every study, or those it was given."""
    may_store: bool
    made: datetime
    ends: datetime
    n_studies: int = 0


class WebKeys(Protocol):
    """`tessera.testing.web_index.WebIndexContract` is the specification."""

    def add(self, key: WebKey, digest: bytes, study_uids: Sequence[str]) -> None:
        """Add a key. Raises Conflict when its name is taken."""
        ...

    def remove(self, name: str) -> None:
        """Remove a key; it opens nothing from then on. Raises NotFound."""
        ...

    def find(self, digest: bytes) -> WebKey | None:
        """Return the key with this digest, whether or not it has ended."""
        ...

    def all(self) -> Sequence[WebKey]:
        """Return every key, by name."""
        ...
