"""Migration: what is computed of a search's answers, and the cells it is computed from."""

from typing import Final

STATEMENTS: Final[tuple[str, ...]] = (
    "ALTER TABLE search ADD COLUMN statistic TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE answer ADD COLUMN cuts TEXT NOT NULL DEFAULT '{}'",
)
