"""Migration: the cohort queries that people keep."""

from typing import Final

STATEMENTS: Final[tuple[str, ...]] = (
    """
        CREATE TABLE saved_cohort (
            cohort_id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            name TEXT NOT NULL,
            query TEXT NOT NULL,
            saved_at TEXT NOT NULL,
            is_shared INTEGER NOT NULL,
            search_ids TEXT NOT NULL
        )
        """,
    "CREATE INDEX saved_cohort_owner ON saved_cohort (owner, saved_at)",
)
