from pathlib import Path

import pytest

from tessera.adapters.sqlite_node.arrivals import SqliteArrivals
from tessera.testing.arrivals import ArrivalsContract, arrival


class TestSqliteArrivals(ArrivalsContract):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self._path = tmp_path / "arrivals.sqlite"

    def make(self) -> SqliteArrivals:
        return SqliteArrivals(self._path)

    def test_it_is_there_after_opening_again_and_only_its_owner_reads_it(self) -> None:
        book = self.make()
        book.add([arrival("0/a")])
        book.close()
        assert self.make().count() == (1, 100)
        assert self._path.stat().st_mode & 0o077 == 0
