"""Gate: clinical rows that name a patient become records that do not. Pure.

The patient's identifier becomes the pseudonym that the images carry, dates move by
the subject's own shift, differences of dates stay true. Every text that remains is
one of a closed set of values or a code of a fixed form, so no free text can pass.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Final, NamedTuple

from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord, Subject
from tessera.domain.clinical.concepts import VALUE_SETS, cancers
from tessera.domain.clinical.entity import Column, table_of
from tessera.domain.clinical.mapping import Gleason, SourceRow, Value, broadest_stage
from tessera.domain.clinical.problem import Problem
from tessera.domain.clinical.values import ICD10, MORPHOLOGY, TOPOGRAPHY
from tessera.domain.clinical.variables import variables
from tessera.domain.deid.clinical_facts import FactMaker
from tessera.domain.deid.clinical_rows import entity_of_row
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.errors import InvalidInput
from tessera.domain.ids import Pseudonym
from tessera.domain.terms.terminology import group
from tessera.domain.terms.units import ucum_of
from tessera.domain.zones import Deidentified, Identified, seal_deidentified

_DAYS_PER_YEAR = 365.2425


class Cell(NamedTuple):
    """One cell of the common data model and the column that it came from. Names no one."""

    table: str
    rest: str
    """Of the key, after the subject's pseudonym."""
    column: str
    variable: str
    source_column: str


Cells = tuple[Cell, ...]


class Trail(NamedTuple):
    """Which cells one row of a source became; most rows of a table share theirs."""

    cells: Cells
    place: int
    """Which file of the delivery, from 0."""
    row: int


@dataclass(frozen=True, slots=True)
class Gated:
    """One subject, de-identified, with what is against its rows and where its values are from."""

    record: Deidentified[ClinicalRecord]
    problems: tuple[Problem, ...]
    trails: tuple[Trail, ...]


def deidentify_clinical(
    rows: Iterable[Identified[SourceRow]], pseudonymiser: Pseudonymiser
) -> tuple[tuple[Deidentified[ClinicalRecord], ...], tuple[Problem, ...]]:
    """Return one record per patient, by pseudonym, and the problems between rows.

    Rows of one patient join: the first row gives the patient's own values, and each
    row may add a cancer. The same cancer again is a problem, not a second condition.
    """
    gated = tuple(deidentify_rows(rows, pseudonymiser))
    return (
        tuple(one.record for one in gated),
        tuple(problem for one in gated for problem in one.problems),
    )


def deidentify_rows(
    rows: Iterable[Identified[SourceRow]], pseudonymiser: Pseudonymiser
) -> Iterator[Gated]:
    """Yield one `Gated` per patient, by pseudonym; nothing is kept of those that have gone by."""
    of_subject: dict[Pseudonym, list[SourceRow]] = {}
    for row in rows:
        source = row.value
        subject = pseudonymiser.pseudonym(source.patient_id, source.issuer)
        of_subject.setdefault(subject, []).append(source)
    for subject in sorted(of_subject):
        yield _gated(subject, of_subject.pop(subject), pseudonymiser)


def _gated(subject: Pseudonym, rows: Sequence[SourceRow], pseudonymiser: Pseudonymiser) -> Gated:
    problems: list[Problem] = []
    record, trails = _record(subject, rows, pseudonymiser, problems)
    _refuse_free_text(record)
    return Gated(seal_deidentified(record), tuple(problems), tuple(trails))


def _record(
    subject: Pseudonym,
    all_rows: Sequence[SourceRow],
    pseudonymiser: Pseudonymiser,
    problems: list[Problem],
) -> tuple[ClinicalRecord, list[Trail]]:
    maker = FactMaker(subject, pseudonymiser)
    rows = [row for row in all_rows if not row.rows]
    who, sources, others = _joined(rows, problems)
    population = _text(who.get("population")) or ("cancer" if sources else None)
    dead = who.get("deceased")
    if any("death_date" in row.values for row in rows):
        dead = True
    trails: list[Trail] = []
    conditions = []
    for number, row in enumerate(sources, start=1):
        condition = _condition(maker, number, row)
        conditions.append(condition)
        maker.of_row(row, condition.condition_id)
        trails.append(_trail(row, maker, f"/{number}"))
    for row in others:
        maker.of_row(row, None)
        trails.append(_trail(row, maker, ""))
    about = conditions[0].condition_id if len(conditions) == 1 else None
    for row in all_rows:
        if row.rows:
            reason = entity_of_row(maker, row, about)
            trails.append(_trail(row, maker, ""))
            if reason:
                problems.append(_between(row, "", reason, ""))
    who_says = sources or rows
    contact = _first_day(who_says, ("death_date", "last_contact_date"))
    made = ClinicalRecord(
        Subject(
            subject=subject,
            sex=_text(who.get("sex")),
            gender=_text(who.get("gender")),
            ethnicity=_text(who.get("ethnicity")),
            population=population,
            deceased=dead if isinstance(dead, bool) else None,
            cause_of_death=_text(who.get("cause_of_death")),
            survival_days=_first(_survival_days, who_says),
            last_contact_date=maker.shifted(contact),
        ),
        tuple(conditions),
        tuple(maker.facts),
    )
    return made, trails


def _joined(
    rows: Sequence[SourceRow], problems: list[Problem]
) -> tuple[dict[str, Value], list[SourceRow], list[SourceRow]]:
    """Return the patient's own values, the rows that add a cancer, and the other ones."""
    who: dict[str, Value] = {}
    sources: list[SourceRow] = []
    others: list[SourceRow] = []
    for place, row in enumerate(rows):
        if any(row.values == earlier.values for earlier in rows[:place]):
            problems.append(_between(row, "", "duplicate-row", ""))
            continue
        for field in _OF_PATIENT:
            value = row.values.get(field)
            if value is None or who.setdefault(field, value) == value:
                continue
            problems.append(_between(row, field, "rows-disagree", str(value)))
        if "cancer" not in row.values:
            others.append(row)
        elif any(_is_same_cancer(row, known) for known in sources):
            problems.append(_between(row, "", "duplicate-row", ""))
        else:
            sources.append(row)
    return who, sources, others


_OF_PATIENT: Final = ("sex", "gender", "ethnicity", "population", "deceased", "cause_of_death")


def _condition(maker: FactMaker, number: int, row: SourceRow) -> CancerCondition:
    values, subject = row.values, maker.subject
    cancer = str(values["cancer"])
    concept = cancers()[cancer]
    gleason, stage = values.get("gleason"), _text(values.get("stage"))
    return CancerCondition(
        condition_id=f"{subject}/{number}",
        subject=subject,
        cancer=cancer,
        condition_type=_text(values.get("condition_type")),
        code_sct=concept.snomed or None,
        code_eucaim=concept.eucaim or None,
        icd10=_text(values.get("icd10")),
        topography=_text(values.get("topography")),
        morphology=_text(values.get("morphology")),
        laterality=_text(values.get("laterality")),
        evidence=_text(values.get("evidence")),
        age_at_diagnosis=_age_at_diagnosis(row),
        diagnosis_date=maker.shifted(values.get("diagnosis_date")),
        stage=broadest_stage(stage) if stage else None,
        gleason=gleason.total if isinstance(gleason, Gleason) else None,
        psa_ng_ml=_number(values.get("psa_ng_ml")),
        er=_of_set("er", values),
        pr=_of_set("pr", values),
        her2=_of_set("her2", values),
        first_treatment=_text(values.get("first_treatment")),
        treatment_offset_days=_days(row, "treatment_offset_days", "treatment_date"),
    )


def _of_set(name: str, values: Mapping[str, Value]) -> str | None:
    value = _text(values.get(name))
    return value if value in VALUE_SETS[name] else None


def _trail(row: SourceRow, maker: FactMaker, condition: str) -> Trail:
    """Return where the values of a row went, and forget what the maker noted of it."""
    cells = _cells(tuple(maker.lines), tuple(row.columns.items()), condition)
    maker.lines.clear()
    return Trail(cells, row.place, row.number)


@lru_cache(maxsize=4096)
def _cells(
    lines: tuple[tuple[str, str, str, str], ...],
    columns: tuple[tuple[str, str], ...],
    condition: str,
) -> Cells:
    source = dict(columns)
    found = [
        Cell(table, rest, column, name, source[name])
        for name, table, rest, column in lines
        if name in source
    ]
    told = {cell.variable for cell in found}
    for name, column in columns:
        if name not in told and (place := _plain().get(name)) and place[0]:
            rest = condition if place[0] == "condition" else ""
            found.append(Cell(place[0], rest, place[1], name, column))
    return tuple(found)


@cache
def _plain() -> dict[str, tuple[str, str]]:
    return {one.name: (one.table, one.column) for one in variables() if not one.code}


def _is_same_cancer(a: SourceRow, b: SourceRow) -> bool:
    if a.values["cancer"] != b.values["cancer"]:
        return False
    one, other = a.values.get("diagnosis_date"), b.values.get("diagnosis_date")
    return one is None or other is None or one == other


def _between(row: SourceRow, field: str, reason: str, raw: str) -> Problem:
    return Problem(
        row=row.number,
        column="",
        variable=field,
        reason=reason,
        raw=Identified(raw),
        place=row.place,
        rejected=reason in ("duplicate-row", "not-a-row"),
    )


def _survival_days(row: SourceRow) -> int | None:
    given = _days(row, "survival_days", "death_date")
    return given if given is not None else _days(row, "survival_days", "last_contact_date")


def _days(row: SourceRow, field: str, until: str) -> int | None:
    given = row.values.get(field)
    if isinstance(given, int):
        return given
    start, end = _day(row.values.get("diagnosis_date")), _day(row.values.get(until))
    return (end - start).days if start and end else None


def _age_at_diagnosis(row: SourceRow) -> float | None:
    given = _number(row.values.get("age_at_diagnosis"))
    if given is not None:
        return given
    born, diagnosed = _day(row.values.get("birth_date")), _day(row.values.get("diagnosis_date"))
    return round((diagnosed - born).days / _DAYS_PER_YEAR, 1) if born and diagnosed else None


def _first(read: Callable[[SourceRow], int | None], rows: Sequence[SourceRow]) -> int | None:
    return next((value for row in rows if (value := read(row)) is not None), None)


def _first_day(rows: Sequence[SourceRow], names: Sequence[str]) -> date | None:
    found = (_day(row.values.get(name)) for name in names for row in rows)
    return next((day for day in found if day), None)


def _text(value: Value | None) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Value | None) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _day(value: Value | None) -> date | None:
    return value if isinstance(value, date) else None


def _refuse_free_text(record: ClinicalRecord) -> None:
    """Raise InvalidInput when a text of the record is no concept, key, code or unit."""
    mine = str(record.subject.subject)
    for entity in (record.subject, *record.conditions, *record.facts):
        for name, passed, judge in _judges(type(entity)):
            value = getattr(entity, name)
            if value is None or value in passed:
                continue
            if judge is None:
                if value != mine and not value.startswith(f"{mine}/"):
                    raise InvalidInput(f"text that is no key of the subject in {name}")
            elif not judge(value):
                raise InvalidInput(f"text that is not a code in {name}")
            elif len(passed) < _MOST_REMEMBERED:
                passed.add(value)


_Judge = Callable[[str], bool]
_MOST_REMEMBERED: Final = 10_000
_JUDGES: dict[type, tuple[tuple[str, set[str], _Judge | None], ...]] = {}
"""Entity → its columns of text: name, what has passed before, and who judges; None: a key."""


def _judges(cls: type) -> tuple[tuple[str, set[str], _Judge | None], ...]:
    known = _JUDGES.get(cls)
    if known is None:
        columns = [column for column in table_of(cls).columns if column.kind == "text"]
        known = _JUDGES[cls] = tuple((one.name, set(), _judge(one)) for one in columns)
    return known


def _judge(column: Column) -> _Judge | None:
    if column.group:
        words = frozenset(one.name for one in group(column.group))
        return words.__contains__
    form = _FORMS.get(column.name)
    if form is not None:
        return lambda value: bool(form.fullmatch(value))
    if column.name == "unit":
        return _is_unit
    return _results().__contains__ if column.name == "value_concept" else None


_FORMS: Final = {
    "topography": TOPOGRAPHY,
    "morphology": MORPHOLOGY,
    "icd10": ICD10,
    "code_sct": re.compile(r"[0-9]{6,18}"),
    "code_eucaim": re.compile(r"[A-Z]{2,4}[0-9]{4,12}"),
    "comparator": re.compile(r"[<>]=?"),
    "baseline": re.compile(r"diagnosis|imaging"),
}


@cache
def _is_unit(text: str) -> bool:
    return text == "1" or ucum_of(text) is not None


@cache
def _results() -> frozenset[str]:
    """Return every word that a variable may have as its result."""
    words = {word for one in variables() for word in one.words}
    groups = {one.group for one in variables() if one.group}
    return frozenset(words | {one.name for name in groups for one in group(name)})
