"""By what an instance is known that a model made at a node. Pure."""

from typing import Final

from tessera.domain.imaging.instance import InstanceRow

MAKER: Final = "Tessera"
MAKER_MODEL: Final = "Research result"
"""Manufacturer and model of what is written: by these it is known again."""


def is_research_result(row: InstanceRow) -> bool:
    """Say whether an instance is what a model made here: never a source of a dataset or a case."""
    return row.manufacturer == MAKER and row.model == MAKER_MODEL
