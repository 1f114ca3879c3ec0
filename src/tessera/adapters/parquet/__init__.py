"""Dataset versions as folders of Parquet files."""

from tessera.adapters.parquet.store import FolderDatasetStore

__all__ = ["FolderDatasetStore"]
