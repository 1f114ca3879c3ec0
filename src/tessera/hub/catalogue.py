"""The hub's catalogue: what nodes have published, and which nodes are in touch."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tessera.domain.audit import events
from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.catalogue.entry import CatalogueEntry, HubSummary, NodeSummary
from tessera.domain.catalogue.notice import Notice, NoticeKind, Withdrawn
from tessera.domain.catalogue.progress import Progress, Published, progress
from tessera.domain.errors import NotFound
from tessera.domain.tiers.judged import said_in
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.hub_store import CataloguedVersion, HubStore, NodeRecord, NodeState

HEARTBEAT: Final = timedelta(seconds=60)
"""A node that called within this time is online; it calls at least every 25 seconds."""


def is_online(node: NodeRecord, now: datetime) -> bool:
    return node.last_seen is not None and now - node.last_seen <= HEARTBEAT


@dataclass(slots=True)
class _Kept:
    """The entries that were put together last, and what they were put together from."""

    last: (
        tuple[Sequence[CataloguedVersion], Mapping[str, NodeSummary], tuple[CatalogueEntry, ...]]
        | None
    ) = None
    progress: tuple[Sequence[CataloguedVersion], Mapping[str, str], Progress] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    store: HubStore
    clock: Clock
    audit: AuditLog
    _kept: _Kept = field(default_factory=_Kept, compare=False, repr=False)

    def publish(self, node: NodeRecord, description: DatasetDescription) -> bool:
        """Keep a description; False when it was there already. Raises Conflict."""
        published = CataloguedVersion(
            node_id=node.node_id, description=description, published_at=self.clock.now()
        )
        with self.store.transaction():
            is_new = self.store.datasets.add(published)
            if is_new:
                told = events.dataset_published(
                    *(node.node_id, description.dataset_id),
                    *(description.version, description.manifest_sha256),
                )
                self.audit.append(told, published.published_at)
            elif description.conformance:
                self.store.datasets.renew_conformance(published)
        return is_new

    def take_notice(self, node: NodeRecord, notice: Notice) -> None:
        """Keep what the holder says of a published dataset. Raises NotFound."""
        with self.store.transaction():
            self.store.datasets.note(node.node_id, notice)
            told = events.dataset_noted(
                node.node_id, notice.dataset_id, notice.kind.value, notice.reason
            )
            self.audit.append(told, self.clock.now())

    def nodes(self) -> Sequence[NodeSummary]:
        """Return the approved nodes, by name."""
        return sorted(self._approved().values(), key=lambda n: (n.name.casefold(), n.node_id))

    def entries(self) -> Sequence[CatalogueEntry]:
        """Return the newest version of each dataset of an approved node, newest first."""
        nodes = self._approved()
        newest = self.store.datasets.newest()
        kept = self._kept.last
        # The store gives the same object again while nothing was published.
        if kept is not None and kept[0] is newest and kept[1] == nodes:
            return kept[2]
        versions = self.store.datasets.versions_of_all()
        notices = self.store.datasets.notices()
        entries = tuple(
            CatalogueEntry(
                node=nodes[v.node_id],
                description=v.description,
                published_at=v.published_at,
                versions=versions.get((v.node_id, v.description.dataset_id), ()),
                conformance=said_in(v.description.conformance),
                confirmed_at=_confirmed(notices.get((v.node_id, v.description.dataset_id), {}), v),
            )
            for v in newest
            if v.node_id in nodes
        )
        self._kept.last = newest, nodes, entries
        return entries

    def entry(self, node_id: str, dataset_id: str, version: int | None = None) -> CatalogueEntry:
        node = self._approved().get(node_id)
        found = self.store.datasets.find(node_id, dataset_id, version)
        if node is None or found is None:
            raise NotFound(f"no dataset {dataset_id} of node {node_id}")
        if notice := self._noticed(found).get(NoticeKind.WITHDRAWN):
            raise Withdrawn(notice, self._entry(node, found))
        return self._entry(node, found)

    def _noticed(self, found: CataloguedVersion) -> Mapping[NoticeKind, Notice]:
        return self.store.datasets.notices().get((found.node_id, found.description.dataset_id), {})

    def progress(self) -> Progress:
        """Return how far the approved nodes have come."""
        nodes, every = self._approved(), self.store.datasets.all()
        countries = {node_id: node.country for node_id, node in nodes.items()}
        kept = self._kept.progress
        if kept is not None and kept[0] is every and kept[1] == countries:
            return kept[2]
        found = progress(
            Published(
                at=one.published_at,
                node_id=one.node_id,
                country=countries[one.node_id],
                description=one.description,
            )
            for one in every
            if one.node_id in countries
        )
        self._kept.progress = every, countries, found
        return found

    def summary(self) -> HubSummary:
        nodes = self.nodes()
        described = [entry.description for entry in self.entries()]
        return HubSummary(
            n_nodes=len(nodes),
            n_nodes_online=sum(node.online for node in nodes),
            n_countries=len({node.country for node in nodes}),
            n_datasets=len(described),
            n_subjects=_total([d.n_subjects for d in described]),
            n_studies=_total([d.n_studies for d in described]),
            n_series=_total([d.n_series for d in described]),
            n_instances=_total([d.n_instances for d in described]),
            n_bytes=sum(d.n_bytes for d in described),
        )

    def _entry(self, node: NodeSummary, found: CataloguedVersion) -> CatalogueEntry:
        return CatalogueEntry(
            node=node,
            description=found.description,
            published_at=found.published_at,
            versions=self.store.datasets.versions(found.node_id, found.description.dataset_id),
            conformance=said_in(found.description.conformance),
            confirmed_at=_confirmed(self._noticed(found), found),
        )

    def _approved(self) -> dict[str, NodeSummary]:
        now = self.clock.now()
        n_datasets = Counter(v.node_id for v in self.store.datasets.newest())
        return {
            node.node_id: NodeSummary(
                node_id=node.node_id,
                name=node.name,
                country=node.country,
                approved=True,
                last_seen=node.last_seen,
                online=is_online(node, now),
                n_datasets=n_datasets[node.node_id],
                public_key=node.public_key.x,
                former_keys=tuple(one.key.x for one in node.former_keys if not one.is_revoked),
            )
            for node in self.store.nodes.all()
            if node.state is NodeState.APPROVED
        }


def _confirmed(notices: Mapping[NoticeKind, Notice], version: CataloguedVersion) -> datetime | None:
    """Return when the holder last confirmed it after this version was published."""
    notice = notices.get(NoticeKind.CONFIRMED)
    return notice.at if notice and notice.at > version.published_at else None


def _total(numbers: Sequence[int | None]) -> int | None:
    """Add what can be told; None when there is something, but nothing of it can be told."""
    told = [number for number in numbers if number is not None]
    return sum(told) if told or not numbers else None
