"""A FHIR R4 Bundle, or NDJSON, as tables of rows: one table for each type of resource.

Source: HL7 FHIR R4 (4.0.1): Bundle, Patient, Condition, Observation, Procedure,
MedicationStatement, MedicationAdministration.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tessera.domain.clinical.source_table import SourceTable, TableForm
from tessera.domain.errors import InvalidInput
from tessera.domain.zones import Identified

_SYSTEMS: Final = {
    "http://snomed.info/sct": "snomed",
    "http://loinc.org": "loinc",
    "http://hl7.org/fhir/sid/icd-10": "icd10",
    "http://hl7.org/fhir/sid/icd-10-cm": "icd10",
    "http://hl7.org/fhir/sid/icd-o-3": "icdo3",
    "http://terminology.hl7.org/CodeSystem/icd-o-3": "icdo3",
    "http://www.whocc.no/atc": "atc",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "http://radlex.org": "radlex",
}
"""Address of a code system → what the column's name ends in; others end in `other`."""
_Resource = Mapping[str, Any]
_Cells = dict[str, str]


def is_fhir(start: bytes) -> bool:
    """Say whether a file that begins so is FHIR JSON."""
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")) and (
        b'"resourceType"' in start
    )


def fhir_tables(path: Path) -> Iterator[SourceTable]:
    """Yield a table for each type that is read and is there; the patient is named in every row.

    A row's `patient` is the patient's first identifier, or the id where there is none.
    Raises InvalidInput when the file is not JSON.
    """
    resources = list(_resources(path))
    patients = _patients(resources)
    for kind, read in _READERS.items():
        rows = [_whose(r, patients) | read(r) for _, r in resources if r["resourceType"] == kind]
        if not rows:
            continue
        header = tuple(dict.fromkeys(name for row in rows for name in row))
        yield SourceTable(
            name=f"{path.name}#{kind}",
            form=TableForm(format="fhir", sheet=kind),
            header=header,
            rows=Identified(tuple(tuple(row.get(name, "") for name in header) for row in rows)),
        )


def _resources(path: Path) -> Iterator[tuple[str, _Resource]]:
    """Yield (fullUrl, resource)."""
    text = path.read_text("utf-8-sig")
    try:
        try:
            documents = [json.loads(text)]
        except json.JSONDecodeError:
            documents = [json.loads(line) for line in text.splitlines() if line.strip()]
    except json.JSONDecodeError as cause:
        raise InvalidInput(
            f"{path.name}: neither a JSON document nor one in each line: line {cause.lineno}"
        ) from cause
    stack: list[tuple[str, Any]] = [("", one) for one in reversed(documents)]
    while stack:
        address, one = stack.pop()
        if isinstance(one, list):
            stack += [("", inner) for inner in reversed(one)]
        elif isinstance(one, dict) and one.get("resourceType") == "Bundle":
            entries = [entry for entry in _list(one, "entry") if isinstance(entry, dict)]
            stack += [(str(e.get("fullUrl", "")), e.get("resource")) for e in reversed(entries)]
        elif isinstance(one, dict) and isinstance(one.get("resourceType"), str):
            yield address, one


def _patients(resources: list[tuple[str, _Resource]]) -> dict[str, str]:
    """Return reference → identifier."""
    known: dict[str, str] = {}
    for address, resource in resources:
        if resource["resourceType"] == "Patient":
            own = _text(resource, "id")
            name = _identifier(resource).get("value") or own
            known |= {f"Patient/{own}": str(name), address: str(name), own: str(name)}
    return known


def _identifier(resource: _Resource) -> _Resource:
    return next((one for one in _list(resource, "identifier") if isinstance(one, dict)), {})


def _whose(resource: _Resource, patients: Mapping[str, str]) -> _Cells:
    if resource["resourceType"] == "Patient":
        return {"patient": patients[_text(resource, "id")]}
    subject = _dict(resource, "subject") or _dict(resource, "patient")
    reference = _text(subject, "reference")
    inline = _text(_dict(subject, "identifier"), "value")
    short = "/".join(reference.split("/")[-2:])
    return {
        "patient": patients.get(reference)
        or patients.get(short)
        or inline
        or reference.rpartition("/")[2]
    }


def _patient(r: _Resource) -> _Cells:
    dead = r.get("deceasedBoolean")
    died = _text(r, "deceasedDateTime")
    cells = {
        "issuer": _text(_identifier(r), "system"),
        "gender": _text(r, "gender"),
        "birthDate": _text(r, "birthDate"),
        "deceased": str(dead).lower() if isinstance(dead, bool) else ("true" if died else ""),
        "deceasedDateTime": died[:10],
    }
    for extension in _list(r, "extension"):
        if _text(extension, "url").endswith("us-core-birthsex"):
            cells["birthsex"] = _text(extension, "valueCode")
    return cells


def _condition(r: _Resource) -> _Cells:
    sites = _list(r, "bodySite")
    stages = [_dict(stage, "summary") for stage in _list(r, "stage")]
    return (
        _coded("code", _dict(r, "code"))
        | _coded("bodySite", sites[0] if sites else {})
        | _coded("stage", stages[0] if stages else {})
        | {
            "onsetDateTime": _text(r, "onsetDateTime")[:10],
            "onsetAge": _quantity(_dict(r, "onsetAge")),
            "recordedDate": _text(r, "recordedDate")[:10],
            "verificationStatus": _first_code(_dict(r, "verificationStatus")),
        }
    )


def _observation(r: _Resource) -> _Cells:
    quantity = _dict(r, "valueQuantity")
    number = quantity.get("value", r.get("valueInteger", ""))
    period = _dict(r, "effectivePeriod")
    return (
        _coded("code", _dict(r, "code"))
        | {
            "value": str(number),
            "comparator": _text(quantity, "comparator"),
            "unit": _text(quantity, "code") or _text(quantity, "unit"),
            "valueString": _text(r, "valueString"),
            "date": (_text(r, "effectiveDateTime") or _text(period, "start"))[:10],
            "status": _text(r, "status"),
        }
        | _coded("valueConcept", _dict(r, "valueCodeableConcept"))
    )


def _procedure(r: _Resource) -> _Cells:
    sites = _list(r, "bodySite")
    period = _dict(r, "performedPeriod")
    return (
        _coded("code", _dict(r, "code"))
        | _coded("bodySite", sites[0] if sites else {})
        | {
            "category": _first_code(_dict(r, "category")),
            "start": (_text(r, "performedDateTime") or _text(period, "start"))[:10],
            "end": _text(period, "end")[:10],
            "status": _text(r, "status"),
        }
    )


def _medication(r: _Resource) -> _Cells:
    period = _dict(r, "effectivePeriod")
    dose = _dict(_dict(r, "dosage"), "dose") if isinstance(r.get("dosage"), dict) else {}
    return _coded("medication", _dict(r, "medicationCodeableConcept")) | {
        "start": (_text(r, "effectiveDateTime") or _text(period, "start"))[:10],
        "end": _text(period, "end")[:10],
        "dose": str(dose.get("value", "")),
        "unit": _text(dose, "code") or _text(dose, "unit"),
        "status": _text(r, "status"),
    }


_READERS: Final[dict[str, Callable[[_Resource], _Cells]]] = {
    "Patient": _patient,
    "Condition": _condition,
    "Observation": _observation,
    "Procedure": _procedure,
    "MedicationStatement": _medication,
    "MedicationAdministration": _medication,
}


def _coded(name: str, concept: _Resource) -> _Cells:
    cells: _Cells = {}
    for coding in _list(concept, "coding"):
        system = _SYSTEMS.get(_text(coding, "system"), "other")
        cells.setdefault(f"{name}.{system}", _text(coding, "code"))
        if _text(coding, "display"):
            cells.setdefault(f"{name}.display", _text(coding, "display"))
    if _text(concept, "text"):
        cells.setdefault(f"{name}.text", _text(concept, "text"))
    return cells


def _first_code(concept: _Resource) -> str:
    codings = _list(concept, "coding")
    return _text(codings[0], "code") if codings else _text(concept, "text")


def _quantity(quantity: _Resource) -> str:
    value = str(quantity.get("value", ""))
    unit = _text(quantity, "code") or _text(quantity, "unit")
    return f"{value} {unit}".strip()


def _dict(holder: Any, key: str) -> _Resource:
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if isinstance(value, dict) else {}


def _list(holder: Any, key: str) -> list[Any]:
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if isinstance(value, list) else []


def _text(holder: Any, key: str) -> str:
    value = holder.get(key) if isinstance(holder, dict) else None
    return value.strip() if isinstance(value, str) else ""
