"""Use case: a hospital's clinical table becomes de-identified records of the node.

Source rows and problems stay in the identified zone; only what the gate in
`domain/deid/clinical.py` has passed reaches the store.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tessera.domain.clinical.mapping import SourceRow, read_row
from tessera.domain.clinical.mapping_file import ClinicalMapping
from tessera.domain.clinical.problem import Problem
from tessera.domain.deid.clinical import deidentify_clinical
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.ids import Pseudonym
from tessera.domain.zones import Identified
from tessera.ports.clinical_store import ClinicalStore, Delivery, TableSource


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
    """In row order. They carry raw values: identified zone."""


def load_clinical(
    paths: Sequence[Path],
    mapping: ClinicalMapping,
    *,
    tables: TableSource,
    store: ClinicalStore,
    pseudonymiser: Pseudonymiser,
    now: datetime,
    excluded: frozenset[Pseudonym] = frozenset(),
    on_row: Callable[[int], None] = lambda _n: None,
) -> ClinicalOutcome:
    """Map every row of `paths` and store the records, all or none.

    A patient who was delivered before is replaced; of those `excluded`, who have opted out,
    nothing is stored. Raises NotFound, InvalidMapping; a
    row that cannot be used is a problem and never stops the rest.
    """
    rows: list[Identified[SourceRow]] = []
    problems: list[Problem] = []
    mapped: Counter[str] = Counter()
    n_rows = n_rejected = 0
    for path in paths:
        for number, cells in tables.rows(path, mapping):
            n_rows += 1
            read = read_row(cells, number, mapping, today=now.date())
            problems += read.problems
            if read.row is None:
                n_rejected += 1
            else:
                rows.append(read.row)
                mapped.update(read.row.value.values.keys())
            on_row(n_rows)
    records, between = deidentify_clinical(rows, pseudonymiser)
    problems += between
    records = tuple(one for one in records if one.value.subject.subject not in excluded)
    n_rejected += sum(problem.rejected for problem in between)
    store.replace(
        records,
        Delivery(
            mapping_name=mapping.name,
            mapping_version=mapping.version,
            delivered_at=now,
            n_subjects=len(records),
        ),
    )
    return ClinicalOutcome(
        n_rows=n_rows,
        n_converted=n_rows - n_rejected,
        n_rejected=n_rejected,
        n_subjects=len(records),
        n_conditions=sum(len(record.value.conditions) for record in records),
        mapped={name: mapped[name] for name in mapping.readings},
        reasons=dict(sorted(Counter(problem.reason for problem in problems).items())),
        problems=tuple(sorted(problems, key=lambda problem: problem.row)),
    )
