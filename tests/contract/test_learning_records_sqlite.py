"""The SQLite store of trainings through the suite of its port."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tessera.adapters.sqlite_hub.store import SqliteHubStore
from tessera.testing.learning_records import LearningStoreContract


class TestSqliteLearning(LearningStoreContract):
    @pytest.fixture(autouse=True)
    def opened(self) -> Iterator[None]:
        self._opened: list[SqliteHubStore] = []
        yield
        for store in self._opened:
            store.close()

    def make(self, folder: Path) -> SqliteHubStore:
        self._opened.append(SqliteHubStore(folder / "hub.sqlite"))
        return self._opened[-1]
