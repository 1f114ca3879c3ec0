"""Migration: distributions with each answer, and who asked."""

from typing import Final

STATEMENTS: Final[tuple[str, ...]] = (
    "ALTER TABLE search ADD COLUMN asker TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE answer ADD COLUMN distributions TEXT NOT NULL DEFAULT '{}'",
)
