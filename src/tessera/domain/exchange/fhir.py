"""The rows of a subject as FHIR R4 resources. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from tessera.domain.exchange.fhir_imaging import imaging_study
from tessera.domain.exchange.fhir_parts import (
    ABSENT,
    ASSERTED,
    CDM,
    CODE,
    ICD10,
    ICDO3,
    LATERALITY,
    MCODE,
    MORPHOLOGY,
    RESOURCES,
    SUBJECT,
    SYSTEMS,
    TNM,
    TNM_PROFILES,
    Json,
    concept,
    extension,
    plain,
    quantity,
)
from tessera.domain.exchange.rows import Row, SubjectRows, columns_of, is_made_anew, key_of

_ID: Final = re.compile(r"[^A-Za-z0-9\-.]")
_GENDERS: Final = ("male", "female", "other", "unknown")
_OF_PATIENT: Final = ("BodyStructure", "FamilyMemberHistory", "EpisodeOfCare")
"""Resources whose element is `patient`, not `subject`."""


def resources_of(rows: SubjectRows) -> Iterator[Json]:
    """Yield the resources of one subject, the Patient first."""
    writer = FhirWriter(rows)
    yield writer.patient()
    for table in RESOURCES:
        if table in ("patient", "study"):
            continue
        for row in rows[table]:
            yield from writer.resources(table, row)
    for study in rows["study"]:
        yield imaging_study(
            writer.head("study", study), rows, study, writer.references["procedure"]
        )


def bundle_of(resources: Iterator[Json]) -> Json:
    """Return a collection Bundle."""
    entries = [
        {"fullUrl": f"urn:tessera:{one['resourceType']}:{one['id']}", "resource": one}
        for one in resources
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


class FhirWriter:
    """Turns the rows of one subject into resources."""

    def __init__(self, rows: SubjectRows) -> None:
        self._rows = rows
        self._patient = _ID.sub("-", rows.subject)[:40]
        self.references = {
            table: {
                str(row[key_of(table)]): f"{resource}/{self._id(table, number)}"
                for number, row in enumerate(rows[table], start=1)
            }
            for table, resource in RESOURCES.items()
        }

    def _id(self, table: str, number: int) -> str:
        short = "".join(word[:4] for word in table.split("_"))
        return f"{self._patient}.{short}.{number}"

    def _reference(self, table: str, key: object) -> Json | None:
        found = self.references[table].get(str(key)) if key is not None else None
        return {"reference": found} if found else None

    def _head(self, table: str, reference: str) -> Json:
        kind, _, identifier = reference.partition("/")
        return {
            "resourceType": kind,
            "id": identifier,
            "meta": {"tag": [{"system": CDM, "code": table}]},
        }

    def _extended(self, resource: Json, table: str, row: Row, shown: set[str]) -> Json:
        """Add every column that is not shown as an extension."""
        made = list(resource.get("extension", ()))
        for name, value in row.items():
            hidden = name in shown or name in ("subject", key_of(table)) or is_made_anew(name)
            if value is None or hidden:
                continue
            of = columns_of(table)[name].refers_to
            known: Mapping[str, str] = self.references.get(of, {}) if of else {}
            if of in RESOURCES and of != "study" and str(value) not in known:
                continue
            made.append(extension(table, name, value, known))
        return {**resource, "extension": made} if made else resource

    @property
    def _who(self) -> Json:
        return {"reference": f"Patient/{self._patient}"}

    def head(self, table: str, row: Row) -> Json:
        """Return what every resource begins with, and whom it is about."""
        made = self._head(table, self.references[table][str(row[key_of(table)])])
        of_patient = made["resourceType"] in _OF_PATIENT
        made["patient" if of_patient else "subject"] = self._who
        return made

    def patient(self) -> Json:
        """Return the Patient."""
        row = self._rows.patient
        made = self._head("patient", f"Patient/{self._patient}")
        made["identifier"] = [{"system": SUBJECT, "value": self._rows.subject}]
        shown = set()
        if row.get("sex") in _GENDERS:
            made["gender"] = row["sex"]
            shown.add("sex")
        if row.get("deceased") is not None:
            made["deceasedBoolean"] = row["deceased"]
            shown.add("deceased")
        return self._extended(made, "patient", row, shown)

    def resources(self, table: str, row: Row) -> Iterator[Json]:
        """Yield the resource of a row; a staging has one more per category."""
        made = self.head(table, row)
        shown: set[str] = set()
        code = CODE.get(table)
        if code and row.get(code) is not None:
            made["code"] = concept(columns_of(table)[code].group, row[code])
            shown.add(code)
        yield from getattr(self, f"_{_METHODS.get(table, 'observation')}")(made, table, row, shown)

    def _about(self, made: Json, row: Row, shown: set[str], element: str) -> None:
        cancer = self._reference("condition", row.get("condition_id"))
        if cancer:
            made[element] = [cancer]
            shown.add("condition_id")

    def _condition(self, made: Json, table: str, row: Row, shown: set[str]) -> Iterator[Json]:
        if table == "medical_history":
            if row.get("present") is not None:
                code = "confirmed" if row["present"] else "refuted"
                system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
                made["verificationStatus"] = plain(system, code)
            self._onset(made, row, "onset_age", shown)
            yield self._extended(made, table, row, shown | {"present"})
            return
        kind = "secondary" if row.get("condition_type") == "secondary" else "primary"
        made["meta"]["profile"] = [f"{MCODE}{kind}-cancer-condition"]
        extensions = []
        if row.get("icd10"):
            made["code"]["coding"].append({"system": ICD10, "code": row["icd10"]})
        if row.get("diagnosis_date"):
            day = row["diagnosis_date"].isoformat()
            extensions.append({"url": ASSERTED, "valueDateTime": day})
        if row.get("morphology"):
            value = plain(ICDO3, row["morphology"])
            extensions.append({"url": MORPHOLOGY, "valueCodeableConcept": value})
        site: Json = plain(ICDO3, row["topography"]) if row.get("topography") else {}
        if row.get("laterality"):
            side = concept("laterality", row["laterality"])
            site["extension"] = [{"url": LATERALITY, "valueCodeableConcept": side}]
        if site:
            made["bodySite"] = [site]
        if row.get("evidence"):
            made["evidence"] = [{"code": [concept("evidence", row["evidence"])]}]
        self._onset(made, row, "age_at_diagnosis", shown)
        if extensions:
            made["extension"] = extensions
        yield self._extended(made, table, row, shown | _CONDITION_SHOWN)

    def _onset(self, made: Json, row: Row, name: str, shown: set[str]) -> None:
        if row.get(name) is not None:
            made["onsetAge"] = quantity(row[name], "a")
            shown.add(name)

    def _observation(self, made: Json, table: str, row: Row, shown: set[str]) -> Iterator[Json]:
        made["status"] = "final"
        made.setdefault("code", plain(CDM, table))
        self._about(made, row, shown, "focus")
        self._when(made, table, row, shown)
        if table in ("tumor_marker_test", "lab_test_result"):
            system = "http://terminology.hl7.org/CodeSystem/observation-category"
            made["category"] = [plain(system, "laboratory")]
        if table == "tumor_marker_test":
            made["meta"]["profile"] = [f"{MCODE}tumor-marker-test"]
        word = "grade" if table == "histologic_grade" else "value_concept"
        if row.get("value_number") is not None:
            made["valueQuantity"] = quantity(
                row["value_number"], row.get("unit"), row.get("comparator")
            )
            shown |= {"value_number", "unit", "comparator"}
        elif row.get(word) is not None:
            group = columns_of(table)[word].group
            made["valueCodeableConcept"] = (
                concept(group, row[word]) if group else {"text": row[word]}
            )
            shown.add(word)
        elif row.get("score") is not None:
            made["valueInteger"] = row["score"]
            shown.add("score")
        yield self._extended(made, table, row, shown)

    def _stage(self, made: Json, table: str, row: Row, shown: set[str]) -> Iterator[Json]:
        made["status"] = "final"
        made["code"] = _category("stage_group", row)
        if row.get("system", "tnm").rpartition("tnm")[1]:
            made["meta"]["profile"] = [MCODE + TNM_PROFILES["stage_group"]]
        self._about(made, row, shown, "focus")
        self._when(made, table, row, shown)
        if row.get("stage_group") is not None:
            made["valueCodeableConcept"] = concept("stage", row["stage_group"])
        if row.get("system") is not None:
            made["method"] = concept("stage_system", row["system"])
        members = [name for name in ("t", "n", "m") if row.get(name) is not None]
        if members:
            made["hasMember"] = [
                {"reference": f"Observation/{made['id']}.{name}"} for name in members
            ]
        named_ = {"t", "n", "m", "stage_group", "system"}
        yield self._extended(made, table, row, shown | named_)
        for name in members:
            head = self._head(f"{table}.{name}", f"Observation/{made['id']}.{name}")
            head["meta"]["profile"] = [MCODE + TNM_PROFILES[name]]
            same: Json = {key: made[key] for key in ("focus", "effectiveDateTime") if key in made}
            value = concept(columns_of(table)[name].group, row[name])
            head |= {"status": "final", "code": _category(name, row), "subject": self._who}
            yield {**head, **same, "valueCodeableConcept": value}

    def _when(self, made: Json, table: str, row: Row, shown: set[str]) -> None:
        for name in columns_of(table):
            if name.endswith("_date") and row.get(name) is not None:
                made["effectiveDateTime"] = row[name].isoformat()
                shown.add(name)

    def _tumor(self, made: Json, table: str, row: Row, shown: set[str]) -> Iterator[Json]:
        made["meta"]["profile"] = [f"{MCODE}tumor"]
        if row.get("morphology"):
            made["morphology"] = plain(ICDO3, row["morphology"])
        if row.get("body_site"):
            made["location"] = concept("body_part", row["body_site"])
        yield self._extended(made, table, row, shown | {"morphology", "body_site"})

    def _relative(self, made: Json, table: str, row: Row, shown: set[str]) -> Iterator[Json]:
        made["status"] = "completed"
        relative = row.get("relative")
        made["relationship"] = concept("relative", relative) if relative else dict(ABSENT)
        if row.get("condition"):
            found: Json = {"code": concept("cancer", row["condition"])}
            if row.get("onset_age") is not None:
                found["onsetAge"] = quantity(row["onset_age"], "a")
                shown.add("onset_age")
            made["condition"] = [found]
        yield self._extended(made, table, row, shown | {"relative", "condition"})

    def _treatment(self, made: Json, table: str, row: Row, shown: set[str]) -> Iterator[Json]:
        made["status"] = {True: "completed", False: "not-done"}.get(row.get("given"), "unknown")  # type: ignore[arg-type]
        self._about(made, row, shown, "reasonReference")
        period = _period(row)
        if period:
            made["performedPeriod"] = period
        if row.get("response"):
            made["outcome"] = concept("response", row["response"])
        yield self._extended(
            made, table, row, shown | {"given", "start_date", "end_date", "response"}
        )

    def _procedure(self, made: Json, table: str, row: Row, shown: set[str]) -> Iterator[Json]:
        made["status"] = "completed"
        self._about(made, row, shown, "reasonReference")
        part = self._reference("treatment", row.get("treatment_id"))
        if part:
            made["partOf"] = [part]
        period = _period(self._rows.treatment_of(row))
        if period:
            made["performedPeriod"] = period
        elif row.get("procedure_date"):
            made["performedDateTime"] = row["procedure_date"].isoformat()
        if row.get("body_site"):
            made["bodySite"] = [concept("body_part", row["body_site"])]
        profile = _PROFILES.get(table)
        if profile:
            made["meta"]["profile"] = [MCODE + profile]
        yield self._extended(
            made, table, row, shown | {"treatment_id", "procedure_date", "body_site"}
        )

    def _medication(self, made: Json, table: str, row: Row, shown: set[str]) -> Iterator[Json]:
        made["status"] = "completed"
        made["meta"]["profile"] = [f"{MCODE}cancer-related-medication-administration"]
        drug = row.get("medication")
        made["medicationCodeableConcept"] = concept("medication", drug) if drug else dict(ABSENT)
        treatment = self._reference("treatment", row["treatment_id"])
        if treatment:
            made["partOf"] = [treatment]
        start = self._rows.treatment_of(row).get("start_date")
        if start:
            made["effectiveDateTime"] = start.isoformat()
        else:
            made["_effectiveDateTime"] = dict(ABSENT)
        if row.get("total_dose") is not None:
            made["dosage"] = {"dose": quantity(row["total_dose"], row.get("unit"))}
            shown |= {"unit"}
        yield self._extended(made, table, row, shown | {"medication", "treatment_id", "total_dose"})

    def _adverse(self, made: Json, table: str, row: Row, shown: set[str]) -> Iterator[Json]:
        made["actuality"] = "actual"
        if row.get("effect"):
            made["event"] = concept("adverse_event", row["effect"])
        if row.get("event_date"):
            made["date"] = row["event_date"].isoformat()
        treatment = self._reference("treatment", row.get("treatment_id"))
        if treatment:
            made["suspectEntity"] = [{"instance": treatment}]
        yield self._extended(made, table, row, shown | {"effect", "event_date", "treatment_id"})

    def _episode(self, made: Json, table: str, row: Row, shown: set[str]) -> Iterator[Json]:
        made["status"] = "finished" if row.get("end_date") else "active"
        made["type"] = [concept("episode_type", row["type"])]
        cancer = self._reference("condition", row.get("condition_id"))
        if cancer:
            made["diagnosis"] = [{"condition": cancer}]
        period = _period(row)
        if period:
            made["period"] = period
        events = [
            {"url": f"{CDM}:episode_event", "valueReference": {"reference": reference}}
            for event in self._rows["episode_event"]
            if event["episode_id"] == row["episode_id"]
            and (reference := self.references.get(event["table"], {}).get(event["row_key"]))
        ]
        if events:
            made["extension"] = events
        used = {"type", "condition_id", "start_date", "end_date"}
        yield self._extended(made, table, row, shown | used)


def _category(name: str, row: Row) -> Json:
    code = TNM.get((name, row.get("basis") or ""))
    made = plain(CDM, f"cancer_stage.{name}")
    if code:
        made["coding"].insert(0, {"system": SYSTEMS["LN"], "code": code})
    return made


def _period(row: Row) -> Json:
    pairs = (("start", row.get("start_date")), ("end", row.get("end_date")))
    return {name: day.isoformat() for name, day in pairs if day}


_METHODS: Final = {
    "condition": "condition",
    "medical_history": "condition",
    "cancer_stage": "stage",
    "tumor": "tumor",
    "family_member_history": "relative",
    "treatment": "treatment",
    "radiotherapy": "procedure",
    "surgical_procedure": "procedure",
    "procedure": "procedure",
    "medication_administration": "medication",
    "adverse_event": "adverse",
    "episode": "episode",
}
_PROFILES: Final = {
    "radiotherapy": "radiotherapy-course-summary",
    "surgical_procedure": "cancer-related-surgical-procedure",
}
_CONDITION_SHOWN: Final = {
    *("icd10", "diagnosis_date", "morphology", "topography", "laterality", "evidence"),
    *("code_sct", "code_eucaim", "stage", "gleason", "psa_ng_ml", "er", "pr", "her2"),
    *("first_treatment", "treatment_offset_days"),
}
"""What the resource says, or what rows of their own say."""
