"""A node's permits, their tools, and what waits to be told to the hub."""

from tessera.adapters.access.outbox import SqliteOutbox
from tessera.adapters.access.records import SqlitePermitRecords
from tessera.adapters.access.tools import FolderToolShelf

__all__ = ["FolderToolShelf", "SqliteOutbox", "SqlitePermitRecords"]
