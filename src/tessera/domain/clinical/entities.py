"""What happened to a subject, as entities of the common data model. Pure.

The names follow mCODE and the model of Cancer Image Europe; what that model cannot say is mended:
a row's key is its own, so a person may be in several datasets and an episode may hold many events;
a procedure or an episode needs no cancer, so controls have theirs; measured values are real
numbers with a UCUM unit; a stage names its edition. Beside each date stand the days from the
subject's baseline (`patient.baseline_date`), which are true where dates are shifted.

Source: HL7 mCODE STU 4 (profiles), and for stages AJCC, UICC TNM.
"""

from datetime import date

from tessera.domain.clinical.entity import coded, entity, key, refers, said, stated
from tessera.domain.ids import Pseudonym

_SUBJECT = "Pseudonym of the subject."
_CANCER = "The cancer it is about; null when it is about none."
_WHEN = "Shifted date."
_DAYS = "Days from the subject's baseline."
_NUMBER = "The measured number, in `unit`."
_UNIT = "Unit of the number, UCUM; `1` for a pure number."
_WORD = "The result where it is a word."
_COMPARED = "`<`, `<=`, `>=` or `>` when the laboratory gave only a limit; else null."


@entity("cancer_stage", "One row per staging of a cancer (mCODE stage group and TNM categories).")
class CancerStage:
    stage_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    condition_id: str | None = said(_CANCER, to="condition")
    system: str | None = said("Staging system.", group="stage_system")
    edition: int | None = said("Edition of TNM, for example 8.")
    basis: str | None = said("Clinical, pathological, …", group="tnm_basis")
    t: str | None = said("T category, for example T2a.", group="tnm_t")
    n: str | None = said("N category.", group="tnm_n")
    m: str | None = said("M category.", group="tnm_m")
    stage_group: str | None = said(
        "Stage group with its subgroup, for example IIIA.", group="stage"
    )
    stage_date: date | None = said(_WHEN)
    stage_offset_days: int | None = said(_DAYS, unit="d")


@entity("histologic_grade", "One row per histological grading of a cancer.")
class HistologicGrade:
    grade_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    condition_id: str | None = said(_CANCER, to="condition")
    system: str | None = said("Gleason, ISUP, Nottingham, …", group="grade_system")
    grade: str | None = said("The grade.", group="grade")
    score: int | None = said("Total score where the system has one, for example Gleason 7.")
    primary_pattern: int | None = said("Gleason: the most common pattern, 1 to 5.")
    secondary_pattern: int | None = said("Gleason: the second pattern, 1 to 5.")
    grade_date: date | None = said(_WHEN)
    grade_offset_days: int | None = said(_DAYS, unit="d")


@entity("tumor", "One row per tumour (lesion) of a subject.")
class Tumor:
    tumor_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    condition_id: str | None = said(_CANCER, to="condition")
    is_index: bool | None = said("Whether it is the index lesion.")
    body_site: str | None = said("Organ.", group="body_part")
    laterality: str | None = said("Side.", group="laterality")
    morphology: str | None = said("ICD-O-3 morphology, for example 8140/3.")
    maximum_diameter_mm: float | None = said("Largest diameter.", unit="mm")
    other_diameter_mm: float | None = said("Diameter across it.", unit="mm")
    size_method: str | None = said("How the size was measured.", group="evidence")
    volume_mm3: float | None = said("Volume.", unit="mm3")
    tumor_date: date | None = said(_WHEN)
    tumor_offset_days: int | None = said(_DAYS, unit="d")


@entity("tumor_observation", "One row per thing observed of a tumour or its nodes.")
class TumorObservation:
    observation_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    condition_id: str | None = said(_CANCER, to="condition")
    tumor_id: str | None = said("The tumour, when it is about one.", to="tumor")
    code: str = coded("tumour_observation", "What was observed.")
    value_number: float | None = said(_NUMBER)
    unit: str | None = said(_UNIT)
    value_concept: str | None = said(_WORD)
    observation_date: date | None = said(_WHEN)
    observation_offset_days: int | None = said(_DAYS, unit="d")


@entity("risk_assessment", "One row per risk score or reading score (BI-RADS, PI-RADS, CAPRA, …).")
class RiskAssessment:
    assessment_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    condition_id: str | None = said(_CANCER, to="condition")
    tumor_id: str | None = said("The lesion, when it is about one.", to="tumor")
    code: str = coded("risk_score", "Which score.")
    value_number: float | None = said(_NUMBER)
    unit: str | None = said(_UNIT)
    value_concept: str | None = said("The category, for example 4C.")
    assessment_date: date | None = said(_WHEN)
    assessment_offset_days: int | None = said(_DAYS, unit="d")


@entity("tumor_marker_test", "One row per test of a tumour marker or receptor.")
class TumorMarkerTest:
    marker_test_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    condition_id: str | None = said(_CANCER, to="condition")
    code: str = coded("marker", "Which marker.")
    comparator: str | None = said(_COMPARED)
    value_number: float | None = said(_NUMBER)
    unit: str | None = said(_UNIT)
    value_concept: str | None = said(_WORD, group="receptor")
    marker_date: date | None = said(_WHEN)
    marker_offset_days: int | None = said(_DAYS, unit="d")


@entity("lab_test_result", "One row per laboratory result.")
class LabTestResult:
    lab_test_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    code: str = coded("lab_test", "Which analysis.")
    comparator: str | None = said(_COMPARED)
    value_number: float | None = said(_NUMBER)
    unit: str | None = said(_UNIT)
    value_concept: str | None = said(_WORD)
    lab_date: date | None = said(_WHEN)
    lab_offset_days: int | None = said(_DAYS, unit="d")


@entity("health_status_assessment", "One row per assessment: performance, height, weight, smoking.")
class HealthStatusAssessment:
    assessment_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    code: str = coded("health_status", "What was assessed.")
    value_number: float | None = said(_NUMBER)
    unit: str | None = said(_UNIT)
    value_concept: str | None = said("The result where it is a word, for example former.")
    assessment_date: date | None = said(_WHEN)
    assessment_offset_days: int | None = said(_DAYS, unit="d")


@entity(
    "medical_history", "One row per condition that the subject has or has had besides the cancer."
)
class MedicalHistory:
    history_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    code: str = coded("medical_history", "Which condition.")
    present: bool | None = said("False: asked for and not there.")
    onset_age: float | None = said("Age at onset.", unit="a")


@entity("family_member_history", "One row per condition of a relative.")
class FamilyMemberHistory:
    family_history_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    relative: str | None = said("Which relative.", group="relative")
    condition: str | None = said("Which cancer.", group="cancer")
    present: bool | None = said("False: asked for and not there.")
    onset_age: float | None = said("The relative's age at onset.", unit="a")


@entity("treatment", "One row per course of treatment.")
class Treatment:
    treatment_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    condition_id: str | None = said(_CANCER, to="condition")
    type: str = coded("treatment_type", "Kind of treatment.")
    intent: str | None = said("Curative, palliative, neoadjuvant, …", group="treatment_intent")
    response: str | None = said("Best response.", group="response")
    sequence: int | None = said("1 for the first treatment of the cancer.")
    given: bool | None = said("False: known not to have been given.")
    start_date: date | None = said(_WHEN)
    start_offset_days: int | None = said(_DAYS, unit="d")
    end_date: date | None = said(_WHEN)
    end_offset_days: int | None = said(_DAYS, unit="d")


@entity("radiotherapy", "What a course of radiotherapy was: one row per treatment of that type.")
class Radiotherapy:
    radiotherapy_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    treatment_id: str = refers("treatment", "The treatment.")
    technique: str | None = said("Technique.", group="radiotherapy_technique")
    body_site: str | None = said("Organ treated.", group="body_part")
    fractions: int | None = said("Fractions delivered.")
    total_dose_gy: float | None = said("Dose delivered.", unit="Gy")


@entity("surgical_procedure", "What an operation was: one row per treatment of that type.")
class SurgicalProcedure:
    surgery_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    treatment_id: str = refers("treatment", "The treatment.")
    code: str | None = said("Which operation.", group="surgery")
    body_site: str | None = said("Organ.", group="body_part")
    laterality: str | None = said("Side.", group="laterality")


@entity("medication_administration", "What was given: one row per substance of a treatment.")
class MedicationAdministration:
    administration_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    treatment_id: str = refers("treatment", "The treatment.")
    medication: str | None = said("Substance.", group="medication")
    cycles: int | None = said("Cycles given.")
    total_dose: float | None = said("Dose in all, in `unit`.")
    unit: str | None = said(_UNIT)


@entity("adverse_event", "One row per adverse event of a treatment.")
class AdverseEvent:
    adverse_event_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    treatment_id: str | None = said("The treatment.", to="treatment")
    effect: str | None = said("What it did to the treatment or the subject.", group="adverse_event")
    grade: int | None = said("Grade by CTCAE, 1 to 5.")
    event_date: date | None = said(_WHEN)
    event_offset_days: int | None = said(_DAYS, unit="d")


@entity("procedure", "One row per diagnostic procedure. Controls have theirs: no cancer is needed.")
class Procedure:
    procedure_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    condition_id: str | None = said(_CANCER, to="condition")
    study_uid: str | None = said("The imaging study it made.", to="study")
    code: str = coded("procedure", "Which procedure.")
    finding: str | None = said("What it found.", group="receptor")
    body_site: str | None = said("Organ.", group="body_part")
    laterality: str | None = said("Side.", group="laterality")
    procedure_date: date | None = said(_WHEN)
    procedure_offset_days: int | None = said(_DAYS, unit="d")


@entity("episode", "One row per stretch of a subject's course: diagnosis, treatment, relapse, …")
class Episode:
    episode_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    condition_id: str | None = said(_CANCER, to="condition")
    parent_id: str | None = said("The episode it is part of.", to="episode")
    type: str = coded("episode_type", "What kind of stretch.")
    number: int | None = said("1 for the first of its type.")
    start_date: date | None = said(_WHEN)
    start_offset_days: int | None = said(_DAYS, unit="d")
    end_date: date | None = said(_WHEN)
    end_offset_days: int | None = said(_DAYS, unit="d")


@entity("episode_event", "One row per event of an episode: an episode holds as many as it has.")
class EpisodeEvent:
    event_id: str = key("Key.")
    subject: Pseudonym = refers("patient", _SUBJECT)
    episode_id: str = refers("episode", "The episode.")
    table: str = stated("Table that the event is a row of.")
    row_key: str = stated("Key of that row.")


Entity = (
    CancerStage
    | HistologicGrade
    | Tumor
    | TumorObservation
    | RiskAssessment
    | TumorMarkerTest
    | LabTestResult
    | HealthStatusAssessment
    | MedicalHistory
    | FamilyMemberHistory
    | Treatment
    | Radiotherapy
    | SurgicalProcedure
    | MedicationAdministration
    | AdverseEvent
    | Procedure
    | Episode
    | EpisodeEvent
)
"""A fact of a clinical record besides the subject and its cancers."""
