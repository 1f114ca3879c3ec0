"""The list of subjects who have opted out, on SQLite, in the identified zone."""

from tessera.adapters.sqlite_exclusions.store import SqliteExclusions

__all__ = ["SqliteExclusions"]
