"""PermitRecords and Outbox on SQLite keep to their contracts, also when a file is damaged."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tessera.adapters.access import SqliteOutbox, SqlitePermitRecords
from tessera.domain.errors import Unavailable
from tessera.testing.permit_book import ONE, OutboxContract, PermitRecordsContract


class TestSqlitePermitRecords(PermitRecordsContract):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.path = tmp_path / "access" / "permits.sqlite"

    def make(self) -> SqlitePermitRecords:
        return SqlitePermitRecords(self.path)

    def outbox(self) -> SqliteOutbox:
        return SqliteOutbox(self.path)

    def test_reading_makes_no_file(self) -> None:
        assert not self.make().all() and not self.outbox().first()
        assert not self.path.parent.exists()

    def test_only_the_owner_reads_the_file(self) -> None:
        self.make().put(ONE, "token", datetime(2026, 1, 1, tzinfo=UTC))
        assert self.path.stat().st_mode & 0o077 == 0
        assert self.path.parent.stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize("content", [b"", b"no database at all, but long enough to be one"])
    def test_a_damaged_file_is_not_taken_for_an_empty_one(self, content: bytes) -> None:
        self.make().put(ONE, "token", datetime(2026, 1, 1, tzinfo=UTC))
        for path in self.path.parent.iterdir():
            path.unlink()
        self.path.write_bytes(content)
        with pytest.raises(Unavailable, match=r"permits\.sqlite"):
            self.make().find(ONE)
        with pytest.raises(Unavailable, match=r"permits\.sqlite"):
            self.make().put(ONE, "token", datetime(2026, 1, 1, tzinfo=UTC))


class TestSqliteOutbox(OutboxContract):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.path = tmp_path / "access" / "permits.sqlite"

    def make(self) -> SqliteOutbox:
        return SqliteOutbox(self.path)
