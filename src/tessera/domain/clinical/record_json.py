"""A clinical record as JSON and back: what is null is left out, dates are ISO 8601. Pure.

Form: {"subject": {…}, "conditions": [{…}], "facts": [["cancer_stage", {…}], …]}, keys in the order
of the columns. Records of before the facts have no such key.
"""

import json
from datetime import date
from functools import cache
from typing import Any

from tessera.domain.clinical.cdm import ENTITIES, TABLES, CancerCondition, ClinicalRecord, Subject
from tessera.domain.clinical.entities import Entity
from tessera.domain.clinical.entity import table_of


def record_to_json(record: ClinicalRecord) -> str:
    """Return the text that a record is stored as. Any JSON escapes U+0000."""
    document: dict[str, Any] = {
        "subject": _values(record.subject),
        "conditions": [_values(condition) for condition in record.conditions],
    }
    if record.facts:
        document["facts"] = [[table_of(type(one)).name, _values(one)] for one in record.facts]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def record_from_json(body: str) -> ClinicalRecord:
    """Return the record that `record_to_json` wrote."""
    document: dict[str, Any] = json.loads(body)
    classes = _classes()
    return ClinicalRecord(
        _made(Subject, document["subject"]),
        tuple(_made(CancerCondition, one) for one in document["conditions"]),
        tuple(_made(classes[name], one) for name, one in document.get("facts", ())),
    )


def _values(entity: Entity | Subject | CancerCondition) -> dict[str, object]:
    values = {}
    for name, is_date in _names(table_of(type(entity)).name):
        value = getattr(entity, name)
        if value is not None:
            values[name] = value.isoformat() if is_date else value
    return values


def _made(cls: Any, values: dict[str, Any]) -> Any:
    for name, is_date in _names(table_of(cls).name):
        if is_date and isinstance(values.get(name), str):
            values[name] = date.fromisoformat(values[name])
    return cls(**values)


@cache
def _names(table: str) -> tuple[tuple[str, bool], ...]:
    found = next(one for one in TABLES if one.name == table)
    return tuple((column.name, column.kind == "date") for column in found.columns)


@cache
def _classes() -> dict[str, type]:
    return {table_of(cls).name: cls for cls in ENTITIES}
