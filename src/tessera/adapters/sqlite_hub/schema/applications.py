"""Migration 3: applications for access and what happened to them."""

from typing import Final

STATEMENTS: Final[tuple[str, ...]] = ()
