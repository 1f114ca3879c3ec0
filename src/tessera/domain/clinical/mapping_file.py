"""Read a clinical mapping file: which column of a hospital's table is which variable. Pure.

The file is TOML, has a name and a version, and is meant to be reviewed like code. It maps one
table, or several in `[[tables]]`; a table has a row per patient or per cancer, or, with `rows`, a
row per entity of one table of the common data model. An unknown key is an error that names it.
Reference: docs/reference/clinical-mapping.md.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import cache
from typing import Any, Final

from tessera.domain.clinical.units import factor_of
from tessera.domain.clinical.values import is_date_form
from tessera.domain.clinical.variables import Variable, row_variable, variable
from tessera.domain.errors import InvalidMapping
from tessera.domain.terms.terminology import group

FORMATS: Final = ("csv", "xlsx", "parquet", "fhir")
ROW_NUMBER: Final = "#row"
"""As the column of the patient: every row is a patient of its own, known by file and row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFormat:
    """How the table is written."""

    format: str = ""
    """csv, xlsx, parquet or fhir; empty means: by the file's ending."""
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    sheet: str = ""
    """Worksheet name, or for FHIR the resource type; empty means the first."""
    header_row: int = 0
    """Row of the column names as a spreadsheet counts; 0 means the first that is not empty."""
    missing: frozenset[str] = frozenset({""})
    """Folded spellings that mean "no value"."""
    dates: tuple[str, ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    """Columns and what stands in them on the rows that are read; others are passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to fill a variable from the table."""

    column: str
    values: Mapping[str, str | bool]
    """Folded source value → value of the common data model; "" means no value."""
    dates: tuple[str, ...] = ()
    unit: str = ""
    unit_column: str = ""
    units: Mapping[str, str]
    """Folded local spelling of a unit → unit."""
    date_column: str = ""
    """Column with the day on which the value was measured."""
    if_filled: str | bool | None = None
    if_empty: str | bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalMapping:
    """How one table is read."""

    name: str
    version: str
    language: str = ""
    """Language of the table, ISO 639-1."""
    source: SourceFormat
    file: str = ""
    """Pattern of the file's name where a delivery has several tables; empty takes any."""
    rows: str = ""
    """Table of the common data model of which each row is an entity; empty: patients."""
    patient_id_column: str
    issuer: str = ""
    issuer_column: str = ""
    readings: Mapping[str, tuple[Reading, ...]]
    """Variable → readings in order; the first that finds a value fills it."""

    def columns(self) -> tuple[str, ...]:
        """Return every column of the table that the mapping reads, each once."""
        names = ["" if self.patient_id_column == ROW_NUMBER else self.patient_id_column]
        names.append(self.issuer_column)
        for readings in self.readings.values():
            for reading in readings:
                names += [reading.column, reading.unit_column, reading.date_column]
        return tuple(dict.fromkeys(name for name in names if name))

    def variable(self, name: str) -> Variable:
        """Return what `name` means in this table. Raises InvalidMapping."""
        return row_variable(self.rows, name) if self.rows else variable(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFile:
    """All tables of a delivery."""

    name: str
    version: str
    tables: tuple[ClinicalMapping, ...]

    def of_file(self, file_name: str) -> tuple[ClinicalMapping, ...]:
        """Return how a file of this name is read, once per table in it.

        Raises InvalidMapping when no table of the mapping is of that name.
        """
        found = tuple(t for t in self.tables if not t.file or fnmatch(file_name, t.file))
        if not found:
            known = ", ".join(table.file for table in self.tables)
            raise InvalidMapping(
                f"{file_name}: no table of the mapping {self.name!r} has this name ({known})"
            )
        return found


def folded(text: str) -> str:
    """Return `text` as values are compared: case and runs of spaces do not matter."""
    return " ".join(text.casefold().split())


def parse_mapping_file(text: str, name: str = "mapping") -> MappingFile:
    """Parse a mapping file's text. Raises InvalidMapping naming `name` and the key."""
    try:
        return _file(tomllib.loads(text))
    except tomllib.TOMLDecodeError as cause:
        raise InvalidMapping(f"{name}: not TOML: {cause}") from cause
    except InvalidMapping as cause:
        raise InvalidMapping(f"{name}: {cause}") from cause


def parse_mapping(text: str, name: str = "mapping") -> ClinicalMapping:
    """Parse the mapping of one table. Raises InvalidMapping, also when the file maps several."""
    tables = parse_mapping_file(text, name).tables
    if len(tables) != 1:
        raise InvalidMapping(f"{name}: it maps {len(tables)} tables, and one is wanted")
    return tables[0]


def _file(document: dict[str, Any]) -> MappingFile:
    _only(document, "", ("mapping", "source", "columns", "tables"))
    head = _table(document, "mapping")
    _only(head, "mapping.", ("name", "version", "description", "language", "rows"))
    several = document.get("tables")
    if several is None:
        tables = [_mapping(document, head, "", _text(head, "rows", "mapping.", ""))]
    else:
        if not isinstance(several, list) or not several:
            raise InvalidMapping("tables is an array of tables: [[tables]]")
        if "source" in document or "columns" in document or "rows" in head:
            raise InvalidMapping("source, columns and rows belong into each of [[tables]]")
        tables = []
        for number, one in enumerate(several, start=1):
            where = f"tables[{number}]."
            if not isinstance(one, dict):
                raise InvalidMapping(f"{where[:-1]} is a table")
            _only(one, where, ("file", "rows", "source", "columns"))
            tables.append(_mapping(one, head, where, _text(one, "rows", where, "")))
    return MappingFile(
        name=_text(head, "name", "mapping."),
        version=_text(head, "version", "mapping."),
        tables=tuple(tables),
    )


def _mapping(entry: dict[str, Any], head: dict[str, Any], where: str, rows: str) -> ClinicalMapping:
    source = _table(entry, "source", where)
    _only(
        source,
        f"{where}source.",
        ("format", "delimiter", "encoding", "decimal", "sheet", "header_row"),
        ("missing", "dates", "patient_id", "where"),
    )
    patient = _table(source, "patient_id", f"{where}source.")
    _only(patient, f"{where}source.patient_id.", ("column", "issuer", "issuer_column"))
    form = _source(source, f"{where}source.")
    columns = _table(entry, "columns", where)
    name = _text(head, "name", "mapping.")
    made = ClinicalMapping(
        name=name,
        version=_text(head, "version", "mapping."),
        language=_text(head, "language", "mapping.", ""),
        source=form,
        file=_text(entry, "file", where, ""),
        rows=rows,
        patient_id_column=_text(patient, "column", f"{where}source.patient_id."),
        issuer=_text(patient, "issuer", f"{where}source.patient_id.", ""),
        issuer_column=_text(patient, "issuer_column", f"{where}source.patient_id.", ""),
        readings={},
    )
    readings = {}
    for field, value in columns.items():
        try:
            about = made.variable(field)
        except InvalidMapping as cause:
            raise InvalidMapping(f"{where}columns.{field}: {cause}") from cause
        readings[field] = _readings(about, value, form, f"{where}columns.{field}")
    return replace(made, readings=readings)


def _source(source: dict[str, Any], where: str) -> SourceFormat:
    kind = _text(source, "format", where, "")
    if kind not in ("", *FORMATS):
        raise InvalidMapping(f"{where}format is {kind!r}; it is one of {', '.join(FORMATS)}")
    decimal = _text(source, "decimal", where, ".")
    if decimal not in (".", ","):
        raise InvalidMapping(f'{where}decimal is "." or ","')
    delimiter = _text(source, "delimiter", where, ",")
    if len(delimiter) != 1:
        raise InvalidMapping(f"{where}delimiter is one character")
    header_row = source.get("header_row", 0)
    if type(header_row) is not int or not 0 <= header_row <= 1000:
        raise InvalidMapping(f"{where}header_row is the number of the row of column names")
    return SourceFormat(
        format=kind,
        delimiter=delimiter,
        encoding=_text(source, "encoding", where, "utf-8"),
        decimal=decimal,
        sheet=_text(source, "sheet", where, ""),
        header_row=header_row,
        missing=frozenset({"", *(folded(word) for word in _texts(source, "missing", where))}),
        dates=_date_forms(source, where),
        where=tuple((name, str(value)) for name, value in _map(source, "where", where).items()),
    )


def _readings(about: Variable, value: Any, form: SourceFormat, where: str) -> tuple[Reading, ...]:
    entries = value if isinstance(value, list) else [value]
    if not entries or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidMapping(f"{where} is a table, or an array of tables")
    return tuple(_reading(about, entry, form, f"{where}.") for entry in entries)


def _reading(about: Variable, entry: dict[str, Any], form: SourceFormat, where: str) -> Reading:
    allowed = ["column"]
    if about.kind == "date":
        allowed.append("dates")
    elif about.kind == "number":
        allowed += ["unit", "unit_column", "units", "values", "date_column"]
    else:
        allowed += ["values", "date_column"]
    if about.kind in ("concept", "flag"):
        allowed += ["if_filled", "if_empty"]
    _only(entry, where, tuple(allowed))
    units = {folded(word): unit for word, unit in _map(entry, "units", where).items()}
    unit = _text(entry, "unit", where, "")
    for spelling in [unit, *(str(word) for word in units.values())]:
        if spelling and about.unit and factor_of(about, spelling) is None:
            raise InvalidMapping(f"{where}unit {spelling!r} does not convert to {about.unit!r}")
    values = _map(entry, "values", where)
    for word, target in values.items():
        _check_target(about, target, f"{where}values.{word}")
    for key in ("if_filled", "if_empty"):
        if key in entry:
            _check_target(about, entry[key], where + key)
    return Reading(
        column=_text(entry, "column", where),
        values={folded(word): target for word, target in values.items()},
        dates=_date_forms(entry, where) or form.dates,
        unit=unit,
        unit_column=_text(entry, "unit_column", where, ""),
        units={word: str(unit) for word, unit in units.items()},
        date_column=_text(entry, "date_column", where, ""),
        if_filled=entry.get("if_filled"),
        if_empty=entry.get("if_empty"),
    )


def _check_target(about: Variable, target: object, where: str) -> None:
    if about.kind == "flag":
        if target != "" and not isinstance(target, bool):
            raise InvalidMapping(f'{where} is true, false or ""')
        return
    if not isinstance(target, str):
        raise InvalidMapping(f"{where} is text")
    allowed = allowed_values(about)
    if target and allowed and target not in allowed:
        some = ", ".join(sorted(allowed)[:40])
        raise InvalidMapping(f"{where} is {target!r}; it is one of {some}")


@cache
def allowed_values(about: Variable) -> frozenset[str]:
    """Return the words that a variable may have; none where it is a number, date or code."""
    if about.words:
        return frozenset(about.words)
    return frozenset(one.name for one in group(about.group)) if about.group else frozenset()


def _date_forms(entry: dict[str, Any], where: str) -> tuple[str, ...]:
    forms = _texts(entry, "dates", where)
    for form in forms:
        if not is_date_form(form):
            raise InvalidMapping(f"{where}dates: {form!r} lacks year, month or day, as DD/MM/YYYY")
    return forms


def _only(entry: dict[str, Any], where: str, *allowed: tuple[str, ...]) -> None:
    known = [key for keys in allowed for key in keys]
    for key in entry:
        if key not in known:
            raise InvalidMapping(f"unknown key {where}{key}; known here: {', '.join(known)}")


def _table(entry: dict[str, Any], key: str, where: str = "") -> dict[str, Any]:
    value = entry.get(key)
    if not isinstance(value, dict):
        raise InvalidMapping(f"[{where}{key}] is missing")
    return value


def _map(entry: dict[str, Any], key: str, where: str) -> dict[str, str | bool]:
    value = entry.get(key, {})
    if not isinstance(value, dict):
        raise InvalidMapping(f"{where}{key} is a table of source value = target")
    return value


def _text(entry: dict[str, Any], key: str, where: str, default: str | None = None) -> str:
    value = entry.get(key, default)
    if value is None:
        raise InvalidMapping(f"{where}{key} is missing")
    if not isinstance(value, str):
        raise InvalidMapping(f"{where}{key} is text in quotes")
    return value


def _texts(entry: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise InvalidMapping(f"{where}{key} is a list of texts")
    return tuple(value)
