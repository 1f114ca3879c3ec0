"""What the tables of facts say at diagnosis, once more beside the cancer or the subject. Pure.

A cohort query looks at one value of one row. Stagings, gradings, markers and readings have rows of
their own, many for a cancer, so the version's `condition` and `patient` repeat what is searched
for. The facts stay as they are, and formats of others get these columns from them.

Of several the first counts: fewest days from the baseline, those without a day last, then by key.
Readings are all there: a search finds a subject by any of them.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final, TypeVar

from tessera.domain.clinical.entities import (
    CancerStage,
    Entity,
    HistologicGrade,
    RiskAssessment,
    TumorMarkerTest,
)
from tessera.domain.clinical.entity import Column
from tessera.domain.quality.staging import grade_group_of

T = TypeVar("T")
_BASES: Final = ("clinical", "pathological")
CONDITION_SEARCH: Final = (
    *(
        Column(f"{basis}_{part}", "text", f"{part.upper()} category, {basis}.", group=f"tnm_{part}")
        for basis in _BASES
        for part in "tnm"
    ),
    Column("isup_grade", "integer", "ISUP grade group, 1 to 5."),
    Column("ki67_percent", "number", "Ki-67, % of tumour cells.", unit="%"),
    Column("her2_ihc", "text", "HER2 by immunohistochemistry: 0, 1+, 2+ or 3+."),
)
"""Columns of `condition` for searching. A TNM whose basis is not stated is in none of them."""
PATIENT_SEARCH: Final = (
    Column("bi_rads", "texts", "BI-RADS category of each reading, sorted."),
    Column("pi_rads", "texts", "PI-RADS category of each reading, sorted."),
)
"""Columns of `patient` for searching: readings need no cancer, so controls have theirs."""
_READINGS: Final = {
    "birads": frozenset({"0", "1", "2", "3", "4", "4A", "4B", "4C", "5", "6"}),
    "pirads": frozenset({"1", "2", "3", "4", "5", "X"}),
}
_IHC: Final = ("0", "1+", "2+", "3+")
_KEYS: Final = {"stage": "stage_id", "grade": "grade_id", "marker": "marker_test_id"}


def of_condition(
    gleason: int | None, facts: Iterable[Entity], day_zero: date | None
) -> tuple[object, ...]:
    """Return the values of `CONDITION_SEARCH`, from the facts of one cancer.

    `gleason`: the total score at diagnosis where no row says the grade. `day_zero`: the
    subject's baseline, shifted as the facts' dates are.
    """
    mine = tuple(facts)
    stages = _in_time(CancerStage, "stage", mine, day_zero)
    grades = _in_time(HistologicGrade, "grade", mine, day_zero)
    markers = _in_time(TumorMarkerTest, "marker", mine, day_zero)
    return (
        *(
            _first(getattr(one, part) for one in stages if one.basis == basis)
            for basis in _BASES
            for part in "tnm"
        ),
        _first([_isup(one) for one in grades] + [grade_group_of(gleason)]),
        _first(
            one.value_number
            for one in markers
            if one.code == "ki67" and one.unit == "%" and not one.comparator
        ),
        _first(_ihc(one) for one in markers if one.code == "her2_ihc"),
    )


def of_patient(facts: Iterable[Entity]) -> tuple[object, ...]:
    """Return the values of `PATIENT_SEARCH`, from all facts of one subject."""
    readings = [one for one in facts if isinstance(one, RiskAssessment)]
    return tuple(_categories(readings, code) for code in _READINGS)


def _categories(readings: Sequence[RiskAssessment], code: str) -> tuple[str, ...] | None:
    said = {_category(one, code) for one in readings if one.code == code}
    return tuple(sorted(said & _READINGS[code])) or None


def _category(reading: RiskAssessment, code: str) -> str:
    """Return the category as it is written: 4, 4A; a source may say a number or the concept."""
    if reading.value_concept is not None:
        return reading.value_concept.removeprefix(f"{code}_").upper()
    number = reading.value_number
    return "" if number is None or not number.is_integer() else str(int(number))


def _ihc(marker: TumorMarkerTest) -> str | None:
    if marker.value_concept is None and marker.value_number in (0, 1, 2, 3):
        return _IHC[int(marker.value_number)]
    return marker.value_concept if marker.value_concept in _IHC else None


def _isup(grade: HistologicGrade) -> int | None:
    if grade.system == "isup":
        said = (grade.grade or "").removeprefix("isup_")
        found = int(said) if said.isdecimal() else grade.score
        return found if found in range(1, 6) else None
    if grade.system == "gleason":
        return grade_group_of(grade.score, grade.primary_pattern, grade.secondary_pattern)
    return None


def _in_time(cls: type[T], what: str, facts: Iterable[object], day_zero: date | None) -> list[T]:
    def order(row: Any) -> tuple[bool, int, str]:
        days, day = getattr(row, f"{what}_offset_days"), getattr(row, f"{what}_date")
        if days is None and day and day_zero:
            days = (day - day_zero).days
        return (days is None, days or 0, getattr(row, _KEYS[what]))

    return sorted((one for one in facts if isinstance(one, cls)), key=order)


def _first(values: Iterable[object]) -> object:
    return next((value for value in values if value is not None), None)
