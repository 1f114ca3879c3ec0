"""The SQLite hub store through the suite of its port."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tessera.adapters.sqlite_hub.migrations import MIGRATIONS
from tessera.adapters.sqlite_hub.store import SqliteHubStore
from tessera.domain.errors import InvalidSettings
from tessera.testing.hub_store import HubStoreContract


class TestSqliteHubStore(HubStoreContract):
    @pytest.fixture(autouse=True)
    def opened(self) -> Iterator[None]:
        self._opened: list[SqliteHubStore] = []
        yield
        for store in self._opened:
            store.close()

    def make(self, folder: Path) -> SqliteHubStore:
        self._opened.append(SqliteHubStore(folder / "hub.sqlite"))
        return self._opened[-1]


def test_a_store_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    SqliteHubStore(path).close()
    db = sqlite3.connect(path)
    with db:
        db.execute("INSERT INTO migration VALUES (?)", (len(MIGRATIONS) + 1,))
    db.close()
    with pytest.raises(InvalidSettings, match="update the program"):
        SqliteHubStore(path)
