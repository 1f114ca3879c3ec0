"""The SQLite list of those who opted out, against its specification."""

from pathlib import Path

import pytest

from tessera.adapters.sqlite_exclusions import SqliteExclusions
from tessera.domain.errors import Unavailable
from tessera.testing.exclusions import ExclusionListContract, exclusion


class TestSqliteExclusions(ExclusionListContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "opt out?.sqlite"

    def make(self) -> SqliteExclusions:
        return SqliteExclusions(self.path)


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 500])
def test_a_damaged_list_is_no_empty_list(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "opt-out.sqlite"
    path.write_bytes(content)
    with pytest.raises(Unavailable, match=r"opt-out\.sqlite is restored"):
        SqliteExclusions(path).excluded()


def test_only_its_owner_can_read_the_list(tmp_path: Path) -> None:
    path = tmp_path / "opt-out.sqlite"
    SqliteExclusions(path).add([exclusion("TES-A")])
    for file in tmp_path.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file
