"""Write one table of the common data model as Parquet: same rows, same bytes."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tessera.domain.clinical.build import CdmTables, TableRows
from tessera.domain.clinical.cdm import CORE, TABLES
from tessera.domain.clinical.entity import Table
from tessera.domain.errors import InvalidInput

ALL_TABLES = tuple(table.name for table in TABLES)
_ROWS_PER_GROUP = 100_000


def write_table(path: Path, table: TableRows) -> None:
    """Write `table` to `path`, zstd, with each column's meaning beside it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = [
        pa.field(
            column.name,
            _types()[column.kind],
            nullable=not column.required,
            metadata={"description": column.meaning},
        )
        for column in table.table.columns
    ]
    schema = pa.schema(fields, metadata={"description": table.table.meaning})
    columns = list(zip(*table.rows, strict=True)) if table.rows else [()] * len(fields)
    arrays = [
        pa.array([list(v) if isinstance(v, tuple) else v for v in values], type=field.type)
        for field, values in zip(fields, columns, strict=True)
    ]
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=schema),
        path,
        compression="zstd",
        version="2.6",
        row_group_size=_ROWS_PER_GROUP,
        write_statistics=True,
        store_schema=False,
    )


@cache
def _types() -> dict[str, Any]:
    import pyarrow as pa

    return {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "texts": pa.list_(pa.string()),
    }


def read_tables(folder: Path, names: Sequence[str] = ALL_TABLES) -> CdmTables:
    """Read tables of a version back. Raises InvalidInput when one is missing or damaged.

    A table without rows has no file, but for the core ones.
    """
    wanted = [table for table in TABLES if table.name in names]
    there = [t for t in wanted if t in CORE or (folder / f"{t.name}.parquet").is_file()]
    return CdmTables({table.name: _read_table(folder, table) for table in there})


def _read_table(folder: Path, table: Table) -> TableRows:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / f"{table.name}.parquet"
    try:
        columns = _filled(pq.read_table(path), table)
    except (OSError, KeyError, pa.ArrowException) as cause:
        raise InvalidInput(f"{path}: not a table of the common data model: {cause}") from cause
    values = [
        [tuple(cell) if isinstance(cell, list) else cell for cell in column.to_pylist()]
        for column in columns.columns
    ]
    return TableRows(table, tuple(zip(*values, strict=True)))


def _filled(read: Any, table: Table) -> Any:
    """Return the columns of `table`; those that an earlier version of the model lacked are null."""
    import pyarrow as pa

    for column in table.columns:
        if column.name not in read.column_names and not column.required:
            read = read.append_column(column.name, pa.nulls(read.num_rows, _types()[column.kind]))
    return read.select([column.name for column in table.columns])
