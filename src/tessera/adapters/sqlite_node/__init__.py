"""The node's ledger (identified zone) and instance index (research zone) on SQLite."""

from tessera.adapters.sqlite_node.instance_index import SqliteInstanceIndex
from tessera.adapters.sqlite_node.ledger import SqliteLedger

__all__ = ["SqliteInstanceIndex", "SqliteLedger"]
