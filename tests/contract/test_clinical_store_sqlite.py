"""The SQLite clinical store, against its specification."""

from pathlib import Path

import pytest

from tessera.adapters.sqlite_clinical import SqliteClinicalStore
from tessera.testing.clinical_store import ClinicalStoreContract


class TestSqliteClinicalStore(ClinicalStoreContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "clinical.sqlite"

    def make(self) -> SqliteClinicalStore:
        return SqliteClinicalStore(self.path)
