"""REDCap's data dictionary: what the columns of an export hold, and which instrument they are of.

Source: REDCap's dictionary CSV, whose column names are the same in all its versions.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from tessera.domain.clinical.source_table import ColumnNote, SourceTable
from tessera.domain.zones import Identified

_FIELD: Final = "Variable / Field Name"
_FORM: Final = "Form Name"
_TYPE: Final = "Field Type"
_LABEL: Final = "Field Label"
_CHOICES: Final = "Choices, Calculations, OR Slider Labels"
_IDENTIFIER: Final = "Identifier?"
_REPEAT: Final = "redcap_repeat_instrument"
_OWN: Final = ("redcap_event_name", _REPEAT, "redcap_repeat_instance", "redcap_data_access_group")
_MARKUP: Final = re.compile(r"<[^>]*>")
_CHECKBOX: Final = re.compile(r"(?P<field>.+)___(?P<code>.+)")
_YES_NO: Final = {"1": "Yes", "0": "No"}


def is_dictionary(header: Sequence[str]) -> bool:
    """Say whether a table with this header is a data dictionary."""
    return {_FIELD, _TYPE, _LABEL}.issubset(header)


def read_dictionary(table: SourceTable) -> dict[str, ColumnNote]:
    """Return what the dictionary says of each field."""
    notes: dict[str, ColumnNote] = {}
    for row in table.rows.value:
        cells = dict(zip(table.header, (cell.strip() for cell in row), strict=True))
        kind = cells.get(_TYPE, "")
        choices = _choices(cells.get(_CHOICES, "")) if kind in _CHOSEN else {}
        if kind in ("yesno", "truefalse"):
            choices = dict(_YES_NO)
        notes[cells[_FIELD]] = ColumnNote(
            label=_MARKUP.sub("", cells.get(_LABEL, "")).strip(),
            choices=choices,
            is_identifier=cells.get(_IDENTIFIER, "").casefold() in ("y", "yes"),
            form=cells.get(_FORM, ""),
            is_checkbox=kind == "checkbox",
        )
    return notes


_CHOSEN: Final = ("radio", "dropdown", "checkbox")


def _choices(text: str) -> dict[str, str]:
    """Read `1, Yes | 0, No`."""
    pairs = (part.partition(",") for part in text.split("|"))
    return {code.strip(): _MARKUP.sub("", label).strip() for code, _, label in pairs if code}


def with_dictionary(
    table: SourceTable, dictionary: Mapping[str, ColumnNote]
) -> tuple[SourceTable, ...]:
    """Return the table with the notes of its columns; a repeating instrument is one of its own."""
    notes = {name: note for name in table.header if (note := _note(name, dictionary))}
    if len(notes) < max(2, len(table.header) // 4):
        return (table,)
    table = replace(table, notes={**table.notes, **notes})
    if _REPEAT not in table.header:
        return (table,)
    at = table.header.index(_REPEAT)
    instruments = list(dict.fromkeys(row[at].strip() for row in table.rows.value))
    if instruments == [""]:
        return (table,)
    repeating = {_plain(name) for name in instruments if name}
    return tuple(_part(table, at, name, repeating) for name in instruments)


def _note(name: str, dictionary: Mapping[str, ColumnNote]) -> ColumnNote | None:
    if name in dictionary:
        return dictionary[name]
    match = _CHECKBOX.fullmatch(name)
    field = dictionary.get(match["field"]) if match else None
    if match is None or field is None:
        return None
    by_code = {code.casefold().replace("-", "_"): label for code, label in field.choices.items()}
    choice = by_code.get(match["code"].casefold(), match["code"])
    return replace(field, label=f"{field.label}: {choice}", choices=dict(_YES_NO))


def _part(table: SourceTable, at: int, instrument: str, repeating: set[str]) -> SourceTable:
    """Return the rows of one instrument ("" for what does not repeat) and its columns."""

    def belongs(name: str) -> bool:
        form = _plain(table.notes[name].form) if name in table.notes else ""
        if not form:
            return name not in _OWN or (name == _REPEAT)
        return form == _plain(instrument) if instrument else form not in repeating

    first = table.header[0]
    places = [n for n, name in enumerate(table.header) if name == first or belongs(name)]
    rows = tuple(
        tuple(row[n] for n in places) for row in table.rows.value if row[at].strip() == instrument
    )
    return replace(
        table,
        name=f"{table.name}#{instrument}" if instrument else table.name,
        header=tuple(table.header[n] for n in places),
        rows=Identified(rows),
        where=(_REPEAT, instrument),
    )


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "_", text.casefold()).strip("_")
