"""OMOP rows that another program wrote, read by the codes of their concepts. Pure.

Cancers, other conditions, markers, analyses, assessments and procedures are read where our
terminology has the code; dates are those that OMOP requires. An age is worked out only from a whole
date of birth.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from tessera.domain.exchange.codes import unit_of
from tessera.domain.exchange.omop_tables import OPERATORS
from tessera.domain.exchange.rows import columns_of, date_columns, from_text, key_of
from tessera.domain.terms.terminology import by_code

Cells = Mapping[str, str]
Codes = Mapping[str, tuple[str, str]]
"""Concept's id → (our name of the code system, code)."""
_COMPARATOR: Final = {str(number): sign for sign, number in OPERATORS.items()}
_DAYS_PER_YEAR: Final = 365.2425
_READ: Final = {
    "condition_occurrence": (
        ("condition_concept_id", "condition_source_concept_id"),
        {"cancer": "condition", "medical_history": "medical_history"},
    ),
    "measurement": (
        ("measurement_concept_id", "measurement_source_concept_id"),
        {
            "marker": "tumor_marker_test",
            "lab_test": "lab_test_result",
            "health_status": "health_status_assessment",
        },
    ),
    "procedure_occurrence": (
        ("procedure_concept_id", "procedure_source_concept_id"),
        {"procedure": "procedure"},
    ),
}
"""OMOP table → its columns of concepts, and our table by the group of the concept."""
CONCEPT_COLUMNS: Final = {
    **{table: columns for table, (columns, _) in _READ.items()},
}
UNIT_COLUMN: Final = "unit_concept_id"


def foreign_row(
    omop: str, cells: Cells, codes: Codes, born: date | None
) -> tuple[str, dict[str, Any]] | None:
    """Return (our table, row) of an OMOP row; None when no concept of it is known here."""
    if omop not in _READ:
        return None
    columns, tables = _READ[omop]
    for system, code in _codes(cells, columns, codes):
        for found in by_code(system, code):
            table = tables.get(found.group)
            if table is not None:
                row = {key_of(table): f"{omop}/{cells[f'{omop}_id']}"}
                row |= _values(table, omop, found.name, cells, codes, born)
                return table, {name: value for name, value in row.items() if value is not None}
    return None


def birth_date(person: Cells) -> date | None:
    """Return the date of birth, where the table has a whole one."""
    text = person.get("birth_datetime", "")
    parts = [person.get(f"{name}_of_birth", "") for name in ("year", "month", "day")]
    if not text and all(part.isdecimal() for part in parts):
        text = f"{parts[0]:0>4}-{parts[1]:0>2}-{parts[2]:0>2}"
    read = from_text(text, "date")
    return read if isinstance(read, date) else None


def _codes(cells: Cells, columns: Iterable[str], codes: Codes) -> list[tuple[str, str]]:
    numbers = (cells.get(column, "") for column in columns)
    return [codes[number] for number in numbers if number in codes]


def _values(
    table: str, omop: str, name: str, cells: Cells, codes: Codes, born: date | None
) -> dict[str, Any]:
    prefix = {"condition_occurrence": "condition_start", "procedure_occurrence": "procedure"}
    day = from_text(cells.get(f"{prefix.get(omop, omop)}_date", ""), "date")
    if table == "condition":
        known = born is not None and day is not None
        age = round((day - born).days / _DAYS_PER_YEAR, 1) if known else None
        return {"cancer": name, "diagnosis_date": day, "age_at_diagnosis": age}
    values: dict[str, Any] = {"code": name}
    if table == "medical_history":
        return values | {"present": True}
    for column, _ in date_columns(table):
        values[column] = day
    if "value_number" in columns_of(table):
        unit = codes.get(cells.get(UNIT_COLUMN, ""), ("", ""))
        said = unit[1] if unit[0] == "UCUM" else cells.get("unit_source_value", "")
        values["value_number"] = from_text(cells.get("value_as_number", ""), "number")
        values["unit"] = unit_of(said, "UCUM") if said else None
    if "comparator" in columns_of(table):
        values["comparator"] = _COMPARATOR.get(cells.get("operator_concept_id", ""))
    return values
