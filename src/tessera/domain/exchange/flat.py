"""One row per subject and one per series: tables for those who read a CSV into R or Python. Pure.

A subject's row has the cancer that was diagnosed first, with its first staging, grading and tumour,
and of each marker, laboratory analysis, assessment and earlier condition that the dataset holds the
first result. What is more than one is counted, and stands in the other formats.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tessera.domain.clinical.cdm import CONDITION, PATIENT, SERIES, STUDY
from tessera.domain.exchange.at_diagnosis import summarised
from tessera.domain.exchange.codes import label_of
from tessera.domain.exchange.eucaim import first_cancer
from tessera.domain.exchange.rows import Row, SubjectRows, columns_of, key_of, without_nulls

MEASURED: Final = {
    "tumor_marker_test": "marker",
    "lab_test_result": "lab",
    "health_status_assessment": "health",
    "medical_history": "history",
}
"""Table with one row per result → how its columns begin."""
RESULT: Final = {
    "value_number": "",
    "value_concept": "_word",
    "comparator": "_comparator",
    "unit": "_unit",
    "present": "",
    "onset_age": "_onset_age",
    "marker_date": "_date",
    "lab_date": "_date",
    "assessment_date": "_date",
}
"""Column of a result → how the flat column ends."""
_FIRST: Final = {
    "cancer_stage": (
        "stage",
        ("system", "edition", "basis", "t", "n", "m", "stage_group", "stage_date"),
    ),
    "histologic_grade": (
        "grade",
        ("system", "grade", "score", "primary_pattern", "secondary_pattern", "grade_date"),
    ),
    "tumor": (
        "tumor",
        ("body_site", "laterality", "maximum_diameter_mm", "volume_mm3", "tumor_date"),
    ),
}
"""Table of which the first row about the cancer stands in the subject's row → prefix, columns."""
_COUNTED: Final = ("condition", "cancer_stage", "tumor", "treatment", "study", "series")
_HIDDEN: Final = ("condition_id", "subject")
_OF_STUDY: Final = ("study_date", "study_offset_days", "diagnosis_offset_days", "timepoint")


@dataclass(frozen=True, slots=True)
class FlatColumn:
    """One column of a flat table, as the data dictionary says it."""

    name: str
    kind: str
    meaning: str
    unit: str = ""
    group: str = ""
    table: str = ""
    column: str = ""
    code: str = ""
    """The result that it is about, where the table has one row per result."""


def subject_columns(results: Mapping[str, Mapping[str, Sequence[str]]]) -> tuple[FlatColumn, ...]:
    """Return the columns of the subjects' table.

    `results`: table → code → the columns of `RESULT` that have a value somewhere in the dataset.
    """
    found = [_same("patient", c.name, "") for c in PATIENT.columns]
    found += [FlatColumn(f"n_{_PLURAL[t]}", "integer", f"Rows of {t}.") for t in _COUNTED]
    found += [_same("condition", c.name, "") for c in CONDITION.columns if c.name not in _HIDDEN]
    for table, (prefix, names) in _FIRST.items():
        found += [_same(table, name, prefix) for name in names]
    for table, prefix in MEASURED.items():
        group = columns_of(table)["code"].group
        for code in sorted(results.get(table, ())):
            for name in RESULT:
                if name in results[table][code]:
                    column = columns_of(table)[name]
                    said = (
                        f"{label_of(group, code)}: {column.meaning[0].lower()}{column.meaning[1:]}"
                    )
                    end = RESULT[name]
                    flat = f"{prefix}_{code}{end}"
                    found.append(
                        FlatColumn(
                            *(flat, column.kind, said, column.unit, column.group),
                            *(table, name, code),
                        )
                    )
    return tuple(found)


_PLURAL: Final = {
    "condition": "cancers",
    "cancer_stage": "stagings",
    "tumor": "tumors",
    "treatment": "treatments",
    "study": "studies",
    "series": "series",
}


def series_columns() -> tuple[FlatColumn, ...]:
    """Return the columns of the series' table."""
    found = [_same("series", c.name, "") for c in SERIES.columns]
    of_study = {c.name: c for c in STUDY.columns}
    return (*found, *(_same("study", name, "") for name in _OF_STUDY if name in of_study))


def _same(table: str, name: str, prefix: str) -> FlatColumn:
    column = columns_of(table)[name]
    flat = name if not prefix or name.startswith(prefix) else f"{prefix}_{name}"
    return FlatColumn(*(flat, column.kind, column.meaning, column.unit, column.group, table, name))


def subject_row(rows: SubjectRows, columns: Sequence[FlatColumn]) -> dict[str, Any]:
    """Return the flat row of one subject; absent columns are null."""
    cancer = first_cancer(rows) or {}
    firsts: dict[str, Row] = {"patient": rows.patient, "condition": cancer}
    for table in _FIRST:
        held = [r for r in rows[table] if r.get("condition_id") == cancer.get("condition_id")]
        firsts[table] = _earliest(held)
    counts = {f"n_{_PLURAL[table]}": len(rows[table]) for table in _COUNTED}
    made: dict[str, Any] = {}
    results = {table: _results(rows, table) for table in MEASURED}
    for one in columns:
        if not one.table:
            made[one.name] = counts[one.name]
        elif one.code:
            made[one.name] = results[one.table].get(one.code, {}).get(one.column)
        else:
            made[one.name] = firsts[one.table].get(one.column)
    return made


def _earliest(rows: Sequence[Row]) -> Row:
    return min(rows, key=lambda row: str(_day(row)), default={})


def _day(row: Row) -> object:
    return next((v for name, v in row.items() if name.endswith("_date")), "9999")


def _results(rows: SubjectRows, table: str) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in sorted(rows[table], key=lambda row: str(_day(row))):
        found.setdefault(row["code"], row)
    return found


def series_rows(rows: SubjectRows) -> Iterator[dict[str, Any]]:
    """Yield the flat row of each series, with what its study says beside."""
    studies = {study["study_uid"]: study for study in rows["study"]}
    for series in rows["series"]:
        study = studies.get(series["study_uid"], {})
        yield {**series, **{name: study.get(name) for name in _OF_STUDY}}


def rows_of_flat(cells: Mapping[str, Any], columns: Sequence[FlatColumn]) -> SubjectRows:
    """Return the rows that a subject's flat row stands for. Values are of their kind already."""
    subject = str(cells["subject"])
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for one in columns:
        value = cells.get(one.name)
        if value is not None and one.table:
            tables.setdefault(one.table, {}).setdefault(one.code, {})[one.column] = value
    found: dict[str, list[Row]] = {"patient": [{"subject": subject}]}
    for table, rows in tables.items():
        if table == "patient":
            found[table] = [rows[""]]
            continue
        made: list[Row] = []
        for number, (code, row) in enumerate(rows.items(), start=1):
            about = {"code": code} if code else {}
            key = {key_of(table): f"{table}/{number}", "subject": subject}
            of = {"condition_id": "condition/1"} if _is_of_cancer(table, tables) else {}
            made.append(without_nulls({**key, **of, **about, **row}))
        found[table] = made
    return summarised(SubjectRows(subject, found))


def _is_of_cancer(table: str, tables: Mapping[str, Any]) -> bool:
    """Say whether rows of a table are about the subject's cancer, where there is one."""
    has_column = "condition_id" in columns_of(table) and table != "condition"
    return has_column and "cancer" in tables.get("condition", {}).get("", {})


def columns_of_header(header: Sequence[str]) -> tuple[FlatColumn, ...]:
    """Return the columns that a header names, also of a table that another program made."""
    known = {one.name: one for one in subject_columns({})}
    found = []
    for name in header:
        if name in known:
            found.append(known[name])
            continue
        for table, prefix in MEASURED.items():
            if name.startswith(f"{prefix}_"):
                found += _result_column(table, name, name.removeprefix(f"{prefix}_"))
    return tuple(found)


def _result_column(table: str, name: str, rest: str) -> Iterator[FlatColumn]:
    own = [(column, end) for column, end in RESULT.items() if column in columns_of(table)]
    ends = sorted(own, key=lambda pair: -len(pair[1]))
    for column, end in ends:
        if rest.endswith(end):
            code = rest.removesuffix(end)
            kind = columns_of(table)[column].kind
            yield FlatColumn(name, kind, "", table=table, column=column, code=code)
            return
