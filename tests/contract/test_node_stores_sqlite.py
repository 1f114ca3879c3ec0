"""The SQLite ledger and index against their specifications."""

from pathlib import Path

import pytest

from tessera.adapters.sqlite_node import SqliteInstanceIndex, SqliteLedger
from tessera.domain.errors import Conflict
from tessera.testing.node_stores import InstanceIndexContract, LedgerContract


class TestSqliteInstanceIndex(InstanceIndexContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "index.sqlite"

    def make(self) -> SqliteInstanceIndex:
        return SqliteInstanceIndex(self.path)


class TestSqliteLedger(LedgerContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "ledger.sqlite"

    def make(self) -> SqliteLedger:
        return SqliteLedger(self.path)


def test_a_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    index = SqliteInstanceIndex(tmp_path / "i.sqlite")
    index._db.execute("PRAGMA user_version = 99")
    index.close()
    with pytest.raises(Conflict, match="newer version"):
        SqliteInstanceIndex(tmp_path / "i.sqlite")
