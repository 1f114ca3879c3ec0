"""A clinical record as JSON and back: what is null is left out, dates are ISO 8601. Pure.

Form: {"subject": {…}, "conditions": [{…}], "facts": [["cancer_stage", {…}], …]}, keys in the order
of the columns. Records of before the facts have no such key.
"""

import json
from collections import Counter
from collections.abc import Callable
from datetime import date
from functools import cache
from operator import attrgetter
from typing import Any, Final, NamedTuple

from tessera.domain.clinical.cdm import (
    CONDITION,
    ENTITIES,
    PATIENT,
    CancerCondition,
    ClinicalRecord,
    Subject,
)
from tessera.domain.clinical.entities import Entity
from tessera.domain.clinical.entity import table_of
from tessera.domain.ids import Pseudonym
from tessera.domain.zones import Deidentified


def record_to_json(record: ClinicalRecord) -> str:
    """Return the text that a record is stored as. Any JSON escapes U+0000."""
    document: dict[str, Any] = {
        "subject": _values(record.subject),
        "conditions": [_values(condition) for condition in record.conditions],
    }
    if record.facts:
        document["facts"] = [[table_of(type(one)).name, _values(one)] for one in record.facts]
    return _ENCODER.encode(document)


def _iso(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no JSON form for {type(value).__name__}")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_iso)


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
    names, get = _getter(table_of(type(entity)).name)
    return {
        name: value for name, value in zip(names, get(entity), strict=True) if value is not None
    }


_TABLES: Final = (PATIENT, CONDITION, *map(table_of, ENTITIES))


@cache
def _getter(table: str) -> tuple[tuple[str, ...], Callable[[object], tuple[object, ...]]]:
    names = tuple(name for name, _ in _names(table))
    return names, attrgetter(*names)


def _made(cls: Any, values: dict[str, Any]) -> Any:
    for name, is_date in _names(table_of(cls).name):
        if is_date and isinstance(values.get(name), str):
            values[name] = date.fromisoformat(values[name])
    return cls(**values)


@cache
def _names(table: str) -> tuple[tuple[str, bool], ...]:
    found = next(one for one in _TABLES if one.name == table)
    return tuple((column.name, column.kind == "date") for column in found.columns)


@cache
def _classes() -> dict[str, type]:
    return {table_of(cls).name: cls for cls in ENTITIES}


class RecordText(NamedTuple):
    """A record as it is stored."""

    subject: Pseudonym
    body: str


def text_of(record: Deidentified[ClinicalRecord] | Deidentified[RecordText]) -> RecordText:
    """Return the text of a record that may be stored."""
    value = record.value
    if isinstance(value, RecordText):
        return value
    return RecordText(value.subject.subject, record_to_json(value))


def differences(old: str, new: str) -> tuple[str, ...]:
    """Return `table.column` of what differs between two stored forms of one subject's record."""
    if old == new:
        return ()
    before, after = _cells(old), _cells(new)
    found = {
        place for place in before.keys() | after.keys() if before.get(place) != after.get(place)
    }
    return tuple(sorted({f"{table}.{column}" for table, _, column in found}))


def _cells(body: str) -> dict[tuple[str, int, str], object]:
    """Return the values by table, number of the row in it, and column."""
    document = json.loads(body)
    rows = [("patient", document["subject"])]
    rows += [("condition", one) for one in document["conditions"]]
    rows += [(name, one) for name, one in document.get("facts", ())]
    count: Counter[str] = Counter()
    cells: dict[tuple[str, int, str], object] = {}
    for table, row in rows:
        count[table] += 1
        cells |= {(table, count[table], name): value for name, value in row.items()}
    return cells
