"""The common data model of a dataset version: its tables and their columns. Pure.

One definition serves the Parquet writer, the cohort engine, the data dictionary
and the tests. Units are in the column name. A column that a site cannot fill is
null in every row; the cohort engine then answers "not supported", not "none".
"""

from dataclasses import dataclass
from datetime import date

from tessera.domain.ids import Pseudonym


@dataclass(frozen=True, slots=True)
class Column:
    """`kind` is one of text, integer, number, boolean, date, texts (a list of text)."""

    name: str
    kind: str
    meaning: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    meaning: str
    columns: tuple[Column, ...]


PATIENT = Table(
    "patient",
    "One row per subject of the dataset.",
    (
        Column("subject", "text", "Pseudonym of the subject; key.", required=True),
        Column("sex", "text", "Birth sex: female, male, other or unknown."),
        Column("population", "text", "cancer, control, benign or screening."),
        Column("deceased", "boolean", "Dead at last contact."),
        Column("survival_days", "integer", "Days from diagnosis to death or last contact."),
    ),
)
CONDITION = Table(
    "condition",
    "One row per cancer of a subject (mCODE primary or secondary cancer condition).",
    (
        Column("condition_id", "text", "Key within the version.", required=True),
        Column("subject", "text", "Pseudonym.", required=True),
        Column("cancer", "text", "Concept of the cancer, for example prostate.", required=True),
        Column("code_sct", "text", "SNOMED CT code of the cancer type."),
        Column("code_eucaim", "text", "EUCAIM hyper-ontology code of the cancer type."),
        Column("topography", "text", "ICD-O-3 topography, for example C61.9."),
        Column("morphology", "text", "ICD-O-3 morphology, for example 8140/3."),
        Column("age_at_diagnosis", "number", "Years, one decimal."),
        Column("diagnosis_date", "date", "Shifted date of diagnosis."),
        Column("stage", "text", "Stage group: 0, I, II, III or IV."),
        Column("gleason", "integer", "Gleason total score, 2 to 10."),
        Column("psa_ng_ml", "number", "PSA at diagnosis, ng/mL."),
        Column("er", "text", "Oestrogen receptor: positive or negative."),
        Column("pr", "text", "Progesterone receptor: positive or negative."),
        Column("her2", "text", "HER2: positive or negative."),
        Column("first_treatment", "text", "surgery, radiotherapy, chemotherapy, hormone, …"),
        Column("treatment_offset_days", "integer", "Days from diagnosis to first treatment."),
    ),
)
STUDY = Table(
    "study",
    "One row per imaging study.",
    (
        Column("study_uid", "text", "Replaced StudyInstanceUID; key.", required=True),
        Column("subject", "text", "Pseudonym.", required=True),
        Column("study_date", "date", "Shifted StudyDate."),
        Column("modalities", "texts", "Modalities in the study, sorted."),
        Column("diagnosis_offset_days", "integer", "Days from diagnosis to the study."),
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
TABLES = (PATIENT, CONDITION, STUDY, SERIES, INSTANCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One row of `patient`, without image-derived values."""

    subject: Pseudonym
    sex: str | None = None
    population: str | None = None
    deceased: bool | None = None
    survival_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancerCondition:
    """One row of `condition`. None where the source has no value."""

    condition_id: str
    subject: Pseudonym
    cancer: str
    code_sct: str | None = None
    code_eucaim: str | None = None
    topography: str | None = None
    morphology: str | None = None
    age_at_diagnosis: float | None = None
    diagnosis_date: date | None = None
    stage: str | None = None
    gleason: int | None = None
    psa_ng_ml: float | None = None
    er: str | None = None
    pr: str | None = None
    her2: str | None = None
    first_treatment: str | None = None
    treatment_offset_days: int | None = None


@dataclass(frozen=True, slots=True)
class ClinicalRecord:
    """What one row of a source table became: a subject and its cancers (none for a control)."""

    subject: Subject
    conditions: tuple[CancerCondition, ...]
