"""Read a clinical mapping file: which column of a hospital's table is which variable. Pure.

The file is TOML, has a name and a version, and is meant to be reviewed like code. An
unknown key is an error that names it. Reference: docs/reference/clinical-mapping.md.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tessera.domain.clinical.concepts import VALUE_SETS, cancers
from tessera.domain.clinical.units import CONVERSIONS, factor_to_own_unit
from tessera.domain.clinical.values import is_date_form
from tessera.domain.errors import InvalidMapping

DATE_FIELDS: Final = (
    "diagnosis_date",
    "birth_date",
    "treatment_date",
    "death_date",
    "last_contact_date",
)
"""Read as dates. All but the first serve derived columns and cross-checks and are not stored."""
NUMBER_FIELDS: Final = tuple(CONVERSIONS)
CODE_FIELDS: Final = ("cancer", "topography", "morphology", "gleason")
FIELDS: Final = (*VALUE_SETS, *CODE_FIELDS, *NUMBER_FIELDS, *DATE_FIELDS, "deceased")
"""What `[columns.…]` may name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFormat:
    """How the table is written."""

    format: str = ""
    """csv or xlsx; empty means: by the file's ending."""
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    sheet: str = ""
    """Worksheet name; empty means the first."""
    missing: frozenset[str] = frozenset({""})
    """Folded spellings that mean "no value"."""
    dates: tuple[str, ...] = ()


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
    if_filled: str | bool | None = None
    if_empty: str | bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalMapping:
    name: str
    version: str
    language: str = ""
    """Language of the table, ISO 639-1."""
    source: SourceFormat
    patient_id_column: str
    issuer: str = ""
    issuer_column: str = ""
    readings: Mapping[str, tuple[Reading, ...]]
    """Variable → readings in order; the first that finds a value fills it."""

    def columns(self) -> tuple[str, ...]:
        """Return every column of the table that the mapping reads, each once."""
        names = [self.patient_id_column, self.issuer_column]
        for readings in self.readings.values():
            for reading in readings:
                names += [reading.column, reading.unit_column]
        return tuple(dict.fromkeys(name for name in names if name))


def folded(text: str) -> str:
    """Return `text` as values are compared: case and runs of spaces do not matter."""
    return " ".join(text.casefold().split())


def parse_mapping(text: str, name: str = "mapping") -> ClinicalMapping:
    """Parse a mapping file's text. Raises InvalidMapping naming `name` and the key."""
    try:
        document = tomllib.loads(text)
        return _mapping(document)
    except tomllib.TOMLDecodeError as cause:
        raise InvalidMapping(f"{name}: not TOML: {cause}") from cause
    except InvalidMapping as cause:
        raise InvalidMapping(f"{name}: {cause}") from cause


def _mapping(document: dict[str, Any]) -> ClinicalMapping:
    _only(document, "", ("mapping", "source", "columns"))
    head = _table(document, "mapping")
    _only(head, "mapping.", ("name", "version", "description", "language"))
    source = _table(document, "source")
    _only(
        source,
        "source.",
        ("format", "delimiter", "encoding", "decimal", "sheet", "missing", "dates", "patient_id"),
    )
    patient = _table(source, "patient_id", "source.")
    _only(patient, "source.patient_id.", ("column", "issuer", "issuer_column"))
    form = _source(source)
    columns = _table(document, "columns")
    _only(columns, "columns.", FIELDS)
    return ClinicalMapping(
        name=_text(head, "name", "mapping."),
        version=_text(head, "version", "mapping."),
        language=_text(head, "language", "mapping.", ""),
        source=form,
        patient_id_column=_text(patient, "column", "source.patient_id."),
        issuer=_text(patient, "issuer", "source.patient_id.", ""),
        issuer_column=_text(patient, "issuer_column", "source.patient_id.", ""),
        readings={field: _readings(field, columns[field], form) for field in columns},
    )


def _source(source: dict[str, Any]) -> SourceFormat:
    kind = _text(source, "format", "source.", "")
    if kind not in ("", "csv", "xlsx"):
        raise InvalidMapping(f"source.format is {kind!r}; it is csv or xlsx")
    decimal = _text(source, "decimal", "source.", ".")
    if decimal not in (".", ","):
        raise InvalidMapping('source.decimal is "." or ","')
    delimiter = _text(source, "delimiter", "source.", ",")
    if len(delimiter) != 1:
        raise InvalidMapping("source.delimiter is one character")
    return SourceFormat(
        format=kind,
        delimiter=delimiter,
        encoding=_text(source, "encoding", "source.", "utf-8"),
        decimal=decimal,
        sheet=_text(source, "sheet", "source.", ""),
        missing=frozenset({"", *(folded(word) for word in _texts(source, "missing", "source."))}),
        dates=_date_forms(source, "source."),
    )


def _readings(field: str, value: Any, form: SourceFormat) -> tuple[Reading, ...]:
    entries = value if isinstance(value, list) else [value]
    if not entries or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidMapping(f"columns.{field} is a table, or an array of tables")
    return tuple(_reading(field, entry, form) for entry in entries)


def _reading(field: str, entry: dict[str, Any], form: SourceFormat) -> Reading:
    where = f"columns.{field}."
    allowed = ["column"]
    if field in DATE_FIELDS:
        allowed.append("dates")
    elif field in NUMBER_FIELDS:
        allowed += ["unit", "unit_column", "units"]
    else:
        allowed.append("values")
    if field in VALUE_SETS or field == "deceased":
        allowed += ["if_filled", "if_empty"]
    _only(entry, where, tuple(allowed))
    units = {folded(word): unit for word, unit in _map(entry, "units", where).items()}
    unit = _text(entry, "unit", where, "")
    for spelling in [unit, *(str(word) for word in units.values())]:
        if spelling and factor_to_own_unit(field, spelling) is None:
            known = ", ".join(CONVERSIONS[field])
            raise InvalidMapping(f"{where}unit {spelling!r} does not convert; known: {known}")
    values = _map(entry, "values", where)
    for word, target in values.items():
        _check_target(field, target, f"{where}values.{word}")
    for key in ("if_filled", "if_empty"):
        if key in entry:
            _check_target(field, entry[key], where + key)
    return Reading(
        column=_text(entry, "column", where),
        values={folded(word): target for word, target in values.items()},
        dates=_date_forms(entry, where) or form.dates,
        unit=unit,
        unit_column=_text(entry, "unit_column", where, ""),
        units={word: str(unit) for word, unit in units.items()},
        if_filled=entry.get("if_filled"),
        if_empty=entry.get("if_empty"),
    )


def _check_target(field: str, target: object, where: str) -> None:
    if field == "deceased":
        if target != "" and not isinstance(target, bool):
            raise InvalidMapping(f'{where} is true, false or ""')
        return
    if not isinstance(target, str):
        raise InvalidMapping(f"{where} is text")
    allowed = tuple(cancers()) if field == "cancer" else VALUE_SETS.get(field)
    if target and allowed is not None and target not in allowed:
        raise InvalidMapping(f"{where} is {target!r}; it is one of {', '.join(allowed)}")


def _date_forms(entry: dict[str, Any], where: str) -> tuple[str, ...]:
    forms = _texts(entry, "dates", where)
    for form in forms:
        if not is_date_form(form):
            raise InvalidMapping(f"{where}dates: {form!r} lacks year, month or day, as DD/MM/YYYY")
    return forms


def _only(entry: dict[str, Any], where: str, allowed: tuple[str, ...]) -> None:
    for key in entry:
        if key not in allowed:
            raise InvalidMapping(f"unknown key {where}{key}; known here: {', '.join(allowed)}")


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
