"""A version repeats for searching what the facts say: the first of each, and every reading."""

from dataclasses import replace
from datetime import date

from tessera.domain.clinical.build import build_tables
from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord, Subject
from tessera.domain.clinical.entities import (
    CancerStage,
    Entity,
    HistologicGrade,
    RiskAssessment,
    TumorMarkerTest,
)
from tessera.domain.ids import Pseudonym
from tests.unit.domain.quality_rows import row

WHO = Pseudonym("TES-A")
CANCER = CancerCondition(
    condition_id="C1", subject=WHO, cancer="prostate", diagnosis_date=date(2020, 3, 1)
)
STAGE = CancerStage(stage_id="S1", subject=WHO, condition_id="C1")
GRADE = HistologicGrade(grade_id="G1", subject=WHO, condition_id="C1")
MARKER = TumorMarkerTest(marker_test_id="M1", subject=WHO, condition_id="C1", code="ki67")
READING = RiskAssessment(assessment_id="R1", subject=WHO, code="birads")


def stored(*facts: Entity, condition: CancerCondition = CANCER) -> dict[str, object]:
    """Return the columns of the one cancer, and those of the one subject."""
    record = ClinicalRecord(Subject(subject=WHO), (condition,), facts)
    tables = build_tables([record], [row(subject=WHO)])
    found: dict[str, object] = {}
    for name in ("condition", "patient"):
        columns = [column.name for column in tables[name].table.columns]
        found |= dict(zip(columns, tables[name].rows[0], strict=True))
    return found


def test_tnm_is_the_first_of_its_basis_part_by_part() -> None:
    later = replace(STAGE, stage_id="S0", basis="clinical", t="T4", n="N1")
    found = stored(
        replace(later, stage_offset_days=30),
        replace(STAGE, basis="clinical", t="T2a", stage_date=date(2020, 3, 11)),
        replace(STAGE, stage_id="S2", basis="pathological", t="T3b"),
        replace(STAGE, stage_id="S3", basis="post_therapy_pathological", t="T0", m="M0"),
        replace(STAGE, stage_id="S4", m="M1"),
        replace(STAGE, stage_id="S5", condition_id="C2", basis="clinical", m="M1"),
    )
    clinical = (found["clinical_t"], found["clinical_n"], found["clinical_m"])
    assert clinical == ("T2a", "N1", None)
    assert (found["pathological_t"], found["pathological_m"]) == ("T3b", None)


def test_grade_group_is_what_is_recorded_else_what_gleason_means() -> None:
    gleason = replace(GRADE, system="gleason", score=7, primary_pattern=4, secondary_pattern=3)
    isup = replace(GRADE, system="isup", grade="isup_2", score=2, grade_offset_days=1)
    assert stored(gleason)["isup_grade"] == 3
    assert stored(gleason, isup)["isup_grade"] == 2
    assert stored(replace(gleason, primary_pattern=None))["isup_grade"] is None
    assert stored(condition=replace(CANCER, gleason=9))["isup_grade"] == 5
    assert stored(replace(GRADE, system="nottingham", score=3))["isup_grade"] is None


def test_markers_are_numbers_in_their_unit_and_no_limits() -> None:
    assert stored(replace(MARKER, value_number=15.0, unit="%"))["ki67_percent"] == 15.0
    limit = replace(MARKER, value_number=5.0, unit="%", comparator="<")
    assert stored(limit)["ki67_percent"] is None
    ihc = replace(MARKER, code="her2_ihc")
    assert stored(replace(ihc, value_concept="2+"))["her2_ihc"] == "2+"
    assert stored(replace(ihc, value_number=3.0))["her2_ihc"] == "3+"
    assert stored(replace(ihc, value_concept="positive"))["her2_ihc"] is None


def test_every_reading_of_a_subject_is_there_with_or_without_a_cancer() -> None:
    found = stored(
        replace(READING, value_concept="4a"),
        replace(READING, assessment_id="R2", value_number=2.0),
        replace(READING, assessment_id="R3", value_concept="birads_6", condition_id="C1"),
        replace(READING, assessment_id="R4", value_concept="none"),
        replace(READING, assessment_id="R5", code="capra", value_number=5.0),
    )
    assert (found["bi_rads"], found["pi_rads"]) == (("2", "4A", "6"), None)
