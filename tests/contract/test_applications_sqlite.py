"""The SQLite store of applications through the suite of its port."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tessera.adapters.sqlite_hub.applications import SqliteApplications
from tessera.adapters.sqlite_hub.store import SqliteHubStore
from tessera.testing.applications import ApplicationStoreContract


class TestSqliteApplications(ApplicationStoreContract):
    @pytest.fixture(autouse=True)
    def opened(self) -> Iterator[None]:
        self._opened: list[SqliteHubStore] = []
        yield
        for store in self._opened:
            store.close()

    def make(self, folder: Path) -> SqliteApplications:
        self._opened.append(SqliteHubStore(folder / "hub.sqlite"))
        return self._opened[-1].applications

    @pytest.mark.parametrize(
        "statement",
        ["DELETE FROM application_event", "UPDATE application_event SET body = '{}'"],
    )
    def test_the_file_itself_refuses_to_forget(self, tmp_path: Path, statement: str) -> None:
        self.test_every_kind_of_event_is_kept_as_it_was(tmp_path)
        with (
            sqlite3.connect(tmp_path / "hub.sqlite") as db,
            pytest.raises(sqlite3.IntegrityError, match="never"),
        ):
            db.execute(statement)
        db.close()
