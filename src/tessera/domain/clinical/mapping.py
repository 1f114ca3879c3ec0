"""Read one row of a hospital's table by a mapping. Pure; identified zone.

The result still names the patient and carries true dates; `domain/deid/clinical.py`
turns it into records of the common data model. A value that cannot be read is null
and a problem, never a text that says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from tessera.domain.clinical.concepts import VALUE_SETS, cancer_named, cancer_of_topography
from tessera.domain.clinical.mapping_file import (
    DATE_FIELDS,
    NUMBER_FIELDS,
    ClinicalMapping,
    Reading,
    SourceFormat,
    folded,
)
from tessera.domain.clinical.plausibility import implausible
from tessera.domain.clinical.problem import Problem
from tessera.domain.clinical.units import factor_to_own_unit
from tessera.domain.clinical.values import (
    read_date,
    read_gleason,
    read_morphology,
    read_number,
    read_stage,
    read_topography,
)
from tessera.domain.zones import Identified

Value = str | bool | int | float | date
_INTEGERS: Final = ("survival_days", "treatment_offset_days")
_CODES: Final = {
    "cancer": cancer_named,
    "topography": read_topography,
    "morphology": read_morphology,
    "gleason": read_gleason,
    "stage": read_stage,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One row as read: who, and the variables that have a value."""

    number: int
    patient_id: str
    issuer: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class RowReading:
    """`row` is None when the row had to be left out; a problem then says why."""

    row: Identified[SourceRow] | None
    problems: tuple[Problem, ...]


def read_row(
    row: Identified[Mapping[str, str]],
    number: int,
    mapping: ClinicalMapping,
    *,
    today: date,
) -> RowReading:
    """Read one row. `number` counts as a spreadsheet does; dates after `today` are problems."""
    cells = row.value
    patient_id = cells.get(mapping.patient_id_column, "").strip()
    if folded(patient_id) in mapping.source.missing:
        column = mapping.patient_id_column
        gone = Problem(
            row=number, column=column, variable="", reason="missing-patient-id", rejected=True
        )
        return RowReading(None, (gone,))
    values: dict[str, Value] = {}
    columns: dict[str, Reading] = {}
    problems: list[Problem] = []
    for field, readings in mapping.readings.items():
        for reading in readings:
            raw = cells.get(reading.column, "").strip()
            value, reason = _read_cell(field, raw, cells, reading, mapping.source, today)
            if reason:
                problems.append(_problem(number, reading.column, field, reason, raw))
            if value is not None:
                values[field] = value
                columns[field] = reading
                break
    _derive_cancer(values)
    for field, reason in implausible(values):
        column = columns[field].column if field in columns else ""
        problems.append(_problem(number, column, field, reason, cells.get(column, "")))
    issuer = cells.get(mapping.issuer_column, "").strip() or mapping.issuer
    read = SourceRow(number=number, patient_id=patient_id, issuer=issuer, values=values)
    return RowReading(Identified(read), tuple(problems))


def _problem(number: int, column: str, field: str, reason: str, raw: str) -> Problem:
    return Problem(row=number, column=column, variable=field, reason=reason, raw=Identified(raw))


def _derive_cancer(values: dict[str, Value]) -> None:
    topography = values.get("topography")
    if "cancer" not in values and isinstance(topography, str):
        cancer = cancer_of_topography(topography)
        if cancer:
            values["cancer"] = cancer


def _read_cell(
    field: str,
    raw: str,
    cells: Mapping[str, str],
    reading: Reading,
    source: SourceFormat,
    today: date,
) -> tuple[Value | None, str]:
    """Return the value and "", or None and a reason ("" when there is simply no value)."""
    word = folded(raw)
    if word in source.missing:
        return reading.if_empty, ""
    if word in reading.values:
        target = reading.values[word]
        if target == "":
            return None, ""
        if field in VALUE_SETS or field in ("cancer", "deceased"):
            return target, ""
        raw = str(target)
    if reading.if_filled is not None:
        return reading.if_filled, ""
    if field in DATE_FIELDS:
        day = read_date(raw, reading.dates)
        if day is None:
            return None, "unreadable-date"
        return (None, "date-in-future") if day > today else (day, "")
    if field in NUMBER_FIELDS:
        return _read_quantity(field, raw, cells, reading, source)
    if field in _CODES:
        code = _CODES[field](raw)
        return (code, "") if code is not None else (None, "unknown-value")
    if field in VALUE_SETS and word in VALUE_SETS[field]:
        return word, ""
    return None, "unknown-value"


def _read_quantity(
    field: str, raw: str, cells: Mapping[str, str], reading: Reading, source: SourceFormat
) -> tuple[Value | None, str]:
    read = read_number(raw, source.decimal)
    if read is None:
        return None, "unreadable-number"
    number, written = read
    beside = cells.get(reading.unit_column, "").strip() if reading.unit_column else ""
    if folded(beside) in source.missing:
        beside = ""
    unit = written or beside or reading.unit
    if not unit:
        return None, "no-unit"
    factor = factor_to_own_unit(field, reading.units.get(folded(unit), unit))
    if factor is None:
        return None, "unknown-unit"
    value = number * factor
    if field in _INTEGERS:
        return round(value), ""
    return round(value, 1 if field == "age_at_diagnosis" else 4), ""
