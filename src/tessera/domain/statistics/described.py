"""A patient as a doctor describes them, and the cohort query that it means. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord
from tessera.domain.cohort.fields import FIELDS, Level
from tessera.domain.errors import InvalidInput

_YEARS_AROUND: Final = 5
"""Patients whose age at diagnosis is so many years lower or higher are alike."""
_AGE_STEP: Final = 5
"""So coarse is the age with which a patient of the node is described."""
_TREATED: Final = "first_treatment"


@dataclass(frozen=True, slots=True)
class Choice:
    """One field of the form, and the values it offers; a number has none."""

    field: str
    values: tuple[str, ...]


def _choice(name: str) -> Choice:
    found = FIELDS[name]
    kept = (one.name for one in found.values if one.name != found.unknown_value)
    return Choice(name, tuple(kept))


FORM: Final = (
    *(_choice("cancer"), _choice("stage"), Choice("age_at_diagnosis", ()), _choice("sex")),
    *(_choice("er"), _choice("pr"), _choice("her2"), Choice("gleason", ())),
    _choice(_TREATED),
)


def query_of(given: Mapping[str, str]) -> str:
    """Return the query in its text form. What is left open is no condition.

    What is said of the tumour holds for one diagnosis. Raises InvalidInput.
    """
    of_patient: list[str] = []
    of_diagnosis: list[str] = []
    for choice in FORM:
        value = given.get(choice.field, "").strip()
        if value:
            parts = of_patient if FIELDS[choice.field].level is Level.PATIENT else of_diagnosis
            parts.append(_condition(choice, value))
    if not of_diagnosis:
        raise InvalidInput("choose a cancer at least")
    inner = " and ".join(of_diagnosis)
    diagnosis = f"in one condition ({inner})" if len(of_diagnosis) > 1 else inner
    return " and ".join((diagnosis, *of_patient))


def described(record: ClinicalRecord) -> tuple[Mapping[str, str], ...]:
    """Return the form as filled in for a patient of the node, once for each cancer.

    How they were treated is left open, since that is what is asked for. The age is coarse, so
    that the description is that of many.
    """
    found = (_described(record, condition) for condition in record.conditions)
    return tuple({tuple(one.items()): one for one in found if one.get("cancer")}.values())


def _described(record: ClinicalRecord, condition: CancerCondition) -> dict[str, str]:
    given = {}
    for choice in FORM:
        of_patient = FIELDS[choice.field].level is Level.PATIENT
        value = getattr(record.subject if of_patient else condition, choice.field)
        if value is None or choice.field == _TREATED:
            continue
        if choice.field == "age_at_diagnosis":
            value = round(value / _AGE_STEP) * _AGE_STEP
        if not choice.values or value in choice.values:
            given[choice.field] = str(value)
    return given


def _condition(choice: Choice, value: str) -> str:
    if choice.values:
        if value not in choice.values:
            raise InvalidInput(f"{value[:40]} is not a value of {choice.field}")
        return f"{choice.field} = {value}"
    if not (value.isascii() and value.isdigit() and int(value) <= 120):
        raise InvalidInput(f"{choice.field} needs a number, not {value[:40]}")
    number = int(value)
    if choice.field != "age_at_diagnosis":
        return f"{choice.field} = {number}"
    low, high = max(0, number - _YEARS_AROUND), number + _YEARS_AROUND
    return f"{choice.field} between {low} and {high}"
