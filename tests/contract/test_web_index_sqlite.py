"""The SQLite index of DICOMweb against its specification."""

from pathlib import Path

import pytest

from tessera.adapters.sqlite_node import SqliteInstanceIndex
from tessera.adapters.sqlite_node.web_index import SqliteWebIndex
from tessera.adapters.sqlite_node.web_keys import SqliteWebKeys
from tessera.testing.web_index import WebIndexContract


class TestSqliteWebIndex(WebIndexContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "index.sqlite"

    def make(self) -> tuple[SqliteInstanceIndex, SqliteWebIndex, SqliteWebKeys]:
        return SqliteInstanceIndex(self.path), SqliteWebIndex(self.path), SqliteWebKeys(self.path)
