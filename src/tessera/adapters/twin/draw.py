"""Draw a twin from a shape: the tables of made-up subjects. One seed, one twin."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from tessera.domain.clinical.build import CdmTables, TableRows
from tessera.domain.clinical.cdm import SERIES, STUDY, TABLES
from tessera.domain.clinical.entity import Column as CdmColumn
from tessera.domain.clinical.entity import Table
from tessera.domain.errors import InvalidInput
from tessera.domain.twin.shape import Column, Rows, Shape, Stratum, kind_column

DAY_0: Final = date(2000, 1, 1)
"""Every subject's baseline lies within a year after it: no date of a twin can be a real one."""
_UID_ROOT: Final = "2.25."
_SOP_CLASSES: Final = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
    "NM": "1.2.840.10008.5.1.4.1.1.20",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "MG": "1.2.840.10008.5.1.4.1.1.1.2",
    "SEG": "1.2.840.10008.5.1.4.1.1.66.4",
}
"""SOP classes that a twin has instances of. Source: PS3.4 B.5."""
_EXPLICIT_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
Record = dict[str, Any]


def can_have_images(modality: str) -> bool:
    """Return whether series of `modality` get instances; reports and plans do not."""
    return modality in _SOP_CLASSES


@dataclass(slots=True)
class _Drawn:
    """Rows so far, by table."""

    rows: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))
    n_made: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def key(self, table: str, subject: str) -> str:
        self.n_made[table] += 1
        return f"{subject}/{table}-{self.n_made[table]}"


def draw(shape: Shape, *, seed: int, n_subjects: int | None = None) -> CdmTables:
    """Return the tables of a twin of `n_subjects`, by default as many as the shape has.

    Instances are rows without bytes and hash: whoever writes the files fills them in.
    Raises InvalidInput when the shape has no stratum, since all were too few to tell.
    """
    if not shape.strata:
        raise InvalidInput("the dataset is too small for a twin: too few subjects are alike in it")
    rng = np.random.default_rng([seed, shape.version])
    drawn = _Drawn()
    for place, stratum in enumerate(_allotted(shape, n_subjects or shape.n_subjects, rng)):
        _draw_subject(f"TWIN-{place + 1:06}", stratum, rng, drawn)
    _add_instances(drawn)
    return CdmTables(
        {
            table.name: _table(table, drawn.rows[table.name])
            for table in TABLES
            if drawn.rows[table.name] or table.name in _ALWAYS
        }
    )


_ALWAYS = frozenset({"patient", "condition", "study", "series", "instance"})


def _allotted(shape: Shape, n_subjects: int, rng: np.random.Generator) -> Iterator[Stratum]:
    total = shape.n_subjects
    numbers = [n_subjects * one.n_subjects // total for one in shape.strata]
    for place in range(n_subjects - sum(numbers)):
        numbers[place % len(numbers)] += 1
    strata = [s for s, n in zip(shape.strata, numbers, strict=True) for _ in range(n)]
    return (strata[place] for place in rng.permutation(len(strata)))


def _draw_subject(subject: str, stratum: Stratum, rng: np.random.Generator, drawn: _Drawn) -> None:
    baseline = DAY_0 + timedelta(days=int(rng.integers(0, 365)))
    mine: dict[str, list[Record]] = defaultdict(list)
    for table in TABLES:
        rows = stratum.tables.get(table.name)
        if rows is None or table is SERIES or (kind_column(table) and not rows.kinds):
            continue
        n = 1 if table.name == "patient" else _number_of_rows(rows, rng)
        for _ in range(n):
            row = _row(table, rows, rng)
            row["subject"] = subject
            if _is_linked(row, table, mine, rng):
                _date_it(row, table, baseline)
                if table.name != "patient":
                    key = _uid(rng) if table is STUDY else drawn.key(table.name, subject)
                    row[table.columns[0].name] = key
                mine[table.name].append(row)
    patient: Record = mine["patient"][0]
    patient["baseline_date"] = baseline
    for one in mine["condition"]:
        one["cancer"] = one.get("cancer") or stratum.name
        one["diagnosis_date"], one["diagnosis_offset_days"] = baseline, 0
    _number_in_time(mine["study"])
    for name, rows_made in mine.items():
        drawn.rows[name] += rows_made
    series_rows = stratum.tables.get("series")
    if series_rows is not None:
        for study in mine["study"]:
            _draw_series(study, series_rows, rng, drawn)


def _number_in_time(studies: list[Record]) -> None:
    studies.sort(key=lambda one: (one.get("study_date") or date.max, one["study_uid"]))
    for number, study in enumerate(studies, start=1):
        study["timepoint"] = number if study.get("study_date") else None


def _draw_series(study: Record, rows: Rows, rng: np.random.Generator, drawn: _Drawn) -> None:
    made: list[Record] = []
    for place in range(max(1, _number_of_rows(rows, rng))):
        row = _row(SERIES, rows, rng)
        if not row.get("modality"):
            continue
        row |= {"series_uid": _uid(rng), "study_uid": study["study_uid"]}
        row |= {"subject": study["subject"], "series_number": place + 1}
        row["n_instances"] = max(1, int(row.get("n_instances") or 1))
        row["n_bytes"] = 0
        made.append(row)
    study["modalities"] = tuple(sorted({str(row["modality"]) for row in made}))
    study["n_series"] = len(made)
    study["n_instances"] = sum(row["n_instances"] for row in made)
    drawn.rows["series"] += made


def _add_instances(drawn: _Drawn) -> None:
    for series in drawn.rows["series"]:
        if not can_have_images(series["modality"]):
            series["n_instances"] = 0
            continue
        if series["modality"] == "SEG":
            series["n_instances"] = 1
        for number in range(1, series["n_instances"] + 1):
            uid = f"{series['series_uid']}.{number}"
            drawn.rows["instance"].append(
                {
                    "instance_uid": uid,
                    "series_uid": series["series_uid"],
                    "sop_class_uid": _SOP_CLASSES[series["modality"]],
                    "transfer_syntax_uid": _EXPLICIT_LITTLE_ENDIAN,
                    "instance_number": number,
                    "n_bytes": 0,
                    "sha256": "",
                    "path": f"instances/{series['series_uid'][-2:]}/{uid}.dcm",
                }
            )


def _row(table: Table, rows: Rows, rng: np.random.Generator) -> Record:
    """Return a row of a kind, as often as its share says."""
    if not rows.kinds:
        return {}
    kind = _chosen([(one, one.share) for one in rows.kinds], rng)
    made = {
        column.name: _value(column, kind.columns[column.name], rng)
        for column in table.columns
        if column.name in kind.columns
    }
    name = kind_column(table)
    return made | ({name: kind.name} if name else {})


def _value(column: CdmColumn, shape: Column, rng: np.random.Generator) -> object:
    if rng.random() >= shape.filled:
        return None
    if shape.quantiles:
        number = _number(shape.quantiles, rng)
        return round(number) if column.kind == "integer" else round(number, 4)
    word = _chosen(shape.words, rng)
    if column.kind == "boolean":
        return word == "true"
    if column.kind == "texts":
        return tuple(word.split("\\"))
    if column.kind in ("integer", "number"):
        return int(word) if column.kind == "integer" else float(word)
    return word


def _number(quantiles: Sequence[float], rng: np.random.Generator) -> float:
    """Draw between neighbouring quantiles; beyond the outermost no more than a step away."""
    step = (quantiles[-1] - quantiles[0]) / max(1, len(quantiles) - 1)
    low, high = quantiles[0] - step, quantiles[-1] + step
    if quantiles[0] >= 0:
        low = max(0.0, low)
    edges = [low, *quantiles, high]
    place = int(rng.integers(0, len(edges) - 1))
    return float(rng.uniform(edges[place], edges[place + 1]))


def _chosen(words: Sequence[tuple[Any, float]], rng: np.random.Generator) -> Any:
    shares = np.array([share for _, share in words]) + 1e-9
    return words[int(rng.choice(len(words), p=shares / shares.sum()))][0]


def _number_of_rows(rows: Rows, rng: np.random.Generator) -> int:
    return int(_chosen(rows.per_parent, rng)) if rows.per_parent else 0


def _is_linked(
    row: Record, table: Table, mine: Mapping[str, list[Record]], rng: np.random.Generator
) -> bool:
    """Fill in the references of a row with rows of the same subject; False when one must be."""
    for column in table.columns[1:]:
        if not column.refers_to or column.refers_to == "patient":
            continue
        there = mine.get(column.refers_to, [])
        key = next(t for t in TABLES if t.name == column.refers_to).columns[0].name
        if there:
            row[column.name] = there[int(rng.integers(0, len(there)))].get(key)
        elif column.required:
            return False
    return True


def _date_it(row: Record, table: Table, baseline: date) -> None:
    """Set each date from the days since the baseline."""
    names = {column.name for column in table.columns}
    for name in names:
        offset = f"{name.removesuffix('_date')}_offset_days"
        if name.endswith("_date") and offset in names and row.get(offset) is not None:
            row[name] = baseline + timedelta(days=int(row[offset]))
    if table is STUDY and row.get("study_offset_days") is not None:
        row["study_date"] = baseline + timedelta(days=int(row["study_offset_days"]))


def _uid(rng: np.random.Generator) -> str:
    """Return a UID of random bits (PS3.5 B.2)."""
    high, low = (int(part) for part in rng.integers(0, 2**62, size=2))
    return f"{_UID_ROOT}{(high << 62) | low}"


def _table(table: Table, rows: Sequence[Record]) -> TableRows:
    names = [column.name for column in table.columns]
    made = [tuple(row.get(name) for name in names) for row in rows]
    return TableRows(table, tuple(sorted(made, key=lambda row: str(row[0]))))
