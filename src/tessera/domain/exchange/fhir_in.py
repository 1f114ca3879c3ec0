"""FHIR R4 resources of one patient as the rows of a subject. Pure.

Resources that carry our tag come back as they went out. Of others the Patient's gender and death,
and conditions whose code our terminology knows as a cancer, are read; the rest is counted.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from tessera.domain.exchange.at_diagnosis import summarised
from tessera.domain.exchange.fhir_parts import (
    ASSERTED,
    CDM,
    CODE,
    ICD10,
    ICDO3,
    LATERALITY,
    MORPHOLOGY,
    RESOURCES,
    SUBJECT,
    SYSTEMS,
    Json,
    code_in,
    extended,
    name_in,
)
from tessera.domain.exchange.rows import SubjectRows, columns_of, key_of
from tessera.domain.terms.terminology import by_code

_VALUE_DATES: Final = ("effectiveDateTime", "performedDateTime", "date")


def subject_of(resource: Json) -> str | None:
    """Return the id of the Patient that a resource is about; its own, when it is one."""
    if resource.get("resourceType") == "Patient":
        return str(resource.get("id"))
    reference = (resource.get("subject") or resource.get("patient") or {}).get("reference", "")
    kind, _, identifier = str(reference).removeprefix("urn:tessera:").rpartition("/")
    return identifier if kind.rpartition("/")[2] == "Patient" else None


def rows_of_resources(
    patient: Json, resources: Iterable[Json], unread: Counter[str]
) -> SubjectRows:
    """Return the clinical rows of one patient.

    `unread` counts by resource type what no entity of ours stands for.
    """
    held = list(resources)
    members = {f"Observation/{one['id']}": one for one in held if "." in _table(one)}
    identifiers = [
        one for one in patient.get("identifier", ()) if one.get("system") == SUBJECT
    ] or patient.get("identifier", ())
    subject = str(identifiers[0].get("value") if identifiers else patient.get("id"))
    who = {"subject": subject, **extended(patient, "patient")}
    who |= _known(sex=patient.get("gender"), deceased=patient.get("deceasedBoolean"))
    tables: dict[str, list[dict[str, Any]]] = {"patient": [who]}
    for one in held:
        table = _table(one)
        if "." in table:
            continue
        row = _row(one, table, members) if table in RESOURCES else _foreign(one)
        if row is None:
            unread[str(one.get("resourceType"))] += 1
        elif table != "study":
            place = tables.setdefault(table or "condition", [])
            place.append({key_of(table or "condition"): _reference(one), **row})
            if table == "episode":
                tables.setdefault("episode_event", []).extend(_events(one))
    of_kind = {_reference(one): _table(one) for one in held if _table(one) in RESOURCES}
    for event in tables.get("episode_event", ()):
        event["table"] = of_kind.get(event["row_key"], "")
    return summarised(SubjectRows(subject, tables))


def _table(resource: Json) -> str:
    tags = resource.get("meta", {}).get("tag", ())
    return next((str(tag["code"]) for tag in tags if tag.get("system") == CDM), "")


def _reference(resource: Json) -> str:
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def _known(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _foreign(resource: Json) -> dict[str, Any] | None:
    """Return a cancer that another program wrote; None when it is not plainly one."""
    if resource.get("resourceType") != "Condition":
        return None
    for system, uri in SYSTEMS.items():
        code = code_in(resource.get("code"), uri)
        for found in by_code(system, code) if code else ():
            if found.group == "cancer":
                return _condition(resource) | {"cancer": found.name}
    return None


def _row(one: Json, table: str, members: Mapping[str, Json]) -> dict[str, Any] | None:
    row = extended(one, table)
    code = CODE.get(table)
    if code:
        row |= _known(**{code: name_in(one.get("code"), columns_of(table)[code].group)})
    row |= _links(one, table)
    for name in columns_of(table):
        if name.endswith("_date") and name not in ("start_date", "end_date", "diagnosis_date"):
            row |= _known(**{name: _day(one, _VALUE_DATES)})
    reader = _READERS.get(table)
    if reader is not None:
        row |= reader(one)
    elif one["resourceType"] == "Observation":
        row |= _stage(one, members) if table == "cancer_stage" else _observed(one, table)
    required = [c.name for c in columns_of(table).values() if c.required and c.group]
    return row if all(row.get(name) is not None for name in required) else None


def _links(one: Json, table: str) -> dict[str, Any]:
    """Return references to the cancer and to the treatment."""
    found: dict[str, Any] = {}
    about = [*one.get("focus", ()), *one.get("reasonReference", ())]
    about += [diagnosis["condition"] for diagnosis in one.get("diagnosis", ())]
    if about and "condition_id" in columns_of(table):
        found["condition_id"] = about[0].get("reference")
    part = [*one.get("partOf", ()), *(e["instance"] for e in one.get("suspectEntity", ()))]
    if part and "treatment_id" in columns_of(table):
        found["treatment_id"] = part[0].get("reference")
    return found


def _day(one: Json, names: Iterable[str]) -> date | None:
    text = next((one[name] for name in names if one.get(name)), None)
    return date.fromisoformat(text[:10]) if text and len(text) >= 10 else None


def _period(one: Json, element: str) -> dict[str, Any]:
    period = one.get(element) or {}
    return _known(start_date=_day(period, ["start"]), end_date=_day(period, ["end"]))


def _age(one: Json) -> float | None:
    age = one.get("onsetAge") or {}
    return float(age["value"]) if "value" in age else None


def _condition(one: Json) -> dict[str, Any]:
    extensions = {e.get("url"): e for e in one.get("extension", ())}
    site = (one.get("bodySite") or [{}])[0]
    sides = [e for e in site.get("extension", ()) if e.get("url") == LATERALITY]
    evidence = [e for found in one.get("evidence", ()) for e in found.get("code", ())]
    return _known(
        icd10=code_in(one.get("code"), ICD10),
        diagnosis_date=_day(extensions.get(ASSERTED, {}), ["valueDateTime"]),
        morphology=code_in(extensions.get(MORPHOLOGY, {}).get("valueCodeableConcept"), ICDO3),
        topography=code_in(site, ICDO3),
        laterality=name_in(sides[0]["valueCodeableConcept"], "laterality") if sides else None,
        evidence=name_in(evidence[0], "evidence") if evidence else None,
        age_at_diagnosis=_age(one),
    )


def _history(one: Json) -> dict[str, Any]:
    status = (one.get("verificationStatus") or {}).get("coding") or [{}]
    present = {"confirmed": True, "refuted": False}.get(status[0].get("code", ""))
    return _known(present=present, onset_age=_age(one))


def _relative(one: Json) -> dict[str, Any]:
    found = (one.get("condition") or [{}])[0]
    return _known(
        relative=name_in(one.get("relationship"), "relative"),
        condition=name_in(found.get("code"), "cancer"),
        onset_age=_age(found),
    )


def _tumor(one: Json) -> dict[str, Any]:
    return _known(
        morphology=code_in(one.get("morphology"), ICDO3),
        body_site=name_in(one.get("location"), "body_part"),
    )


def _treatment(one: Json) -> dict[str, Any]:
    return _period(one, "performedPeriod") | _known(
        given={"completed": True, "not-done": False}.get(one.get("status", "")),
        response=name_in(one.get("outcome"), "response"),
    )


def _procedure(one: Json) -> dict[str, Any]:
    site = (one.get("bodySite") or [{}])[0]
    return _known(body_site=name_in(site, "body_part"))


def _medication(one: Json) -> dict[str, Any]:
    dose = one.get("dosage", {}).get("dose", {})
    return _known(
        medication=name_in(one.get("medicationCodeableConcept"), "medication"),
        total_dose=float(dose["value"]) if "value" in dose else None,
        unit=dose.get("code"),
    )


def _adverse(one: Json) -> dict[str, Any]:
    return _known(effect=name_in(one.get("event"), "adverse_event"))


def _episode(one: Json) -> dict[str, Any]:
    kind = (one.get("type") or [{}])[0]
    return _period(one, "period") | _known(type=name_in(kind, "episode_type"))


def _events(one: Json) -> Iterator[dict[str, Any]]:
    places = [e for e in one.get("extension", ()) if e.get("url") == f"{CDM}:episode_event"]
    for number, place in enumerate(places):
        reference = place["valueReference"]["reference"]
        key = f"{_reference(one)}/{number}"
        yield {"event_id": key, "episode_id": _reference(one), "row_key": reference}


def _observed(one: Json, table: str) -> dict[str, Any]:
    word = "grade" if table == "histologic_grade" else "value_concept"
    group = columns_of(table)[word].group
    said = one.get("valueCodeableConcept")
    found = one.get("valueQuantity") or {}
    return _known(
        **{word: name_in(said, group) if group else (said or {}).get("text")},
        score=one.get("valueInteger"),
        value_number=float(found["value"]) if "value" in found else None,
        unit=found.get("code"),
        comparator=found.get("comparator"),
    )


def _stage(one: Json, members: Mapping[str, Json]) -> dict[str, Any]:
    row = _known(
        stage_group=name_in(one.get("valueCodeableConcept"), "stage"),
        system=name_in(one.get("method"), "stage_system"),
    )
    for member in one.get("hasMember", ()):
        found = members.get(member.get("reference", ""), {})
        name = _table(found).partition(".")[2] if found else ""
        if name:
            group = columns_of("cancer_stage")[name].group
            row |= _known(**{name: name_in(found.get("valueCodeableConcept"), group)})
    return row


def _study(_one: Json) -> dict[str, Any]:
    """Return nothing: studies come with their images."""
    return {}


_READERS: Final[dict[str, Callable[[Json], dict[str, Any]]]] = {
    "condition": _condition,
    "medical_history": _history,
    "family_member_history": _relative,
    "tumor": _tumor,
    "treatment": _treatment,
    "radiotherapy": _procedure,
    "surgical_procedure": _procedure,
    "procedure": _procedure,
    "medication_administration": _medication,
    "adverse_event": _adverse,
    "episode": _episode,
    "study": _study,
}
