"""Where each cell of the common data model came from, as Parquet. Identified zone."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tessera.domain.deid.clinical import Line

COLUMNS: Final = ("table", "key", "column", "variable", "file", "row", "source_column")


def write_lines(path: Path, lines: Sequence[Line], files: Sequence[str]) -> None:
    """Write one line per cell; `files` are the delivery's, by their place."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    words = pa.dictionary(pa.int32(), pa.string())
    made = pa.table(
        {
            "table": pa.array([line.table for line in lines], words),
            "key": pa.array([line.key for line in lines]),
            "column": pa.array([line.column for line in lines], words),
            "variable": pa.array([line.variable for line in lines], words),
            "file": pa.array([files[line.place] for line in lines], words),
            "row": pa.array([line.row for line in lines], pa.int32()),
            "source_column": pa.array([line.source_column for line in lines], words),
        }
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as stream:
        pq.write_table(made, stream, compression="zstd")
