"""Checks of linkage and of the tier 1 minimum."""

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord, Subject
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.ids import Pseudonym, SeriesUid
from tessera.domain.quality import linkage, tier1
from tessera.domain.quality.inputs import CheckInput
from tessera.domain.quality.registry import Looked
from tests.unit.domain.quality_rows import SUBJECT, row

CONDITION = CancerCondition(
    condition_id="c1",
    subject=SUBJECT,
    cancer="lung",
    topography="C34.1",
    age_at_diagnosis=60.5,
    diagnosis_date=date(2020, 1, 1),
)
CANCER = ClinicalRecord(Subject(subject=SUBJECT, sex="female", population="cancer"), (CONDITION,))
CONTROL = ClinicalRecord(Subject(subject=SUBJECT, sex="male", population="control"), ())


def kinds(result: Looked) -> list[str]:
    return [found.kind for found in result.findings]


def test_images_and_clinical_rows_find_each_other() -> None:
    data = CheckInput(rows=[row()], subjects=frozenset({SUBJECT}))
    assert kinds(linkage.images_have_row(data)) == []
    assert kinds(linkage.rows_have_images(data)) == []


def test_an_image_without_a_row_and_a_row_without_an_image_are_found() -> None:
    data = CheckInput(rows=[row()], subjects=frozenset({"OTHER"}))
    assert kinds(linkage.images_have_row(data)) == ["image-without-row"]
    assert kinds(linkage.rows_have_images(data)) == ["row-without-image"]


def test_case_and_separators_make_no_other_person() -> None:
    data = CheckInput(
        rows=[row(subject=Pseudonym("19390101-12ab"))], subjects=frozenset({"1939010112 AB"})
    )
    assert kinds(linkage.images_have_row(data)) == []
    assert kinds(linkage.rows_have_images(data)) == []


identifiers = st.text(st.sampled_from("0Aa1é-./ ^_+\u0301"), max_size=6)


@given(identifiers, identifiers)
def test_two_identifiers_are_one_person_where_they_have_one_pseudonym(one: str, two: str) -> None:
    pseudonyms = Pseudonymiser(bytes(range(32)))
    same = pseudonyms.pseudonym(one) == pseudonyms.pseudonym(two)
    assert (linkage.same_person(one) == linkage.same_person(two)) is same


def test_an_identifier_with_other_zeros_is_pointed_out() -> None:
    data = CheckInput(rows=[row(subject=Pseudonym("0047A"))], subjects=frozenset({"47a"}))
    assert kinds(linkage.images_have_row(data)) == ["image-without-row-similar"]


def test_a_personal_number_without_its_century_is_pointed_out() -> None:
    data = CheckInput(
        rows=[row(subject=Pseudonym("390101-1234"))], subjects=frozenset({"19390101-1234"})
    )
    assert kinds(linkage.images_have_row(data)) == ["image-without-row-similar"]


def test_without_a_clinical_table_linkage_is_not_looked_at() -> None:
    data = CheckInput(rows=[row()])
    assert linkage.images_have_row(data).not_looked == "no-clinical-table"
    assert linkage.rows_have_images(data).not_looked == "no-clinical-table"


def test_records_are_a_clinical_table_too() -> None:
    assert CheckInput(rows=[], records=[CANCER]).subjects == {SUBJECT}


def test_a_segmentation_finds_its_series() -> None:
    seg = row(modality="SEG", series_uid=SeriesUid("2.25.70"), referenced_series_uid="2.25.2")
    assert kinds(linkage.references_resolve(CheckInput(rows=[row(), seg]))) == []


def test_a_lost_a_foreign_and_an_absent_reference_are_told_apart() -> None:
    seg = row(modality="SEG", series_uid=SeriesUid("2.25.70"), referenced_series_uid="2.25.2")
    for other, kind in [
        (replace(seg, referenced_series_uid="2.25.404"), "reference-lost"),
        (replace(seg, subject=Pseudonym("TES-B")), "reference-foreign"),
        (replace(seg, referenced_series_uid=""), "reference-absent"),
    ]:
        assert kinds(linkage.references_resolve(CheckInput(rows=[row(), other]))) == [kind]


def test_a_complete_series_meets_the_imaging_minimum() -> None:
    result = tier1.minimum_imaging(CheckInput(rows=[row()]))
    assert (result.n_looked, result.n_passed) == (1, 1)


def test_each_empty_minimum_attribute_is_named() -> None:
    empty = row(
        subject=Pseudonym(""),
        modality="",
        body_part="",
        manufacturer="",
        acquisition_date=None,
        age_years=None,
    )
    found = tier1.minimum_imaging(CheckInput(rows=[empty])).findings
    assert [f.evidence["attribute"] for f in found] == [
        *("PatientID", "Modality", "BodyPartExamined", "Manufacturer", "AcquisitionDate"),
        "PatientAge",
    ]


def test_age_may_be_computed_from_the_diagnosis() -> None:
    data = CheckInput(rows=[row(age_years=None)], records=[CANCER])
    assert kinds(tier1.minimum_imaging(data)) == []


def test_the_imaging_minimum_is_asked_of_images_only() -> None:
    derived = [row(modality=name, body_part="") for name in ("SEG", "SR", "RTSTRUCT", "PR")]
    assert tier1.minimum_imaging(CheckInput(rows=derived)).n_looked == 0


def test_a_complete_record_meets_the_clinical_minimum() -> None:
    cancer = CheckInput(rows=[row()], records=[CANCER])
    assert tier1.minimum_cancer(cancer).n_passed == 1
    assert tier1.minimum_control(cancer).n_looked == 0
    control = CheckInput(rows=[row()], records=[CONTROL])
    assert tier1.minimum_control(control).n_passed == 1
    assert tier1.minimum_cancer(control).n_looked == 0


def test_missing_clinical_values_are_named() -> None:
    bare = replace(CONDITION, age_at_diagnosis=None)
    record = ClinicalRecord(replace(CANCER.subject, sex="unknown"), (bare,))
    found = tier1.minimum_cancer(CheckInput(rows=[], records=[record])).findings
    assert [f.evidence["value"] for f in found] == ["Sex", "Age at diagnosis"]


def test_a_cancer_subject_needs_a_condition_and_everyone_a_population() -> None:
    none = ClinicalRecord(CANCER.subject, ())
    unknown = ClinicalRecord(replace(CANCER.subject, population=None), ())
    data = CheckInput(rows=[], records=[none, unknown])
    assert kinds(tier1.minimum_cancer(data)) == ["no-condition", "no-population"]


def test_a_control_needs_age_at_imaging_and_an_organ() -> None:
    data = CheckInput(rows=[row(age_years=None, body_part="")], records=[CONTROL])
    found = tier1.minimum_control(data).findings
    assert [f.evidence["value"] for f in found] == ["Age at imaging", "Topography (organ)"]
