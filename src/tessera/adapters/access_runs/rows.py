"""RecordRows over the Parquet files of the versions."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from hashlib import sha256
from pathlib import Path

from tessera.adapters.access_runs.views import check_tables
from tessera.adapters.parquet import FolderDatasetStore
from tessera.domain.catalogue.manifest import parse_manifest
from tessera.domain.errors import Conflict
from tessera.domain.ids import DatasetId
from tessera.ports.record_rows import Row


class FolderRows:
    """`datasets` is the folder of the versions."""

    def __init__(self, datasets: Path) -> None:
        self._store = FolderDatasetStore(datasets)

    def folder(
        self, dataset_id: DatasetId, version: int, manifest_sha256: str, tables: Sequence[str]
    ) -> Path:
        """See the port."""
        raw = self._store.read(dataset_id, version, "manifest.json")
        if sha256(raw).hexdigest() != manifest_sha256:
            raise Conflict(
                f"version {version} of dataset {dataset_id} is not the one that the permit names"
            )
        folder, manifest = self._store.folder(dataset_id, version), parse_manifest(raw)
        check_tables(folder, manifest, [name for name in tables if name in manifest.tables])
        return folder

    def rows(self, folder: Path, table: str, subjects: AbstractSet[str]) -> Sequence[Row]:
        """See the port."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        path = folder / f"{table}.parquet"
        if not path.exists():
            return []
        chosen = pc.field("subject").isin(pa.array(sorted(subjects), pa.string()))
        found: list[Row] = pq.read_table(path, filters=chosen).to_pylist()
        return found
