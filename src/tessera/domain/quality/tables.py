"""Checks of the tables of the common data model by themselves. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date
from math import isfinite
from typing import Final

from tessera.domain.clinical.cdm import CONDITION, PATIENT, ClinicalRecord
from tessera.domain.clinical.entities import Entity
from tessera.domain.clinical.entity import Table, table_of
from tessera.domain.quality.finding import Evidence, Finding, Level, Severity, Where, finding
from tessera.domain.quality.inputs import CheckInput
from tessera.domain.quality.judging import NO_RECORDS, judged
from tessera.domain.quality.registry import Looked

SPARSE: Final = 0.3
"""Part of the rows without a value above which a column is named."""
_CORE: Final = frozenset("sex population age_at_diagnosis topography".split())
"""Columns of the tier 1 minimum."""
_ONLY_OF: Final = {
    "gleason": "prostate",
    "psa_ng_ml": "prostate",
    "er": "breast",
    "pr": "breast",
    "her2": "breast",
}
"""Columns that mean something for one cancer only."""
_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "age_at_diagnosis": (0, 120),
    "onset_age": (0, 120),
    "psa_ng_ml": (0, 20_000),
    "gleason": (2, 10),
    "survival_days": (0, 36_525),
    "treatment_offset_days": (-366, 36_525),
    "primary_pattern": (1, 5),
    "secondary_pattern": (1, 5),
    "maximum_diameter_mm": (0, 600),
    "other_diameter_mm": (0, 600),
    "fractions": (1, 100),
    "total_dose_gy": (0.1, 150),
    "cycles": (1, 200),
    "edition": (1, 9),
    "sequence": (1, 100),
}
"""Column → what it may be, ends included."""
_GRADES: Final = {"adverse_event": ("grade", 1, 5)}
_PAIRS: Final = (("start_date", "end_date"), ("start_offset_days", "end_offset_days"))
_DAYS_PER_YEAR: Final = 365.2425
_ENOUGH_ALIKE: Final = 3
"""Equal values that are seldom equal by chance which make two subjects perhaps one."""


def columns_filled(data: CheckInput) -> Looked:
    """Each column of patient and condition has values in most rows. Counts columns."""
    if data.records is None:
        return NO_RECORDS
    found, n_looked, failed = list[Finding](), 0, 0
    empty: list[str] = []
    for table, rows in _rows(data.records):
        for column in table.columns[1:]:
            cancer = _ONLY_OF.get(column.name)
            those = [row for row in rows if cancer is None or getattr(row, "cancer", "") == cancer]
            if not those or column.name == "baseline":
                continue
            n_looked += 1
            n_missing = sum(getattr(row, column.name) in (None, "", "unknown") for row in those)
            if n_missing == len(those) and column.name not in _CORE:
                empty.append(f"{table.name}.{column.name}")
            elif n_missing > SPARSE * len(those):
                is_core = column.name in _CORE
                failed += is_core
                facts: Evidence = {
                    "column": f"{table.name}.{column.name}",
                    "percent": round(100 * n_missing / len(those), 1),
                    "n_missing": n_missing,
                    "n_rows": len(those),
                }
                severity = Severity.WARNING if is_core else Severity.NOTE
                found.append(finding("column-sparse", severity, Where(Level.DATASET, ""), facts))
    if empty:
        facts = {"n_columns": len(empty), "columns": ", ".join(empty)}
        found.append(finding("columns-empty", Severity.NOTE, Where(Level.DATASET, ""), facts))
    return Looked(n_looked=n_looked, n_passed=n_looked - failed, findings=tuple(found))


def values_in_range(data: CheckInput) -> Looked:
    """No number of the tables is one that cannot be."""

    def judge(record: ClinicalRecord) -> Iterator[Finding]:
        for name, row in _all_rows(record):
            for column, value, low, high in _out_of_range(name, row):
                facts: Evidence = {
                    "column": f"{name}.{column}",
                    "value": value,
                    "wanted": f"{low:g} to {high:g}",
                }
                yield finding("table-value", Severity.ERROR, _where(record), facts)
            first, second = (
                getattr(row, "primary_pattern", None),
                getattr(row, "secondary_pattern", None),
            )
            score = getattr(row, "score", None)
            if first and second and score and first + second != score:
                facts = {"column": f"{name}.score", "value": score, "wanted": f"{first} + {second}"}
                yield finding("table-value", Severity.ERROR, _where(record), facts)

    return NO_RECORDS if data.records is None else judged(data.records, judge)


def dates_in_order(data: CheckInput) -> Looked:
    """Diagnosis, treatment and last contact follow each other; what ends has begun."""

    def judge(record: ClinicalRecord) -> Iterator[Finding]:
        return _dates(record)

    return NO_RECORDS if data.records is None else judged(data.records, judge)


def ages_fit_dates(data: CheckInput) -> Looked:
    """Survival and ages agree with the dates beside them, over all cancers of a subject."""

    def judge(record: ClinicalRecord) -> Iterator[Finding] | None:
        return _ages(record) if record.conditions else None

    return NO_RECORDS if data.records is None else judged(data.records, judge)


def keys_resolve(data: CheckInput) -> Looked:
    """Each key is there once, and each row that another names is there. Counts subjects."""
    if data.records is None:
        return NO_RECORDS
    keys: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for record in data.records:
        for name, row in _all_rows(record):
            keys[name][str(getattr(row, fields(row)[0].name))] += 1

    def judge(record: ClinicalRecord) -> Iterator[Finding]:
        for name, row in _all_rows(record):
            table = _TABLES[name]
            own = str(getattr(row, table.columns[0].name))
            if keys[name][own] > 1:
                facts: Evidence = {"column": f"{name}.{table.columns[0].name}", "key": own}
                yield finding("key-twice", Severity.ERROR, _where(record), facts)
            for column in table.columns[1:]:
                value = getattr(row, column.name)
                if column.refers_to in _TABLES and value and value not in keys[column.refers_to]:
                    facts = {"column": f"{name}.{column.name}", "table": column.refers_to}
                    yield finding("key-lost", Severity.ERROR, _where(record), facts)

    return judged(data.records, judge)


def persons_once(data: CheckInput) -> Looked:
    """No two subjects share the values that seldom agree by chance. Source: statement T1-03."""
    if data.records is None:
        return NO_RECORDS
    groups: dict[tuple[object, ...], list[ClinicalRecord]] = defaultdict(list)
    for record in data.records:
        for first in record.conditions[:1]:
            if first.age_at_diagnosis is not None and record.subject.sex:
                groups[record.subject.sex, first.cancer, first.age_at_diagnosis].append(record)
    found = []
    for members in groups.values():
        for index, one in enumerate(members):
            for other in members[index + 1 :]:
                same = _same_values(one, other)
                if len(same) >= _ENOUGH_ALIKE:
                    pair = sorted((one.subject.subject, other.subject.subject))
                    facts: Evidence = {"subjects": ", ".join(pair), "values": ", ".join(same)}
                    where = Where(Level.SUBJECT, pair[0])
                    found.append(finding("person-twice", Severity.WARNING, where, facts))
    touched = {str(item.evidence["subjects"]) for item in found}
    n = len(data.records)
    return Looked(n_looked=n, n_passed=max(0, n - 2 * len(touched)), findings=tuple(found))


_TABLES: Final[dict[str, Table]] = {
    table.name: table for table in (PATIENT, CONDITION, *(table_of(cls) for cls in Entity.__args__))
}


def _where(record: ClinicalRecord) -> Where:
    return Where(Level.SUBJECT, record.subject.subject)


def _rows(records: Sequence[ClinicalRecord]) -> list[tuple[Table, list[object]]]:
    conditions = [one for record in records for one in record.conditions]
    return [(PATIENT, [record.subject for record in records]), (CONDITION, list(conditions))]


def _all_rows(record: ClinicalRecord) -> Iterator[tuple[str, Entity]]:
    yield PATIENT.name, record.subject  # type: ignore[misc]
    for condition in record.conditions:
        yield CONDITION.name, condition  # type: ignore[misc]
    for fact in record.facts:
        yield table_of(type(fact)).name, fact


def _out_of_range(name: str, row: Entity) -> Iterator[tuple[str, float, float, float]]:
    for column in _TABLES[name].columns:
        bounds = _RANGES.get(column.name)
        value = getattr(row, column.name)
        if bounds and isinstance(value, int | float) and not bounds[0] <= value <= bounds[1]:
            yield column.name, value, *bounds
    if name in _GRADES:
        column_name, low, high = _GRADES[name]
        value = getattr(row, column_name)
        if value is not None and not low <= value <= high:
            yield column_name, value, low, high


def _dates(record: ClinicalRecord) -> Iterator[Finding]:
    where, subject = _where(record), record.subject
    end = subject.last_contact_date
    for one in record.conditions:
        if one.diagnosis_date and end and end < one.diagnosis_date:
            facts: Evidence = {
                "column": "condition.diagnosis_date",
                "days": (one.diagnosis_date - end).days,
            }
            kind = "diagnosis-after-death" if subject.deceased else "after-last-contact"
            severity = Severity.ERROR if subject.deceased else Severity.WARNING
            yield finding(kind, severity, where, facts)
    for name, row in _all_rows(record):
        for first, second in _PAIRS:
            begin, stop = getattr(row, first, None), getattr(row, second, None)
            if begin is not None and stop is not None and stop < begin:
                facts = {"column": f"{name}.{second}", "days": _days(stop, begin)}
                yield finding("ends-before-begin", Severity.ERROR, where, facts)
                break
        if name in ("patient", "condition") or not end or not subject.deceased:
            continue
        for column in _TABLES[name].columns:
            value = getattr(row, column.name)
            if column.kind == "date" and isinstance(value, date) and value > end:
                facts = {"column": f"{name}.{column.name}", "days": (value - end).days}
                yield finding("event-after-death", Severity.ERROR, where, facts)


def _days(later: date | int, earlier: date | int) -> int:
    if isinstance(later, date) and isinstance(earlier, date):
        return (earlier - later).days
    return int(earlier) - int(later) if isinstance(earlier, int) and isinstance(later, int) else 0


def _ages(record: ClinicalRecord) -> Iterator[Finding]:
    where, subject = _where(record), record.subject
    dated = [one for one in record.conditions if one.diagnosis_date]
    first = min((one.diagnosis_date for one in dated if one.diagnosis_date), default=None)
    if first and subject.last_contact_date and subject.survival_days is not None:
        days = (subject.last_contact_date - first).days
        if abs(days - subject.survival_days) > 31:
            facts: Evidence = {"survival_days": subject.survival_days, "computed": days}
            yield finding("survival-disagrees", Severity.WARNING, where, facts)
    aged = [one for one in dated if one.age_at_diagnosis is not None]
    for one in aged[1:]:
        years, days = _apart(aged[0].age_at_diagnosis, one.age_at_diagnosis), 0
        if aged[0].diagnosis_date and one.diagnosis_date:
            days = (one.diagnosis_date - aged[0].diagnosis_date).days
        if isfinite(years) and abs(years - days / _DAYS_PER_YEAR) > 1.2:
            facts = {"age": round(years, 1), "computed": round(days / _DAYS_PER_YEAR, 1)}
            yield finding("ages-disagree", Severity.WARNING, where, facts)


def _apart(first: float | None, second: float | None) -> float:
    return float("nan") if first is None or second is None else second - first


def _same_values(one: ClinicalRecord, other: ClinicalRecord) -> list[str]:
    """Return the names of rare values that agree; none when one disagrees."""
    a, b = one.conditions[0], other.conditions[0]
    pairs: Iterable[tuple[str, object, object]] = (
        ("survival_days", one.subject.survival_days, other.subject.survival_days),
        ("psa_ng_ml", a.psa_ng_ml, b.psa_ng_ml),
        ("treatment_offset_days", a.treatment_offset_days, b.treatment_offset_days),
        ("morphology", a.morphology, b.morphology),
        ("stage", a.stage, b.stage),
        ("topography", a.topography, b.topography),
    )
    known = [(name, x, y) for name, x, y in pairs if x is not None and y is not None]
    if any(x != y for _, x, y in known):
        return []
    rare = [
        name
        for name, _, _ in known
        if name in ("survival_days", "psa_ng_ml", "treatment_offset_days")
    ]
    return ["age_at_diagnosis", *(name for name, _, _ in known)] if len(rare) >= 2 else []
