"""Descriptions as an Excel workbook (Office Open XML): read, and written as a form to fill in.

Two layouts are read. Wide: the columns of `table.py`, one row for each dataset. Long: a column
`Property URI` with one property in each row, as the metadata template of EUCAIM DCAT-AP has it,
and right of it a column of values for each dataset; a row that repeats a property adds a value.
Columns that explain (definition, range, cardinality, …) and properties that we do not show are
passed over. Every sheet with one of the layouts is read.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final
from zipfile import ZipFile

from tessera.adapters.harvest.table import KNOWN, NEEDED, check_columns, dataset_of
from tessera.domain.catalogue.harvested import ReadDataset
from tessera.ports.harvest import SourceUnreadable

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_MOST_BYTES: Final = 200_000_000
"""Of all parts of the workbook, unpacked."""
_MOST_PARTS: Final = 2_000
_MOST_ROWS: Final = 10_000
_MOST_COLUMNS: Final = 1_000
_HEAD_WITHIN: Final = 20
"""The head of a sheet is among its first rows."""
_PROPERTY: Final = frozenset({"property uri", "property"})
_EXPLAINS: Final = frozenset(
    {
        "",
        "property label",
        "definition",
        "range",
        "cardinality",
        "occurence",
        "occurrence",
        "obligation",
        "usage note",
        "controlled vocabulary",
        "controlled vocabulary (if applicable)",
        "eucaim modification",
        "example",
        "examples",
        "comment",
        "comments",
    }
)
_NAMESPACES: Final = {
    "http://purl.org/dc/terms/": "dct:",
    "dcterms:": "dct:",
    "http://www.w3.org/ns/dcat#": "dcat:",
    "http://data.europa.eu/930/": "geodcatap:",
    "http://healthdataportal.eu/ns/health#": "healthdcatap:",
}
_LISTS: Final = frozenset({"dcat:keyword", "eucaim:hasCondition", "eucaim:hasImageModality"})
_CLASS: Final = re.compile(r"\b[A-Z]{2,4}[0-9]{7}\b")
_Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    rows: list[_Row]


def read_workbook(data: bytes) -> tuple[ReadDataset, ...]:
    """Return the datasets. Raises SourceUnreadable naming the sheet, the place and the column."""
    found = [one for sheet in _sheets(data) for one in (_wide(sheet) or _long(sheet) or ())]
    if not found:
        raise SourceUnreadable(
            "no sheet of the workbook describes a dataset: one has a column 'Property URI' and "
            f"values right of it, or a first row with {', '.join(NEEDED)}"
        )
    return tuple(found)


def _sheets(data: bytes) -> list[_Sheet]:
    from openpyxl import load_workbook

    try:
        _check_parts(data)
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        try:
            return [_Sheet(sheet.title, list(_rows(sheet))) for sheet in book.worksheets]
        finally:
            book.close()
    except SourceUnreadable:
        raise
    except Exception as err:  # the readers tell of damage by whatever they run into
        raise SourceUnreadable(f"not an Excel workbook (.xlsx) that can be read: {err}") from err


def _check_parts(data: bytes) -> None:
    """Refuse what would grow without end, and XML that defines entities."""
    with ZipFile(io.BytesIO(data)) as parts:
        infos = parts.infolist()
        if len(infos) > _MOST_PARTS or sum(one.file_size for one in infos) > _MOST_BYTES:
            raise SourceUnreadable(f"the workbook is larger than {_MOST_BYTES} bytes, unpacked")
        for one in infos:
            with parts.open(one) as stream:
                start = stream.read(1000)
            if b"<!DOCTYPE" in start or start[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise SourceUnreadable(f"{one.filename} of the workbook has a document type")


def _rows(sheet: "Worksheet") -> Iterator[_Row]:
    rows = sheet.iter_rows(max_col=_MOST_COLUMNS, values_only=True)
    for number, cells in enumerate(rows, start=1):
        if number > _MOST_ROWS:
            raise SourceUnreadable(f"sheet {sheet.title!r} has more than {_MOST_ROWS} rows")
        yield [_text(cell) for cell in cells]


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime | date):
        return cell.isoformat()[:10]
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _wide(sheet: _Sheet) -> list[ReadDataset] | None:
    """Return the datasets of a sheet with a row for each; None when it has not that layout."""
    for head, row in enumerate(sheet.rows[:_HEAD_WITHIN]):
        names = [_property(cell) for cell in row]
        if set(NEEDED) <= set(names):
            check_columns(name for name in names if name)
            return [
                dataset_of(dict(zip(names, cells, strict=False)), f"{sheet.name}, row {number}")
                for number, cells in enumerate(sheet.rows[head + 1 :], start=head + 2)
                if any(cells)
            ]
    return None


def _long(sheet: _Sheet) -> list[ReadDataset] | None:
    """Return the datasets of a sheet with a column for each; None when it has not that layout."""
    for head, row in enumerate(sheet.rows[:_HEAD_WITHIN]):
        names = [cell.casefold() for cell in row]
        at = next((i for i, name in enumerate(names) if name in _PROPERTY), None)
        if at is None:
            continue
        columns = [i for i, name in enumerate(names) if i > at and name not in _EXPLAINS]
        below = sheet.rows[head + 1 :]
        return [
            dataset_of(found, f"{sheet.name}, column {row[i]!r}")
            for i in columns
            if (found := _column(below, at, i))
        ]
    return None


def _column(rows: Sequence[_Row], at: int, value_at: int) -> dict[str, str]:
    """Return property → values, as `dataset_of` reads them; a row without a property goes on."""
    found: dict[str, str] = {}
    name = ""
    for row in rows:
        name = _property(row[at]) or name
        value = row[value_at] if value_at < len(row) else ""
        if not value or name.partition("@")[0] not in KNOWN:
            continue
        if name in _LISTS:
            parts = [_code(part) for part in value.replace("|", "\n").splitlines() if part.strip()]
            found[name] = "|".join([*filter(None, [found.get(name)]), *parts])
        else:
            found.setdefault(name, value)
    return found


def _code(text: str) -> str:
    """Return the class that a choice such as "Breast cancer (CLIN1000075)" names, else the text."""
    found = _CLASS.search(text)
    return found[0] if found else text.strip()


def _property(text: str) -> str:
    name = text.strip().partition("\n")[0].strip("<> ")
    for namespace, prefix in _NAMESPACES.items():
        if name.startswith(namespace):
            return prefix + name.removeprefix(namespace)
    return name
