"""The hub as pages, REST and links see it: `HubViews`, and the reception of nodes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tessera.domain.catalogue.entry import CatalogueEntry, HubSummary, NodeSummary
from tessera.domain.cohort.result import SearchResult
from tessera.hub.bell import Bell
from tessera.hub.catalogue import Catalogue
from tessera.hub.joining import Joining
from tessera.hub.reception import Reception
from tessera.hub.searching import DEFAULT_WAIT_S, Searching
from tessera.hub.views import RdfFormat
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore
from tessera.ports.signing import Signer, Verifier

RenderCatalogue = Callable[[Sequence[CatalogueEntry], RdfFormat], bytes]
RenderDataset = Callable[[CatalogueEntry, RdfFormat], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """Implements `tessera.hub.views.HubViews`."""

    name: str
    joining: Joining
    reception: Reception
    catalogued: Catalogue
    searching: Searching
    bell: Bell
    render_catalogue: RenderCatalogue
    render_dataset: RenderDataset

    @classmethod
    def assemble(
        cls,
        *,
        name: str,
        store: HubStore,
        clock: Clock,
        signer: Signer,
        verifier: Verifier,
        audit: AuditLog,
        render_catalogue: RenderCatalogue,
        render_dataset: RenderDataset,
    ) -> "Hub":
        """Put the use cases together over one store."""
        bell = Bell()
        joining = Joining(
            store=store, clock=clock, hub_name=name, hub_key=signer.public_key, audit=audit
        )
        catalogue = Catalogue(store=store, clock=clock, audit=audit)
        searching = Searching(store=store, clock=clock, bell=bell, audit=audit)
        reception = Reception(
            store=store,
            clock=clock,
            signer=signer,
            verifier=verifier,
            joining=joining,
            catalogue=catalogue,
            searching=searching,
            audit=audit,
        )
        return cls(
            name=name,
            joining=joining,
            reception=reception,
            catalogued=catalogue,
            searching=searching,
            bell=bell,
            render_catalogue=render_catalogue,
            render_dataset=render_dataset,
        )

    def summary(self) -> HubSummary:
        return self.catalogued.summary()

    def nodes(self) -> Sequence[NodeSummary]:
        return self.catalogued.nodes()

    def catalogue(self) -> Sequence[CatalogueEntry]:
        return self.catalogued.entries()

    def entry(self, node_id: str, dataset_id: str, version: int | None = None) -> CatalogueEntry:
        return self.catalogued.entry(node_id, dataset_id, version)

    async def start_search(self, text: str, wait_s: float = DEFAULT_WAIT_S) -> SearchResult:
        return self.searching.start(text, wait_s)

    def search(self, search_id: str) -> SearchResult:
        return self.searching.result(search_id)

    async def wait_search(self, search_id: str, wait_s: float) -> SearchResult:
        return await self.searching.wait(search_id, wait_s)

    def rdf(self, entries: Sequence[CatalogueEntry], format: RdfFormat) -> bytes:
        return self.render_catalogue(entries, format)

    def rdf_dataset(self, entry: CatalogueEntry, format: RdfFormat) -> bytes:
        return self.render_dataset(entry, format)

    def stop(self) -> None:
        """End every long poll and every waiting search now."""
        self.bell.stop()
