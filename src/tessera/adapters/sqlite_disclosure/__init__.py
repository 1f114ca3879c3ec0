"""What the node told about its subjects, on SQLite, in the research zone."""

from tessera.adapters.sqlite_disclosure.ledger import SqliteDisclosureLedger

__all__ = ["SqliteDisclosureLedger"]
