"""A hospital's table as it was read: a header and rows of text. Pure; identified zone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tessera.domain.zones import Identified

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableForm:
    """How the table is written in its file."""

    format: str
    """csv, xlsx, parquet or fhir."""
    encoding: str = ""
    """Python's name of the encoding; "" where the format says it."""
    delimiter: str = ""
    sheet: str = ""
    """Worksheet; for FHIR the resource type."""
    header_row: int = 1
    """Row of the column names as a spreadsheet counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnNote:
    """What a data dictionary (REDCap) says of a column."""

    label: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    """Raw value → label."""
    is_identifier: bool = False
    form: str = ""
    """Instrument that the field belongs to."""
    is_checkbox: bool = False
    """0 or 1 for one choice; `label` then names the field and the choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTable:
    """One table: every row has as many cells as the header."""

    name: str
    """File name, with the sheet or resource after # where a file holds several."""
    form: TableForm
    header: tuple[str, ...]
    rows: Identified[Rows]
    notes: Mapping[str, ColumnNote] = field(default_factory=dict)
    first_row: int = 2
    """Row number of the first row of data."""
    where: tuple[str, str] = ("", "")
    """Column and value that the rows of this table have, when it is a part of its file."""
    is_cut: bool = False
    """Whether the file has more rows than were read."""

    @property
    def file(self) -> str:
        return self.name.partition("#")[0]

    def column(self, name: str) -> Identified[tuple[str, ...]]:
        """Return the cells of a column, spaces around them removed."""
        at = self.header.index(name)
        return Identified(tuple(row[at].strip() for row in self.rows.value))


def header_place(lines: Sequence[Sequence[str]]) -> int:
    """Return the index of the line that holds the column names.

    Titles and notes above a table fill few cells; the header fills as many as the rows do, each
    with its own text, and no number. `lines`: the first lines of the table.
    """
    filled = [sum(bool(cell.strip()) for cell in line) for line in lines]
    widest = max(filled, default=0)
    for place, line in enumerate(lines):
        cells = [cell.strip() for cell in line if cell.strip()]
        is_wide = filled[place] >= max(2, 0.6 * widest) or (widest == 1 and filled[place] == 1)
        n_numbers = sum(cell.replace(".", "").replace(",", "").isdecimal() for cell in cells)
        if is_wide and len(set(cells)) == len(cells) and n_numbers <= len(cells) / 4:
            return place
    return next((place for place, n in enumerate(filled) if n), 0)
