"""Read one row of a hospital's table by a mapping. Pure; identified zone.

The result still names the patient and carries true dates; `domain/deid/clinical.py`
turns it into records of the common data model. A value that cannot be read is null
and a problem, never a text that says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Final

from tessera.domain.clinical.concepts import cancer_named, cancer_of_codes
from tessera.domain.clinical.mapping_file import (
    ClinicalMapping,
    Reading,
    SourceFormat,
    folded,
)
from tessera.domain.clinical.plausibility import implausible
from tessera.domain.clinical.problem import Problem
from tessera.domain.clinical.tnm import Tnm, category_of, read_tnm
from tessera.domain.clinical.units import factor_of
from tessera.domain.clinical.values import (
    read_date,
    read_gleason_patterns,
    read_icd10,
    read_limit,
    read_morphology,
    read_number,
    read_stage,
    read_topography,
)
from tessera.domain.clinical.variables import Variable
from tessera.domain.terms.terminology import concept, group
from tessera.domain.terms.terminology import folded as word_folded
from tessera.domain.zones import Identified


@dataclass(frozen=True, slots=True)
class Limit:
    """A measured value of which only a limit is known, as in <0.1."""

    comparator: str
    number: float


@dataclass(frozen=True, slots=True)
class Gleason:
    """A Gleason sum, with its patterns where they are said."""

    total: int
    primary: int | None = None
    secondary: int | None = None


Value = str | bool | int | float | date | Limit | Gleason | Tnm
_LIMITED: Final = frozenset({"tumor_marker_test", "lab_test_result"})
_FLAGS: Final = {
    "yes": True, "no": False, "true": True, "false": False, "1": True, "0": False,
    "ja": True, "nej": False,
}  # fmt: skip
_MOST_REMEMBERED: Final = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One row as read: who, and the variables that have a value."""

    number: int
    patient_id: str
    issuer: str
    values: Mapping[str, Value]
    measured: Mapping[str, date] = field(default_factory=dict)
    """Variable → the day on which it was measured, where the table says one."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Variable → column that it came from."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Where each row is an entity: variable → unit as written, when it is kept."""
    rows: str = ""
    """Table of the common data model of which the row is an entity; empty: a patient's row."""
    place: int = 0
    """Which of the delivery's files it is in."""


@dataclass(frozen=True, slots=True)
class RowReading:
    """`row` is None when the row is left out; without a problem, the mapping passes it over."""

    row: Identified[SourceRow] | None
    problems: tuple[Problem, ...]


_Read = tuple[Value | None, str]
"""A value and "", or None and a reason ("" when there is simply no value)."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One reading with what was read by it before: a column has few distinct values."""

    about: Variable
    reading: Reading
    place: int
    """Of its column in the cells."""
    unit_place: int
    """Of its column of units; -1 where it has none."""
    day_place: int
    passed_over: frozenset[str]
    """Folded texts for what the mapping has no use for: rows about these are no problem."""
    remembered: dict[str | tuple[str, str], _Read] = field(default_factory=dict)


class RowReader:
    """Reads the rows of one table. Remembers what each text meant.

    `today`: dates after it are problems. `place`: which of the delivery's files it is.
    """

    def __init__(self, mapping: ClinicalMapping, *, today: date, place: int = 0) -> None:
        self._mapping = mapping
        self._today = today
        self._place = place
        self._columns = mapping.columns()
        at = {name: number for number, name in enumerate(self._columns)}
        self._who = at.get(mapping.patient_id_column, -1)
        self._issuer = at.get(mapping.issuer_column, -1)
        self._ways = [
            (
                name,
                tuple(
                    _Way(
                        mapping.variable(name),
                        reading,
                        at[reading.column],
                        at.get(reading.unit_column, -1),
                        at.get(reading.date_column, -1),
                        _passed_over(mapping.variable(name), reading),
                    )
                    for reading in readings
                ),
            )
            for name, readings in mapping.readings.items()
        ]

    def read(self, cells: Mapping[str, str], number: int) -> RowReading:
        """Read one row; `number` counts as a spreadsheet does."""
        return self.read_cells([cells.get(name, "") for name in self._columns], number)

    def read_cells(self, cells: Sequence[str], number: int) -> RowReading:
        """Read one row whose cells are in the order of the mapping's `columns()`."""
        mapping = self._mapping
        patient_id = self._patient(cells, number)
        if not patient_id:
            gone = Problem(
                row=number,
                column=mapping.patient_id_column,
                variable="",
                reason="missing-patient-id",
                rejected=True,
                place=self._place,
            )
            return RowReading(None, (gone,))
        values: dict[str, Value] = {}
        ways: dict[str, _Way] = {}
        problems: list[Problem] = []
        for name, readings in self._ways:
            for way in readings:
                raw = cells[way.place]
                if way.passed_over and folded(raw) in way.passed_over:
                    return RowReading(None, ())
                key = raw if way.unit_place < 0 else (raw, cells[way.unit_place])
                known = way.remembered.get(key)
                value, reason = self._learn(way, key) if known is None else known
                if reason:
                    problems.append(self._problem(number, way.reading.column, name, reason, raw))
                if value is not None:
                    values[name] = value
                    ways[name] = way
                    break
        if not mapping.rows:
            _derive_cancer(values)
            for name, reason in implausible(values):
                column = ways[name].reading.column if name in ways else ""
                raw = cells[ways[name].place] if name in ways else ""
                problems.append(self._problem(number, column, name, reason, raw))
        issuer = cells[self._issuer].strip() if self._issuer >= 0 else ""
        row = SourceRow(
            number=number,
            patient_id=patient_id,
            issuer=issuer or mapping.issuer,
            values=values,
            measured=self._measured(ways, cells),
            columns={name: way.reading.column for name, way in ways.items() if name in values},
            units=self._units(ways, cells) if mapping.rows else {},
            rows=mapping.rows,
            place=self._place,
        )
        return RowReading(Identified(row), tuple(problems))

    def _patient(self, cells: Sequence[str], number: int) -> str:
        if self._who < 0:
            return f"{self._mapping.name}/{self._place}/{number}"
        text = cells[self._who].strip()
        return "" if folded(text) in self._mapping.source.missing else text

    def _learn(self, way: _Way, key: str | tuple[str, str]) -> _Read:
        raw, beside = (key, "") if isinstance(key, str) else key
        unit = self._said(beside) if way.about.kind == "number" else ""
        source = self._mapping.source
        known = _read(way.about, way.reading, source, raw.strip(), unit, self._today)
        if len(way.remembered) < _MOST_REMEMBERED:
            way.remembered[key] = known
        return known

    def _said(self, beside: str) -> str:
        """Return a unit as written, "" where the cell says that there is none."""
        text = beside.strip()
        return "" if folded(text) in self._mapping.source.missing else text

    def _units(self, ways: Mapping[str, _Way], cells: Sequence[str]) -> dict[str, str]:
        found = {}
        for name, way in ways.items():
            if way.about.kind == "number" and not way.about.unit:
                said = self._said(cells[way.unit_place]) if way.unit_place >= 0 else ""
                found[name] = way.reading.units.get(folded(said), said) or way.reading.unit
        return found

    def _measured(self, ways: Mapping[str, _Way], cells: Sequence[str]) -> dict[str, date]:
        found = {}
        for name, way in ways.items():
            if way.day_place >= 0 and (text := cells[way.day_place].strip()):
                day = read_date(text, self._mapping.source.dates)
                if day is not None and day <= self._today:
                    found[name] = day
        return found

    def _problem(self, row: int, column: str, field: str, reason: str, raw: str) -> Problem:
        return Problem(
            row=row,
            column=column,
            variable=field,
            reason=reason,
            raw=Identified(raw),
            place=self._place,
        )


def read_row(
    row: Identified[Mapping[str, str]],
    number: int,
    mapping: ClinicalMapping,
    *,
    today: date,
) -> RowReading:
    """Read one row. `number` counts as a spreadsheet does; dates after `today` are problems."""
    return RowReader(mapping, today=today).read(row.value, number)


def _passed_over(about: Variable, reading: Reading) -> frozenset[str]:
    if not about.decides:
        return frozenset()
    return frozenset(word for word, target in reading.values.items() if target == "")


def _derive_cancer(values: dict[str, Value]) -> None:
    topography, morphology = values.get("topography"), values.get("morphology")
    if "cancer" not in values and isinstance(topography, str):
        cancer = cancer_of_codes(topography, morphology if isinstance(morphology, str) else "")
        if cancer:
            values["cancer"] = cancer


def _read(
    about: Variable, reading: Reading, source: SourceFormat, raw: str, unit: str, today: date
) -> tuple[Value | None, str]:
    word = folded(raw)
    if word in source.missing and word not in reading.values:
        return reading.if_empty, ""
    if word in reading.values:
        target = reading.values[word]
        if target == "":
            return None, ""
        if about.kind in ("concept", "flag"):
            return target, ""
        raw = str(target)
    if reading.if_filled is not None:
        return reading.if_filled, ""
    if about.kind == "date":
        day = read_date(raw, reading.dates)
        if day is None:
            return None, "unreadable-date"
        return (None, "date-in-future") if day > today else (day, "")
    if about.kind == "number":
        return _read_quantity(about, reading, source, raw, unit)
    value = _WORDS[about.kind](about, raw)
    return (value, "") if value is not None else (None, "unknown-value")


def _read_quantity(
    about: Variable, reading: Reading, source: SourceFormat, raw: str, beside: str
) -> tuple[Value | None, str]:
    read = read_number(raw, source.decimal)
    comparator = ""
    if read is None and about.table in _LIMITED:
        limit = read_limit(raw, source.decimal)
        comparator, read = (limit[0], limit[1:]) if limit else ("", None)
    if read is None:
        return None, "unreadable-number"
    number, written = read
    if not about.unit:  # an entity's own value: the gate converts it by its code
        return (Limit(comparator, number) if comparator else number), ""
    unit = written or beside or reading.unit or ("1" if about.unit == "1" else "")
    if not unit:
        return None, "no-unit"
    factor = factor_of(about, reading.units.get(folded(unit), unit))
    if factor is None:
        return None, "unknown-unit"
    value = round(number * factor, 1 if about.name == "age_at_diagnosis" else 4)
    if about.is_whole:
        value = round(number * factor)
    return (Limit(comparator, value) if comparator else value), ""


def _concept(about: Variable, raw: str) -> Value | None:
    if about.name == "cancer":
        return cancer_named(raw)
    if about.words:
        return next((word for word in about.words if folded(word) == folded(raw)), None)
    if about.group == "stage":
        return _exact("stage").get(word_folded(raw)) or read_stage(raw)
    if about.group in ("tnm_t", "tnm_n", "tnm_m"):
        letter = about.group[-1]
        read = read_tnm(raw)
        said = getattr(read, letter) if read else None
        return said or category_of(letter, letter.upper() + raw.strip())
    return _exact(about.group).get(word_folded(raw))


@cache
def _exact(name: str) -> dict[str, str]:
    """Return the words that mean a concept beyond doubt: name, labels and codes."""
    found: dict[str, str] = {}
    for one in group(name):
        for word in (one.name, one.label_en, one.label_sv, *one.codes.values()):
            found.setdefault(word_folded(word), one.name)
    return found


def _flag(about: Variable, raw: str) -> Value | None:
    return _FLAGS.get(folded(raw))


def _code(about: Variable, raw: str) -> Value | None:
    if about.name == "gleason":
        read = read_gleason_patterns(raw)
        return Gleason(*read) if read else None
    reader = _CODES.get(about.name)
    return reader(raw) if reader else None


def _tnm(about: Variable, raw: str) -> Value | None:
    return read_tnm(raw)


_CODES: Final[dict[str, Callable[[str], str | None]]] = {
    "topography": read_topography,
    "morphology": read_morphology,
    "icd10": read_icd10,
}
_WORDS: Final[dict[str, Callable[[Variable, str], Value | None]]] = {
    "concept": _concept,
    "flag": _flag,
    "code": _code,
    "tnm": _tnm,
}


def broadest_stage(stage: str) -> str:
    """Return the stage group that a stage is part of: II of IIA."""
    while parents := concept("stage", stage).parents:
        stage = parents[0]
    return stage
