"""The SQLite review queue, against its specification."""

from pathlib import Path

import pytest

from tessera.adapters.sqlite_review import SqliteReviewQueue
from tessera.testing.review_queue import SINCE, WHO, ReviewQueueContract, review_item


class TestSqliteReviewQueue(ReviewQueueContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "review.sqlite"

    def make(self) -> SqliteReviewQueue:
        return SqliteReviewQueue(self.path)


def test_only_its_owner_can_read_it_and_what_is_decided_is_wiped(tmp_path: Path) -> None:
    path = tmp_path / "review.sqlite"
    queue, item = SqliteReviewQueue(path), review_item("a")
    queue.put([item])
    for file in tmp_path.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file
    queue.close([item.item_id], "refused", "anna", SINCE)
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert WHO.split()[1].encode() not in left
    assert b"PNG before" not in left
