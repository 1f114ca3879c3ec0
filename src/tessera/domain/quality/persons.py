"""Checks of images and tables together: who, when, which organ, which side. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Final

from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.clinical.entities import Procedure
from tessera.domain.deid.pseudonyms import same_person
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.finding import Evidence, Finding, Level, Severity, Where, finding
from tessera.domain.quality.inputs import CheckInput
from tessera.domain.quality.judging import DERIVED, NO_RECORDS, judged
from tessera.domain.quality.regions import ORGAN_REGIONS, are_apart, regions_of
from tessera.domain.quality.registry import Looked

_DAYS_PER_YEAR: Final = 365.2425
_AGE_APART: Final = 1.6
"""Years; both ages may be rounded down to whole ones."""
_LONG_BEFORE: Final = 3 * 365
_SEX: Final = {"M": "male", "F": "female"}
_SIDES: Final = {"left": "L", "right": "R"}
_MODALITY_OF: Final = {
    "mri": "MR",
    "magnetic": "MR",
    "pet": "PT",
    "ct": "CT",
    "computed": "CT",
    "mammography": "MG",
    "mammogram": "MG",
    "ultrasound": "US",
    "tomosynthesis": "MG",
}
"""Word in the name of a procedure → the modality of its images."""
_Person = tuple[ClinicalRecord, list[InstanceRow]]


def one_person_in_headers(data: CheckInput) -> Looked:
    """All headers of a subject tell one sex, one birth date, and ages that grow with the dates."""
    groups: dict[str, list[InstanceRow]] = defaultdict(list)
    for row in data.rows:
        if row.subject:
            groups[row.subject].append(row)
    return judged(sorted(groups.items()), lambda item: _headers(data, *item))


def sexes_agree(data: CheckInput) -> Looked:
    """PatientSex is the sex in the clinical table."""

    def judge(person: _Person) -> Iterator[Finding] | None:
        record, rows = person
        seen = {_SEX[row.sex] for row in rows if row.sex in _SEX}
        if record.subject.sex not in ("male", "female") or not seen:
            return None
        return _sex(record, seen)

    return NO_RECORDS if data.records is None else judged(_persons(data), judge)


def ages_agree(data: CheckInput) -> Looked:
    """PatientAge is the age at diagnosis and the time from there to the image."""

    def judge(person: _Person) -> Iterator[Finding] | None:
        record, rows = person
        told = next(
            (c for c in record.conditions if c.age_at_diagnosis is not None and c.diagnosis_date),
            None,
        )
        aged = [row for row in rows if row.age_years is not None and _day(row)]
        if told is None or told.diagnosis_date is None or told.age_at_diagnosis is None or not aged:
            return None
        return _age(record, aged, told.diagnosis_date, told.age_at_diagnosis)

    return NO_RECORDS if data.records is None else judged(_persons(data), judge)


def dates_agree(data: CheckInput) -> Looked:
    """Images are not taken after death, nor all of them years before the diagnosis."""

    def judge(person: _Person) -> Iterator[Finding] | None:
        record, rows = person
        days = sorted(day for row in rows if (day := _day(row)))
        return _when(record, days) if days else None

    return NO_RECORDS if data.records is None else judged(_persons(data), judge)


def organ_is_imaged(data: CheckInput) -> Looked:
    """Of a subject with cancer, some image is of the organ."""

    def judge(person: _Person) -> Iterator[Finding] | None:
        record, rows = person
        wanted = frozenset(
            ORGAN_REGIONS[c.cancer] for c in record.conditions if c.cancer in ORGAN_REGIONS
        )
        parts = {row.body_part for row in rows}
        seen = frozenset[str]().union(*(regions_of(part) for part in parts))
        if not wanted or not seen or any(not regions_of(part) for part in parts):
            return None
        return _organ(record, wanted, seen)

    return NO_RECORDS if data.records is None else judged(_persons(data), judge)


def sides_agree(data: CheckInput) -> Looked:
    """Images of a paired organ are not all of the other side than the cancer."""

    def judge(person: _Person) -> Iterator[Finding] | None:
        record, rows = person
        sides = {_SIDES[c.laterality] for c in record.conditions if c.laterality in _SIDES}
        seen = {row.laterality.upper() for row in rows if row.modality in ("MG", "US", "MR")}
        seen &= {"L", "R", "B"}
        if (
            len(sides) != 1
            or not seen
            or any(c.laterality == "bilateral" for c in record.conditions)
        ):
            return None
        return _side(record, sides.pop(), seen)

    return NO_RECORDS if data.records is None else judged(_persons(data), judge)


def evidence_is_imaged(data: CheckInput) -> Looked:
    """An imaging procedure in the table has images of its modality."""

    def judge(person: _Person) -> Iterator[Finding] | None:
        record, rows = person
        wanted = [
            (one, modality)
            for one in record.facts
            if isinstance(one, Procedure)
            and ((modality := modality_of(one.code)) or (one.code == "imaging" and one.study_uid))
        ]
        return _procedures(record, rows, wanted) if wanted else None

    return NO_RECORDS if data.records is None else judged(_persons(data), judge)


def modality_of(code: str) -> str:
    """Return the modality that the name of a procedure speaks of, "" when it is none of imaging."""
    words = code.lower().replace("-", "_").split("_")
    return next((_MODALITY_OF[word] for word in words if word in _MODALITY_OF), "")


def _persons(data: CheckInput) -> list[_Person]:
    images: dict[str, list[InstanceRow]] = defaultdict(list)
    for row in data.rows:
        if row.modality not in DERIVED:
            images[same_person(row.subject)].append(row)
    return [
        (record, images[key])
        for record in data.records or ()
        if (key := same_person(record.subject.subject)) in images
    ]


def _day(row: InstanceRow) -> date | None:
    return row.acquisition_date or row.study_date


def _headers(data: CheckInput, subject: str, rows: list[InstanceRow]) -> Iterator[Finding]:
    where = Where(Level.SUBJECT, subject)
    sexes = {row.sex for row in rows if row.sex in _SEX}
    if len(sexes) > 1:
        facts: Evidence = {"n_series": len({row.series_uid for row in rows})}
        yield finding("header-sexes", Severity.ERROR, where, facts)
    births = {birth for row in rows if (birth := data.facts_of(row).birth_date)}
    if len(births) > 1:
        facts = {"n_dates": len(births), "n_series": len({row.series_uid for row in rows})}
        yield finding("header-births", Severity.ERROR, where, facts)
    aged = sorted((day, row.age_years) for row in rows if (day := row.study_date) and row.age_years)
    born = [day.toordinal() / _DAYS_PER_YEAR - age for day, age in aged if 0 < age <= 120]
    if born and max(born) - min(born) > 2 * _AGE_APART - 0.7:
        facts = {"years": round(max(born) - min(born), 1)}
        yield finding("header-ages", Severity.WARNING, where, facts)


def _where(record: ClinicalRecord) -> Where:
    return Where(Level.SUBJECT, record.subject.subject)


def _sex(record: ClinicalRecord, seen: set[str]) -> Iterator[Finding]:
    if record.subject.sex not in seen:
        facts: Evidence = {"sex": record.subject.sex or "", "header": ", ".join(sorted(seen))}
        yield finding("sex-of-header", Severity.ERROR, _where(record), facts)


def _age(
    record: ClinicalRecord, rows: list[InstanceRow], diagnosed: date, age: float
) -> Iterator[Finding]:
    for row in rows:
        day = _day(row)
        if day is None or row.age_years is None:
            continue
        wanted = age + (day - diagnosed).days / _DAYS_PER_YEAR
        if abs(row.age_years - wanted) > _AGE_APART:
            facts: Evidence = {"age": round(row.age_years, 1), "computed": round(wanted, 1)}
            yield finding("age-of-header", Severity.WARNING, _where(record), facts)
            return


def _when(record: ClinicalRecord, days: list[date]) -> Iterator[Finding]:
    subject = record.subject
    if subject.deceased and subject.last_contact_date and days[-1] > subject.last_contact_date:
        late: Evidence = {"days": (days[-1] - subject.last_contact_date).days}
        yield finding("imaged-after-death", Severity.ERROR, _where(record), late)
    diagnosed = [c.diagnosis_date for c in record.conditions if c.diagnosis_date]
    if diagnosed and (min(diagnosed) - days[-1]).days > _LONG_BEFORE:
        early: Evidence = {"days": (min(diagnosed) - days[-1]).days}
        yield finding("imaged-long-before", Severity.WARNING, _where(record), early)
    elif diagnosed and (days[0] - max(diagnosed)).days > 2 * _LONG_BEFORE:
        early = {"days": (days[0] - max(diagnosed)).days}
        yield finding("imaged-long-after", Severity.NOTE, _where(record), early)


def _organ(
    record: ClinicalRecord, wanted: frozenset[str], seen: frozenset[str]
) -> Iterator[Finding]:
    if are_apart(wanted, seen):
        facts: Evidence = {
            "cancer": ", ".join(sorted({c.cancer for c in record.conditions})),
            "body_part": ", ".join(sorted(seen)),
        }
        yield finding("organ-not-imaged", Severity.WARNING, _where(record), facts)


def _side(record: ClinicalRecord, side: str, seen: set[str]) -> Iterator[Finding]:
    if side not in seen and "B" not in seen:
        facts: Evidence = {"laterality": side, "header": ", ".join(sorted(seen))}
        yield finding("side-not-imaged", Severity.WARNING, _where(record), facts)


def _procedures(
    record: ClinicalRecord, rows: list[InstanceRow], wanted: list[tuple[Procedure, str]]
) -> Iterator[Finding]:
    told: set[str] = set()
    for one, modality in wanted:
        those = [row for row in rows if not one.study_uid or row.study_uid == one.study_uid]
        seen = {row.modality for row in those}
        if (modality not in seen if modality else not seen) and modality not in told:
            told.add(modality)
            facts: Evidence = {
                "procedure": one.code,
                "modality": modality or "image of its study",
                "header": ", ".join(sorted(seen)),
            }
            severity = Severity.WARNING if one.study_uid else Severity.NOTE
            yield finding("procedure-not-imaged", severity, _where(record), facts)
