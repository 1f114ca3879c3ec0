"""Rows of the common data model as records of EUCAIM's Beacon model."""

from datetime import date
from typing import Any

from tessera.domain.cohort.beacon_records import SubjectRows, imaging_studies, individual

CONDITION: dict[str, Any] = {
    "condition_id": "TES-A/1",
    "subject": "TES-A",
    "cancer": "prostate",
    "code_eucaim": None,
    "age_at_diagnosis": 61.5,
    "diagnosis_date": date(2020, 1, 2),
    "morphology": "8140/3",
    "first_treatment": "radiotherapy",
    "gleason": 7,
    "isup_grade": 2,
    "psa_ng_ml": 4.5,
    "er": None,
    "her2_ihc": "2+",
    "clinical_m": "M1a",
    "pathological_m": "M0",
    "diagnosis_offset_days": 0,
}
SERIES: tuple[dict[str, Any], ...] = (
    {"study_uid": "1.1", "modality": "PT", "body_part": "PROSTATE", "n_instances": 90},
    {"study_uid": "1.1", "modality": "CT", "manufacturer": "SIEMENS", "n_instances": 20},
    {"study_uid": "1.1", "modality": "CT", "body_part": "Elbow pit", "n_instances": 200},
    {"study_uid": "1.2", "modality": "MR", "n_instances": 3},
)


def rows(*conditions: dict[str, Any], **patient: Any) -> SubjectRows:
    return SubjectRows(
        patient={"subject": "TES-A", "sex": "male", **patient},
        conditions=conditions,
        studies=(
            {"study_uid": "1.2", "subject": "TES-A", "study_date": None},
            {"study_uid": "1.1", "subject": "TES-A", "study_date": date(2021, 3, 4)},
        ),
        series=SERIES,
    )


def test_a_disease_has_its_codes_and_no_date_that_was_shifted() -> None:
    told: Any = individual(rows(CONDITION, pi_rads=["4", "4"]))
    (disease,) = told["disease"]
    assert disease["diagnosis"]["id"] == "EUCAIM:CLIN1000075"
    assert disease["pathology"] == [{"id": "ICDO3:8140/3"}]
    assert disease["treatment"][0]["id"] == "EUCAIM:CLIN1012947"
    tumour = disease["tumorMetadata"]
    ids = {name: value["id"] for name, value in tumour.items() if isinstance(value, dict)}
    assert ids == {
        "HER2": "EUCAIM:COM1001879",
        "histologicGraceGleasonScore": "EUCAIM:CLIN1026298",
        "histologicGradeISUP": "EUCAIM:COM1001365",
        "cancerStageCMCategory": "EUCAIM:COM1000258",
        "cancerStagePMCategory": "EUCAIM:COM1001845",
        "tumorPIRADSAssesment": "EUCAIM:IMG1005476",
    }
    assert tumour["PSA"] == 4.5
    assert "2020" not in str(told)


def test_what_the_data_lacks_is_left_out() -> None:
    told: Any = individual(rows(sex=None))
    assert told["sex"]["label"] == "Unknown"
    assert told["disease"] == []
    bare: Any = individual(rows({"condition_id": "TES-A/1", "cancer": "lung"}))
    assert set(bare["disease"][0]) == {"diseaseId", "diagnosis"}


def test_readings_of_two_cancers_or_of_two_kinds_are_of_no_tumour() -> None:
    second = {**CONDITION, "condition_id": "TES-A/2"}
    for told in (
        individual(rows(CONDITION, second, pi_rads=["4"])),
        individual(rows(CONDITION, pi_rads=["3", "4"])),
    ):
        assert "tumorPIRADSAssesment" not in str(told)


def test_a_study_is_of_what_most_of_its_images_are_and_of_the_first_cancer() -> None:
    later = {**CONDITION, "condition_id": "TES-A/0", "diagnosis_offset_days": 400}
    first, second = imaging_studies(rows(later, CONDITION), {"1.1", "1.2"})
    study: Any = first
    assert study["imageStudyId"] == "1.1"
    assert study["disease"]["diseaseId"] == "TES-A/1"
    assert study["imageModality"]["id"] == "EUCAIM:IMG1000042"
    assert [one["label"] for one in study["modalities"]] == [
        "Computed tomography",
        "Positron emission tomography",
    ]
    assert study["imageBodyPart"] == {"id": "tessera:body_part", "label": "Elbow pit"}
    assert study["imageManufacturer"]["id"] == "EUCAIM:IMG1000044"
    assert study["dateOfImageAcquisition"] == "2021-03-04T00:00:00Z"
    assert "dateOfImageAcquisition" not in second
    assert imaging_studies(rows(CONDITION), {"1.2"}) != []
    assert imaging_studies(rows(), frozenset()) == []
