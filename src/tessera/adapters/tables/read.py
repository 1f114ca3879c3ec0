"""Read a CSV or XLSX table row by row, every cell as text. Identified zone."""

import csv
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from zipfile import BadZipFile

from tessera.domain.clinical.mapping_file import ClinicalMapping, SourceFormat
from tessera.domain.errors import InvalidMapping, NotFound
from tessera.domain.zones import Identified

NumberedRow = tuple[int, Identified[Mapping[str, str]]]
_MAX_CELL_CHARS = 1_000_000


def read_rows(path: Path, mapping: ClinicalMapping) -> Iterator[NumberedRow]:
    """Yield (row number, cells by column name); the header is row 1, empty rows are left out.

    Raises NotFound when there is no such file, InvalidMapping when the file is not as
    `mapping.source` says or lacks a column that the mapping names.
    """
    if not path.is_file():
        raise NotFound(f"{path}: no such file")
    kind = mapping.source.format or path.suffix.lower().removeprefix(".")
    lines = _xlsx(path, mapping.source) if kind == "xlsx" else _csv(path, mapping)
    header: list[str] | None = None
    for number, cells in lines:
        if header is None:
            if not any(cells):
                continue
            header = [cell.strip() for cell in cells]
            _check_header(path, header, mapping)
            continue
        if any(cell.strip() for cell in cells):
            filled = [*cells, *[""] * (len(header) - len(cells))]
            yield number, Identified(dict(zip(header, filled, strict=False)))
    if header is None:
        raise InvalidMapping(f"{path.name}: the table is empty; it has no header row")


class TableReader:
    """Reads tables by path; implements `ports.clinical_store.TableSource`."""

    def rows(self, path: Path, mapping: ClinicalMapping) -> Iterator[NumberedRow]:
        return read_rows(path, mapping)


def _check_header(path: Path, header: list[str], mapping: ClinicalMapping) -> None:
    missing = [name for name in mapping.columns() if name not in header]
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
