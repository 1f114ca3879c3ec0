"""HubStore on SQLite in WAL mode: one file, read and written by several processes at once."""

from contextlib import AbstractContextManager
from pathlib import Path

from tessera.adapters.sqlite_hub.accounts import SqliteAccounts
from tessera.adapters.sqlite_hub.applications import SqliteApplications
from tessera.adapters.sqlite_hub.database import Database
from tessera.adapters.sqlite_hub.datasets import SqliteDatasets
from tessera.adapters.sqlite_hub.harvest import SqliteHarvest
from tessera.adapters.sqlite_hub.learning import SqliteLearning
from tessera.adapters.sqlite_hub.migrations import migrate
from tessera.adapters.sqlite_hub.nodes import SqliteInvites, SqliteNodes, SqliteSeenIds
from tessera.adapters.sqlite_hub.permits import SqlitePermits
from tessera.adapters.sqlite_hub.runs import SqliteRuns
from tessera.adapters.sqlite_hub.saved_cohorts import SqliteSavedCohorts
from tessera.adapters.sqlite_hub.searches import SqliteSearches
from tessera.adapters.sqlite_hub.tasks import SqliteTasks
from tessera.adapters.sqlite_hub.tools import SqliteTools


class SqliteHubStore:
    def __init__(self, path: Path) -> None:
        """Open the store at `path`, made and migrated when need be."""
        self._db = Database(path)
        migrate(self._db.connection)
        self.nodes = SqliteNodes(self._db)
        self.invites = SqliteInvites(self._db)
        self.datasets = SqliteDatasets(self._db)
        self.searches = SqliteSearches(self._db)
        self.cohorts = SqliteSavedCohorts(self._db)
        self.seen_ids = SqliteSeenIds(self._db)
        self.accounts = SqliteAccounts(self._db)
        self.applications = SqliteApplications(self._db)
        self.tasks = SqliteTasks(self._db)
        self.tools = SqliteTools(self._db)
        self.permits = SqlitePermits(self._db)
        self.runs = SqliteRuns(self._db)
        self.learning = SqliteLearning(self._db)
        self.harvest = SqliteHarvest(self._db)

    def transaction(self) -> AbstractContextManager[None]:
        return self._db.transaction()

    def close(self) -> None:
        self._db.close()
