"""Port: where a node keeps released models, each with the tool that reads it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tessera.domain.access.tool import ToolBundle
from tessera.domain.case.model import ReleasedModel


class ModelShelf(Protocol):
    """Only whole models are ever seen; each write is durable when it returns."""

    def put(self, model: ReleasedModel, content: bytes, tool: ToolBundle) -> None:
        """Add a model; one that is there gets the new tool and card."""
        ...

    def all(self) -> Sequence[ReleasedModel]:
        """Return every model, by its id."""
        ...

    def was_removed(self, sha256: str) -> bool:
        """Say whether a person has taken this model off, and nobody put it back."""
        ...

    def remove(self, sha256: str) -> None:
        """Take a model off and remember that. Raises NotFound."""
        ...

    def opened(self, sha256: str) -> tuple[ToolBundle, Path, Path]:
        """Return the tool, its folder, and the folder that holds `model.npz`.

        Raises NotFound, and Conflict when one of them is not what was put there.
        """
        ...
