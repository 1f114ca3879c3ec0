"""The rows of one subject by table, and the clinical record that they make. Pure.

All formats are written from, and read into, this one form: rows are mappings of column to value as
in the tables of the common data model. Keys are made anew when rows become a record, in the order
of the rows; references between rows follow them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final

from tessera.domain.clinical.cdm import (
    CONDITION,
    ENTITIES,
    PATIENT,
    TABLES,
    CancerCondition,
    ClinicalRecord,
    Subject,
)
from tessera.domain.clinical.entity import Column, Table, table_of
from tessera.domain.errors import InvalidInput
from tessera.domain.ids import Pseudonym

Row = Mapping[str, Any]
"""Column → value; a column that is absent is null."""
CLINICAL: Final = (PATIENT, CONDITION, *(table_of(cls) for cls in ENTITIES))
"""Tables of a clinical record, in their order."""
_ANEW: Final = ("baseline", "baseline_date")


@dataclass(frozen=True, slots=True)
class SubjectRows:
    """Everything of one subject. `tables` has no entry for a table without rows."""

    subject: str
    tables: Mapping[str, Sequence[Row]]

    def __getitem__(self, table: str) -> Sequence[Row]:
        return self.tables.get(table, ())

    def treatment_of(self, row: Row) -> Row:
        """Return the treatment that a row belongs to; an empty row when there is none."""
        wanted = row.get("treatment_id")
        return next((t for t in self["treatment"] if t["treatment_id"] == wanted), {})

    @property
    def patient(self) -> Row:
        """The row of `patient`; nothing but the subject when there is none."""
        found = self["patient"]
        return found[0] if found else {"subject": self.subject}


@cache
def table_named(name: str) -> Table:
    """Return a table of the common data model. Raises KeyError.

    Those of a record are without the columns that a version repeats for searching.
    """
    return {table.name: table for table in (*TABLES, *CLINICAL)}[name]


@cache
def columns_of(table: str) -> Mapping[str, Column]:
    """Return a table's columns by name, in their order."""
    return {column.name: column for column in table_named(table).columns}


@cache
def key_of(table: str) -> str:
    """Return the name of the key's column: the first."""
    return table_named(table).columns[0].name


@cache
def is_made_anew(column: str) -> bool:
    """Say whether a column is worked out when a dataset is frozen, and so is not read back."""
    return column in _ANEW or (column.endswith("_offset_days") and column != _OF_TREATMENT)


_OF_TREATMENT: Final = "treatment_offset_days"


@cache
def date_columns(table: str) -> tuple[tuple[str, str], ...]:
    """Return (date column, column of its days from the baseline) of a table."""
    names = columns_of(table)
    pairs = ((name, f"{name.removesuffix('_date')}_offset_days") for name in names)
    return tuple((name, days) for name, days in pairs if name.endswith("_date") and days in names)


def rows_of(record: ClinicalRecord) -> SubjectRows:
    """Return a record as rows, null columns left out."""
    tables: dict[str, list[Row]] = {}
    for one in (record.subject, *record.conditions, *record.facts):
        table = table_of(type(one))
        values = {column.name: getattr(one, column.name) for column in table.columns}
        tables.setdefault(table.name, []).append(without_nulls(values))
    return SubjectRows(record.subject.subject, tables)


def record_of(rows: SubjectRows, subject: Pseudonym) -> ClinicalRecord:
    """Return the record of `rows` under `subject`, keys made anew, days left to be worked out.

    Days are kept only where no date is beside them. A reference to a row that is not there is null.
    Raises InvalidInput when a row lacks what its table requires.
    """
    keys = {
        (table.name, str(row.get(key_of(table.name), number))): _key(table.name, subject, number)
        for table in CLINICAL[1:]
        for number, row in enumerate(rows[table.name], start=1)
    }
    made: dict[str, list[Any]] = {}
    for cls in (Subject, CancerCondition, *ENTITIES):
        table = table_of(cls).name
        for number, row in enumerate(rows[table], start=1):
            values = dict(_renewed(table, row, keys, subject))
            if table != "patient":
                values[key_of(table)] = _key(table, subject, number)
            lost = [c for c in columns_of(table).values() if c.required and c.name not in values]
            if lost and table in _HANGING:
                continue
            if lost:
                raise InvalidInput(f"a row of {table} has no {lost[0].name}")
            made.setdefault(table, []).append(cls(**values))
    who = made.pop("patient", [Subject(subject=subject)])
    conditions = tuple(made.pop("condition", ()))
    facts = tuple(one for table in CLINICAL for one in made.get(table.name, ()))
    return ClinicalRecord(who[0], conditions, facts)


_HANGING: Final = (
    *("radiotherapy", "surgical_procedure", "medication_administration", "episode_event"),
)
"""Rows of these without the row that they belong to say nothing, and are left out."""


def _renewed(
    table: str, row: Row, keys: Mapping[tuple[str, str], str], subject: Pseudonym
) -> Iterator[tuple[str, object]]:
    dates = dict(date_columns(table))
    days_of = {days: day for day, days in dates.items()}
    for name, column in columns_of(table).items():
        value = row.get(name)
        if name == "subject":
            value = subject
        elif column.refers_to and column.refers_to != "study" and value is not None:
            value = keys.get((column.refers_to, str(value)))
        elif name == "row_key":
            value = keys.get((str(row.get("table")), str(value)))
        elif is_made_anew(name) and (
            name not in days_of or row.get(days_of[name]) is not None or name in _ANEW
        ):
            continue
        if value is not None:
            yield name, value


def _key(table: str, subject: str, number: int) -> str:
    return f"{subject}/{number}" if table == "condition" else f"{subject}/{table}/{number}"


def without_nulls(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that have a value."""
    return {name: value for name, value in row.items() if value is not None}


def to_text(value: object) -> str:
    """Return a value as every text format here writes it: ISO 8601, `true`, the shortest number."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else repr(value)
        case date():
            return value.isoformat()
        case tuple() | list():
            return ";".join(map(to_text, value))
        case _:
            return str(value)


def from_text(text: str, kind: str) -> Any:
    """Return what `to_text` wrote, by the kind of a column; None when it says no such thing."""
    text = text.strip()
    if not text:
        return None
    try:
        match kind:
            case "integer":
                return int(float(text))
            case "number":
                return float(text)
            case "boolean":
                return _FLAGS.get(text.casefold())
            case "date":
                return date.fromisoformat(text[:10])
            case "texts":
                return tuple(text.split(";"))
    except (ValueError, OverflowError):
        return None
    return text


_FLAGS: Final = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
