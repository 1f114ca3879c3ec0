"""Write one table of the common data model as Parquet: same rows, same bytes."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tessera.domain.clinical.build import CdmTables, TableRows
from tessera.domain.clinical.cdm import TABLES, Table
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
    """Read tables of a version back. Raises InvalidInput when one is missing or damaged."""
    return CdmTables(
        {table.name: _read_table(folder, table) for table in TABLES if table.name in names}
    )


def _read_table(folder: Path, table: Table) -> TableRows:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / f"{table.name}.parquet"
    try:
        columns = pq.read_table(path).select([column.name for column in table.columns])
    except (OSError, KeyError, pa.ArrowException) as cause:
        raise InvalidInput(f"{path}: not a table of the common data model: {cause}") from cause
    values = [
        [tuple(cell) if isinstance(cell, list) else cell for cell in column.to_pylist()]
        for column in columns.columns
    ]
    return TableRows(table, tuple(zip(*values, strict=True)))
