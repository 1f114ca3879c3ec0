"""Try a proposed mapping on the rows that were read: what is filled, which problems. Pure.

Identified zone; what is returned are counts.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tessera.domain.clinical.mapping import RowReader
from tessera.domain.clinical.mapping_file import parse_mapping
from tessera.domain.clinical.source_table import SourceTable


@dataclass(frozen=True, slots=True)
class Attempt:
    n_rows: int
    n_left_out: int
    filled: Mapping[str, int]
    """Variable → rows that have a value for it."""
    problems: tuple[tuple[str, str, str, int], ...]
    """Column, variable, reason, how many; the most frequent first."""


def attempt(table: SourceTable, mapping: str, *, today: date) -> Attempt:
    """Return what the mapping makes of the table's rows. Raises InvalidMapping."""
    reader = RowReader(parse_mapping(mapping, table.name), today=today)
    filled: Counter[str] = Counter()
    problems: Counter[tuple[str, str, str]] = Counter()
    n_left_out = 0
    for number, cells in enumerate(table.rows.value, start=table.first_row):
        reading = reader.read(dict(zip(table.header, cells, strict=True)), number)
        problems.update((one.column, one.variable, one.reason) for one in reading.problems)
        if reading.row is None:
            n_left_out += 1
        else:
            filled.update(reading.row.value.values.keys())
    ordered = sorted(problems.items(), key=lambda pair: (-pair[1], pair[0]))
    return Attempt(
        n_rows=len(table.rows.value),
        n_left_out=n_left_out,
        filled=dict(filled),
        problems=tuple((*key, n) for key, n in ordered),
    )
