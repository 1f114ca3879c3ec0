"""Parts of FHIR R4 resources: concepts, quantities, extensions, and what is which. Pure.

Every resource carries a tag that says which table of ours it is a row of, so that what went out
comes back as it was. What R4 has no element for is an extension `urn:tessera:cdm:<table>.<column>`.

Source: HL7 FHIR R4 (4.0.1); mCODE STU 4 (profiles, LOINC codes of TNM).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from tessera.domain.exchange.codes import concept_of
from tessera.domain.exchange.rows import columns_of

Json = dict[str, Any]
CDM: Final = "urn:tessera:cdm"
TERMS: Final = "urn:tessera:terms:"
SUBJECT: Final = "urn:tessera:subject"
UCUM: Final = "http://unitsofmeasure.org"
ICD10: Final = "http://hl7.org/fhir/sid/icd-10"
ICDO3: Final = "http://terminology.hl7.org/CodeSystem/icd-o-3"
MCODE: Final = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-"
ASSERTED: Final = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
LATERALITY: Final = f"{MCODE}laterality-qualifier"
MORPHOLOGY: Final = f"{MCODE}histology-morphology-behavior"
ABSENT: Final[Json] = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}
"""Stands where R4 requires an element and nothing is known."""
SYSTEMS: Final = {
    "SCT": "http://snomed.info/sct",
    "LN": "http://loinc.org",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "RADLEX": "http://radlex.org",
    "ATC": "http://www.whocc.no/atc",
    "EUCAIM": "https://cancerimage.eu/ontology/EUCAIM#",
}
"""Code systems that a concept is also written in."""
RESOURCES: Final = {
    "patient": "Patient",
    "condition": "Condition",
    "cancer_stage": "Observation",
    "histologic_grade": "Observation",
    "tumor": "BodyStructure",
    "tumor_observation": "Observation",
    "risk_assessment": "Observation",
    "tumor_marker_test": "Observation",
    "lab_test_result": "Observation",
    "health_status_assessment": "Observation",
    "medical_history": "Condition",
    "family_member_history": "FamilyMemberHistory",
    "treatment": "Procedure",
    "radiotherapy": "Procedure",
    "surgical_procedure": "Procedure",
    "medication_administration": "MedicationAdministration",
    "adverse_event": "AdverseEvent",
    "procedure": "Procedure",
    "episode": "EpisodeOfCare",
    "study": "ImagingStudy",
}
"""Our table → resource. `episode_event` is an extension of its episode."""
RESOURCE_TYPES: Final = tuple(dict.fromkeys(RESOURCES.values()))
TNM: Final = {
    ("t", "clinical"): "21905-5",
    ("n", "clinical"): "21906-3",
    ("m", "clinical"): "21907-1",
    ("stage_group", "clinical"): "21908-9",
    ("t", "pathological"): "21899-0",
    ("n", "pathological"): "21900-6",
    ("m", "pathological"): "21901-4",
    ("stage_group", "pathological"): "21902-2",
}
"""(category, basis) → LOINC."""
TNM_PROFILES: Final = {
    "t": "tnm-primary-tumor-category",
    "n": "tnm-regional-nodes-category",
    "m": "tnm-distant-metastases-category",
    "stage_group": "tnm-stage-group",
}
CODE: Final = {
    "condition": "cancer",
    "histologic_grade": "system",
    "tumor_observation": "code",
    "risk_assessment": "code",
    "tumor_marker_test": "code",
    "lab_test_result": "code",
    "health_status_assessment": "code",
    "medical_history": "code",
    "treatment": "type",
    "radiotherapy": "technique",
    "surgical_procedure": "code",
    "procedure": "code",
}
"""Our table → the column that the resource's `code` is."""


def concept(group: str, name: str) -> Json:
    """Return a CodeableConcept: the codes of other systems, then the name of ours."""
    found = concept_of(group, name)
    codings = [
        {"system": uri, "code": found.codes[system], "display": found.label_en}
        for system, uri in SYSTEMS.items()
        if found and system in found.codes
    ]
    own = {"system": TERMS + group, "code": name}
    if found:
        own["display"] = found.label_en
    return {"coding": [*codings, own]}


def name_in(value: Any, group: str) -> str | None:
    """Return the name that a CodeableConcept of ours says; None when it says none."""
    for coding in (value or {}).get("coding", ()):
        if coding.get("system") == TERMS + group:
            return str(coding["code"])
    return None


def code_in(value: Any, system: str) -> str | None:
    """Return the code of one system in a CodeableConcept."""
    codings = (value or {}).get("coding", ())
    return next((str(one["code"]) for one in codings if one.get("system") == system), None)


def plain(system: str, code: str) -> Json:
    """Return a CodeableConcept of one code."""
    return {"coding": [{"system": system, "code": code}]}


def quantity(value: float, unit: str | None, comparator: str | None = None) -> Json:
    """Return a Quantity in UCUM."""
    made: Json = {"value": value}
    if comparator:
        made["comparator"] = comparator
    if unit:
        made |= {"unit": unit, "system": UCUM, "code": unit}
    return made


def extension(table: str, column: str, value: Any, references: Mapping[str, str]) -> Json:
    """Return a column as an extension. `references`: key of the row referred to → reference."""
    known = columns_of(table)[column]
    url = f"{CDM}:{table}.{column}"
    if known.group:
        return {"url": url, "valueCodeableConcept": concept(known.group, str(value))}
    if known.refers_to and known.refers_to not in ("patient", "study"):
        return {"url": url, "valueReference": {"reference": references[str(value)]}}
    if isinstance(value, bool):
        return {"url": url, "valueBoolean": value}
    if isinstance(value, int):
        return {"url": url, "valueInteger": value}
    if isinstance(value, float):
        return {"url": url, "valueDecimal": value}
    if isinstance(value, date):
        return {"url": url, "valueDate": value.isoformat()}
    return {"url": url, "valueString": str(value)}


def extended(resource: Json, table: str) -> dict[str, Any]:
    """Return the columns that stand in the extensions of a resource; references as they are."""
    found: dict[str, Any] = {}
    for one in resource.get("extension", ()):
        head, _, column = one.get("url", "").removeprefix(f"{CDM}:").partition(".")
        known = columns_of(table).get(column)
        if head != table or known is None:
            continue
        value = next((v for name, v in one.items() if name.startswith("value")), None)
        if known.group:
            value = name_in(value, known.group)
        elif isinstance(value, dict):
            value = value.get("reference")
        elif known.kind == "date" and value:
            value = date.fromisoformat(value)
        elif known.kind == "number" and value is not None:
            value = float(value)
        found[column] = value
    return found
