"""Where each cell of the common data model came from, as Parquet. Identified zone."""

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tessera.domain.deid.clinical import Cells, Trail
from tessera.domain.ids import Pseudonym

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS: Final = ("table", "key", "column", "variable", "file", "row", "source_column")


def write_trails(
    path: Path, trails: Sequence[tuple[Pseudonym, Trail]], files: Sequence[str]
) -> None:
    """Write one line per cell; `files` are the delivery's, by their place.

    Rows that became the same cells are written together: a table has few such kinds of rows.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    alike: dict[Cells, list[tuple[Pseudonym, Trail]]] = defaultdict(list)
    for one in trails:
        if one[1].cells:
            alike[one[1].cells].append(one)
    if not alike:
        return
    made = pa.concat_tables([_lines(cells, rows, files) for cells, rows in alike.items()])
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as stream:
        pq.write_table(made, stream, compression="zstd")


def _lines(
    cells: Cells, rows: Sequence[tuple[Pseudonym, Trail]], files: Sequence[str]
) -> "pa.Table":
    """Return the lines of rows that became the same cells: for each cell, every row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    subjects = pa.array([subject for subject, _ in rows], pa.string())
    numbers = pa.array([trail.row for _, trail in rows], pa.int32())
    named = pa.array([files[trail.place] for _, trail in rows], pa.string())
    n = len(rows)

    def same(text: str) -> "pa.Array":
        return pa.repeat(pa.scalar(text, pa.string()), n)

    def over(arrays: "list[pa.Array]") -> "pa.ChunkedArray":
        return pa.chunked_array(arrays, arrays[0].type)

    return pa.table(
        {
            "table": over([same(cell.table) for cell in cells]),
            "key": over([pc.binary_join_element_wise(subjects, cell.rest, "") for cell in cells]),
            "column": over([same(cell.column) for cell in cells]),
            "variable": over([same(cell.variable) for cell in cells]),
            "file": over([named for _ in cells]),
            "row": over([numbers for _ in cells]),
            "source_column": over([same(cell.source_column) for cell in cells]),
        }
    )
