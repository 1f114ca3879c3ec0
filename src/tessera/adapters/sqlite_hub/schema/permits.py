"""Migration 4: tools, permits, tasks for nodes, runs and what they released."""

from typing import Final

STATEMENTS: Final[tuple[str, ...]] = ()
