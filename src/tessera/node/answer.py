"""Answer a cohort query: count in each published dataset version, then pass the gate."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tessera.domain.cohort.answer import DatasetAnswer
from tessera.domain.cohort.disclosure import CountPolicy, disclose
from tessera.domain.cohort.exact import NotSupported
from tessera.domain.cohort.query import Query
from tessera.domain.errors import Unavailable
from tessera.domain.ids import DatasetId, Pseudonym
from tessera.ports.cohort_engine import CohortEngine

_log = logging.getLogger(__name__)
_FAILED = "The node could not evaluate the query on this dataset; its operator has been told."


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedVersion:
    """One dataset version the node answers for."""

    dataset_id: DatasetId
    version: int
    folder: Path
    """The version's folder, which holds `patient.parquet` and the other tables."""
    created: datetime


def answer_query(
    query: Query,
    versions: Sequence[PublishedVersion],
    engine: CohortEngine,
    policy: CountPolicy,
    excluded: frozenset[Pseudonym],
) -> tuple[DatasetAnswer, ...]:
    """Return one answer per version, in the order given; an unreadable one stops no other.

    Those `excluded` have opted out and are in no count.
    """
    return tuple(_answer(query, version, engine, policy, excluded) for version in versions)


def _answer(
    query: Query,
    version: PublishedVersion,
    engine: CohortEngine,
    policy: CountPolicy,
    excluded: frozenset[Pseudonym],
) -> DatasetAnswer:
    # No number is ever put in a log line here: an exact count in a log has left the gate behind.
    words = policy.words()
    try:
        found = engine.count(version.folder, query, excluded, least_subjects=policy.minimum)
    except Unavailable as err:
        _log.error("dataset %s v%d: %s", version.dataset_id, version.version, err)
        return DatasetAnswer(
            dataset_id=version.dataset_id,
            version=version.version,
            created=version.created,
            policy=words,
            problem=_FAILED,
        )
    unsupported = found.fields if isinstance(found, NotSupported) else ()
    return DatasetAnswer(
        dataset_id=version.dataset_id,
        version=version.version,
        created=version.created,
        policy=words,
        counts=None if isinstance(found, NotSupported) else disclose(found, policy),
        not_supported=unsupported,
    )
