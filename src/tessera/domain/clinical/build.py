"""Build the tables of the common data model from clinical records and instance rows. Pure.

Subjects of the tables are those with at least one instance: a dataset is of images,
and a clinical record without any is left out and counted.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Self

from tessera.domain.clinical.cdm import (
    CONDITION,
    ENTITIES,
    INSTANCE,
    PATIENT,
    SERIES,
    STORED_CONDITION,
    STORED_PATIENT,
    STUDY,
    ClinicalRecord,
    Subject,
)
from tessera.domain.clinical.entities import Entity
from tessera.domain.clinical.entity import Table, table_of
from tessera.domain.clinical.search_columns import of_condition, of_patient
from tessera.domain.ids import Pseudonym
from tessera.domain.imaging.instance import InstanceRow

Row = tuple[object, ...]
"""Values in the order of the table's columns."""
_SEX_OF_HEADER = {"M": "male", "F": "female", "O": "other"}
"""PatientSex (0010,0040). Source: PS3.3 C.7.1.1."""


@dataclass(frozen=True, slots=True)
class TableRows:
    """One table, sorted by its key, which is the first column."""

    table: Table
    rows: tuple[Row, ...]

    def column(self, name: str) -> list[object]:
        """Return one column's values in row order."""
        place = [column.name for column in self.table.columns].index(name)
        return [row[place] for row in self.rows]


@dataclass(frozen=True, slots=True)
class CdmTables:
    by_name: Mapping[str, TableRows]
    n_without_images: int = 0
    """Clinical records left out because no instance is of their subject."""
    n_without_record: int = 0
    """Subjects with images and without a clinical record."""

    def __getitem__(self, name: str) -> TableRows:
        return self.by_name[name]

    def get(self, name: str) -> TableRows | None:
        """Return a table, or None when the version has no row of it."""
        return self.by_name.get(name)


@dataclass(slots=True)
class _Series:
    first: InstanceRow
    b_values: set[float] = field(default_factory=set)
    n_instances: int = 0
    n_bytes: int = 0


@dataclass(slots=True)
class _Study:
    subject: Pseudonym
    day: date | None = None
    modalities: set[str] = field(default_factory=set)
    series: set[str] = field(default_factory=set)
    n_instances: int = 0


def build_tables(
    records: Iterable[ClinicalRecord],
    instances: Iterable[InstanceRow],
    imaging: Mapping[str, "TableRows"] | None = None,
) -> CdmTables:
    """Return the core tables, and those others that have rows. An instance counts once.

    `imaging`: the tables that are read from the files (`imaging_tables.py`).
    """
    studies: dict[str, _Study] = {}
    series: dict[str, _Series] = {}
    rows: list[Row] = []
    header_sex: dict[Pseudonym, set[str]] = {}
    for item in instances:
        rows.append(_instance_row(item))
        header_sex.setdefault(item.subject, set()).add(item.sex)
        _add(item, studies, series)
    known = {record.subject.subject: record for record in records}
    imaged = {subject: known[subject] for subject in sorted(header_sex) if subject in known}
    days = _Days.of(imaged, studies)
    tables = {
        "patient": _sorted(
            STORED_PATIENT, [_patient(s, imaged, header_sex[s], days) for s in header_sex]
        ),
        "condition": _sorted(STORED_CONDITION, list(_condition_rows(imaged, days))),
        "study": _sorted(STUDY, _study_rows(studies, days)),
        "series": _sorted(SERIES, [_series_row(s) for s in series.values()]),
        "instance": _sorted(INSTANCE, rows),
    }
    for cls in ENTITIES:
        found = [fact for one in imaged.values() for fact in one.facts if type(fact) is cls]
        if found:
            table = table_of(cls)
            tables[table.name] = _sorted(table, _entity_rows(table, found, days))
    return CdmTables(
        tables | dict(imaging or {}),
        n_without_images=len(known) - len(imaged),
        n_without_record=len(header_sex) - len(imaged),
    )


@dataclass(frozen=True, slots=True)
class _Days:
    """Day 0 of each subject: the first diagnosis, else the first study; shifted dates."""

    baseline: Mapping[Pseudonym, date]
    diagnosed: Mapping[Pseudonym, date]

    @classmethod
    def of(cls, records: Mapping[Pseudonym, ClinicalRecord], studies: Mapping[str, _Study]) -> Self:
        first: dict[Pseudonym, date] = {}
        for study in studies.values():
            if study.day:
                first[study.subject] = min(study.day, first.get(study.subject, study.day))
        found = {subject: _first_diagnosis(record) for subject, record in records.items()}
        diagnosed = {subject: day for subject, day in found.items() if day}
        return cls(first | diagnosed, diagnosed)

    def since(self, subject: Pseudonym, day: date | None) -> int | None:
        start = self.baseline.get(subject)
        return (day - start).days if day and start else None


def _entity_rows(table: Table, rows: Iterable[object], days: _Days) -> list[Row]:
    """Return rows whose days from the baseline are worked out where only the date is known."""
    names = [column.name for column in table.columns]
    dated = {
        names.index(f"{name.removesuffix('_date')}_offset_days"): names.index(name)
        for name in names
        if f"{name.removesuffix('_date')}_offset_days" in names and name.endswith("_date")
    }
    subject = names.index("subject")
    made = []
    for one in rows:
        values = [getattr(one, name) for name in names]
        for offset, day in dated.items():
            if values[offset] is None:
                values[offset] = days.since(values[subject], values[day])
        made.append(tuple(values))
    return made


def _add(item: InstanceRow, studies: dict[str, _Study], series: dict[str, _Series]) -> None:
    study = studies.setdefault(item.study_uid, _Study(item.subject))
    if item.study_date and (study.day is None or item.study_date < study.day):
        study.day = item.study_date
    if item.modality:
        study.modalities.add(item.modality)
    study.series.add(item.series_uid)
    study.n_instances += 1
    one = series.setdefault(item.series_uid, _Series(item))
    if _order(item) < _order(one.first):
        one.first = item
    if item.b_value is not None:
        one.b_values.add(item.b_value)
    one.n_instances += 1
    one.n_bytes += item.n_bytes


def _order(item: InstanceRow) -> tuple[int, str]:
    return (item.instance_number if item.instance_number is not None else 2**31, item.instance_uid)


def _sorted(table: Table, rows: list[Row]) -> TableRows:
    return TableRows(table, tuple(sorted(rows, key=lambda row: str(row[0]))))


def _first_diagnosis(record: ClinicalRecord) -> date | None:
    days = [c.diagnosis_date for c in record.conditions if c.diagnosis_date]
    return min(days, default=None)


def _patient(
    subject: Pseudonym,
    records: Mapping[Pseudonym, ClinicalRecord],
    header_sex: set[str],
    days: _Days,
) -> Row:
    said = {_SEX_OF_HEADER[sex] for sex in header_sex if sex in _SEX_OF_HEADER}
    of_images = next(iter(said)) if len(said) == 1 else None
    who = records[subject].subject if subject in records else Subject(subject=subject)
    start = days.baseline.get(subject)
    kind = None if start is None else "diagnosis" if subject in days.diagnosed else "imaging"
    known = replace(
        who,
        sex=who.sex or of_images,
        last_contact_offset_days=days.since(subject, who.last_contact_date),
        baseline=kind,
        baseline_date=start,
    )
    facts = records[subject].facts if subject in records else ()
    return (*(getattr(known, column.name) for column in PATIENT.columns), *of_patient(facts))


def _condition_rows(records: Mapping[Pseudonym, ClinicalRecord], days: _Days) -> Iterator[Row]:
    for record in records.values():
        about: dict[str, list[Entity]] = {}
        for fact in record.facts:
            about.setdefault(getattr(fact, "condition_id", None) or "", []).append(fact)
        plain = _entity_rows(CONDITION, record.conditions, days)
        for condition, row in zip(record.conditions, plain, strict=True):
            facts = about.get(condition.condition_id, ())
            day_zero = days.baseline.get(condition.subject)
            yield (*row, *of_condition(condition.gleason, facts, day_zero))


def _study_rows(studies: Mapping[str, _Study], days: _Days) -> list[Row]:
    in_time = sorted(studies.items(), key=lambda item: (item[1].day or date.max, item[0]))
    seen: Counter[Pseudonym] = Counter()
    rows: list[Row] = []
    for uid, study in in_time:
        seen[study.subject] += 1
        start = days.diagnosed.get(study.subject)
        rows.append(
            (
                uid,
                study.subject,
                study.day,
                tuple(sorted(study.modalities)),
                (study.day - start).days if study.day and start else None,
                days.since(study.subject, study.day),
                seen[study.subject] if study.day else None,
                len(study.series),
                study.n_instances,
            )
        )
    return rows


def _series_row(series: _Series) -> Row:
    first = series.first
    b_values = tuple(f"{b:g}" for b in sorted(series.b_values)) or None
    return (
        first.series_uid,
        first.study_uid,
        first.subject,
        first.modality,
        first.body_part or None,
        first.laterality or None,
        first.manufacturer or None,
        first.model or None,
        first.series_number,
        first.rows,
        first.columns,
        first.slice_thickness_mm,
        b_values,
        first.age_years,
        series.n_instances,
        series.n_bytes,
    )


def _instance_row(item: InstanceRow) -> Row:
    return (
        item.instance_uid,
        item.series_uid,
        item.sop_class_uid,
        item.transfer_syntax_uid,
        item.instance_number,
        item.n_bytes,
        item.sha256,
        item.path,
    )
