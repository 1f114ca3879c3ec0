"""Tables of OMOP CDM 5.4 that are written, and where each entity of ours goes. Pure data.

An entity is one row of `condition_occurrence`, `measurement`, `observation`, `drug_exposure`,
`procedure_occurrence` or `episode`; what that row has no column for are rows that modify it, as the
oncology conventions have it (`measurement_event_id`). Source: OHDSI/CommonDataModel,
inst/ddl/5.4; OHDSI OncologyWG, model (modifiers, episodes); image tables: OHDSI Medical Imaging
working group, MI-CDM (dr-you-group/ImageWG, inst/ddl/5.4).
"""

from dataclasses import dataclass
from typing import Final

_COLUMNS: Final = {
    "person": "person_id gender_concept_id year_of_birth month_of_birth day_of_birth "
    "birth_datetime race_concept_id ethnicity_concept_id location_id provider_id care_site_id "
    "person_source_value gender_source_value gender_source_concept_id race_source_value "
    "race_source_concept_id ethnicity_source_value ethnicity_source_concept_id",
    "observation_period": "observation_period_id person_id observation_period_start_date "
    "observation_period_end_date period_type_concept_id",
    "death": "person_id death_date death_datetime death_type_concept_id cause_concept_id "
    "cause_source_value cause_source_concept_id",
    "condition_occurrence": "condition_occurrence_id person_id condition_concept_id "
    "condition_start_date condition_start_datetime condition_end_date condition_end_datetime "
    "condition_type_concept_id condition_status_concept_id stop_reason provider_id "
    "visit_occurrence_id visit_detail_id condition_source_value condition_source_concept_id "
    "condition_status_source_value",
    "procedure_occurrence": "procedure_occurrence_id person_id procedure_concept_id "
    "procedure_date procedure_datetime procedure_end_date procedure_end_datetime "
    "procedure_type_concept_id modifier_concept_id quantity provider_id visit_occurrence_id "
    "visit_detail_id procedure_source_value procedure_source_concept_id modifier_source_value",
    "drug_exposure": "drug_exposure_id person_id drug_concept_id drug_exposure_start_date "
    "drug_exposure_start_datetime drug_exposure_end_date drug_exposure_end_datetime "
    "verbatim_end_date drug_type_concept_id stop_reason refills quantity days_supply sig "
    "route_concept_id lot_number provider_id visit_occurrence_id visit_detail_id "
    "drug_source_value drug_source_concept_id route_source_value dose_unit_source_value",
    "measurement": "measurement_id person_id measurement_concept_id measurement_date "
    "measurement_datetime measurement_time measurement_type_concept_id operator_concept_id "
    "value_as_number value_as_concept_id unit_concept_id range_low range_high provider_id "
    "visit_occurrence_id visit_detail_id measurement_source_value measurement_source_concept_id "
    "unit_source_value unit_source_concept_id value_source_value measurement_event_id "
    "meas_event_field_concept_id",
    "observation": "observation_id person_id observation_concept_id observation_date "
    "observation_datetime observation_type_concept_id value_as_number value_as_string "
    "value_as_concept_id qualifier_concept_id unit_concept_id provider_id visit_occurrence_id "
    "visit_detail_id observation_source_value observation_source_concept_id unit_source_value "
    "qualifier_source_value value_source_value observation_event_id obs_event_field_concept_id",
    "episode": "episode_id person_id episode_concept_id episode_start_date "
    "episode_start_datetime episode_end_date episode_end_datetime episode_parent_id "
    "episode_number episode_object_concept_id episode_type_concept_id episode_source_value "
    "episode_source_concept_id",
    "episode_event": "episode_id event_id episode_event_field_concept_id",
    "image_occurrence": "image_occurrence_id person_id procedure_occurrence_id "
    "visit_occurrence_id anatomic_site_concept_id wadors_uri local_path image_occurrence_date "
    "image_study_uid image_series_uid modality_concept_id",
    "image_feature": "image_feature_id person_id image_occurrence_id "
    "image_feature_event_field_concept_id image_feature_event_id image_feature_concept_id "
    "image_feature_type_concept_id image_finding_concept_id image_finding_id "
    "anatomic_site_concept_id alg_system alg_datetime",
    "cdm_source": "cdm_source_name cdm_source_abbreviation cdm_holder source_description "
    "source_documentation_reference cdm_etl_reference source_release_date cdm_release_date "
    "cdm_version cdm_version_concept_id vocabulary_version",
    "concept": "concept_id concept_name domain_id vocabulary_id concept_class_id "
    "standard_concept concept_code valid_start_date valid_end_date invalid_reason",
    "vocabulary": "vocabulary_id vocabulary_name vocabulary_reference vocabulary_version "
    "vocabulary_concept_id",
    "domain": "domain_id domain_name domain_concept_id",
    "concept_class": "concept_class_id concept_class_name concept_class_concept_id",
}
OMOP_COLUMNS: Final = {table: tuple(text.split()) for table, text in _COLUMNS.items()}
"""OMOP table → its columns, in the order of the DDL, which is that of the CSV files."""
VOCABULARY_TABLES: Final = ("vocabulary", "domain", "concept_class", "concept")
"""Loaded first, and beside what a database with vocabularies already has."""
PERSON_TABLES: Final = tuple(
    name for name in OMOP_COLUMNS if name not in (*VOCABULARY_TABLES, "cdm_source")
)


@dataclass(frozen=True, slots=True)
class Main:
    """The row that an entity of ours is. Empty text: there is no such column."""

    table: str
    """OMOP table."""
    code: str = ""
    """Column of ours that says what it is."""
    number: str = ""
    word: str = ""
    quantity: str = ""


_MEASURED: Final = Main("measurement", "code", "value_number", "value_concept")
MAINS: Final = {
    "condition": Main("condition_occurrence", "cancer"),
    "cancer_stage": Main("measurement", word="stage_group"),
    "histologic_grade": Main("measurement", "system", "score", "grade"),
    "tumor": Main("measurement", number="maximum_diameter_mm"),
    "tumor_observation": _MEASURED,
    "risk_assessment": _MEASURED,
    "tumor_marker_test": _MEASURED,
    "lab_test_result": _MEASURED,
    "health_status_assessment": _MEASURED,
    "medical_history": Main("observation", "code"),
    "family_member_history": Main("observation", "relative", word="condition"),
    "treatment": Main("episode", "type"),
    "radiotherapy": Main("procedure_occurrence", "technique"),
    "surgical_procedure": Main("procedure_occurrence", "code"),
    "medication_administration": Main("drug_exposure", "medication", quantity="total_dose"),
    "adverse_event": Main("observation", "effect", number="grade"),
    "procedure": Main("procedure_occurrence", "code"),
    "episode": Main("episode", "type"),
}
PREFIX: Final = {
    "condition_occurrence": "condition",
    "measurement": "measurement",
    "observation": "observation",
    "procedure_occurrence": "procedure",
    "drug_exposure": "drug",
    "episode": "episode",
}
"""OMOP table → how its columns of concept and source begin."""
FIELDS: Final = {
    "condition_occurrence": 1147127,
    "procedure_occurrence": 1147082,
    "drug_exposure": 1147094,
}
"""OMOP table → concept of its key as a field. Source: OncologyWG, model; and open ETL programs.

For the others no source was found: concepts of our own, `field:<table>`, stand for them.
"""
STANDARD: Final = {
    "sex": {"male": 8507, "female": 8532},
    "episode_type": {
        "diagnosis": 32528,
        "relapse": 32529,
        "remission": 32530,
        "progression": 32677,
        "treatment": 32531,
    },
}
"""Group → name → standard concept. Sources: OHDSI ETL-Synthea (gender); OMOP Oncology Extension
documentation, EPISODE (disease first occurrence, recurrence, remission, progression, treatment
regimen)."""
STANDARD_NAMES: Final = {
    0: "No matching concept",
    8507: "MALE",
    8532: "FEMALE",
    32528: "Disease First Occurrence",
    32529: "Disease Recurrence",
    32530: "Disease Remission",
    32531: "Treatment Regimen",
    32677: "Disease Progression",
    32817: "EHR",
    756265: "OMOP CDM Version 5.4",
    1147082: "procedure_occurrence.procedure_occurrence_id",
    1147094: "drug_exposure.drug_exposure_id",
    1147127: "condition_occurrence.condition_occurrence_id",
    4171754: "<=",
    4171755: ">=",
    4171756: "<",
    4172704: ">",
}
"""Concepts of OMOP's own vocabularies that are used, with what they are."""
OPERATORS: Final = {"<": 4171756, "<=": 4171754, ">=": 4171755, ">": 4172704}
"""Source: OMOP CDM 5.4, MEASUREMENT, operator_concept_id."""
TREATMENT_REGIMEN: Final = 32531
EHR: Final = 32817
"""Type concept: the record comes from health records."""
CDM_5_4: Final = 756265
