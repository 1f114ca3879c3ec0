"""Answer searches that do not come over the hub: the EUCAIM explorer, a Beacon network."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tessera.domain.audit.events import query_answered
from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.cohort.answer import DatasetAnswer
from tessera.domain.cohort.query import Query
from tessera.domain.zones import Released
from tessera.node.answer import Gate, PublishedVersion, answer_query
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.cohort_engine import CohortEngine
from tessera.ports.exclusions import Exclusions

NETWORK: Final = "network"
"""Whoever asks over a network that does not say who."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideSearch:
    """`published`: the newest published version of each dataset; `described`: as released."""

    name: str
    published: Callable[[], list[PublishedVersion]]
    described: Callable[[PublishedVersion], Released[DatasetDescription]]
    engine: CohortEngine
    gate: Gate
    exclusions: Exclusions
    audit: AuditLog
    clock: Clock

    def answers(
        self, query: Query, asker: str, asked_as: str
    ) -> list[tuple[DatasetAnswer, DatasetDescription]]:
        """Return the answer of each dataset, and the dataset; in the audit log before.

        `asker`: the network, for the node knows no one behind it; `asked_as`: its own name for
        the query. Raises Conflict when the log does not take it.
        """
        versions = self.published()
        excluded = self.exclusions.excluded()
        answers = answer_query(query, versions, self.engine, self.gate, excluded, NETWORK)
        told = query_answered(asker, asked_as, str(query), answers)
        self.audit.append(told, self.clock.now())
        described = [self.described(version).value for version in versions]
        return list(zip(answers, described, strict=True))
