"""ImagingStudy of FHIR R4. Pure."""

from collections.abc import Mapping

from tessera.domain.exchange.fhir_parts import SYSTEMS, Json, concept
from tessera.domain.exchange.rows import Row, SubjectRows
from tessera.domain.terms.terminology import named


def imaging_study(head: Json, rows: SubjectRows, study: Row, procedures: Mapping[str, str]) -> Json:
    """Return a study with its series. `procedures`: key of a procedure → its reference."""
    uid = study["study_uid"]
    made = {**head, "status": "available"}
    made["identifier"] = [{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}]
    if study.get("study_date"):
        made["started"] = study["study_date"].isoformat()
    held = [one for one in rows["series"] if one["study_uid"] == uid]
    if held:
        made["numberOfSeries"] = len(held)
        made["series"] = [_series(one) for one in held]
    if study.get("n_instances") is not None:
        made["numberOfInstances"] = study["n_instances"]
    reasons = [one["procedure_id"] for one in rows["procedure"] if one.get("study_uid") == uid]
    if reasons:
        made["procedureReference"] = {"reference": procedures[str(reasons[0])]}
    return made


def _series(row: Row) -> Json:
    made: Json = {
        "uid": row["series_uid"],
        "modality": {"system": SYSTEMS["DCM"], "code": row["modality"]},
    }
    for name, ours in (("number", "series_number"), ("numberOfInstances", "n_instances")):
        if row.get(ours) is not None and row[ours] >= 0:
            made[name] = row[ours]
    site = named("body_part", row["body_part"]) if row.get("body_part") else None
    if site:
        made["bodySite"] = concept("body_part", site.name)["coding"][0]
    return made
