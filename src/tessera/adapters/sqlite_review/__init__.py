"""The review queue of a node, on SQLite, in the identified zone."""

from tessera.adapters.sqlite_review.store import SqliteReviewQueue

__all__ = ["SqliteReviewQueue"]
