"""Port: the node's immutable dataset versions."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from tessera.domain.catalogue.manifest import Manifest, TableEntry
from tessera.domain.clinical.build import CdmTables
from tessera.domain.ids import DatasetId


class StagedVersion(Protocol):
    """A version in the making. Nobody sees it before `commit`."""

    folder: Path

    def write_tables(self, tables: CdmTables) -> dict[str, TableEntry]:
        """Write every table, in place of what was staged before; return name → entry."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write one more file of the version."""
        ...

    def commit(self, manifest: Manifest) -> Path:
        """Make the version visible, whole and read-only; return its folder.

        Durable when it returns. Raises Conflict when this version exists.
        """
        ...


class DatasetStore(Protocol):
    """Only complete versions are ever listed or read."""

    def dataset_ids(self) -> tuple[DatasetId, ...]:
        """Return every dataset with at least one version, ascending."""
        ...

    def versions(self, dataset_id: DatasetId) -> tuple[int, ...]:
        """Return the versions of a dataset, ascending; none for an unknown one."""
        ...

    def manifest(self, dataset_id: DatasetId, version: int) -> Manifest:
        """Return a version's manifest. Raises NotFound."""
        ...

    def read(self, dataset_id: DatasetId, version: int, name: str) -> bytes:
        """Return one file of a version. Raises NotFound."""
        ...

    def tables(self, dataset_id: DatasetId, version: int, names: Sequence[str]) -> CdmTables:
        """Return these tables of a version. Raises NotFound, InvalidInput when one is damaged."""
        ...

    def folder(self, dataset_id: DatasetId, version: int) -> Path:
        """Return a version's folder. Raises NotFound."""
        ...

    def stage(self) -> AbstractContextManager[StagedVersion]:
        """Begin a version; one at a time per store. What is not committed is removed."""
        ...
