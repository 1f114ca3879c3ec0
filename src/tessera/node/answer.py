"""Answer a cohort query: count in each published dataset version, then pass the gate."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from tessera.domain.cohort.answer import Counts, DatasetAnswer
from tessera.domain.cohort.disclosure import CountPolicy, disclose, disclose_sets
from tessera.domain.cohort.exact import NotSupported
from tessera.domain.cohort.query import Query
from tessera.domain.errors import Unavailable
from tessera.domain.ids import DatasetId, Pseudonym
from tessera.domain.zones import Released
from tessera.ports.clock import Clock
from tessera.ports.cohort_engine import CohortEngine
from tessera.ports.disclosure_ledger import Budget, DisclosureLedger

_log = logging.getLogger(__name__)
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
) -> tuple[DatasetAnswer, ...]:
    """Return one answer per version, in the order given; an unreadable one stops no other.

    Those `excluded` have opted out and are in no count. `asker`: a name for whoever asks that
    is the same each time, else all are one.
    """
    return tuple(_answer(query, version, engine, gate, excluded, asker) for version in versions)


def _answer(
    query: Query,
    version: PublishedVersion,
    engine: CohortEngine,
    gate: Gate,
    excluded: frozenset[Pseudonym],
    asker: str,
) -> DatasetAnswer:
    # No number is ever put in a log line here: an exact count in a log has left the gate behind.
    problem, counts = "", None
    unsupported: tuple[str, ...] = ()
    try:
        if not gate.policy.noise:
            found = engine.count(
                version.folder, query, excluded, least_subjects=gate.policy.minimum
            )
            if isinstance(found, NotSupported):
                unsupported = found.fields
            else:
                counts = disclose(found, gate.policy)
        elif gate.ledger.ask(version.dataset_id, asker, str(query), gate.budget, gate.clock.now()):
            unsupported, counts = _with_noise(query, version, engine, gate, excluded)
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


def _with_noise(
    query: Query,
    version: PublishedVersion,
    engine: CohortEngine,
    gate: Gate,
    excluded: frozenset[Pseudonym],
) -> tuple[tuple[str, ...], Released[Counts] | None]:
    found = engine.sets(
        version.folder,
        query,
        excluded,
        key=gate.ledger.key(),
        least_subjects=gate.policy.minimum,
    )
    if isinstance(found, NotSupported):
        return found.fields, None
    tell = partial(gate.ledger.tell, version.dataset_id, policy=gate.policy)
    return (), disclose_sets(found, gate.policy, tell)
