"""One row through mapping, cross-checks and the gate."""

from collections.abc import Mapping
from datetime import date

import pytest

from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.clinical.mapping import read_row
from tessera.domain.clinical.mapping_file import parse_mapping
from tessera.domain.clinical.problem import MENDS, Problem
from tessera.domain.deid.clinical import deidentify_clinical
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.zones import Identified

MAPPING = parse_mapping(
    """
[mapping]
name = "test"
version = "1"
[source]
decimal = ","
missing = ["?"]
dates = ["YYYY-MM-DD"]
[source.patient_id]
column = "id"
[columns]
sex.column = "sex"
population.column = "group"
cancer.column = "cancer"
topography.column = "topography"
morphology.column = "morphology"
stage.column = "stage"
gleason.column = "gleason"
er.column = "er"
birth_date.column = "born"
diagnosis_date.column = "diagnosed"
treatment_date.column = "treated"
death_date.column = "died"
last_contact_date.column = "seen"
age_at_diagnosis = { column = "age", unit = "years" }
psa_ng_ml = { column = "psa", unit_column = "unit", units = { "mikrog/l" = "µg/L" } }
first_treatment = [
    { column = "t1", values = { op = "surgery" } },
    { column = "t2", values = { rt = "radiotherapy", none = "" } },
]
deceased = { column = "died", if_filled = true, if_empty = false }
"""
)
TODAY = date(2025, 1, 1)
GATE = Pseudonymiser(bytes(32))


def mapped(*rows: Mapping[str, str]) -> tuple[list[ClinicalRecord], list[Problem]]:
    read = [read_row(Identified(row), n, MAPPING, today=TODAY) for n, row in enumerate(rows, 2)]
    records, between = deidentify_clinical([r.row for r in read if r.row], GATE)
    return [r.value for r in records], [*(p for r in read for p in r.problems), *between]


def one(**cells: str) -> tuple[ClinicalRecord, list[str]]:
    records, problems = mapped({"id": "19121212-1212", **cells})
    return records[0], [problem.reason for problem in problems]


def test_clinical_row_becomes_a_coded_record_under_the_pseudonym_of_the_images() -> None:
    record, problems = one(
        sex="male",
        group="cancer",
        cancer="Prostatacancer",
        topography="C619",
        born="1950-01-01",
        diagnosed="2020-01-01",
        treated="2020-03-01",
        psa="6,4",
        unit="mikrog/L",
        gleason="3+4",
        t2="RT",
        seen="2021-01-01",
    )
    assert problems == []
    subject = GATE.pseudonym("191212121212")
    assert record.subject.subject == subject
    assert (record.subject.deceased, record.subject.survival_days) == (False, 366)
    condition = record.conditions[0]
    assert (condition.cancer, condition.code_sct) == ("prostate", "399068003")
    assert (condition.code_eucaim, condition.topography) == ("CLIN1000075", "C61.9")
    assert (condition.age_at_diagnosis, condition.psa_ng_ml, condition.gleason) == (70.0, 6.4, 7)
    assert (condition.first_treatment, condition.treatment_offset_days) == ("radiotherapy", 60)
    assert condition.diagnosis_date == GATE.shifted(date(2020, 1, 1), subject)


def test_clinical_values_that_are_missing_are_null_and_no_problem() -> None:
    record, problems = one(sex="?", cancer="lung", stage="")
    assert problems == []
    assert record.subject.sex is None
    assert record.conditions[0].stage is None


def test_clinical_cancer_comes_from_the_topography_when_only_that_is_given() -> None:
    record, problems = one(topography="C34.1")
    assert (record.conditions[0].cancer, problems) == ("lung", [])
    assert record.subject.population == "cancer"


def test_clinical_first_of_several_columns_with_a_value_is_used() -> None:
    assert one(cancer="lung", t1="OP", t2="rt")[0].conditions[0].first_treatment == "surgery"
    assert one(cancer="lung", t1="", t2="rt")[0].conditions[0].first_treatment == "radiotherapy"
    assert one(cancer="lung", t2="none")[0].conditions[0].first_treatment is None


@pytest.mark.parametrize(
    ("cells", "reason", "field"),
    [
        ({"cancer": "breast", "gleason": "7"}, "gleason-not-prostate", "gleason"),
        (
            {"cancer": "breast", "sex": "female", "psa": "4", "unit": "ng/mL"},
            "psa-in-woman",
            "psa_ng_ml",
        ),
        ({"cancer": "lung", "psa": "4"}, "no-unit", "psa_ng_ml"),
        ({"cancer": "lung", "psa": "4", "unit": "inch"}, "unknown-unit", "psa_ng_ml"),
        ({"cancer": "lung", "psa": "high", "unit": "ng/mL"}, "unreadable-number", "psa_ng_ml"),
        ({"cancer": "lung", "age": "140"}, "out-of-range", "age_at_diagnosis"),
        (
            {"cancer": "lung", "age": "60", "born": "1950-01-01", "diagnosed": "2020-01-01"},
            "age-disagrees",
            "age_at_diagnosis",
        ),
        ({"cancer": "lung", "diagnosed": "2020-13-01"}, "unreadable-date", "diagnosis_date"),
        ({"cancer": "lung", "diagnosed": "2031-01-01"}, "date-in-future", "diagnosis_date"),
        (
            {"cancer": "lung", "diagnosed": "2020-01-02", "died": "2020-01-01"},
            "diagnosis-after-death",
            "diagnosis_date",
        ),
        (
            {"cancer": "lung", "diagnosed": "2020-01-02", "born": "2020-01-03"},
            "diagnosis-before-birth",
            "diagnosis_date",
        ),
        (
            {"cancer": "lung", "diagnosed": "2020-01-02", "treated": "2010-01-03"},
            "treatment-before-diagnosis",
            "treatment_offset_days",
        ),
        (
            {"cancer": "lung", "diagnosed": "2020-01-02", "seen": "2010-01-03"},
            "contact-before-diagnosis",
            "survival_days",
        ),
        ({"cancer": "lung", "topography": "C61.9"}, "topography-disagrees", "topography"),
        ({"cancer": "lung", "stage": "V?"}, "unknown-value", "stage"),
    ],
)
def test_clinical_value_that_cannot_be_true_is_null_and_a_problem(
    cells: dict[str, str], reason: str, field: str
) -> None:
    record, problems = one(**cells)
    assert problems == [reason]
    holder = record.subject if field == "survival_days" else record.conditions[0]
    assert getattr(holder, field) is None


def test_clinical_cancer_outside_the_vocabulary_leaves_a_subject_without_a_condition() -> None:
    record, problems = one(group="cancer", topography="C44.1")
    assert record.conditions == ()
    assert problems == ["cancer-not-in-vocabulary"]
    assert one(group="cancer")[1] == ["no-cancer"]
    assert one(group="control")[1] == []


def test_clinical_row_without_a_patient_is_rejected_and_named_by_number() -> None:
    records, problems = mapped({"id": " ", "sex": "male"}, {"id": "2", "sex": "male"})
    assert len(records) == 1
    assert [(p.row, p.reason, p.rejected) for p in problems] == [(2, "missing-patient-id", True)]


def test_clinical_rows_of_one_patient_join_and_the_same_cancer_counts_once() -> None:
    records, problems = mapped(
        {"id": "1", "cancer": "colon", "diagnosed": "2019-01-01", "sex": "male"},
        {"id": "1", "cancer": "lung", "diagnosed": "2020-01-01", "sex": "female"},
        {"id": " 1", "cancer": "colon", "diagnosed": "2019-01-01", "sex": "male"},
    )
    assert [c.cancer for c in records[0].conditions] == ["colon", "lung"]
    assert len({c.condition_id for c in records[0].conditions}) == 2
    assert records[0].subject.sex == "male"
    assert [(p.row, p.reason) for p in problems] == [(3, "rows-disagree"), (4, "duplicate-row")]


def test_clinical_problem_shows_where_and_how_to_mend_but_never_the_value() -> None:
    _, problems = mapped({"id": "1", "cancer": "lung", "stage": "Anna Andersson"})
    assert problems[0].mend == MENDS["unknown-value"]
    assert "Anna" not in repr(problems[0])
    assert problems[0].raw.value == "Anna Andersson"


def test_clinical_records_hold_nothing_of_the_identity() -> None:
    record, _ = one(cancer="lung", born="1912-12-12", diagnosed="1999-05-17", died="2001-03-04")
    text = repr(record)
    for secret in ("19121212", "1212-12", "1999-05-17", "1999, 5, 17", "2001, 3, 4", "1912"):
        assert secret not in text
