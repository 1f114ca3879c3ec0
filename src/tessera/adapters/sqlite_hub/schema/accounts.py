"""Migration 2: people, their sessions, tokens and keys."""

from typing import Final

STATEMENTS: Final[tuple[str, ...]] = ()
