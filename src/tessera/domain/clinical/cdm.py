"""The common data model of a dataset version: its tables and their columns. Pure.

One definition serves the Parquet writer, the cohort engine, the data dictionary
and the tests. Units are in the column name. A column that a site cannot fill is
null in every row; the cohort engine then answers "not supported", not "none".

Keys are unique within a version, so one person may be in several datasets. Clinical entities are
classes (`entity.py`, `entities.py`); the tables that come from images are listed here.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Final, get_args

from tessera.domain.clinical.entities import Entity
from tessera.domain.clinical.entity import (
    Column,
    Table,
    coded,
    entity,
    key,
    refers,
    said,
    table_of,
)
from tessera.domain.clinical.search_columns import CONDITION_SEARCH, PATIENT_SEARCH
from tessera.domain.ids import Pseudonym


@entity("patient", "One row per subject of the dataset.")
class Subject:
    """One row of `patient`, without image-derived values."""

    subject: Pseudonym = key("Pseudonym of the subject; key.")
    sex: str | None = said("Birth sex: female, male, other or unknown.", group="sex")
    gender: str | None = said("Gender, where it is recorded beside birth sex.", group="sex")
    ethnicity: str | None = said("Race or ethnicity as recorded.", group="ethnicity")
    population: str | None = said("cancer, control, benign or screening.", group="population")
    deceased: bool | None = said("Dead at last contact.")
    cause_of_death: str | None = said("Cause of death.", group="cause_of_death")
    survival_days: int | None = said("Days from diagnosis to death or last contact.", unit="d")
    last_contact_date: date | None = said("Shifted date of last contact or death.")
    last_contact_offset_days: int | None = said("Days from the baseline.", unit="d")
    baseline: str | None = said("What day 0 is: diagnosis (of the first cancer) or imaging.")
    baseline_date: date | None = said("Shifted date of day 0.")


@entity(
    "condition", "One row per cancer of a subject (mCODE primary or secondary cancer condition)."
)
class CancerCondition:
    """One row of `condition`. None where the source has no value.

    Stage, Gleason, PSA, receptors and treatment here are those at diagnosis, for searching;
    the tables of that name hold every one.
    """

    condition_id: str = key("Key within the version.")
    subject: Pseudonym = refers("patient", "Pseudonym.")
    cancer: str = coded("cancer", "Concept of the cancer, for example prostate.")
    condition_type: str | None = said("Primary or secondary cancer.", group="condition_type")
    code_sct: str | None = said("SNOMED CT code of the cancer type.")
    code_eucaim: str | None = said("EUCAIM hyper-ontology code of the cancer type.")
    icd10: str | None = said("ICD-10 code, for example C50.4.")
    topography: str | None = said("ICD-O-3 topography, for example C61.9.")
    morphology: str | None = said("ICD-O-3 morphology, for example 8140/3.")
    laterality: str | None = said("Side.", group="laterality")
    evidence: str | None = said("How the diagnosis was made.", group="evidence")
    age_at_diagnosis: float | None = said("Years, one decimal.", unit="a")
    diagnosis_date: date | None = said("Shifted date of diagnosis.")
    diagnosis_offset_days: int | None = said("Days from the subject's baseline.", unit="d")
    stage: str | None = said("Stage group: 0, I, II, III or IV.", group="stage")
    gleason: int | None = said("Gleason total score, 2 to 10.")
    psa_ng_ml: float | None = said("PSA at diagnosis, ng/mL.", unit="ng/mL")
    er: str | None = said("Oestrogen receptor: positive or negative.", group="receptor")
    pr: str | None = said("Progesterone receptor: positive or negative.", group="receptor")
    her2: str | None = said("HER2: positive or negative.", group="receptor")
    first_treatment: str | None = said(
        "surgery, radiotherapy, chemotherapy, hormone, …", group="treatment_type"
    )
    treatment_offset_days: int | None = said("Days from diagnosis to first treatment.", unit="d")


STUDY = Table(
    "study",
    "One row per imaging study.",
    (
        Column("study_uid", "text", "Replaced StudyInstanceUID; key.", required=True),
        Column("subject", "text", "Pseudonym.", required=True),
        Column("study_date", "date", "Shifted StudyDate."),
        Column("modalities", "texts", "Modalities in the study, sorted."),
        Column("diagnosis_offset_days", "integer", "Days from diagnosis to the study."),
        Column("study_offset_days", "integer", "Days from the subject's baseline.", unit="d"),
        Column("timepoint", "integer", "1 for the subject's first study, in order of date."),
        Column("n_series", "integer", "Series in the study."),
        Column("n_instances", "integer", "Instances in the study."),
    ),
)
SERIES = Table(
    "series",
    "One row per series.",
    (
        Column("series_uid", "text", "Replaced SeriesInstanceUID; key.", required=True),
        Column("study_uid", "text", "Replaced StudyInstanceUID.", required=True),
        Column("subject", "text", "Pseudonym.", required=True),
        Column("modality", "text", "DICOM Modality.", required=True),
        Column("body_part", "text", "BodyPartExamined."),
        Column("laterality", "text", "Laterality: L, R, B or U."),
        Column("manufacturer", "text", "Manufacturer as written by the device."),
        Column("model", "text", "ManufacturerModelName."),
        Column("series_number", "integer", "SeriesNumber."),
        Column("rows", "integer", "Rows of the first instance."),
        Column("columns", "integer", "Columns of the first instance."),
        Column("slice_thickness_mm", "number", "SliceThickness."),
        Column("b_values", "texts", "Diffusion b-values, s/mm²."),
        Column("age_at_imaging", "number", "PatientAge, years."),
        Column("n_instances", "integer", "Instances in the series."),
        Column("n_bytes", "integer", "Bytes of all instances."),
    ),
)
INSTANCE = Table(
    "instance",
    "One row per instance: the link to its file.",
    (
        Column("instance_uid", "text", "Replaced SOPInstanceUID; key.", required=True),
        Column("series_uid", "text", "Replaced SeriesInstanceUID.", required=True),
        Column("sop_class_uid", "text", "SOPClassUID.", required=True),
        Column("transfer_syntax_uid", "text", "TransferSyntaxUID.", required=True),
        Column("instance_number", "integer", "InstanceNumber."),
        Column("n_bytes", "integer", "Size of the file.", required=True),
        Column("sha256", "text", "SHA-256 of the file.", required=True),
        Column("path", "text", "Path in the node's store.", required=True),
    ),
)
PATIENT: Final = table_of(Subject)
CONDITION: Final = table_of(CancerCondition)
ACQUISITION_PARAMETER = Table(
    "acquisition_parameter",
    "One row per parameter of how a series was acquired.",
    (
        Column("parameter_id", "text", "Key.", required=True),
        Column("series_uid", "text", "The series.", required=True, refers_to="series"),
        Column("subject", "text", "Pseudonym.", required=True, refers_to="patient"),
        Column(*("code", "text", "Which parameter."), required=True, group="acquisition_parameter"),
        Column("value_number", "number", "The number, in `unit`."),
        Column("unit", "text", "Unit of the number, UCUM."),
        Column("value_text", "text", "The value where it is a word of DICOM, for example FLAT."),
    ),
)
SEGMENTATION = Table(
    "segmentation",
    "One row per segmentation (DICOM SEG instance) of a series.",
    (
        Column("instance_uid", "text", "SOPInstanceUID of the SEG; key.", required=True),
        Column("series_uid", "text", "Series of the SEG.", required=True, refers_to="series"),
        Column("subject", "text", "Pseudonym.", required=True, refers_to="patient"),
        Column("segmented_series_uid", "text", "The series that was segmented."),
        Column("n_segments", "integer", "Segments."),
        Column("n_annotators", "integer", "How many people drew or checked it."),
        Column("annotator_type", "text", "Who they are, for example radiologist."),
        Column("years_experience", "integer", "Their years of experience (the least)."),
    ),
)
SEGMENT = Table(
    "segment",
    "One row per segment of a segmentation.",
    (
        Column("segment_id", "text", "Key.", required=True),
        Column("instance_uid", "text", "The SEG.", required=True, refers_to="segmentation"),
        Column("subject", "text", "Pseudonym.", required=True, refers_to="patient"),
        Column("number", "integer", "SegmentNumber (0062,0004).", required=True),
        Column("label", "text", "SegmentLabel (0062,0005)."),
        Column("description", "text", "SegmentDescription (0062,0006)."),
        Column("algorithm_type", "text", "SegmentAlgorithmType (0062,0008)."),
        Column("algorithm_name", "text", "SegmentAlgorithmName (0062,0009)."),
        Column("category_code", "text", "SegmentedPropertyCategoryCodeSequence, SCHEME:CODE."),
        Column("type_code", "text", "SegmentedPropertyTypeCodeSequence, SCHEME:CODE."),
    ),
)
ENTITIES: Final = tuple(get_args(Entity))
"""The classes of the facts of a record, in the order of their tables."""
STORED_PATIENT: Final = replace(PATIENT, columns=(*PATIENT.columns, *PATIENT_SEARCH))
"""As a version holds it: what `Subject` says, and the columns for searching."""
STORED_CONDITION: Final = replace(CONDITION, columns=(*CONDITION.columns, *CONDITION_SEARCH))
CORE = (STORED_PATIENT, STORED_CONDITION, STUDY, SERIES, INSTANCE)
"""What every version has had from the first format on."""
IMAGING = (ACQUISITION_PARAMETER, SEGMENTATION, SEGMENT)
TABLES = (*CORE, *(table_of(cls) for cls in ENTITIES), *IMAGING)


@dataclass(frozen=True, slots=True)
class ClinicalRecord:
    """What the rows of a source about one subject became. A control has no condition."""

    subject: Subject
    conditions: tuple[CancerCondition, ...]
    facts: tuple[Entity, ...] = ()
    """Rows of the other clinical tables, in the order of `ENTITIES`."""
