"""Checks of tables, and of tables and images together."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord, Subject
from tessera.domain.clinical.entities import (
    CancerStage,
    Entity,
    HistologicGrade,
    Procedure,
    Radiotherapy,
    Treatment,
)
from tessera.domain.ids import Pseudonym
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.inputs import CheckInput
from tessera.domain.quality.report import run_checks
from tessera.domain.quality.selection import chosen_checks
from tessera.domain.quality.source_table import SourceTable
from tessera.domain.quality.staging import agrees, category, grade_group_of, possible_stage_groups
from tests.unit.domain.quality_rows import row

P = Pseudonym("TES-A")
SUBJECT = Subject(
    subject=P,
    sex="male",
    population="cancer",
    deceased=True,
    last_contact_date=date(2023, 5, 1),
    survival_days=1095,
)
CONDITION = CancerCondition(
    condition_id="C1",
    subject=P,
    cancer="prostate",
    topography="C61.9",
    morphology="8140/3",
    icd10="C61",
    age_at_diagnosis=66.0,
    diagnosis_date=date(2020, 5, 1),
    stage="IV",
    gleason=7,
    psa_ng_ml=12.0,
)
STAGE = CancerStage(
    stage_id="T1",
    subject=P,
    condition_id="C1",
    edition=8,
    t="cT3a",
    n="N1",
    m="M0",
    stage_group="IVA",
)
IMAGE = row(subject=P, modality="MR", body_part="PROSTATE", sex="M", age_years=66.0)


def record(
    subject: dict[str, Any] | None = None,
    condition: dict[str, Any] | None = None,
    *facts: Entity,
) -> ClinicalRecord:
    return ClinicalRecord(
        replace(SUBJECT, **subject or {}), (replace(CONDITION, **condition or {}),), facts
    )


def kinds(*records: ClinicalRecord, rows: tuple[InstanceRow, ...] = (IMAGE,)) -> list[str]:
    checks = chosen_checks(["Q-TAB", "Q-LNK", "Q-UNI-05"], ["Q-TAB-01"])
    report = run_checks(CheckInput(rows=rows, records=records), checks)
    return [item.kind for item in report.findings]


def test_a_sound_record_with_its_image_has_no_finding() -> None:
    assert kinds(record(None, None, STAGE)) == []


@pytest.mark.parametrize(
    ("subject", "condition", "kind"),
    [
        ({"sex": "female"}, {"psa_ng_ml": None}, "sex-against-organ"),
        ({}, {"cancer": "cervix", "topography": "C53.9", "icd10": None}, "sex-against-organ"),
        ({}, {"age_at_diagnosis": 166.0}, "table-value"),
        ({}, {"gleason": 11}, "table-value"),
        ({"last_contact_date": date(2020, 4, 1)}, {}, "diagnosis-after-death"),
        ({"survival_days": 30}, {}, "survival-disagrees"),
        ({}, {"topography": "C50.9", "icd10": None}, "topography-disagrees"),
        ({}, {"icd10": "C34"}, "icd10-disagrees"),
        ({}, {"morphology": "8520/3"}, "morphology-elsewhere"),
        ({}, {"morphology": "8140/0"}, "behaviour-benign"),
        ({}, {"morphology": "8140/2"}, "in-situ-staged"),
        ({}, {"morphology": "8140/6", "condition_type": "primary"}, "behaviour-metastatic"),
    ],
)  # fmt: skip
def test_a_planted_fault_of_the_tables_is_found(
    subject: dict[str, Any], condition: dict[str, Any], kind: str
) -> None:
    assert kind in kinds(record(subject, condition), rows=())


def test_psa_and_gleason_belong_to_men_and_their_prostate() -> None:
    breast = {"cancer": "breast", "topography": "C50.9", "icd10": "C50", "stage": None}
    found = kinds(record({"sex": "female"}, breast), rows=())
    assert {"psa-of-woman", "gleason-elsewhere"} <= set(found)


@pytest.mark.parametrize(
    ("values", "rows_of", "kind"),
    [
        ({"sex": "F"}, {}, "sex-of-header"),
        ({"age_years": 40.0}, {}, "age-of-header"),
        ({"acquisition_date": date(2023, 6, 1)}, {"age_years": None}, "imaged-after-death"),
        ({"acquisition_date": date(2015, 6, 1)}, {"age_years": None}, "imaged-long-before"),
        ({"body_part": "BRAIN"}, {}, "organ-not-imaged"),
    ],
)
def test_images_that_contradict_the_table_are_found(
    values: dict[str, Any], rows_of: dict[str, Any], kind: str
) -> None:
    assert kinds(record(), rows=(replace(IMAGE, **values, **rows_of),)) == [kind]


def test_the_other_side_and_a_study_that_is_not_here_are_told() -> None:
    breast = {
        "cancer": "breast", "topography": "C50.9", "icd10": "C50", "gleason": None,
        "psa_ng_ml": None, "laterality": "left",
    }  # fmt: skip
    picture = replace(IMAGE, modality="MG", body_part="BREAST", laterality="R")
    assert kinds(record(None, breast), rows=(picture,)) == ["side-not-imaged"]
    lost = Procedure(procedure_id="P1", subject=P, code="imaging", study_uid="2.25.404")
    assert kinds(record(None, None, lost)) == ["procedure-not-imaged"]
    here = replace(lost, study_uid=IMAGE.study_uid)
    assert kinds(record(None, None, here)) == []


def test_events_follow_their_beginning_and_precede_death() -> None:
    late = Treatment(treatment_id="R1", subject=P, type="surgery", start_date=date(2024, 1, 1))
    turned = replace(late, start_date=date(2021, 3, 1), end_date=date(2021, 2, 1))
    assert kinds(record(None, None, late)) == ["event-after-death"]
    assert kinds(record(None, None, turned)) == ["ends-before-begin"]


def test_keys_are_there_once_and_resolve() -> None:
    lost = Radiotherapy(radiotherapy_id="X", subject=P, treatment_id="none")
    assert kinds(record(None, None, lost)) == ["key-lost"]
    twice = replace(STAGE)
    assert kinds(record(None, None, STAGE, twice)) == ["key-twice", "key-twice"]


def test_two_subjects_who_agree_in_what_is_rare_may_be_one() -> None:
    other = Pseudonym("TES-B")
    again = ClinicalRecord(
        replace(SUBJECT, subject=other),
        (replace(CONDITION, subject=other, condition_id="C2"),),
    )
    assert "person-twice" in kinds(record(), again, rows=())
    differs = replace(again, conditions=(replace(again.conditions[0], psa_ng_ml=13.0),))
    assert "person-twice" not in kinds(record(), differs, rows=())


@pytest.mark.parametrize(
    ("cancer", "t", "n", "m", "stages"),
    [
        ("prostate", "cT3", "N1", "M0", "IVA"),
        ("prostate", "T4", "N0", "M1b", "IVB"),
        ("breast", "T2", "N1mi", "M0", "IIB"),
        ("breast", "T0", "N1mi", "M0", "IB"),
        ("breast", "pT4b", "N2", "M0", "IIIB"),
        ("lung", "T1b", "N0", "M0", "IA2"),
        ("lung", "T2", "N0", "M0", "IB IIA"),
        ("lung", "T3", "N3", "M0", "IIIC"),
        ("colon", "T3", "N2", "M0", "IIIB IIIC"),
        ("rectum", "T4a", "N0", "M0", "IIB"),
        ("kidney", "T3a", "NX", "M0", "III"),
        ("bladder", "T2", "N0", "M1", "IVA IVB"),
        ("bladder", "pTis", "N0", "M0", "0is"),
        ("liver", "T2", "N1", "M0", "IIIB IVA"),
        ("pancreas", "T2", "N2", "M0", "III"),
        ("stomach", "cT4b", "N3", "M0", "IIIC IVA"),
    ],
)
def test_a_tnm_of_the_eighth_edition_allows_these_stages(
    cancer: str, t: str, n: str, m: str, stages: str
) -> None:
    assert possible_stage_groups(cancer, 8, t, n, m) == frozenset(stages.split())


def test_prostate_is_staged_with_psa_and_grade_group() -> None:
    def stages(psa: float, grade: int, t: str = "T2a") -> frozenset[str] | None:
        return possible_stage_groups("prostate", 8, t, "N0", "M0", psa, grade, basis="clinical")

    assert (stages(5, 1), stages(12, 1), stages(25, 1)) == ({"I"}, {"IIA"}, {"IIIA"})
    assert (stages(5, 2), stages(5, 4), stages(5, 5)) == ({"IIB"}, {"IIC"}, {"IIIC"})
    assert stages(5, 1, "T2c") == {"IIA"}
    assert (grade_group_of(7, 3, 4), grade_group_of(7, 4, 3), grade_group_of(7)) == (2, 3, None)


def test_without_the_edition_only_metastasis_decides() -> None:
    assert possible_stage_groups("kidney", None, "T1", "N0", "M0") is None
    assert possible_stage_groups("kidney", 7, "T1", "N0", "M1") == {"IV"}
    assert possible_stage_groups("thyroid", 8, "T1", "N0", "M1") is None


def test_a_coarse_stage_agrees_with_a_fine_one_and_the_reverse() -> None:
    assert agrees("III", frozenset({"IIIA"}))
    assert agrees("Stadium 3b", frozenset({"IIIB"}))
    assert agrees("IIIB", frozenset({"IIIA", "IV"})) is False
    assert agrees("occult", frozenset({"I"})) is None


def test_a_stage_that_its_tnm_forbids_is_an_error_of_a_known_edition() -> None:
    wrong = replace(STAGE, stage_group="II")
    checks = chosen_checks(["Q-TAB-07"])
    for stage, severity in (
        (wrong, "error"),
        (replace(wrong, edition=None, system="ajcc_tnm_8"), "error"),
        (replace(wrong, edition=None, m="M1"), "warning"),
    ):
        data = CheckInput(rows=(), records=[record(None, None, stage)])
        (told,) = run_checks(data, checks).findings
        assert (told.kind, told.severity.value) == ("stage-against-tnm", severity)
    for stage in (replace(wrong, system="figo"), replace(wrong, basis="post_therapy")):
        data = CheckInput(rows=(), records=[record(None, None, stage)])
        assert run_checks(data, checks).findings == ()
    swapped = replace(STAGE, t="N1", n="T3")
    assert kinds(record(None, None, swapped)) == ["tnm-misplaced"]


def test_the_grade_serves_the_stage_of_the_prostate() -> None:
    grade = HistologicGrade(
        grade_id="G", subject=P, condition_id="C1", score=9, primary_pattern=4, secondary_pattern=5
    )
    stage = replace(STAGE, t="cT2a", n="N0", stage_group="IIB")
    assert "stage-against-tnm" in kinds(record(None, None, stage, grade))
    assert "stage-against-tnm" not in kinds(record(None, None, stage))


words = st.text(st.sampled_from("cpyTNM0123456789abmiIVXs ()"), max_size=8)


@given(st.sampled_from(["prostate", "lung", "stomach", "liver", "x"]), words, words, words, words)
def test_any_text_for_a_category_is_taken(cancer: str, t: str, n: str, m: str, g: str) -> None:
    found = possible_stage_groups(cancer, 8, t, n, m, None, None)
    assert found is None or agrees(g, found) in (True, False, None)
    assert category(t) is None or category(t)[0] in "TNM"  # type: ignore[index]


def test_empty_columns_are_a_note_and_a_sparse_one_of_the_minimum_a_warning() -> None:
    records = [record({"sex": "unknown"} if n % 2 else {}) for n in range(10)]
    data = CheckInput(rows=(), records=records)
    report = run_checks(data, chosen_checks(["Q-TAB-01"]))
    told = {item.kind: item for item in report.findings}
    assert "patient.ethnicity" in str(told["columns-empty"].evidence["columns"])
    sparse = [item for item in report.findings if item.severity.value == "warning"]
    assert [item.evidence["column"] for item in sparse] == ["patient.sex"]


def test_the_delivered_table_is_looked_at_column_by_column() -> None:
    n = 40
    columns = {
        "id": [f"{number}" for number in range(n)],
        "PSA": [*(f"{4 + number % 9}.5" for number in range(n - 2)), "4000", "NOT FOUND"],
        "age": [*(f"{50 + number % 30}" for number in range(n - 1)), "999"],
        "diagnosed": [*("2020-05-0" + str(1 + number % 9) for number in range(n - 2)),
                      "2020-13-41", "2031-01-01"],
        "note": ["", *("" for _ in range(n - 2)), "seen"],
    }  # fmt: skip
    table = SourceTable(name="t.csv", columns=columns, id_column="id")
    data = CheckInput(rows=(), table=table, checked_on=date(2026, 11, 1))
    report = run_checks(data, chosen_checks(["Q-TAB-09", "Q-TAB-10", "Q-TAB-11"]))
    told = [
        (item.kind, item.evidence["column"], item.evidence.get("value")) for item in report.findings
    ]
    assert sorted(told, key=str) == [
        ("cells-future", "diagnosed", "2031-01-01"),
        ("cells-missing", "note", None),
        ("cells-no-date", "diagnosed", "2020-13-41"),
        ("cells-no-value", "PSA", "NOT FOUND"),
        ("cells-no-value", "age", "999"),
        ("cells-out-of-line", "PSA", "4000"),
    ]
    again = SourceTable(name="t", columns={"id": ["1", "1"], "x": ["a", "a"]}, id_column="id")
    (twice,) = run_checks(CheckInput(rows=(), table=again), chosen_checks(["Q-TAB-09"])).findings
    assert twice.evidence["n_rows"] == 1
