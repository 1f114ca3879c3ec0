"""Read a CSV or XLSX table row by row, every cell as text. Identified zone."""

import csv
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from zipfile import BadZipFile

from tessera.domain.clinical.mapping_file import ClinicalMapping, SourceFormat
from tessera.domain.errors import InvalidInput, InvalidMapping, NotFound
from tessera.domain.zones import Identified

NumberedRow = tuple[int, Identified[tuple[str, ...]]]
_MAX_CELL_CHARS = 1_000_000


def read_rows(path: Path, mapping: ClinicalMapping) -> Iterator[NumberedRow]:
    """Yield (row number, cells in the order of `mapping.columns()`).

    The header is row 1 of a spreadsheet, or the row that the mapping says; empty rows are left
    out. Raises NotFound when there is no such file, InvalidMapping when the file is not as
    `mapping.source` says or lacks a column that the mapping names.
    """
    if not path.is_file():
        raise NotFound(f"{path}: no such file")
    source = mapping.source
    kind = source.format or _KINDS.get(path.suffix.lower(), "csv")
    lines = iter(_READERS[kind](path, mapping))
    places: list[int] | None = None
    for number, cells in lines:
        if places is None:
            if number < source.header_row or not any(cells):
                continue
            header = [cell.strip() for cell in cells]
            _check_header(path, header, mapping)
            places = [header.index(name) for name in mapping.columns()]
            wheres = [(header.index(name), value) for name, value in source.where]
            width = max([*places, *(place for place, _ in wheres)], default=0) + 1
            continue
        if any(cells) and any(cell.strip() for cell in cells):
            if len(cells) < width:
                cells = [*cells, *[""] * (width - len(cells))]
            if any(cells[place].strip() != value for place, value in wheres):
                continue
            yield number, Identified(tuple([cells[place] for place in places]))
    if places is None:
        raise InvalidMapping(f"{path.name}: the table is empty; it has no header row")


class TableReader:
    """Reads tables by path; implements `ports.clinical_store.TableSource`."""

    def rows(self, path: Path, mapping: ClinicalMapping) -> Iterator[NumberedRow]:
        return read_rows(path, mapping)


def _check_header(path: Path, header: list[str], mapping: ClinicalMapping) -> None:
    named = (*mapping.columns(), *(name for name, _ in mapping.source.where))
    missing = [name for name in named if name not in header]
    if missing:
        raise InvalidMapping(
            f"{path.name}: the mapping {mapping.name!r} names column {missing[0]!r}, "
            f"which the table does not have; it has: {', '.join(header)}"
        )
    twice = {name for name in header if name and header.count(name) > 1}
    used = sorted(twice & set(mapping.columns()))
    if used:
        raise InvalidMapping(f"{path.name}: column {used[0]!r} occurs more than once; rename one")


def _csv(path: Path, mapping: ClinicalMapping) -> Iterator[tuple[int, list[str]]]:
    source = mapping.source
    encoding = "utf-8-sig" if source.encoding.lower() in ("utf-8", "utf8") else source.encoding
    previous = csv.field_size_limit(_MAX_CELL_CHARS)
    try:
        with path.open(encoding=encoding, newline="") as stream:
            reader = csv.reader(stream, delimiter=source.delimiter, strict=True)
            yield from ((reader.line_num, cells) for cells in reader)
    except LookupError as cause:
        raise InvalidMapping(
            f"{mapping.name}: source.encoding {source.encoding!r} is not known"
        ) from cause
    except UnicodeDecodeError as cause:
        raise InvalidMapping(
            f"{path.name}: not {source.encoding} at byte {cause.start}; "
            "set source.encoding in the mapping file"
        ) from cause
    except csv.Error as cause:
        raise InvalidMapping(f"{path.name}: not a well-formed CSV file: {cause}") from cause
    finally:
        csv.field_size_limit(previous)


def _xlsx(path: Path, source: SourceFormat) -> Iterator[tuple[int, list[str]]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        workbook = load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError) as cause:
        raise InvalidMapping(f"{path.name}: not an XLSX workbook") from cause
    try:
        names = workbook.sheetnames
        sheet = source.sheet or names[0]
        if sheet not in names:
            raise InvalidMapping(f"{path.name}: no worksheet {sheet!r}; it has: {', '.join(names)}")
        rows = workbook[sheet].iter_rows(values_only=True)
        for number, cells in enumerate(rows, start=1):
            yield number, [_cell_text(cell, source.decimal) for cell in cells]
    finally:
        workbook.close()


def _cell_text(cell: object, decimal: str) -> str:
    """Return a cell as text: dates as YYYY-MM-DD, numbers with the source's decimal sign."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        text = str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
        return text.replace(".", decimal)
    return str(cell)


def _parquet(path: Path, mapping: ClinicalMapping) -> Iterator[tuple[int, list[str]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            header = list(file.schema_arrow.names)
            yield 1, header
            wanted = [name for name in mapping.columns() if name in header]
            number = 1
            for batch in file.iter_batches(batch_size=20_000, columns=wanted):
                columns = {
                    name: [_cell_text(cell, mapping.source.decimal) for cell in column.to_pylist()]
                    for name, column in zip(batch.schema.names, batch.columns, strict=True)
                }
                none = [""] * batch.num_rows
                for cells in zip(*(columns.get(name, none) for name in header), strict=True):
                    number += 1
                    yield number, list(cells)
    except pa.ArrowException as cause:
        raise InvalidMapping(f"{path.name}: not a Parquet table: {cause}") from cause


def _fhir(path: Path, mapping: ClinicalMapping) -> Iterator[tuple[int, list[str]]]:
    from tessera.adapters.tables.fhir import fhir_tables

    try:
        found = {table.form.sheet: table for table in fhir_tables(path)}
    except InvalidInput as cause:
        raise InvalidMapping(str(cause)) from cause
    wanted = mapping.source.sheet or next(iter(found), "")
    if wanted not in found:
        raise InvalidMapping(
            f"{path.name}: it has no {wanted or 'resource'}; it has: {', '.join(found) or 'none'}"
        )
    yield 1, list(found[wanted].header)
    yield from ((n, list(cells)) for n, cells in enumerate(found[wanted].rows.value, start=2))


def _workbook(path: Path, mapping: ClinicalMapping) -> Iterator[tuple[int, list[str]]]:
    return _xlsx(path, mapping.source)


_KINDS = {
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".parquet": "parquet",
    ".json": "fhir",
    ".ndjson": "fhir",
}
_READERS = {"csv": _csv, "xlsx": _workbook, "parquet": _parquet, "fhir": _fhir}
