"""HarvestStore on SQLite passes the port's specification."""

from pathlib import Path

from tessera.adapters.sqlite_hub.store import SqliteHubStore
from tessera.ports.harvest import HarvestStore
from tessera.testing.harvest_store import HarvestStoreContract


class TestSqliteHarvest(HarvestStoreContract):
    def make(self, folder: Path) -> HarvestStore:
        return SqliteHubStore(folder / "hub.sqlite").harvest
