"""The SQLite stores of permits, tools, runs and tasks through the suite of their ports."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tessera.adapters.sqlite_hub.store import SqliteHubStore
from tessera.testing.access_records import AccessRecordsContract


class TestSqliteAccessRecords(AccessRecordsContract):
    @pytest.fixture(autouse=True)
    def opened(self) -> Iterator[None]:
        self._opened: list[SqliteHubStore] = []
        yield
        for store in self._opened:
            store.close()

    def make(self, folder: Path) -> SqliteHubStore:
        self._opened.append(SqliteHubStore(folder / "hub.sqlite"))
        return self._opened[-1]
