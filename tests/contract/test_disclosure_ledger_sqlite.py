"""SqliteDisclosureLedger keeps the contract, and its file is nobody else's to read."""

from pathlib import Path
from stat import S_IMODE

import pytest

from tessera.adapters.sqlite_disclosure import SqliteDisclosureLedger
from tessera.domain.errors import Unavailable
from tessera.ports.disclosure_ledger import DisclosureLedger
from tessera.testing.disclosure_ledger import DisclosureLedgerContract


class TestSqliteDisclosureLedger(DisclosureLedgerContract):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.path = tmp_path / "told.sqlite"

    def make(self) -> DisclosureLedger:
        return SqliteDisclosureLedger(self.path)

    def test_the_file_is_the_owners_alone(self) -> None:
        self.make().key()
        assert S_IMODE(self.path.stat().st_mode) == 0o600

    def test_a_damaged_file_tells_nothing(self) -> None:
        self.path.write_bytes(b"not a database" * 100)
        with pytest.raises(Unavailable, match="nobody is counted"):
            self.make().key()
