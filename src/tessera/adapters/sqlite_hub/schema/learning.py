"""Migration 5: federated trainings and their models."""

from typing import Final

STATEMENTS: Final[tuple[str, ...]] = ()
