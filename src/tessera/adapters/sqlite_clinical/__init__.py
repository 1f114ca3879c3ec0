"""De-identified clinical records in SQLite."""

from tessera.adapters.sqlite_clinical.store import SqliteClinicalStore

__all__ = ["SqliteClinicalStore"]
