"""A row that is one entity of the common data model, as the tables of a laboratory have it. Pure.

Part of the gate in `clinical.py`: pseudonyms and shifted dates only.
"""

from datetime import date
from functools import cache
from typing import Any, Final, cast

from tessera.domain.clinical.cdm import ENTITIES
from tessera.domain.clinical.entities import Entity
from tessera.domain.clinical.entity import Table, table_of
from tessera.domain.clinical.mapping import Limit, SourceRow
from tessera.domain.clinical.units import factor_between
from tessera.domain.deid.clinical_facts import FactMaker
from tessera.domain.deid.clinical_treatments import treatment_with
from tessera.domain.terms.terminology import concept
from tessera.domain.terms.units import ucum_of

_TREATMENT_OF: Final = {
    "radiotherapy": "radiotherapy",
    "surgical_procedure": "surgery",
    "medication_administration": "chemotherapy",
}
"""Entity that belongs to a treatment → the kind of treatment that is made for it."""


def entity_of_row(maker: FactMaker, row: SourceRow, condition_id: str | None) -> str:
    """Keep what a row says as one entity; return "" or the reason why it is none."""
    table = _tables()[row.rows]
    if any(c.required and c.group and c.name not in row.values for c in table.columns):
        return "not-a-row"
    key = maker.key(table.name)
    made: dict[str, Any] = {table.columns[0].name: key, "subject": maker.subject}
    of: dict[str, str] = {}
    reason = ""
    for name, value in row.values.items():
        if isinstance(value, date):
            column = name if name != "date" else _day_column(table)
            made[column] = maker.shifted(value)
        elif name == "value":
            column = "value_number"
            reason = _number(table, row, value, made)
        else:
            column = name
            made[column] = value
        of[column] = name
    if "condition_id" in _names(table) and condition_id is not None:
        made["condition_id"] = condition_id
    kind = _TREATMENT_OF.get(table.name)
    if kind is not None:
        medication = made.get("medication")
        if medication is not None:
            kind = treatment_with(medication)
        made["treatment_id"] = maker.treatment_of(kind, condition_id, row.values.get("date"))
        for gone in ("start_date", "date"):
            made.pop(gone, None)
    cls = cast(Any, _classes()[table.name])
    maker.add(cast(Entity, cls(**{k: v for k, v in made.items() if k in _names(table)})), key,
              table.name, **of)  # fmt: skip
    return reason


def _number(table: Table, row: SourceRow, value: object, made: dict[str, Any]) -> str:
    """Put a measured number in, in the unit of its code; return a reason when it cannot be."""
    number = value.number if isinstance(value, Limit) else value
    if not isinstance(number, int | float):
        return ""
    code = str(made.get("code") or row.values.get("code", ""))
    group = next(c.group for c in table.columns if c.name == "code")
    own = concept(group, code).facts.get("unit", "1")
    written = row.units.get("value", "") or ("1" if own == "1" else "")
    if not written:
        return "no-unit"
    factor = factor_between(written, own, code if group in ("marker", "lab_test") else "")
    unit = own if factor is not None else ucum_of(written)
    if unit is None:
        return "unknown-unit"
    made["value_number"] = round(number * (factor if factor is not None else 1.0), 4)
    made["unit"] = unit
    if isinstance(value, Limit):
        made["comparator"] = value.comparator
    return ""


def _day_column(table: Table) -> str:
    dates = [c.name for c in table.columns if c.kind == "date" and not c.name.startswith("end")]
    return dates[0] if dates else "date"


@cache
def _tables() -> dict[str, Table]:
    return {table_of(cls).name: table_of(cls) for cls in ENTITIES}


@cache
def _classes() -> dict[str, type]:
    return {table_of(cls).name: cls for cls in ENTITIES}


def _names(table: Table) -> frozenset[str]:
    return frozenset(column.name for column in table.columns)
