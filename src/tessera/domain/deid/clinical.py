"""Gate: clinical rows that name a patient become records that do not. Pure.

The patient's identifier becomes the pseudonym that the images carry, dates move by
the subject's own shift, differences of dates stay true. Every text that remains is
one of a closed set of values or a code of a fixed form, so no free text can pass.
"""

from collections.abc import Callable, Iterable
from datetime import date

from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord, Subject
from tessera.domain.clinical.concepts import VALUE_SETS, cancers
from tessera.domain.clinical.mapping import SourceRow, Value
from tessera.domain.clinical.problem import Problem
from tessera.domain.clinical.values import MORPHOLOGY, TOPOGRAPHY
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.errors import InvalidInput
from tessera.domain.ids import Pseudonym
from tessera.domain.zones import Deidentified, Identified, seal_deidentified

_DAYS_PER_YEAR = 365.2425


def deidentify_clinical(
    rows: Iterable[Identified[SourceRow]], pseudonymiser: Pseudonymiser
) -> tuple[tuple[Deidentified[ClinicalRecord], ...], tuple[Problem, ...]]:
    """Return one record per patient, by pseudonym, and the problems between rows.

    Rows of one patient join: the first row gives the patient's own values, and each
    row may add a cancer. The same cancer again is a problem, not a second condition.
    """
    of_subject: dict[Pseudonym, list[SourceRow]] = {}
    for row in rows:
        source = row.value
        subject = pseudonymiser.pseudonym(source.patient_id, source.issuer)
        of_subject.setdefault(subject, []).append(source)
    records: list[Deidentified[ClinicalRecord]] = []
    problems: list[Problem] = []
    for subject in sorted(of_subject):
        record = _record(subject, of_subject[subject], pseudonymiser, problems)
        _refuse_free_text(record)
        records.append(seal_deidentified(record))
    return tuple(records), tuple(problems)


def _record(
    subject: Pseudonym,
    rows: list[SourceRow],
    pseudonymiser: Pseudonymiser,
    problems: list[Problem],
) -> ClinicalRecord:
    who: dict[str, Value] = {}
    sources: list[SourceRow] = []
    for place, row in enumerate(rows):
        if any(row.values == earlier.values for earlier in rows[:place]):
            problems.append(_between(row, "", "duplicate-row", ""))
            continue
        for field in ("sex", "population", "deceased"):
            value = row.values.get(field)
            if value is None or who.setdefault(field, value) == value:
                continue
            problems.append(_between(row, field, "rows-disagree", str(value)))
        if "cancer" not in row.values:
            continue
        if any(_is_same_cancer(row, known) for known in sources):
            problems.append(_between(row, "", "duplicate-row", ""))
            continue
        sources.append(row)
    population = _text(who.get("population")) or ("cancer" if sources else None)
    dead = who.get("deceased")
    if any("death_date" in row.values for row in rows):
        dead = True
    return ClinicalRecord(
        Subject(
            subject=subject,
            sex=_text(who.get("sex")),
            population=population,
            deceased=dead if isinstance(dead, bool) else None,
            survival_days=_first(_survival_days, sources or rows),
        ),
        tuple(
            _condition(subject, number, row, pseudonymiser)
            for number, row in enumerate(sources, start=1)
        ),
    )


def _condition(
    subject: Pseudonym, number: int, row: SourceRow, pseudonymiser: Pseudonymiser
) -> CancerCondition:
    values = row.values
    cancer = str(values["cancer"])
    concept = cancers()[cancer]
    diagnosed = _day(values.get("diagnosis_date"))
    gleason = values.get("gleason")
    return CancerCondition(
        condition_id=f"{subject}/{number}",
        subject=subject,
        cancer=cancer,
        code_sct=concept.snomed or None,
        code_eucaim=concept.eucaim or None,
        topography=_text(values.get("topography")),
        morphology=_text(values.get("morphology")),
        age_at_diagnosis=_age_at_diagnosis(row),
        diagnosis_date=pseudonymiser.shifted(diagnosed, subject) if diagnosed else None,
        stage=_text(values.get("stage")),
        gleason=gleason if isinstance(gleason, int) else None,
        psa_ng_ml=_number(values.get("psa_ng_ml")),
        er=_text(values.get("er")),
        pr=_text(values.get("pr")),
        her2=_text(values.get("her2")),
        first_treatment=_text(values.get("first_treatment")),
        treatment_offset_days=_days(row, "treatment_offset_days", "treatment_date"),
    )


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
        rejected=reason == "duplicate-row",
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


def _first(read: Callable[[SourceRow], int | None], rows: list[SourceRow]) -> int | None:
    return next((value for row in rows if (value := read(row)) is not None), None)


def _text(value: Value | None) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Value | None) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _day(value: Value | None) -> date | None:
    return value if isinstance(value, date) else None


def _refuse_free_text(record: ClinicalRecord) -> None:
    subject = record.subject
    closed = [("sex", subject.sex), ("population", subject.population)]
    coded: list[str] = []
    for condition in record.conditions:
        closed += [(name, getattr(condition, name)) for name in VALUE_SETS if name not in _PATIENT]
        if condition.cancer not in cancers():
            raise InvalidInput("a cancer that is not a concept")
        if condition.topography and not TOPOGRAPHY.fullmatch(condition.topography):
            coded.append("topography")
        if condition.morphology and not MORPHOLOGY.fullmatch(condition.morphology):
            coded.append("morphology")
    wrong = [name for name, value in closed if value is not None and value not in VALUE_SETS[name]]
    if wrong or coded:
        raise InvalidInput(f"text that is not a code in {', '.join([*wrong, *coded])}")


_PATIENT = ("sex", "population")
