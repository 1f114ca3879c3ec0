"""A part of a delivery, read and de-identified: what one worker does. Pure.

A part holds all rows of its patients, so that parts can be done in any order, anywhere.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from tessera.domain.clinical.mapping import RowReader
from tessera.domain.clinical.mapping_file import ClinicalMapping
from tessera.domain.clinical.problem import Problem
from tessera.domain.clinical.record_json import RecordText, text_of
from tessera.domain.deid.clinical import Trail, deidentify_rows
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.ids import Pseudonym
from tessera.domain.zones import Deidentified, Identified, seal_deidentified

PartRow = tuple[int, int, tuple[str, ...]]
"""Index of the source, row number, cells in the order of its columns. Identified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSource:
    """One table of a delivery."""

    mapping: ClinicalMapping
    place: int
    """Which file of the delivery, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartResult:
    """What a part came to. Counts are exact and stay inside the node."""

    records: Deidentified[tuple[RecordText, ...]]
    problems: tuple[Problem, ...]
    n_rows: int
    n_rejected: int
    n_conditions: int
    mapped: Counter[str]
    """Variable → rows that have a value for it."""
    trails: tuple[tuple[Pseudonym, Trail], ...] = ()

    def each(self) -> Iterator[Deidentified[RecordText]]:
        """Yield the records one by one."""
        return (seal_deidentified(one) for one in self.records.value)


def map_part(
    rows: Identified[Iterable[PartRow]],
    sources: Sequence[PartSource],
    pseudonymiser: Pseudonymiser,
    *,
    today: date,
    excluded: frozenset[Pseudonym] = frozenset(),
) -> PartResult:
    """Return the records of the part, by pseudonym; of those `excluded` there is nothing."""
    readers = [RowReader(one.mapping, today=today, place=one.place) for one in sources]
    problems: list[Problem] = []
    mapped: Counter[str] = Counter()
    n_rows = n_rejected = 0
    kept = []
    for source, number, cells in rows.value:
        one = readers[source].read_cells(cells, number)
        if one.row is None and not one.problems:
            continue
        n_rows += 1
        problems += one.problems
        if one.row is None:
            n_rejected += 1
        else:
            kept.append(one.row)
            mapped.update(one.row.value.values.keys())
    records: list[RecordText] = []
    trails: list[tuple[Pseudonym, Trail]] = []
    n_conditions = 0
    for gated in deidentify_rows(kept, pseudonymiser):
        problems += gated.problems
        n_rejected += sum(problem.rejected for problem in gated.problems)
        record = gated.record
        subject = record.value.subject.subject
        if subject not in excluded:
            n_conditions += len(record.value.conditions)
            records.append(text_of(record))
            trails += [(subject, trail) for trail in gated.trails]
    return PartResult(
        records=seal_deidentified(tuple(records)),
        problems=tuple(problems),
        n_rows=n_rows,
        n_rejected=n_rejected,
        n_conditions=n_conditions,
        mapped=mapped,
        trails=tuple(trails),
    )
