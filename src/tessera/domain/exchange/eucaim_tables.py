"""The files of the EUCAIM folder and where each column comes from. Pure data.

Column names are exactly those of the model's published tables, spelling mistakes included.
Source: EUCAIM/etl-toolset, Database/3_init_eucaim_cdm_output.sql (tables); software-template-
repository, toolbox/cdm_federated_unbalance_checker/README.md (folders and mandatory views). For
`segmentation_series`, `segment` and the imaging view no columns are published; ours hold what
tier 1 asks of annotations and of each series.

Lines: `file < our table`, then columns: `name` stays empty; `name=column` is a column of ours;
`name=#` the row's number; `name=#column` the number of the row referred to; `name=^column` a
column of the treatment; `name=unit?column` the unit of a column that has a value.
"""

from dataclasses import dataclass
from functools import cache

_TEXT = """
patient < patient
 patient_id=subject dataset_id=@dataset patient_birth_date patient_birth_sex=sex
 patient_gender=gender patient_race patient_ethnicity=ethnicity patient_managing_organization
 patient_diagnostic_category=population patient_deceased=deceased
 patient_date_of_last_contact=last_contact_date patient_cause_of_death=cause_of_death
health_status_assessment < health_status_assessment
 patient_id=subject assessment_code=code assesment_value_as_number=value_number
 assesment_value_as_concept=value_concept assesment_value_unit=unit assesment_interpretation
tumor_marker_test < tumor_marker_test
 patient_id=subject tumor_marker_test_category tumor_marker_test_code=code
 tumor_marker_test_as_number=value_number tumor_marker_test_as_concept=%result
 tumor_marker_test_as_unit=unit tumor_marker_date=marker_date
 tumor_marker_offset_from_diagnosis=marker_offset_days
 tumor_marker_offset_unit=d?marker_offset_days
lab_test_result < lab_test_result
 patient_id=subject lab_test_code=code lab_test_value_as_concept=%result
 lab_test_value_as_number=value_number lab_test_value_unit=unit lab_test_date=lab_date
 lab_test_offset_from_diagnosis=lab_offset_days lab_test_offset_unit=d?lab_offset_days
family_member_history < family_member_history
 patient_id=subject family_member_relationship=relative family_member_condition_code=condition
 family_member_condition_present=present family_member_onset_age=onset_age
 family_member_onset_age_unit=a?onset_age
medical_history < medical_history
 patient_id=subject medical_history_code=code medical_history_category
 medical_history_onset_age=onset_age medical_history_onset_age_unit=a?onset_age
 medical_history_value_as_concept=~present medical_history_value_as_number
 medical_history_value_unit
treatment < treatment
 treatment_id=# patient_id=subject treatment_type=type treatment_response=response
 treatment_intent=intent TreatmentIdentifier Episode=%episode
radiotherapy < radiotherapy
 treatment_id=#treatment_id patient_id=subject radiotherapy_modality
 radiotherapy_technique=technique radiotherapy_start_date=^start_date
 radiotherapy_end_date=^end_date radiotherapy_offset_from_diagnosis=^start_offset_days
 radiotherapy_offset_unit=d?^start_offset_days radiotherapy_number_of_sessions
 radiotherapy_total_dose=total_dose_gy radiotherapy_dose_to_volume
 radiotherapy_fractions_delivered=fractions radiotherapy_dose_unit=Gy?total_dose_gy Episode=%episode
surgical_procedure < surgical_procedure
 treatment_id=#treatment_id patient_id=subject surgical_procedure_code=code
 surgical_procedure_body_site_code=body_site surgical_procedure_body_site_location
 surgical_procedure_body_site_laterality=laterality
 surgical_procedure_offset_from_diagnosis=^start_offset_days
 surgical_procedure_offset_from_diagnosis_unit=d?^start_offset_days
 surgical_procedure_date=^start_date Episode=%episode
medication_administration < medication_administration
 treatment_id=#treatment_id patient_id=subject medication_code=medication medication_id
 medication_start_date=^start_date medication_end_date=^end_date
 medication_offset_from_diagnosis=^start_offset_days
 medication_offset_unit=d?^start_offset_days medication_number_of_sessions=cycles
 medication_total_dose=total_dose medication_dose_unit=unit medication_effective_period
 medication_effective_period_unit Episode=%episode
adverse_event < adverse_event
 treatment_id=#treatment_id patient_id=subject adverse_event_resulting_effect=effect
 adverse_event_date=event_date
cancer_condition < condition
 cancer_condition_id=# patient_id=subject Identifier
 cancer_condition_age_at_diagnosis=age_at_diagnosis
 cancer_condition_age_unit=a?age_at_diagnosis cancer_condition_asserted_date=diagnosis_date
 cancer_condition_offset_from_primary=diagnosis_offset_days
 cancer_condition_offset_unit=d?diagnosis_offset_days cancer_condition_code=cancer
 cancer_condition_type=condition_type cancer_condition_histology_morphology=morphology
 cancer_condition_topography=topography Episode=%episode
histologic_grade < histologic_grade
 cancer_condition_id=#condition_id patient_id=subject histologic_grade_scoring_system=system
 histologic_grade_code histologic_grade_value_as_concept=%grade
cancer_stage < cancer_stage
 cancer_condition_id=#condition_id patient_id=subject cancer_stage_code=%category
 cancer_stage_scoring_system=system cancer_stage_as_concept=%value
procedure < procedure
 procedure_id=# cancer_condition_id=#condition_id patient_id=subject ProcedureIdentifier
 procedure_code=code procedure_category procedure_evaluation_finding=finding
 procedure_offset_from_diagnosis=procedure_offset_days
 procedure_offset_unit=d?procedure_offset_days procedure_date=procedure_date
 ImagingTimepoint=%timepoint Episode=%episode
tumor < tumor
 tumor_id=# cancer_condition_id=#condition_id patient_id=subject Identifier
 tumor_is_index=is_index tumor_histology_morphology=morphology tumor_volume=volume_mm3
 tumor_volume_unit=mm3?volume_mm3 tumor_size_method=size_method
 tumor_size_maximum_dimension=maximum_diameter_mm tumor_size_other_dimension=other_diameter_mm
 tumor_size_dimension_unit=mm?%diameter tumor_body_site=body_site tumor_body_site_location
 tumor_body_site_laterality=laterality
risk_assessment < risk_assessment
 tumor_id=#tumor_id patient_id=subject risk_assessment_code=code
 risk_assessment_value_unit=unit risk_assessment_value_as_concept=value_concept
 risk_assessment_value_as_number=value_number
tumor_observation < tumor_observation
 tumor_id=#tumor_id patient_id=subject tumor_observation_code=code
 tumor_observation_value_unit=unit tumor_observation_value_as_concept=value_concept
 tumor_observation_value_as_number=value_number
episode < episode
 episode_id=# patient_id=subject episode_type_code=type episode_number=number
 episode_start_date=start_date episode_end_date=end_date
 episode_offset_from_diagnosis=start_offset_days episode_offset_unit=d?start_offset_days
 episode_parent_id=#parent_id
episode_event < episode_event
 episode_id=#episode_id event_table_id=%event event_table_name=%file
image_study < study
 study_id=# procedure_id=%procedure patient_id=subject study_uid=study_uid
 ImagingTimepoint=timepoint study_offset_from_diagnosis=study_offset_days
 study_offset_unit=d?study_offset_days
image_series < series
 series_id=# study_id=#study_uid series_uid=series_uid study_uid=study_uid
 series_number=series_number series_description series_manufacturer=%manufacturer
 series_body_side_code=%body_part series_body_side_location
 series_body_side_laterality=%laterality series_acquisition_date=%study_date
 series_modality=%modality
image_modality < acquisition_parameter
 series_id=#series_uid series_uid=series_uid acquisition_parameter_code=code
 acquisition_parameter_value_as_code=value_text acquisition_parameter_value_as_number=value_number
 acquisition_parameter_value_unit=unit
segmentation_series < segmentation
 patient_id=subject series_uid=series_uid instance_uid=instance_uid
 segmented_series_uid=segmented_series_uid number_of_segments=n_segments
 number_of_annotators=n_annotators annotator_type=annotator_type
 annotator_years_of_experience=years_experience
segment < segment
 instance_uid=instance_uid patient_id=subject segment_number=number segment_label=label
 segment_description=description segment_algorithm_type=algorithm_type
 segment_algorithm_name=algorithm_name segment_category_code=category_code
 segment_type_code=type_code
clinical_mandatory_view < -
 patient_id dataset_id patient_birth_sex patient_ethnicity patient_diagnostic_category
 cancer_condition_code cancer_condition_type cancer_condition_topography
 cancer_condition_histology_morphology cancer_condition_age_at_diagnosis
 cancer_condition_age_unit first_treatment_type evidence_procedure_code
imaging_mandatory_view < -
 patient_id dataset_id study_uid series_uid series_modality series_body_side_code
 series_manufacturer series_acquisition_date patient_age_at_imaging
dataset < -
 dataset_id dataset_title dataset_description
"""
MANDATORY = (
    *("patient", "cancer_condition", "procedure", "episode", "episode_event"),
    *("image_study", "image_series"),
)
"""Files of `clinical_data` that are written also when they have no row."""
VIEWS = ("clinical_mandatory_view", "imaging_mandatory_view")
"""Files that lie beside `clinical_data`."""


@dataclass(frozen=True, slots=True)
class EucaimFile:
    """One CSV file: its columns with the source of each."""

    name: str
    table: str
    """Our table; "-" for a view."""
    columns: tuple[tuple[str, str], ...]
    """(name, source), as the module's text says."""

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.columns)


@cache
def eucaim_files() -> dict[str, EucaimFile]:
    """Return every file by name, in the order in which they are written."""
    found: dict[str, EucaimFile] = {}
    for line in _TEXT.strip().splitlines():
        if not line.startswith(" "):
            name, _, table = line.partition(" < ")
            found[name] = EucaimFile(name, table, ())
        else:
            pairs = (word.partition("=") for word in line.split())
            last = found[name]
            more = tuple((column, source) for column, _, source in pairs)
            found[name] = EucaimFile(last.name, last.table, last.columns + more)
    return found
