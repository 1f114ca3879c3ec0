"""Use case: a hospital's clinical tables become de-identified records of the node.

Source rows and problems stay in the identified zone; only what the gate in
`domain/deid/clinical.py` has passed reaches the store. A delivery is split into parts, each with
all rows of its patients; `DoParts` says where they are done.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Protocol

from tessera.domain.clinical.mapping_file import ROW_NUMBER, ClinicalMapping, MappingFile, folded
from tessera.domain.clinical.problem import Problem
from tessera.domain.clinical.record_json import RecordText, differences
from tessera.domain.deid.clinical_part import PartResult, PartRow, PartSource, map_part
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.ids import Pseudonym
from tessera.domain.zones import Deidentified, Identified
from tessera.ports.clinical_store import ClinicalStore, Delivery, TableSource

_COMPARED_AT_ONCE = 2000
MOST_PROBLEMS = 100_000
"""Problems that are kept with their row; all are counted."""


class DoParts(Protocol):
    """Does the parts of a delivery, in any order."""

    def __call__(
        self, sources: Sequence[PartSource], rows: Iterable[tuple[str, Identified[PartRow]]]
    ) -> Iterator[PartResult]:
        """Yield the result of each part. `rows`: what a patient's rows have in common, and the row.

        What is in common decides the part, and names the patient.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a delivery changes in the store. Exact; stays inside the node."""

    n_new: int = 0
    n_changed: int = 0
    n_same: int = 0
    n_gone: int = 0
    """Subjects of an earlier delivery by this mapping who are not in this one; they stay."""
    columns: dict[str, int] = field(default_factory=dict)
    """`table.column` → subjects in whom it differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalOutcome:
    """What one delivery came to. Counts are exact and stay inside the node."""

    n_rows: int
    """Rows read, without empty ones."""
    n_converted: int
    """Rows that became a record or part of one."""
    n_rejected: int
    """Rows left out."""
    n_subjects: int
    n_conditions: int
    mapped: dict[str, int]
    """Variable → rows that have a value for it."""
    reasons: dict[str, int]
    """Reason code → number of problems."""
    problems: tuple[Problem, ...]
    """In order of file and row, `MOST_PROBLEMS` at most. They carry raw values: identified zone."""
    changes: Changes


def load_clinical(
    paths: Sequence[Path],
    mapping: ClinicalMapping | MappingFile,
    *,
    tables: TableSource,
    store: ClinicalStore,
    pseudonymiser: Pseudonymiser,
    now: datetime,
    excluded: frozenset[Pseudonym] = frozenset(),
    on_row: Callable[[int], None] = lambda _n: None,
    do_parts: DoParts | None = None,
    is_dry: bool = False,
) -> ClinicalOutcome:
    """Map every row of `paths` and store the records, all or none; `is_dry` stores nothing.

    A patient who was delivered before is replaced; of those `excluded`, who have opted out,
    nothing is stored. Raises NotFound, InvalidMapping; a
    row that cannot be used is a problem and never stops the rest.
    """
    whole = mapping if isinstance(mapping, MappingFile) else _file_of(mapping)
    found = [
        (path, PartSource(mapping=one, place=place))
        for place, path in enumerate(paths)
        for one in whole.of_file(path.name)
    ]
    sources = [source for _, source in found]
    tally = _Tally()
    parts = (do_parts or in_one_part(pseudonymiser, now, excluded))(
        sources, _rows(found, tables, on_row)
    )
    records = tally.compared(tally.taken(parts), store)
    before = frozenset(store.delivered_by(whole.name))
    if is_dry:
        for _ in records:  # read and compare, and keep nothing
            continue
    else:
        store.replace(
            records,
            Delivery(
                mapping_name=whole.name,
                mapping_version=whole.version,
                delivered_at=now,
                n_subjects=0,
            ),
        )
    tally.n_gone = len(before - tally.subjects)
    names = dict.fromkeys(name for source in sources for name in source.mapping.readings)
    return tally.outcome(tuple(names))


def in_one_part(
    pseudonymiser: Pseudonymiser, now: datetime, excluded: frozenset[Pseudonym]
) -> DoParts:
    """Return what does a whole delivery here, in memory."""

    def run_here(
        sources: Sequence[PartSource], rows: Iterable[tuple[str, Identified[PartRow]]]
    ) -> Iterator[PartResult]:
        part: Identified[Iterable[PartRow]] = Identified([row.value for _, row in rows])
        yield map_part(part, sources, pseudonymiser, today=now.date(), excluded=excluded)

    return run_here


def _file_of(mapping: ClinicalMapping) -> MappingFile:
    return MappingFile(name=mapping.name, version=mapping.version, tables=(mapping,))


def _rows(
    found: Sequence[tuple[Path, PartSource]], tables: TableSource, on_row: Callable[[int], None]
) -> Iterator[tuple[str, Identified[PartRow]]]:
    n_rows = 0
    for index, (path, source) in enumerate(found):
        mapping = source.mapping
        columns = mapping.columns()
        is_numbered = mapping.patient_id_column == ROW_NUMBER
        at = 0 if is_numbered else columns.index(mapping.patient_id_column)
        for number, cells in tables.rows(path, mapping):
            n_rows += 1
            on_row(n_rows)
            who = str(number) if is_numbered else folded(cells.value[at])
            yield who, Identified((index, number, cells.value))


@dataclass(slots=True)
class _Tally:
    """Counts of a delivery, gathered while its records go by."""

    n_rows: int = 0
    n_rejected: int = 0
    n_conditions: int = 0
    n_new: int = 0
    n_changed: int = 0
    n_same: int = 0
    n_gone: int = 0
    mapped: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    columns: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    subjects: set[Pseudonym] = field(default_factory=set)

    def taken(self, parts: Iterable[PartResult]) -> Iterator[Deidentified[RecordText]]:
        for part in parts:
            self.n_rows += part.n_rows
            self.n_rejected += part.n_rejected
            self.n_conditions += part.n_conditions
            self.mapped.update(part.mapped)
            self.reasons.update(problem.reason for problem in part.problems)
            self.problems += part.problems[: MOST_PROBLEMS - len(self.problems)]
            yield from part.each()

    def compared(
        self, records: Iterator[Deidentified[RecordText]], store: ClinicalStore
    ) -> Iterator[Deidentified[RecordText]]:
        """Pass the records on, counting what each changes in the store."""
        while some := list(islice(records, _COMPARED_AT_ONCE)):
            known = store.existing([one.value.subject for one in some])
            for one in some:
                self.subjects.add(one.value.subject)
                earlier = known.get(one.value.subject)
                if earlier is None:
                    self.n_new += 1
                elif changed := differences(earlier, one.value.body):
                    self.n_changed += 1
                    self.columns.update(changed)
                else:
                    self.n_same += 1
            yield from some

    def outcome(self, names: Sequence[str]) -> ClinicalOutcome:
        return ClinicalOutcome(
            n_rows=self.n_rows,
            n_converted=self.n_rows - self.n_rejected,
            n_rejected=self.n_rejected,
            n_subjects=len(self.subjects),
            n_conditions=self.n_conditions,
            mapped={name: self.mapped[name] for name in names},
            reasons=dict(sorted(self.reasons.items())),
            problems=tuple(sorted(self.problems, key=lambda one: (one.place, one.row))),
            changes=Changes(
                n_new=self.n_new,
                n_changed=self.n_changed,
                n_same=self.n_same,
                n_gone=self.n_gone,
                columns=dict(sorted(self.columns.items())),
            ),
        )
