"""Single subjects and studies in the form of EUCAIM's Beacon model. Pure.

Source: EGA-archive/EUCAIM-Schema (`PatientsMetadata.json`, `ImageStudiesMetadata.json` and what
they name). An attribute that the data does not have is left out, also where the model asks for
it: nothing is made up. Years and dates of diagnosis and treatment are left out, for dates are
shifted in the data; the date of a study is the shifted one, as its images say.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from typing import Final

from tessera.domain.terms.terminology import named

Row = Mapping[str, object]
Json = dict[str, object]
TABLES: Final = ("patient", "condition", "study", "series")
_SYSTEMS: Final = {"EUCAIM": "EUCAIM", "SCT": "SNOMED", "DCM": "DCM"}
"""System of a code → its prefix in a CURIE, the one that the model asks for first."""
_ATTRIBUTES: Final = (
    ("imageModality", "modalities", "modality"),
    ("imageBodyPart", "bodyParts", "body_part"),
    ("imageManufacturer", "manufacturers", "manufacturer"),
)
"""Attribute of the model, ours for several of them, and the column; its group is named alike."""
_HER2: Final = {"0": "COM1002257", "1+": "COM1001877", "2+": "COM1001879", "3+": "COM1001882"}
_CLINICAL_M: Final = {
    "M0": "COM1001860",
    "M1": "COM1000246",
    "M1a": "COM1000258",
    "M1b": "COM1000271",
    "M1c": "COM1001876",
}
_PATHOLOGICAL_M: Final = {
    "M0": "COM1001845",
    "M1": "COM1000531",
    "M1a": "COM1000558",
    "M1b": "COM1000586",
    "M1c": "COM1000615",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRows:
    """What a dataset version holds of one subject: rows of the tables of the same name."""

    patient: Row
    conditions: Sequence[Row]
    studies: Sequence[Row]
    series: Sequence[Row]


def individual(rows: SubjectRows) -> Json:
    """Return the subject with diseases and imaging studies (`PatientsMetadata`)."""
    return {
        "patientId": rows.patient["subject"],
        "sex": _term("sex", rows.patient.get("sex") or "unknown"),
        "disease": [_disease(rows, one) for one in _in_order(rows.conditions)],
        "imageStudy": imaging_studies(rows, {str(one["study_uid"]) for one in rows.studies}),
    }


def imaging_studies(rows: SubjectRows, wanted: AbstractSet[str]) -> list[Json]:
    """Return those of the subject's studies that are `wanted` (`ImageStudiesMetadata`).

    The model has one modality, body part and device for each study: those of most of its
    instances. All of them stand in `modalities`, `bodyParts` and `manufacturers`.
    """
    first = next(iter(_in_order(rows.conditions)), None)
    found = []
    for study in sorted(rows.studies, key=lambda one: str(one["study_uid"])):
        uid = str(study["study_uid"])
        if uid not in wanted:
            continue
        series = [one for one in rows.series if one["study_uid"] == uid]
        told: Json = {"imageStudyId": uid, "patientId": rows.patient["subject"]}
        if first is not None:
            told["disease"] = _disease(rows, first)
        for attribute, several, column in _ATTRIBUTES:
            values = _by_instances(series, column)
            if values:
                told[attribute] = _term(column, values[0])
                told[several] = [_term(column, value) for value in sorted(values)]
        if isinstance(day := study.get("study_date"), date):
            told["dateOfImageAcquisition"] = f"{day.isoformat()}T00:00:00Z"
        found.append(told)
    return found


def _disease(rows: SubjectRows, row: Row) -> Json:
    eucaim = row.get("code_eucaim")
    diagnosis = _term("cancer", row["cancer"])
    if eucaim:
        diagnosis["id"] = f"EUCAIM:{eucaim}"
    told: Json = {"diseaseId": row["condition_id"], "diagnosis": diagnosis}
    if row.get("age_at_diagnosis") is not None:
        told["ageAtDiagnosis"] = row["age_at_diagnosis"]
    if row.get("evidence"):
        told["pathologyConfirmation"] = _term("evidence", row["evidence"])
    if row.get("morphology"):
        told["pathology"] = [{"id": f"ICDO3:{row['morphology']}"}]
    if row.get("first_treatment"):
        told["treatment"] = [_term("treatment_type", row["first_treatment"])]
    tumour = _tumour(rows, row)
    if tumour:
        told["tumorMetadata"] = {"tumorId": f"{row['condition_id']}-T1", **tumour}
    return told


def _tumour(rows: SubjectRows, row: Row) -> Json:
    told: Json = {
        name: row[column]
        for name, column in (("PSA", "psa_ng_ml"), ("KI67", "ki67_percent"))
        if row.get(column) is not None
    }
    for name, column in (("ER", "er"), ("PR", "pr")):
        if row.get(column):
            told[name] = _term("receptor", row[column])
    for name, column, prefix in (
        ("histologicGraceGleasonScore", "gleason", "gleason"),
        ("histologicGradeISUP", "isup_grade", "isup"),
    ):
        if row.get(column) is not None:
            told[name] = _term("grade", f"{prefix}_{row[column]}")
    for name, column, codes in (
        ("HER2", "her2_ihc", _HER2),
        ("cancerStageCMCategory", "clinical_m", _CLINICAL_M),
        ("cancerStagePMCategory", "pathological_m", _PATHOLOGICAL_M),
    ):
        value = str(row.get(column))
        if value in codes:
            told[name] = {"id": f"EUCAIM:{codes[value]}", "label": value}
    if len(rows.conditions) == 1:
        # A reading is of a subject here, and of a tumour in the model.
        for name, column, prefix in (
            ("tumorBIRADSAssesment", "bi_rads", "birads"),
            ("tumorPIRADSAssesment", "pi_rads", "pirads"),
        ):
            readings = rows.patient.get(column)
            if isinstance(readings, list) and len(set(readings)) == 1:
                told[name] = _term("imaging_score", f"{prefix}_{str(readings[0]).lower()}")
    return told


def _in_order(conditions: Iterable[Row]) -> list[Row]:
    """The first cancer first: studies are said to be of it, as days to diagnosis are."""

    def when(row: Row) -> tuple[bool, int, str]:
        days = row.get("diagnosis_offset_days")
        known = isinstance(days, int)
        return not known, days if isinstance(days, int) else 0, str(row["condition_id"])

    return sorted(conditions, key=when)


def _by_instances(series: Sequence[Row], column: str) -> list[str]:
    """Return the values of a column, that of most instances first."""
    counted: Counter[str] = Counter()
    for row in series:
        n = row.get("n_instances")
        if row.get(column):
            counted[str(row[column])] += n if isinstance(n, int) else 1
    return sorted(counted, key=lambda value: (-counted[value], value))


def _term(group: str, value: object) -> dict[str, object]:
    """Return an ontology term: by EUCAIM's code where it has one, else another, else the text."""
    concept = named(group, str(value))
    if concept is None:
        return {"id": f"tessera:{group}", "label": str(value)}
    for system, prefix in _SYSTEMS.items():
        if system in concept.codes:
            return {"id": f"{prefix}:{concept.codes[system]}", "label": concept.label_en}
    return {"id": f"tessera:{group}.{concept.name}", "label": concept.label_en}
