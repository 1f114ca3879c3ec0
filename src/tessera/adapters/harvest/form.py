"""An Excel workbook to describe datasets in: empty as a form, or filled with what is described.

The sheet `Dataset` has the long layout that `workbook.py` reads; the sheet `Words` lists what may
be chosen.
"""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from tessera.adapters.harvest.table import NEEDED, row_of
from tessera.adapters.rdf.terms import code_table
from tessera.domain.catalogue.harvested import ReadDataset
from tessera.domain.clinical.concepts import cancers

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_HEAD: Final = ("Property label", "Property URI", "Cardinality", "Usage note")
_FIRST: Final = len(_HEAD) + 1
_EMPTY: Final = 3
"""Columns of an empty form."""
_ABOUT: Final[Mapping[str, tuple[str, str]]] = {
    "dct:identifier": ("Identifier", "A persistent address (https://…) where there is one"),
    "dct:title": ("Title", "In English; other languages in rows of their own: dct:title@sv"),
    "dct:publisher": ("Publisher", "Who makes the data available"),
    "dct:description": ("Description", "In English; dct:description@sv for Swedish"),
    "dcat:keyword": ("Keywords", "Several are separated by |"),
    "dcat:landingPage": ("Page", "Where people read about the dataset"),
    "dcat:version": ("Version", ""),
    "dct:modified": ("Changed", "A day, as 2026-05-03"),
    "dct:spatial": ("Country", "Two letters, see the sheet Words"),
    "geodcatap:custodian": ("Custodian", "Who holds the data, if not the publisher"),
    "healthdcatap:numberOfUniqueIndividuals": ("Patients", "A whole number"),
    "healthdcatap:numberOfRecords": ("Imaging studies", "A whole number"),
    "eucaim:hasCondition": ("Cancers", "From the sheet Words; several are separated by |"),
    "eucaim:hasImageModality": ("Modalities", "From the sheet Words; several separated by |"),
}


def write_workbook(datasets: Sequence[ReadDataset] = ()) -> bytes:
    """Return the form, with a column for each dataset; with three empty ones when there is none."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Dataset"
    rows = [row_of(one) for one in datasets] or [{} for _ in range(_EMPTY)]
    names = [*_ABOUT]
    for row in rows:
        for name in row:
            if name not in names:
                names.insert(names.index(name.partition("@")[0]) + 1, name)
    _line(sheet, 1, [*_HEAD, *(f"Dataset {n}" for n in range(1, len(rows) + 1))])
    for number, name in enumerate(names, start=2):
        base, _, language = name.partition("@")
        label, note = _ABOUT[base]
        label = f"{label} ({language})" if language else label
        needed = "1..1" if name in NEEDED else "0..1"
        _line(sheet, number, [label, name, needed, note, *(row.get(name, "") for row in rows)])
    _look(sheet, len(rows))
    _words(book.create_sheet("Words"))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _line(sheet: "Worksheet", number: int, texts: Sequence[str]) -> None:
    """Write texts as texts: what begins with = is no formula."""
    for column, text in enumerate(texts, start=1):
        sheet.cell(number, column, text).data_type = "s"


def _look(sheet: "Worksheet", n_datasets: int) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    sheet.freeze_panes = f"{get_column_letter(_FIRST)}2"
    for column, width in enumerate((22, 40, 11, 46, *[44] * n_datasets), start=1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    for number, row in enumerate(sheet.iter_rows(), start=1):
        for column, cell in enumerate(row, start=1):
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if number == 1:
                cell.font = Font(bold=True, color="FFFFFF")
                cell.fill = PatternFill("solid", fgColor="0B6E63")
            elif column < _FIRST:
                cell.fill = PatternFill("solid", fgColor="F2F6F5")


def _words(sheet: "Worksheet") -> None:
    columns = (
        ("Cancers", sorted(cancers())),
        ("Modalities", sorted(set(code_table("eucaim", "modality")) - {"root"})),
        ("Countries", sorted(code_table("country"))),
    )
    _line(sheet, 1, [name for name, _ in columns])
    for column, (_, words) in enumerate(columns, start=1):
        for number, word in enumerate(words, start=2):
            sheet.cell(number, column, word).data_type = "s"
