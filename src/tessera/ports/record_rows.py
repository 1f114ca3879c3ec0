"""Port: rows of single subjects in a dataset version that a permit names."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Protocol

from tessera.domain.ids import DatasetId

Row = Mapping[str, object]


class RecordRows(Protocol):
    def folder(
        self, dataset_id: DatasetId, version: int, manifest_sha256: str, tables: Sequence[str]
    ) -> Path:
        """Return the folder of a version when it is the one named, and these tables are whole.

        Raises NotFound, and Conflict when it is another or has been changed.
        """
        ...

    def rows(self, folder: Path, table: str, subjects: AbstractSet[str]) -> Sequence[Row]:
        """Return the rows of these subjects; none from a table that the version does not have."""
        ...
