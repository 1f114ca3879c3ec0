"""Open any table of a hospital without being told how it is written. Identified zone."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from io import StringIO
from itertools import islice
from pathlib import Path
from zipfile import BadZipFile

from tessera.adapters.tables.csv_form import delimiter_of, encoding_of
from tessera.adapters.tables.fhir import fhir_tables, is_fhir
from tessera.adapters.tables.redcap import is_dictionary, read_dictionary, with_dictionary
from tessera.domain.clinical.source_table import SourceTable, TableForm, header_place
from tessera.domain.errors import InvalidInput, NotFound
from tessera.domain.zones import Identified

MOST_ROWS = 200_000
"""Rows of one table that are looked at; a profile and a proposal need no more."""
_MAX_CELL_CHARS = 1_000_000
_HEAD = 30


def open_tables(paths: Sequence[Path], *, most_rows: int = MOST_ROWS) -> tuple[SourceTable, ...]:
    """Return every table of the files: sheets, resource types and instruments apart.

    A REDCap data dictionary among the files is no table: it explains the columns of the others.
    Raises NotFound, and InvalidInput when a file is none of CSV, XLSX, Parquet or FHIR JSON.
    """
    tables: list[SourceTable] = []
    dictionaries = []
    for path in paths:
        if not path.is_file():
            raise NotFound(f"{path}: no such file")
        for table in _tables(path, most_rows):
            if is_dictionary(table.header):
                dictionaries.append(read_dictionary(table))
            else:
                tables.append(table)
    for notes in dictionaries:
        tables = [part for table in tables for part in with_dictionary(table, notes)]
    if not tables:
        raise InvalidInput("no table with a header and a row was found")
    return tuple(tables)


def _tables(path: Path, most_rows: int) -> Iterator[SourceTable]:
    with path.open("rb") as stream:
        start = stream.read(4096)
    if start.startswith(b"PK\x03\x04"):
        yield from _workbook(path, most_rows)
    elif start.startswith(b"PAR1"):
        yield _parquet(path, most_rows)
    elif is_fhir(start):
        yield from fhir_tables(path)
    elif b"\0" in start and encoding_of(start)[:6] != "utf-16":
        raise InvalidInput(f"{path.name}: not CSV, XLSX, Parquet or FHIR JSON")
    else:
        yield _text(path, most_rows)


def _text(path: Path, most_rows: int) -> SourceTable:
    raw = path.read_bytes()
    encoding = encoding_of(raw)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as cause:
        raise InvalidInput(f"{path.name}: not {encoding} at byte {cause.start}") from cause
    delimiter = delimiter_of(text)
    form = TableForm(format="csv", encoding=encoding, delimiter=delimiter)
    previous = csv.field_size_limit(_MAX_CELL_CHARS)
    try:
        reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
        lines = ((reader.line_num, cells) for cells in reader)
        return _table(path.name, form, lines, most_rows)
    except csv.Error as cause:
        raise InvalidInput(f"{path.name}: not a well-formed CSV file: {cause}") from cause
    finally:
        csv.field_size_limit(previous)


def _workbook(path: Path, most_rows: int) -> Iterator[SourceTable]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        workbook = load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError) as cause:
        raise InvalidInput(f"{path.name}: not an XLSX workbook") from cause
    try:
        names = workbook.sheetnames
        for sheet in names:
            rows = workbook[sheet].iter_rows(values_only=True)
            lines = (
                (number, [cell_text(cell) for cell in cells])
                for number, cells in enumerate(rows, start=1)
            )
            name = path.name if len(names) == 1 else f"{path.name}#{sheet}"
            form = TableForm(format="xlsx", sheet=sheet)
            try:
                yield _table(name, form, lines, most_rows)
            except InvalidInput:
                if len(names) == 1:
                    raise
    finally:
        workbook.close()


def _parquet(path: Path, most_rows: int) -> SourceTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            header = file.schema_arrow.names
            n_rows = file.metadata.num_rows
            batches = file.iter_batches(batch_size=20_000)
            rows = (row for batch in batches for row in zip(*_columns(batch), strict=True))
            kept = tuple(islice(rows, most_rows))
    except pa.ArrowInvalid as cause:
        raise InvalidInput(f"{path.name}: not a Parquet file") from cause
    return SourceTable(
        name=path.name,
        form=TableForm(format="parquet"),
        header=tuple(header),
        rows=Identified(kept),
        is_cut=n_rows > len(kept),
    )


def _columns(batch: "object") -> Iterator[list[str]]:
    for column in batch.columns:  # type: ignore[attr-defined]
        yield [cell_text(value) for value in column.to_pylist()]


def _table(
    name: str, form: TableForm, lines: Iterable[tuple[int, list[str]]], most_rows: int
) -> SourceTable:
    lines = iter(lines)
    head = list(islice(lines, _HEAD))
    if not any(cell.strip() for _, cells in head for cell in cells):
        raise InvalidInput(f"{name}: the table is empty; it has no header row")
    place = header_place([cells for _, cells in head])
    header = _header(head[place][1])
    width = len(header)
    rows: list[tuple[str, ...]] = []
    first_row = 0
    is_cut = False
    for number, cells in (*head[place + 1 :], *lines):
        if not any(cell.strip() for cell in cells):
            continue
        if len(rows) == most_rows:
            is_cut = True
            break
        first_row = first_row or number
        rows.append((*cells[:width], *[""] * (width - len(cells))))
    return SourceTable(
        name=name,
        form=TableForm(
            format=form.format,
            encoding=form.encoding,
            delimiter=form.delimiter,
            sheet=form.sheet,
            header_row=head[place][0],
        ),
        header=header,
        rows=Identified(tuple(rows)),
        first_row=first_row or head[place][0] + 1,
        is_cut=is_cut,
    )


def _header(cells: list[str]) -> tuple[str, ...]:
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def cell_text(cell: object) -> str:
    """Return a cell of a typed table as text: dates as YYYY-MM-DD, numbers with a point."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        if cell != cell:  # not a number
            return ""
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, list):
        return "; ".join(cell_text(one) for one in cell)
    return str(cell)
