"""Gate: from the tables of a dataset version to its shape, which may leave the node. Pure.

Each number rests on at least `minimum` subjects of the node's count policy and is coarse: counts
of subjects as the policy rounds them, shares in hundredths, the share of filled cells in
twentieths, numbers as quantiles between which at least `minimum` subjects lie, two significant
digits, without the outermost. A value that fewer subjects have is not named. Dates do not leave:
days from the baseline do, as any number.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import floor, log10
from typing import Final, TypeVar

from tessera.domain.clinical.build import CdmTables, TableRows
from tessera.domain.clinical.cdm import TABLES
from tessera.domain.clinical.entity import Column as CdmColumn
from tessera.domain.cohort.disclosure import CountPolicy, released_count
from tessera.domain.twin.shape import Column, Kind, Rows, Shape, Stratum, kind_column
from tessera.domain.zones import Released, seal_released

T = TypeVar("T", int, str)
MOST_QUANTILES: Final = 11
_FEW_VALUES: Final = 12
"""Numbers of so few values (a matrix, a b-value) are told as words are: by who has each."""
_NO_CANCER: Final = "none"
_DRAWN: Final = frozenset({"instance", "segmentation", "segment", "episode_event"})
"""Tables that a twin makes from its other rows."""
_PARENT: Final = {"series": "study_uid"}
_LINKS: Final = frozenset({"row_key", "table", "segmented_series_uid", "instance_uid"})


def shape_of(
    tables: CdmTables,
    policy: CountPolicy,
    *,
    dataset_id: str,
    version: int,
    manifest_sha256: str,
) -> Released[Shape]:
    """Return the shape of a version. Strata of too few subjects are left out."""
    stratum_of = _strata(tables)
    members: dict[str, set[object]] = defaultdict(set)
    for subject, name in stratum_of.items():
        members[name].add(subject)
    strata = []
    for name in sorted(members):
        n_released = released_count(len(members[name]), policy)
        if n_released is None:
            continue
        shapes = {
            table.name: _rows(tables[table.name], members[name], tables, policy)
            for table in TABLES
            if table.name not in _DRAWN and tables.get(table.name) is not None
        }
        kept = {table: rows for table, rows in shapes.items() if rows is not None}
        strata.append(Stratum(name=name, n_subjects=n_released, tables=kept))
    return seal_released(
        Shape(
            dataset_id=dataset_id,
            version=version,
            manifest_sha256=manifest_sha256,
            policy=policy.words(),
            strata=tuple(strata),
        )
    )


def _strata(tables: CdmTables) -> dict[object, str]:
    """Return subject → stratum: the first cancer in the order of its key, or none."""
    found: dict[object, str] = dict.fromkeys(tables["patient"].column("subject"), _NO_CANCER)
    condition = tables["condition"]
    for subject, cancer in zip(
        condition.column("subject"), condition.column("cancer"), strict=True
    ):
        if found.get(subject) == _NO_CANCER:
            found[subject] = str(cancer)
    return found


def _rows(
    table: TableRows, members: set[object], tables: CdmTables, policy: CountPolicy
) -> Rows | None:
    """Return the shape of one table among `members`; None when too few of them have a row."""
    subjects = table.column("subject")
    places = [place for place, subject in enumerate(subjects) if subject in members]
    if released_count(len({subjects[place] for place in places}), policy) is None:
        return None
    return Rows(
        per_parent=_per_parent(table, places, members, tables, policy),
        kinds=_kinds(table, places, policy),
    )


def _kinds(table: TableRows, places: Sequence[int], policy: CountPolicy) -> tuple[Kind, ...]:
    """Return each kind of row that enough subjects have, with its columns."""
    subjects, name = table.column("subject"), kind_column(table.table)
    kind_of = table.column(name) if name else [""] * len(subjects)
    by_kind: dict[str, list[int]] = defaultdict(list)
    for place in places:
        if kind_of[place] is not None:
            by_kind[str(kind_of[place])].append(place)
    enough = {
        kind: mine
        for kind, mine in by_kind.items()
        if len({subjects[place] for place in mine}) >= policy.minimum
    }
    shares = dict(_shares({kind: len(mine) for kind, mine in enough.items()}))
    return tuple(
        Kind(name=kind, share=shares[kind], columns=_columns(table, enough[kind], policy))
        for kind in sorted(enough)
    )


def _columns(table: TableRows, places: Sequence[int], policy: CountPolicy) -> dict[str, Column]:
    subjects = table.column("subject")
    mine = [subjects[place] for place in places]
    columns = {}
    for column in table.table.columns[1:]:
        if _is_link(column) or column.name == kind_column(table.table):
            continue
        values = table.column(column.name)
        made = _column(column, [values[place] for place in places], mine, policy)
        if made is not None:
            columns[column.name] = made
    return columns


def _is_link(column: CdmColumn) -> bool:
    is_key = bool(column.refers_to) or column.name in _LINKS or column.name.endswith("_uid")
    return is_key or column.name == "subject" or column.kind == "date"


def _per_parent(
    table: TableRows,
    places: Sequence[int],
    members: set[object],
    tables: CdmTables,
    policy: CountPolicy,
) -> tuple[tuple[int, float], ...]:
    """Return how many rows a parent has → the share of the parents, by at least `minimum`."""
    parent_column = _PARENT.get(table.table.name, "subject")
    parents = table.column(parent_column)
    n_of: Counter[object] = Counter(parents[place] for place in places)
    subject_of: dict[object, object] = {one: one for one in members}
    if parent_column == "study_uid":
        study = tables["study"]
        pairs = zip(study.column("study_uid"), study.column("subject"), strict=True)
        subject_of = {uid: subject for uid, subject in pairs if subject in members}
    by_number: dict[int, set[object]] = defaultdict(set)
    n_parents: Counter[int] = Counter()
    for parent, subject in subject_of.items():
        by_number[n_of[parent]].add(subject)
        n_parents[n_of[parent]] += 1
    merged: Counter[int] = Counter()
    waiting: set[object] = set()
    waiting_n = 0
    for number in sorted(by_number):
        waiting |= by_number[number]
        waiting_n += n_parents[number]
        if len(waiting) >= policy.minimum:
            merged[number] += waiting_n
            waiting, waiting_n = set(), 0
    if merged and waiting_n:
        merged[max(merged)] += waiting_n
    return tuple((n, share) for n, share in _shares(merged))


def _column(
    column: CdmColumn, values: Sequence[object], subjects: Sequence[object], policy: CountPolicy
) -> Column | None:
    there = [(v, s) for v, s in zip(values, subjects, strict=True) if v is not None]
    if len({subject for _, subject in there}) < policy.minimum:
        return None
    filled = round(20 * len(there) / len(values)) / 20
    is_number = column.kind in ("integer", "number") and not column.group
    if is_number and len({value for value, _ in there}) > _FEW_VALUES:
        quantiles = _quantiles([(float(str(v)), s) for v, s in there], policy)
        if quantiles:
            return Column(filled=filled, quantiles=quantiles)
    words = _words(there, policy)
    return Column(filled=filled, words=words) if words else None


def _words(
    there: Iterable[tuple[object, object]], policy: CountPolicy
) -> tuple[tuple[str, float], ...]:
    having: dict[str, set[object]] = defaultdict(set)
    n_rows: Counter[str] = Counter()
    for value, subject in there:
        word = "\\".join(map(str, value)) if isinstance(value, tuple) else _word(value)
        having[word].add(subject)
        n_rows[word] += 1
    named = Counter({w: n for w, n in n_rows.items() if len(having[w]) >= policy.minimum})
    return tuple((word, share) for word, share in _shares(named))


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shares(counts: Mapping[T, int]) -> list[tuple[T, float]]:
    total = sum(counts.values())
    return [(value, round(counts[value] / total, 2)) for value in sorted(counts)] if total else []


def _quantiles(there: Sequence[tuple[float, object]], policy: CountPolicy) -> tuple[float, ...]:
    """Return quantiles between which at least `minimum` subjects lie, outermost left out."""
    of_subject: dict[object, float] = {}
    for value, subject in there:
        of_subject.setdefault(subject, value)  # one each, so that a bin counts subjects
    n_bins = min(MOST_QUANTILES - 1, len(of_subject) // policy.minimum)
    if n_bins < 2:
        return ()
    ordered = sorted(of_subject.values())
    edges = [ordered[min(len(ordered) - 1, len(ordered) * i // n_bins)] for i in range(1, n_bins)]
    return tuple(_coarse(edge) for edge in edges)


def _coarse(value: float) -> float:
    """Return `value` with two significant digits; whole numbers below 100 stay."""
    if value == 0 or (value.is_integer() and abs(value) < 100):
        return value
    digits = 1 - floor(log10(abs(value)))
    return round(value, digits)
