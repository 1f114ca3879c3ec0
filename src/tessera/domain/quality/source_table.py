"""A clinical table as a hospital delivered it: columns of text. Pure values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTable:
    """Every column has as many cells as there are rows; an absent cell is ""."""

    name: str
    columns: Mapping[str, Sequence[str]]
    id_column: str = ""

    @property
    def n_rows(self) -> int:
        return max((len(cells) for cells in self.columns.values()), default=0)
