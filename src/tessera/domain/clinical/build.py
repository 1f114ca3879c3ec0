"""Build the tables of the common data model from clinical records and instance rows. Pure.

Subjects of the tables are those with at least one instance: a dataset is of images,
and a clinical record without any is left out and counted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from tessera.domain.clinical.cdm import (
    CONDITION,
    INSTANCE,
    PATIENT,
    SERIES,
    STUDY,
    ClinicalRecord,
    Table,
)
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


def build_tables(records: Iterable[ClinicalRecord], instances: Iterable[InstanceRow]) -> CdmTables:
    """Return the five tables. Each instance counts once, by its UID."""
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
    diagnosed = {subject: _first_diagnosis(record) for subject, record in imaged.items()}
    return CdmTables(
        {
            "patient": _sorted(PATIENT, [_patient(s, imaged, header_sex[s]) for s in header_sex]),
            "condition": _sorted(CONDITION, _condition_rows(imaged)),
            "study": _sorted(STUDY, [_study_row(u, s, diagnosed) for u, s in studies.items()]),
            "series": _sorted(SERIES, [_series_row(s) for s in series.values()]),
            "instance": _sorted(INSTANCE, rows),
        },
        n_without_images=len(known) - len(imaged),
        n_without_record=len(header_sex) - len(imaged),
    )


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
    subject: Pseudonym, records: Mapping[Pseudonym, ClinicalRecord], header_sex: set[str]
) -> Row:
    record = records.get(subject)
    said = {_SEX_OF_HEADER[sex] for sex in header_sex if sex in _SEX_OF_HEADER}
    of_images = next(iter(said)) if len(said) == 1 else None
    if record is None:
        return (subject, of_images, None, None, None)
    who = record.subject
    return (subject, who.sex or of_images, who.population, who.deceased, who.survival_days)


def _condition_rows(records: Mapping[Pseudonym, ClinicalRecord]) -> list[Row]:
    names = [column.name for column in CONDITION.columns]
    return [
        tuple(getattr(condition, name) for name in names)
        for record in records.values()
        for condition in record.conditions
    ]


def _study_row(uid: str, study: _Study, diagnosed: Mapping[Pseudonym, date | None]) -> Row:
    start = diagnosed.get(study.subject)
    return (
        uid,
        study.subject,
        study.day,
        tuple(sorted(study.modalities)),
        (study.day - start).days if study.day and start else None,
        len(study.series),
        study.n_instances,
    )


def _series_row(series: _Series) -> Row:
    first = series.first
    b_values = tuple(f"{b:g}" for b in sorted(series.b_values)) or None
    return (
        first.series_uid,
        first.study_uid,
        first.subject,
        first.modality,
        first.body_part or None,
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
