"""Values at diagnosis, which `condition` repeats for searching, as rows of their own. Pure.

Formats of others know a stage, a marker, a treatment, and no such repetition. So before rows go
out each value that has no row yet gets one, and of what comes in the repetition is made anew.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar

from tessera.domain.clinical.values import read_stage
from tessera.domain.exchange.codes import own_code
from tessera.domain.exchange.rows import Row, SubjectRows, without_nulls

T = TypeVar("T")
_RECEPTORS: Final = ("er", "pr", "her2")
_PSA: Final = "psa"
_PSA_UNIT: Final = "ng/mL"
_GLEASON: Final = "gleason"


def spelled_out(rows: SubjectRows) -> SubjectRows:
    """Return the rows with one of its own for each value that only `condition` has."""
    tables = {name: list(found) for name, found in rows.tables.items()}
    for condition in rows["condition"]:
        for table, row in _missing(rows, condition):
            held = tables.setdefault(table, [])
            key = f"{condition['condition_id']}+{table}{len(held)}"
            held.append({_KEYS[table]: key, "subject": rows.subject, **row})
    return SubjectRows(rows.subject, tables)


_KEYS: Final = {
    "cancer_stage": "stage_id",
    "histologic_grade": "grade_id",
    "tumor_marker_test": "marker_test_id",
    "treatment": "treatment_id",
}


def _missing(rows: SubjectRows, condition: Row) -> Iterator[tuple[str, dict[str, Any]]]:
    about = {"condition_id": condition["condition_id"]}
    if (stage := condition.get("stage")) is not None and _stage(rows, condition) is None:
        yield "cancer_stage", {**about, "stage_group": stage}
    if (score := condition.get("gleason")) is not None and _gleason(rows, condition) is None:
        yield "histologic_grade", {**about, "system": _GLEASON, "score": score}
    if (psa := condition.get("psa_ng_ml")) is not None and _psa(rows, condition) is None:
        yield (
            "tumor_marker_test",
            {**about, "code": _PSA, "value_number": psa, "unit": _PSA_UNIT},
        )
    for receptor in _RECEPTORS:
        word = condition.get(receptor)
        if word is not None and _receptor(rows, condition, receptor) is None:
            yield "tumor_marker_test", {**about, "code": receptor, "value_concept": word}
    first = condition.get("first_treatment")
    if first is not None and _first_treatment(rows, condition) is None:
        start, days = condition.get("diagnosis_date"), condition.get("treatment_offset_days")
        started = {}
        if start is not None and days is not None:
            started = {"start_date": start + timedelta(days=days)}
        yield "treatment", {**about, "type": first, "sequence": 1, **started}


def summarised(rows: SubjectRows) -> SubjectRows:
    """Return the rows with the values at diagnosis beside each cancer, from the first of each."""
    conditions = []
    for condition in rows["condition"]:
        first = _first_treatment(rows, condition) or {}
        start, diagnosed = first.get("start_date"), condition.get("diagnosis_date")
        found = {
            "code_sct": own_code("cancer", condition["cancer"], "SCT"),
            "code_eucaim": own_code("cancer", condition["cancer"], "EUCAIM"),
            "stage": _stage(rows, condition),
            "gleason": _gleason(rows, condition),
            "psa_ng_ml": _psa(rows, condition),
            **{name: _receptor(rows, condition, name) for name in _RECEPTORS},
            "first_treatment": first.get("type"),
            "treatment_offset_days": (start - diagnosed).days if start and diagnosed else None,
        }
        conditions.append({**without_nulls(condition), **without_nulls(found)})
    tables = {**rows.tables, **({"condition": conditions} if conditions else {})}
    return SubjectRows(rows.subject, tables)


def _of(rows: SubjectRows, table: str, condition: Row) -> Sequence[Row]:
    """Return the rows about a cancer; those about none count when the subject has but one."""
    sole = len(rows["condition"]) == 1
    found = [
        row
        for row in rows[table]
        if row.get("condition_id") == condition["condition_id"]
        or (sole and row.get("condition_id") is None)
    ]
    return sorted(found, key=lambda row: (_day(row) is None, str(_day(row))))


def _day(row: Row) -> object:
    return next(
        (v for name, v in row.items() if name.endswith("_date") and name != "end_date"), None
    )


def _stage(rows: SubjectRows, condition: Row) -> str | None:
    stages = (row.get("stage_group") for row in _of(rows, "cancer_stage", condition))
    return _first(read_stage(str(stage)) for stage in stages if stage is not None)


def _gleason(rows: SubjectRows, condition: Row) -> int | None:
    grades = _of(rows, "histologic_grade", condition)
    return _first(row.get("score") for row in grades if row.get("system") == _GLEASON)


def _psa(rows: SubjectRows, condition: Row) -> float | None:
    return _first(
        row.get("value_number")
        for row in _of(rows, "tumor_marker_test", condition)
        if row["code"] == _PSA and row.get("unit") == _PSA_UNIT and not row.get("comparator")
    )


def _receptor(rows: SubjectRows, condition: Row, name: str) -> str | None:
    return _first(
        row.get("value_concept")
        for row in _of(rows, "tumor_marker_test", condition)
        if row["code"] == name and row.get("value_concept") in ("positive", "negative")
    )


def _first_treatment(rows: SubjectRows, condition: Row) -> Row | None:
    given = [row for row in _of(rows, "treatment", condition) if row.get("given") is not False]
    numbered = [row for row in given if row.get("sequence") == 1]
    return _first(iter(numbered or given))


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)
