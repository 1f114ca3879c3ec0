"""Answer a cohort query: count in each published dataset version, then pass the gate."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tessera.domain.cohort.answer import Counts, DatasetAnswer
from tessera.domain.cohort.disclosure import CountPolicy, disclose, disclose_sets, released_count
from tessera.domain.cohort.exact import ExactSet, NotSupported
from tessera.domain.cohort.query import Query
from tessera.domain.errors import Unavailable
from tessera.domain.ids import DatasetId, Pseudonym
from tessera.domain.statistics.cut import Cut
from tessera.domain.zones import Released
from tessera.ports.clock import Clock
from tessera.ports.cohort_engine import CohortEngine
from tessera.ports.disclosure_ledger import Budget, DisclosureLedger

_log = logging.getLogger(__name__)
CELLS_A_QUESTION: Final = 100
"""So many cells of a cut cost as much of a budget as one query."""
VISITOR: Final = ""
"""Everybody who is not signed in, and everybody whose hub does not say who asks."""
_SPENT = (
    "The dataset has answered as many different questions of yours, or of everybody's, as its"
    " hospital allows in {days} days. A question asked before is answered again."
)
_FAILED = "The node could not evaluate the query on this dataset; its operator has been told."


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedVersion:
    """One dataset version the node answers for."""

    dataset_id: DatasetId
    version: int
    folder: Path
    """The version's folder, which holds `patient.parquet` and the other tables."""
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What stands between the engine and whoever asks."""

    policy: CountPolicy
    budget: Budget
    ledger: DisclosureLedger
    clock: Clock


def answer_query(
    query: Query,
    versions: Sequence[PublishedVersion],
    engine: CohortEngine,
    gate: Gate,
    excluded: frozenset[Pseudonym],
    asker: str = VISITOR,
    cuts: Sequence[Cut] = (),
) -> tuple[DatasetAnswer, ...]:
    """Return one answer per version, in the order given; an unreadable one stops no other.

    Those `excluded` have opted out and are in no count. `asker`: a name for whoever asks that
    is the same each time, else all are one. `cuts` are told where the policy gives statistics.
    """
    named = {f"cut_{place}": cut for place, cut in enumerate(cuts) if gate.policy.gives_statistics}
    asked = _Asked(query, named, excluded, asker)
    return tuple(_answer(asked, version, engine, gate) for version in versions)


@dataclass(frozen=True, slots=True)
class _Asked:
    query: Query
    cuts: Mapping[str, Cut]
    excluded: frozenset[Pseudonym]
    asker: str

    def questions(self) -> Iterator[str]:
        """Yield what the budget counts: the query, and each hundred cells of a cut."""
        yield str(self.query)
        for cut in self.cuts.values():
            for part in range(-(-cut.n_cells // CELLS_A_QUESTION)):
                yield f"{self.query} by {cut} {part}"


def _answer(
    asked: _Asked, version: PublishedVersion, engine: CohortEngine, gate: Gate
) -> DatasetAnswer:
    # No number is ever put in a log line here: an exact count in a log has left the gate behind.
    problem, counts = "", None
    unsupported: tuple[str, ...] = ()
    try:
        if not gate.policy.noise and not asked.cuts:
            found = engine.count(
                version.folder, asked.query, asked.excluded, least_subjects=gate.policy.minimum
            )
            if isinstance(found, NotSupported):
                unsupported = found.fields
            else:
                counts = disclose(found, gate.policy)
        elif _may_ask(asked, version, gate):
            unsupported, counts = _of_sets(asked, version, engine, gate)
        else:
            problem = _SPENT.format(days=gate.budget.during.days)
    except Unavailable as err:
        _log.error("dataset %s v%d: %s", version.dataset_id, version.version, err)
        problem = _FAILED
    return DatasetAnswer(
        dataset_id=version.dataset_id,
        version=version.version,
        created=version.created,
        policy=gate.policy.words(),
        counts=counts,
        not_supported=unsupported,
        problem=problem,
    )


def _may_ask(asked: _Asked, version: PublishedVersion, gate: Gate) -> bool:
    if gate.policy.hides_nothing:
        return True
    now = gate.clock.now()
    return all(
        gate.ledger.ask(version.dataset_id, asked.asker, question, gate.budget, now)
        for question in asked.questions()
    )


def _of_sets(
    asked: _Asked, version: PublishedVersion, engine: CohortEngine, gate: Gate
) -> tuple[tuple[str, ...], Released[Counts] | None]:
    found = engine.sets(
        version.folder,
        asked.query,
        asked.excluded,
        key=gate.ledger.key(),
        cuts=asked.cuts,
        least_subjects=gate.policy.minimum,
    )
    if isinstance(found, NotSupported):
        return found.fields, None

    def tell(sets: Mapping[str, ExactSet]) -> Mapping[str, int | None]:
        if gate.policy.hides_nothing:
            return {label: released_count(one.n, gate.policy) for label, one in sets.items()}
        return gate.ledger.tell(version.dataset_id, sets, gate.policy)

    return (), disclose_sets(found, gate.policy, tell, asked.cuts)
