"""Answer the federated search in use (the EUCAIM explorer) from what the node has published."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tessera.domain.audit.events import query_answered
from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.cohort.disclosure import CountPolicy
from tessera.domain.cohort.explorer import provider_answer
from tessera.domain.cohort.query import Query
from tessera.domain.zones import Released
from tessera.node.answer import PublishedVersion, answer_query
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.cohort_engine import CohortEngine
from tessera.ports.exclusions import Exclusions

ASKER: Final = "explorer"
"""Who asked, in the audit log: behind the query agent the node knows no one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplorerSearch:
    """`published`: the newest published version of each dataset; `described`: as released."""

    name: str
    published: Callable[[], list[PublishedVersion]]
    described: Callable[[PublishedVersion], Released[DatasetDescription]]
    engine: CohortEngine
    policy: CountPolicy
    exclusions: Exclusions
    audit: AuditLog
    clock: Clock

    def answer(self, query: Query, asked_as: str) -> dict[str, object]:
        """Return the answer; it is in the audit log before. Raises Conflict, Unavailable."""
        versions = self.published()
        excluded = self.exclusions.excluded()
        answers = answer_query(query, versions, self.engine, self.policy, excluded)
        told = query_answered(ASKER, asked_as, str(query), answers)
        self.audit.append(told, self.clock.now())
        described = [self.described(version).value for version in versions]
        return provider_answer(self.name, zip(answers, described, strict=True))
