"""Run records on SQLite and the airlock as folders keep to their contracts."""

from pathlib import Path

import pytest

from tessera.adapters.access_runs import FolderAirlock, SqliteRunRecords
from tessera.domain.access.airlock import Inspection
from tessera.domain.errors import Unavailable
from tessera.testing.run_records import ONE, AirlockShelfContract, RunRecordsContract, run


class TestSqliteRunRecords(RunRecordsContract):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.path = tmp_path / "runs" / "runs.sqlite"

    def make(self) -> SqliteRunRecords:
        return SqliteRunRecords(self.path)

    def test_reading_makes_no_file_and_only_the_owner_reads_it(self) -> None:
        assert not self.make().all() and not self.path.parent.exists()
        self.make().add(run())
        assert self.path.stat().st_mode & 0o077 == 0
        assert self.path.parent.stat().st_mode & 0o077 == 0

    def test_a_damaged_file_is_named(self) -> None:
        self.make().add(run())
        for name in ("runs.sqlite-wal", "runs.sqlite-shm"):
            self.path.with_name(name).unlink(missing_ok=True)
        self.path.write_bytes(b"not a database" * 100)
        with pytest.raises(Unavailable, match=r"runs\.sqlite"):
            self.make().all()


class TestFolderAirlock(AirlockShelfContract):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.root = tmp_path / "airlock"

    def shelf(self) -> FolderAirlock:
        return FolderAirlock(self.root)

    def test_a_kill_leaves_nothing_that_is_seen(self) -> None:
        (self.root / f".part-{ONE}" / "files").mkdir(parents=True)
        assert not self.shelf().has(ONE)
        self.shelf().put(
            ONE, {"a.json": b"{}"}, {"a.json": Inspection(sha256="ab" * 32, findings=())}
        )
        assert [path.name for path in self.root.iterdir()] == [ONE]
