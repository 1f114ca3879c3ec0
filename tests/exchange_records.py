"""Clinical records as our classes can make them, for the round trips through other formats."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord, Subject
from tessera.domain.clinical.entity import Column
from tessera.domain.exchange.at_diagnosis import spelled_out, summarised
from tessera.domain.exchange.codes import concepts
from tessera.domain.exchange.rows import (
    CLINICAL,
    Row,
    SubjectRows,
    columns_of,
    is_made_anew,
    key_of,
    record_of,
    rows_of,
)
from tessera.domain.ids import Pseudonym

WHO = Pseudonym("TES-AAAAAAAAAAAAAAAA")
DAY = date(2020, 3, 1)
STUDIES = ("2.25.1001", "2.25.1002")
REPEATED = (
    *("code_sct", "code_eucaim", "stage", "gleason", "psa_ng_ml", "er", "pr", "her2"),
    *("first_treatment", "treatment_offset_days"),
)
"""Columns of `condition` that repeat what rows of their own say."""
_FIXED = {
    "topography": ("C61.9", "C50"),
    "morphology": ("8140/3", "8500/2"),
    "icd10": ("C50.4", "C61"),
    "unit": ("ng/mL", "mm", "1"),
    "comparator": ("<", "<=", ">=", ">"),
    "value_concept": ("positive", "former", "4C"),
    "study_uid": STUDIES,
}
_LINKED = ("radiotherapy", "surgical_procedure", "medication_administration")


def key(table: str, number: int) -> str:
    """Return a key as they are made anew."""
    return f"{WHO}/{number}" if table == "condition" else f"{WHO}/{table}/{number}"


def _values(column: Column) -> st.SearchStrategy[Any]:
    if column.group:
        return st.sampled_from(sorted(concepts(column.group)))
    match column.kind:
        case "integer":
            return st.integers(0, 5000)
        case "number":
            return st.floats(0.001, 99999, allow_nan=False).map(lambda v: round(v, 3))
        case "boolean":
            return st.booleans()
        case "date":
            return st.integers(0, 4000).map(lambda days: DAY + timedelta(days=days))
    return st.sampled_from(_FIXED[column.name])


@st.composite
def records(draw: st.DrawFn) -> ClinicalRecord:
    """Draw a record: any entities, any columns of them, references to rows that are there."""
    tables: dict[str, list[Row]] = {"patient": [_drawn(draw, "patient", {"subject": WHO})]}
    n_conditions = draw(st.integers(0, 2))
    for table in CLINICAL[1:]:
        name = table.name
        most = n_conditions if name == "condition" else draw(st.integers(0, 2))
        if name in (*_LINKED, "episode_event"):
            most = min(most, len(tables.get("treatment" if name in _LINKED else "episode", ())))
        if name == "cancer_stage":
            most = min(most, max(1, n_conditions))
        made = []
        for number in range(1, most + 1):
            row = {key_of(name): key(name, number), "subject": WHO}
            row |= _references(draw, name, number, tables)
            made.append(_drawn(draw, name, row))
        if made:
            tables[name] = made
    if n_conditions:
        sure = {"diagnosis_date": DAY, "age_at_diagnosis": 64.5}
        tables["condition"][0] = {**tables["condition"][0], **sure}
    return record_of(SubjectRows(WHO, tables), WHO)


def _drawn(draw: st.DrawFn, table: str, row: dict[str, Any]) -> dict[str, Any]:
    for column in columns_of(table).values():
        hidden = bool(column.refers_to) or column.name in (*REPEATED, "row_key", "table")
        if column.name in row or hidden or is_made_anew(column.name):
            continue
        if column.name == "given":
            row[column.name] = draw(st.sampled_from((None, True)))
        elif column.required or draw(st.booleans()):
            row[column.name] = draw(_values(column))
    return {name: value for name, value in row.items() if value is not None}


def _references(
    draw: st.DrawFn, table: str, number: int, tables: dict[str, list[Row]]
) -> dict[str, Any]:
    """Refer to rows that are there. A course of treatment is described once, a staging is one."""
    found: dict[str, Any] = {}
    for column in columns_of(table).values():
        held = tables.get(column.refers_to, ())
        if column.refers_to == "study" and draw(st.booleans()):
            found[column.name] = STUDIES[number - 1]  # one procedure makes one study
        if column.refers_to in ("", "patient", "study"):
            continue
        if table in _LINKED or (table == "cancer_stage" and len(held) >= number):
            found[column.name] = key(column.refers_to, number)
        elif table == "episode_event":  # in the order of their episodes
            found[column.name] = key(column.refers_to, min(number, len(held)))
        elif held and (column.required or draw(st.booleans())) and table != "cancer_stage":
            found[column.name] = key(column.refers_to, draw(st.integers(1, len(held))))
    if table == "episode_event":
        places = [(t, row[key_of(t)]) for t, rows in tables.items() for row in rows]
        events = [one for one in places if one[0] not in ("patient", "episode_event")]
        found["table"], found["row_key"] = draw(st.sampled_from(events))
    return found


def imaged(rows: SubjectRows) -> SubjectRows:
    """Return the rows with two studies of one series each, which procedures may have made."""
    studies = [{"study_uid": uid, "subject": WHO, "study_date": DAY} for uid in STUDIES]
    series = [
        {
            "series_uid": f"{uid}.1",
            "study_uid": uid,
            "subject": WHO,
            "modality": "MR",
            "body_part": "PROSTATE",
            "age_at_imaging": 65.0,
        }
        for uid in STUDIES
    ]
    return SubjectRows(rows.subject, {**rows.tables, "study": studies, "series": series})


def outgoing(record: ClinicalRecord) -> SubjectRows:
    """Return what is handed to a writer."""
    return imaged(spelled_out(rows_of(record)))


def canonical(record: ClinicalRecord) -> ClinicalRecord:
    """Return the record as it should come back from a format that loses nothing."""
    return record_of(summarised(spelled_out(rows_of(record))), WHO)


def cells(record: ClinicalRecord) -> dict[tuple[str, int, str], object]:
    """Return every value by table, number of the row and column; null ones left out."""
    return {
        (table, number, name): value
        for table, found in rows_of(record).tables.items()
        for number, row in enumerate(found)
        for name, value in row.items()
    }


def differing(there: ClinicalRecord, back: ClinicalRecord) -> set[str]:
    """Return `table.column` of every value that did not come back, or came back otherwise."""
    a, b = cells(there), cells(back)
    return {
        f"{place[0]}.{place[2]}" for place in a.keys() | b.keys() if a.get(place) != b.get(place)
    }


def full_record() -> ClinicalRecord:
    """Return a record with two rows of every table and a value in every column.

    The third treatment has no description of its own.
    """
    tables: dict[str, list[Row]] = {}
    for table in CLINICAL:
        count = {"patient": 1, "treatment": 3}.get(table.name, 2)
        tables[table.name] = [dict(_full(table.name, number)) for number in range(1, count + 1)]
    return record_of(SubjectRows(WHO, tables), WHO)


def _full(table: str, number: int) -> Iterator[tuple[str, Any]]:
    for place, column in enumerate(columns_of(table).values()):
        if place == 0:
            yield column.name, key(table, number)
        elif column.name in REPEATED or is_made_anew(column.name):
            continue
        elif column.refers_to == "patient":
            yield column.name, WHO
        elif column.refers_to == "study":
            yield column.name, STUDIES[number - 1]
        elif column.refers_to:
            of = 1 if column.name == "parent_id" else min(number, 2)
            yield column.name, key(column.refers_to, of)
        elif column.name in ("table", "row_key"):
            yield column.name, "tumor" if column.name == "table" else key("tumor", number)
        elif column.group:
            names = sorted(concepts(column.group))
            yield column.name, names[min(number, len(names) - 1)]
        else:
            yield column.name, _plain(column, number)


def _plain(column: Column, number: int) -> Any:
    match column.kind:
        case "integer":
            return 3 + number
        case "number":
            return 1000.25 + number
        case "boolean":
            return True
        case "date":
            return DAY + timedelta(days=number)
    return _FIXED[column.name][0]


def subject_only() -> ClinicalRecord:
    """Return a control: a subject without a cancer, and nothing known."""
    return ClinicalRecord(Subject(subject=WHO, sex="female", population="control"), ())


def plain_cancer(**values: Any) -> ClinicalRecord:
    """Return a subject with one cancer that has the values given."""
    sure = {"condition_id": key("condition", 1), "subject": WHO, "cancer": "prostate"}
    cancer = CancerCondition(**{**sure, **values})
    return ClinicalRecord(Subject(subject=WHO, sex="male"), (cancer,))
