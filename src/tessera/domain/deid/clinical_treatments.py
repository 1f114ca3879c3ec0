"""The treatments that one row of a patient says, each kind as its entities. Pure.

Part of the gate in `clinical.py`: pseudonyms and shifted dates only.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Protocol

from tessera.domain.clinical.entities import (
    Entity,
    MedicationAdministration,
    Radiotherapy,
    SurgicalProcedure,
    Treatment,
)
from tessera.domain.clinical.mapping import SourceRow, Value
from tessera.domain.ids import Pseudonym
from tessera.domain.terms.terminology import group


class Maker(Protocol):
    """Keeps the entities of one subject (`clinical_facts.FactMaker`)."""

    @property
    def subject(self) -> Pseudonym: ...

    def key(self, table: str) -> str: ...

    def shifted(self, day: object) -> date | None: ...

    def add(self, entity: Entity, key: str, table: str, **of: str) -> None: ...


def add_treatments(maker: Maker, row: SourceRow, condition_id: str | None) -> None:
    """Keep the treatments that a row says; one kind is one treatment of the row."""
    values = row.values
    first = word_of(values.get("first_treatment"))
    by_type: dict[str, str] = {}
    if first is not None:
        offset = values.get("treatment_offset_days")
        by_type[first] = make_treatment(
            maker,
            first,
            condition_id,
            "first_treatment",
            start=values.get("treatment_date"),
            offset=offset if isinstance(offset, int) else None,
            intent=word_of(values.get("treatment_intent")),
            response=word_of(values.get("response")),
            sequence=1,
        )
    for name, value in values.items():
        family, _, kind = name.partition(".")
        if family == "treatment" and kind and isinstance(value, bool) and kind not in by_type:
            by_type[kind] = make_treatment(maker, kind, condition_id, name, given=value)
    _surgery(maker, values, by_type, condition_id)
    _radiotherapy(maker, values, by_type, condition_id)
    _medication(maker, values, by_type, condition_id)


def make_treatment(
    maker: Maker,
    kind: str,
    condition_id: str | None,
    name: str,
    *,
    start: object = None,
    offset: int | None = None,
    intent: str | None = None,
    response: str | None = None,
    sequence: int | None = None,
    given: bool | None = None,
) -> str:
    """Keep a treatment and return its key."""
    key = maker.key("treatment")
    made = Treatment(
        treatment_id=key,
        subject=maker.subject,
        condition_id=condition_id,
        type=kind,
        intent=intent,
        response=response,
        sequence=sequence,
        given=given,
        start_date=maker.shifted(start),
        start_offset_days=offset,
    )
    maker.add(made, key, "treatment", **{"given" if given is not None else "type": name})
    return key


def _surgery(
    maker: Maker, values: Mapping[str, Value], by_type: dict[str, str], condition_id: str | None
) -> None:
    code, day = word_of(values.get("surgery")), values.get("surgery_date")
    if code is None and day is None:
        return
    treatment = by_type.get("surgery") or make_treatment(
        maker, "surgery", condition_id, "surgery_date" if day else "surgery", start=day
    )
    if code is not None:
        key = maker.key("surgical_procedure")
        made = SurgicalProcedure(
            surgery_id=key,
            subject=maker.subject,
            treatment_id=treatment,
            code=code,
            laterality=word_of(values.get("laterality")),
        )
        maker.add(made, key, "surgical_procedure", code="surgery")


def _radiotherapy(
    maker: Maker, values: Mapping[str, Value], by_type: dict[str, str], condition_id: str | None
) -> None:
    technique = word_of(values.get("radiotherapy_technique"))
    dose, fractions = (
        number_of(values.get("radiotherapy_dose_gy")),
        whole_of(values.get("radiotherapy_fractions")),
    )
    day = values.get("radiotherapy_date")
    if technique is None and dose is None and fractions is None and day is None:
        return
    treatment = by_type.get("radiotherapy") or make_treatment(
        maker, "radiotherapy", condition_id, "radiotherapy_date", start=day
    )
    key = maker.key("radiotherapy")
    made = Radiotherapy(
        radiotherapy_id=key,
        subject=maker.subject,
        treatment_id=treatment,
        technique=technique,
        fractions=fractions,
        total_dose_gy=dose,
    )
    of = {
        "technique": "radiotherapy_technique" if technique else "",
        "fractions": "radiotherapy_fractions" if fractions is not None else "",
        "total_dose_gy": "radiotherapy_dose_gy" if dose is not None else "",
    }
    maker.add(made, key, "radiotherapy", **{column: name for column, name in of.items() if name})


@cache
def treatment_with(substance: str) -> str:
    """Return the kind of treatment that a substance is given in."""
    known = {one.name: one.facts.get("treatment", "") for one in group("medication")}
    return known.get(substance) or "chemotherapy"


def _medication(
    maker: Maker, values: Mapping[str, Value], by_type: dict[str, str], condition_id: str | None
) -> None:
    substance = word_of(values.get("medication"))
    if substance is None:
        return
    kind = treatment_with(substance)
    treatment = by_type.get(kind) or make_treatment(
        maker, kind, condition_id, "medication", start=values.get("medication_date")
    )
    key = maker.key("medication_administration")
    made = MedicationAdministration(
        administration_id=key,
        subject=maker.subject,
        treatment_id=treatment,
        medication=substance,
        cycles=whole_of(values.get("medication_cycles")),
    )
    maker.add(made, key, "medication_administration", medication="medication")


def word_of(value: object) -> str | None:
    return value if isinstance(value, str) else None


def number_of(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]


def whole_of(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
