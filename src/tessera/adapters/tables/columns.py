"""Read a CSV or XLSX table as columns of text, as it was delivered."""

import csv
from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile

from tessera.domain.errors import InvalidInput, NotFound
from tessera.domain.quality.source_table import SourceTable

_ENCODINGS = ("utf-8-sig", "cp1252", "latin-1")
"""Tried in this order: Excel writes the second where it does not write the first."""


def read_columns(path: Path, id_column: str) -> SourceTable:
    """Return the table; spaces around cells are removed, empty rows left out.

    CSV may use comma, semicolon or tab; the first line holds the names, and one that occurs twice
    gets a number. Whole numbers in XLSX become text without a decimal point. Raises NotFound, and
    InvalidInput when the file is no table or has no column `id_column`.
    """
    if not path.is_file():
        raise NotFound(f"{path}: no such file")
    with path.open("rb") as stream:
        is_workbook = stream.read(4) == b"PK\x03\x04"
    lines = _workbook(path) if is_workbook else _text(path)
    header = [cell.strip() for cell in next(lines, [])]
    if id_column not in header:
        names = ", ".join(name for name in header if name) or "nothing"
        raise InvalidInput(f"{path.name}: no column {id_column!r}; the first line has: {names}")
    names_once: dict[str, int] = {}
    places: list[str] = []
    for number, name in enumerate(header, 1):
        plain = name or f"column {number}"
        places.append(plain if plain not in names_once else f"{plain} ({number})")
        names_once[plain] = number
    columns: dict[str, list[str]] = {name: [] for name in places}
    for line in lines:
        cells = [cell.strip() for cell in line]
        if any(cells):
            for index, name in enumerate(places):
                columns[name].append(cells[index] if index < len(cells) else "")
    return SourceTable(name=path.name, columns=columns, id_column=id_column)


def _text(path: Path) -> Iterator[list[str]]:
    raw = path.read_bytes()
    text = ""
    for encoding in _ENCODINGS:
        try:
            text = raw.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    lines = text.splitlines(keepends=True)
    first = lines[0] if lines else ""
    delimiter = max(",;\t", key=first.count)
    try:
        yield from csv.reader(lines, delimiter=delimiter)
    except csv.Error as err:
        raise InvalidInput(f"{path.name}: not a well-formed CSV file: {err}") from err


def _workbook(path: Path) -> Iterator[list[str]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        workbook = load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError) as err:
        raise InvalidInput(f"{path.name}: not an XLSX workbook") from err
    try:
        for row in workbook[workbook.sheetnames[0]].iter_rows(values_only=True):
            yield [_cell(value) for value in row]
    finally:
        workbook.close()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
