"""The public register, read from permits, applications and runs; nothing is written into it."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Final

from tessera.domain.access.activity import Activity, activity_of
from tessera.domain.access.application_state import AccessApplication
from tessera.domain.access.permit import PermittedDataset
from tessera.domain.access.register import (
    MAX_TITLE,
    AtHospital,
    PublicDataset,
    PublicHospital,
    PublicModel,
    PublicResult,
    Register,
    RegisterEntry,
    RegisterFilter,
    entry_of,
    said,
    statistics_of,
)
from tessera.domain.audit.head import TreeHead
from tessera.domain.errors import Conflict, NotFound, TesseraError
from tessera.hub.application_book import ApplicationBook
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.hub_store import CataloguedVersion, HubStore, NodeRecord, NodeState
from tessera.ports.signing import KeyRing, Verifier
from tessera.wire.permit import Countersignature
from tessera.wire.runs import HeldPermit, PermitAtNode, PermitState, Run
from tessera.wire.tasks import RunState

ReleasedModels = Callable[[], Sequence[PublicModel]]
"""Gives every model that all its hospitals have released; learning at the hub provides it."""
_STATES: Final = {
    PermitState.SENT: AtHospital.WAITING,
    PermitState.RECEIVED: AtHospital.WAITING,
    PermitState.FAILED: AtHospital.WAITING,
    PermitState.COUNTERSIGNED: AtHospital.AGREED,
    PermitState.DECLINED: AtHospital.DECLINED,
    PermitState.REVOKED: AtHospital.ENDED,
}
"""That a node could not take a permit in is no word of the hospital: it is still waited for."""
_PARTY: Final = "public"


def no_models() -> Sequence[PublicModel]:
    """Return none: for a hub without learning."""
    return ()


@dataclass(frozen=True, slots=True)
class _Known:
    """What all entries are made of, read once."""

    now: datetime
    nodes: Mapping[str, NodeRecord]
    newest: Mapping[tuple[str, str], CataloguedVersion]
    runs: Mapping[str, Sequence[Run]]
    models: Mapping[str, Sequence[PublicModel]]
    applications: Mapping[str, AccessApplication]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicRegister:
    store: HubStore
    clock: Clock
    audit: AuditLog
    ring: KeyRing
    verifier: Verifier
    book: ApplicationBook
    models: ReleasedModels = no_models

    def shown(self, wanted: RegisterFilter | None = None) -> Register:
        """Return the permits that were asked for, last issued first, and the numbers of all."""
        whole, _ = self.whole()
        chosen = wanted or RegisterFilter()
        return replace(whole, entries=tuple(filter(chosen.fits, whole.entries)))

    def whole(self) -> tuple[Register, Activity]:
        """Return every permit, and what came of asking for access over time."""
        known = self._known()
        entries = [self._entry(held, known) for held in self.store.permits.all()]
        applications = list(known.applications.values())
        shown = Register(entries=tuple(entries), statistics=statistics_of(entries, applications))
        return shown, activity_of(entries, applications)

    def entry(self, permit_id: str) -> RegisterEntry:
        """Return one permit. Raises NotFound."""
        held = self.store.permits.find(permit_id)
        if held is None:
            raise NotFound("no such permit")
        return self._entry(held, self._known())

    def hospitals(self) -> Sequence[tuple[str, str]]:
        """Return id and name of every hospital that is or was part of this hub, by name."""
        shown = (NodeState.APPROVED, NodeState.REVOKED)
        found = [one for one in self.store.nodes.all() if one.state in shown]
        return sorted(((one.node_id, one.name) for one in found), key=lambda pair: pair[1])

    def head(self) -> TreeHead | None:
        """Return the signed state of the hub's audit log; None when there is none to show."""
        try:
            shown = self.audit.show(self.clock.now(), party=_PARTY, kept_there=0)
        except Conflict:
            return None
        if not shown.head:
            return None
        return TreeHead.decode(self.verifier.verify(shown.head, self.ring.keys()))

    def _known(self) -> _Known:
        runs, models = defaultdict[str, list[Run]](list), defaultdict[str, list[PublicModel]](list)
        for run in self.store.runs.all():
            runs[run.permit_id].append(run)
        for model in self.models():
            models[model.permit_id].append(_told(model))
        return _Known(
            now=self.clock.now(),
            nodes={node.node_id: node for node in self.store.nodes.all()},
            newest={
                (one.node_id, one.description.dataset_id): one
                for one in self.store.datasets.newest()
            },
            runs=runs,
            models=models,
            applications={one.application_id: one for one in self.book.all()},
        )

    def _entry(self, held: HeldPermit, known: _Known) -> RegisterEntry:
        permit = held.permit
        runs = known.runs.get(permit.permit_id, ())
        tools = {tool.digest: f"{tool.name} {tool.version}" for tool in permit.tools}
        return entry_of(
            permit,
            sha256=held.sha256,
            now=known.now,
            revoked_at=held.revoked_at,
            hospitals=[self._hospital(held, one, known) for one in held.nodes],
            n_runs=len(runs),
            results=[_result(run, tools) for run in runs if run.state is RunState.RELEASED],
            models=known.models.get(permit.permit_id, ()),
            application=known.applications.get(permit.application_id),
        )

    def _hospital(self, held: HeldPermit, at_node: PermitAtNode, known: _Known) -> PublicHospital:
        node = known.nodes.get(at_node.node_id)
        state = _STATES[at_node.state]
        return PublicHospital(
            node_id=at_node.node_id,
            name=said(node.name, MAX_TITLE) if node else at_node.node_id,
            state=state,
            at=at_node.at,
            agreed_at=self._agreed_at(held, at_node, node),
            datasets=tuple(
                _dataset(one, node, known) for one in held.permit.of_node(at_node.node_id)
            ),
        )

    def _agreed_at(
        self, held: HeldPermit, at_node: PermitAtNode, node: NodeRecord | None
    ) -> datetime | None:
        """A node that ends a permit leaves its countersignature, with the moment in it."""
        if at_node.state is PermitState.COUNTERSIGNED:
            return at_node.at
        token = self.store.permits.countersignature(held.permit.permit_id, at_node.node_id)
        if not token or node is None:
            return None
        try:
            return Countersignature.read(self.verifier.verify(token, node.keys)).at
        except TesseraError:
            return None  # signed by a key of the node that was revoked


class RecentRegister:
    """The whole register for readers, made anew at most every second or so.

    It is kept for one second and four times as long as it took to make, so that however many
    read a large register, making it takes a fifth of one processor at the most.
    """

    def __init__(
        self, public: PublicRegister, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.public = public
        self._monotonic = monotonic
        self._lock = Lock()
        self._kept: tuple[Register, Activity] | None = None
        self._until = 0.0

    def shown(self, wanted: RegisterFilter | None = None) -> Register:
        """Return the permits that were asked for, last issued first, and the numbers of all."""
        whole, _ = self._whole()
        if wanted is None:
            return whole
        return replace(whole, entries=tuple(filter(wanted.fits, whole.entries)))

    def activity(self) -> Activity:
        """Return what came of asking for access, over time."""
        return self._whole()[1]

    def _whole(self) -> tuple[Register, Activity]:
        with self._lock:
            begun = self._monotonic()
            if self._kept is None or begun >= self._until:
                self._kept = self.public.whole()
                ended = self._monotonic()
                self._until = ended + 1 + 4 * (ended - begun)
            return self._kept


def _dataset(one: PermittedDataset, node: NodeRecord | None, known: _Known) -> PublicDataset:
    newest = known.newest.get((one.node_id, one.dataset_id))
    titles = newest.description.title if newest else {}
    return PublicDataset(
        dataset_id=one.dataset_id,
        version=one.version,
        title={language: said(text, MAX_TITLE) for language, text in titles.items()},
        is_catalogued=bool(newest and node and node.state is NodeState.APPROVED),
    )


def _result(run: Run, tools: Mapping[str, str]) -> PublicResult:
    return PublicResult(
        node_id=run.node_id,
        action=run.action,
        tool=said(tools.get(run.tool, ""), MAX_TITLE),
        released_at=run.changed_at,
        files=dict(sorted(Counter(file.kind for file in run.files if file.is_whole).items())),
    )


def _told(model: PublicModel) -> PublicModel:
    """A model's title comes from its applicant; its page is on this hub or nowhere."""
    is_here = model.page.startswith("/") and not model.page.startswith("//")
    page = model.page if is_here else ""
    return replace(model, title=said(model.title, MAX_TITLE), page=page)
