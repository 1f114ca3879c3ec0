"""What the tables of a dataset version say about the statements. Pure."""

from collections import Counter
from collections.abc import Iterator

from tessera.domain.clinical.build import CdmTables, TableRows
from tessera.domain.clinical.cdm import TABLES
from tessera.domain.clinical.entity import Column
from tessera.domain.terms.terminology import group
from tessera.domain.tiers.judged import Judged, judged, met
from tessera.domain.tiers.statements import Verdict

_OFFSETS = {
    "diagnosis_date": "diagnosis_offset_days",
    "study_date": "study_offset_days",
    "last_contact_date": "last_contact_offset_days",
}
_CONTOURS = ("RTSTRUCT", "ANN")
"""Modalities that hold outlines which tier 3 wants as SEG."""
_SEG = "SEG"
_SAID_OF_A_SEGMENT = ("label", "description", "algorithm_type")
_SAID_OF_A_SEGMENTATION = ("n_annotators", "annotator_type", "years_experience")
_MOST_PROBLEMS = 5


def offsets(tables: CdmTables) -> Judged:
    """Days from a baseline stand beside each date (T1-08)."""
    n = without = 0
    for table in tables.by_name.values():
        for date_column, offset in _dated(table):
            days = table.column(offset)
            for day, since in zip(table.column(date_column), days, strict=True):
                n += day is not None
                without += day is not None and since is None
    if not n:
        return judged("T1-08", Verdict.NOT_APPLICABLE, "none-of-these")
    facts = {"n": without or n, "of": n}
    return met(
        "T1-08", when=not without, kind="offsets-there", otherwise="offsets-missing", **facts
    )


def _dated(table: TableRows) -> Iterator[tuple[str, str]]:
    names = [column.name for column in table.table.columns]
    for name in names:
        offset = _OFFSETS.get(name, f"{name.removesuffix('_date')}_offset_days")
        if name.endswith("_date") and offset in names:
            yield name, offset


def annotations(tables: CdmTables) -> Judged:
    """Every segment says what it is, and how and by whom it was made (T1-09)."""
    segment, segmentation = tables.get("segment"), tables.get("segmentation")
    if segment is None or segmentation is None:
        return judged("T1-09", Verdict.NOT_APPLICABLE, "none-of-these")
    lacking: Counter[str] = Counter()
    n_bad = 0
    by_hand = "MANUAL"
    about = dict(
        zip(
            segmentation.column("instance_uid"),
            zip(*(segmentation.column(name) for name in _SAID_OF_A_SEGMENTATION), strict=True),
            strict=True,
        )
    )
    columns = (*_SAID_OF_A_SEGMENT, "algorithm_name", "instance_uid")
    for row in zip(*(segment.column(name) for name in columns), strict=True):
        *said, algorithm, uid = row
        missing = [name for name, value in zip(_SAID_OF_A_SEGMENT, said, strict=True) if not value]
        if said[2] != by_hand and not algorithm:
            missing.append("algorithm_name")
        people = about.get(uid, (None,) * len(_SAID_OF_A_SEGMENTATION))
        if said[2] != "AUTOMATIC":
            named = zip(_SAID_OF_A_SEGMENTATION, people, strict=True)
            missing += [name for name, value in named if value is None]
        lacking.update(missing)
        n_bad += bool(missing)
    n = len(segment.rows)
    return met(
        "T1-09",
        when=not n_bad,
        kind="segments-said",
        otherwise="segments-unsaid",
        n=n_bad or n,
        of=n,
        what=", ".join(sorted(lacking)),
    )


def objects(tables: CdmTables) -> Judged:
    """Segmentations are DICOM SEG (T3-01). That all is DICOM is what a node takes in."""
    modalities = Counter(str(modality) for modality in tables["series"].column("modality"))
    outlines = {name: modalities[name] for name in _CONTOURS if modalities[name]}
    return met(
        "T3-01",
        when=not outlines,
        kind="objects",
        otherwise="not-seg",
        n=sum(outlines.values()) or len(tables["instance"].rows),
        segmentations=modalities[_SEG],
        modalities=", ".join(outlines),
    )


def problems(tables: CdmTables) -> tuple[str, ...]:
    """Return what is against the definition of the tables; none when they are valid.

    Keys are there and unique, what must be there is there, coded values are concepts of their
    group, and references lead to a row.
    """
    keys = {
        name: set(table.column(table.table.columns[0].name))
        for name, table in tables.by_name.items()
    }
    found: list[str] = []
    for table in TABLES:
        rows = tables.get(table.name)
        if rows is None:
            continue
        if len(keys[table.name]) != len(rows.rows):
            found.append(f"{table.name}: a key occurs twice")
        for column in table.columns:
            wrong = _wrong(column, rows.column(column.name), keys)
            if wrong:
                found.append(f"{table.name}.{column.name}: {wrong}")
    return tuple(found)


def _wrong(column: Column, values: list[object], keys: dict[str, set[object]]) -> str:
    distinct = set(values) if column.kind != "texts" else set()
    if column.required and None in distinct:
        return "a value that must be there is not"
    distinct.discard(None)
    if column.group:
        known = {concept.name for concept in group(column.group)}
        strange = len(distinct - known)
        return f"{strange} values that are no concept of {column.group}" if strange else ""
    if column.refers_to and distinct - keys.get(column.refers_to, set()):
        return f"names a row of {column.refers_to} that is not there"
    return ""


def tables_there(tables: CdmTables, mappings: str) -> Judged:
    """The common data model is there (T2-04)."""
    n_rows = sum(len(table.rows) for table in tables.by_name.values())
    return met(
        "T2-04",
        when=bool(tables["patient"].rows),
        kind="tables-there",
        otherwise="checks-not-run",
        n=len(tables.by_name),
        rows=n_rows,
        mappings=mappings or "–",
    )


def valid(tables: CdmTables) -> Judged:
    """The tables are valid, and the views are a row per patient and per series (T3-02)."""
    found = problems(tables)
    shown = "; ".join(found[:_MOST_PROBLEMS])
    more = len(found) - _MOST_PROBLEMS
    return met(
        "T3-02",
        when=not found,
        kind="views-there",
        otherwise="tables-invalid",
        patients=len(tables["patient"].rows),
        series=len(tables["series"].rows),
        problems=f"{shown} (+{more})" if more > 0 else shown,
    )
