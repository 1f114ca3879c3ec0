"""The hub as pages, REST and links see it: `HubViews`, and the reception of nodes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tessera.domain.catalogue.entry import CatalogueEntry, HubSummary, NodeSummary
from tessera.domain.catalogue.notice import Withdrawn
from tessera.domain.catalogue.progress import Progress
from tessera.domain.cohort.result import SearchResult
from tessera.domain.statistics.statistic import Statistic
from tessera.hub.access import Access
from tessera.hub.accounts import Accounts
from tessera.hub.bell import Bell
from tessera.hub.calling import Calling
from tessera.hub.catalogue import Catalogue
from tessera.hub.cohorts import SavedCohorts
from tessera.hub.dispatch import Dispatch
from tessera.hub.harvesting import Harvested
from tessera.hub.joining import Joining
from tessera.hub.learning import Learnings
from tessera.hub.link_keys import LinkKeys
from tessera.hub.models import Models
from tessera.hub.negotiating import Negotiating
from tessera.hub.permits import Permits
from tessera.hub.reception import Reception, Take
from tessera.hub.register import PublicRegister
from tessera.hub.relay import Relay
from tessera.hub.reports import Reports
from tessera.hub.runs import Runs
from tessera.hub.searching import DEFAULT_WAIT_S, Searching
from tessera.hub.standing import Standings
from tessera.hub.tools import Tools
from tessera.hub.uses import Uses
from tessera.hub.views import Layer, RdfFormat
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore, NodeRecord
from tessera.ports.signing import KeyRing, Verifier
from tessera.wire.envelope import MessageType
from tessera.wire.fetch import RelayMessage
from tessera.wire.fields import Json
from tessera.wire.messages import Accepted
from tessera.wire.notice import notice_from_json
from tessera.wire.tasks import DeliveredPart, ReportKind, ReportMessage, TaskKind

RenderCatalogue = Callable[[Sequence[CatalogueEntry], RdfFormat], bytes]
RenderDataset = Callable[[CatalogueEntry, RdfFormat], bytes]
RenderRecord = Callable[[Layer, RdfFormat, Sequence[CatalogueEntry]], bytes]
RenderTombstone = Callable[[Withdrawn, RdfFormat], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """Implements `tessera.hub.views.HubViews`."""

    name: str
    address: str
    joining: Joining
    link_keys: LinkKeys
    reception: Reception
    catalogued: Catalogue
    searching: Searching
    bell: Bell
    accounts: Accounts
    dispatch: Dispatch
    reports: Reports
    tools: Tools
    permits: Permits
    uses: Uses
    runs: Runs
    relay: Relay
    negotiating: Negotiating
    learnings: Learnings
    models: Models
    register: PublicRegister
    harvested: Harvested
    standings: Standings
    render_catalogue: RenderCatalogue
    render_dataset: RenderDataset
    render_record: RenderRecord
    render_tombstone: RenderTombstone

    @classmethod
    def assemble(
        cls,
        *,
        name: str,
        address: str,
        store: HubStore,
        clock: Clock,
        signer: KeyRing,
        verifier: Verifier,
        audit: AuditLog,
        accounts: Accounts,
        render_catalogue: RenderCatalogue,
        render_dataset: RenderDataset,
        render_record: RenderRecord,
        render_tombstone: RenderTombstone,
    ) -> "Hub":
        """Put the use cases together over one store."""
        bell = Bell()
        joining = Joining(store=store, clock=clock, hub_name=name, signer=signer, audit=audit)
        link_keys = LinkKeys(store=store, clock=clock, verifier=verifier, audit=audit, ring=signer)
        catalogue = Catalogue(store=store, clock=clock, audit=audit)
        searching = Searching(store=store, clock=clock, bell=bell, audit=audit)
        dispatch = Dispatch(store=store, clock=clock, bell=bell)
        tools = Tools(store=store, clock=clock, audit=audit)
        permits = Permits(
            store=store,
            clock=clock,
            signer=signer,
            verifier=verifier,
            audit=audit,
            dispatch=dispatch,
            tools=tools,
        )
        uses = Uses(store=store, clock=clock, verifier=verifier, permits=permits)
        runs = Runs(
            store=store,
            clock=clock,
            audit=audit,
            dispatch=dispatch,
            permits=permits,
            uses=uses,
        )
        learnings = Learnings(
            store=store,
            clock=clock,
            audit=audit,
            dispatch=dispatch,
            permits=permits,
            uses=uses,
            runs=runs,
        )
        models = Models(store=store)
        relay = Relay(
            clock=clock,
            check=uses.check,
            put=dispatch.put_transient,
            withdraw=dispatch.withdraw,
        )
        reports = _reports(dispatch, permits, runs, learnings)
        negotiating = Negotiating.assemble(
            store=store, clock=clock, audit=audit, catalogue=catalogue, issue=permits.issue
        )
        accounts.on_key.append(negotiating.granting.on_key)
        reception = Reception(
            store=store,
            clock=clock,
            signer=signer,
            verifier=verifier,
            joining=joining,
            catalogue=catalogue,
            searching=searching,
            calling=Calling(searching=searching, dispatch=dispatch, bell=bell),
            audit=audit,
            takers=_takers(reports, runs, relay, link_keys, catalogue),
        )
        return cls(
            name=name,
            address=address.rstrip("/"),
            joining=joining,
            link_keys=link_keys,
            reception=reception,
            catalogued=catalogue,
            searching=searching,
            bell=bell,
            accounts=accounts,
            dispatch=dispatch,
            reports=reports,
            tools=tools,
            permits=permits,
            uses=uses,
            runs=runs,
            relay=relay,
            negotiating=negotiating,
            learnings=learnings,
            models=models,
            register=PublicRegister(
                store=store,
                clock=clock,
                audit=audit,
                ring=signer,
                verifier=verifier,
                book=negotiating.book,
                models=models.public,
            ),
            harvested=Harvested(store=store),
            standings=Standings(store=store, clock=clock),
            render_catalogue=render_catalogue,
            render_dataset=render_dataset,
            render_record=render_record,
            render_tombstone=render_tombstone,
        )

    def summary(self) -> HubSummary:
        return self.catalogued.summary()

    def progress(self) -> Progress:
        return self.catalogued.progress()

    def nodes(self) -> Sequence[NodeSummary]:
        return self.catalogued.nodes()

    def catalogue(self) -> Sequence[CatalogueEntry]:
        return self.catalogued.entries()

    def entry(self, node_id: str, dataset_id: str, version: int | None = None) -> CatalogueEntry:
        return self.catalogued.entry(node_id, dataset_id, version)

    async def ask(
        self,
        text: str,
        wait_s: float = DEFAULT_WAIT_S,
        *,
        person_id: str = "",
        statistic: Statistic | None = None,
    ) -> str:
        return self.searching.ask(text, wait_s, person_id=person_id, statistic=statistic)

    def search(self, search_id: str) -> SearchResult:
        return self.searching.result(search_id)

    async def wait_search(
        self, search_id: str, wait_s: float, *, after: int | None = None
    ) -> SearchResult:
        return await self.searching.wait(search_id, wait_s, after=after)

    def rdf(self, entries: Sequence[CatalogueEntry], format: RdfFormat) -> bytes:
        return self.render_catalogue(entries, format)

    def rdf_dataset(self, entry: CatalogueEntry, format: RdfFormat) -> bytes:
        return self.render_dataset(entry, format)

    def record(self, layer: Layer, format: RdfFormat, entry: CatalogueEntry | None = None) -> bytes:
        return self.render_record(layer, format, (entry,) if entry else self.catalogue())

    def tombstone(self, gone: Withdrawn, format: RdfFormat) -> bytes:
        return self.render_tombstone(gone, format)

    @property
    def cohorts(self) -> SavedCohorts:
        """Return the cohorts that people keep."""
        return SavedCohorts(store=self.searching.store, searching=self.searching)

    @property
    def access(self) -> Access:
        """Return permits, tools and runs together, as pages and REST ask them."""
        return Access(
            permits=self.permits,
            tools=self.tools,
            runs=self.runs,
            bell=self.bell,
            clock=self.searching.clock,
            relay=self.relay,
        )

    def stop(self) -> None:
        """End every long poll and every waiting search now."""
        self.bell.stop()


def _reports(dispatch: Dispatch, permits: Permits, runs: Runs, learnings: Learnings) -> Reports:
    """Say who takes which report, and who is told that a task is done."""
    dispatch.on_done[TaskKind.PERMIT] = permits.sent
    dispatch.on_done[TaskKind.USE] = runs.taken_up
    return Reports(
        takers={
            ReportKind.DONE: dispatch.done,
            ReportKind.COUNTERSIGNED: permits.take_countersignature,
            ReportKind.DECLINED: permits.take_declined,
            ReportKind.REVOKED: permits.take_revoked,
            ReportKind.RUN: runs.take_report,
            ReportKind.LEARN: learnings.take_ready,
        }
    )


def _takers(
    reports: Reports, runs: Runs, relay: Relay, link_keys: LinkKeys, catalogue: Catalogue
) -> dict[MessageType, Take]:
    def report(node: NodeRecord, body: Json) -> Json:
        return reports.receive(node, ReportMessage.from_json(body)).to_json()

    def deliver(node: NodeRecord, body: Json) -> Json:
        kept = runs.receive(node, DeliveredPart.from_json(body))
        return Accepted(n_accepted=int(kept)).to_json()

    def answer(node: NodeRecord, body: Json) -> Json:
        is_awaited = relay.answer(node.node_id, RelayMessage.from_json(body))
        return Accepted(n_accepted=int(is_awaited)).to_json()

    def notice(node: NodeRecord, body: Json) -> Json:
        catalogue.take_notice(node, notice_from_json(body))
        return Accepted(n_accepted=1).to_json()

    return {
        MessageType.REPORT: report,
        MessageType.DELIVER: deliver,
        MessageType.RELAY: answer,
        MessageType.RENEW_KEY: link_keys.take_renewal,
        MessageType.NOTICE: notice,
    }
