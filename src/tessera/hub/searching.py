"""One search over all nodes: send the query out, take answers in, say what is known."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import uuid4

from tessera.domain.audit import events
from tessera.domain.cohort.explain import explain
from tessera.domain.cohort.result import DatasetResult, Outcome, SearchResult
from tessera.domain.cohort.syntax import parse
from tessera.domain.errors import NotFound
from tessera.domain.statistics.statistic import Statistic, statistic_of
from tessera.hub.bell import Bell, node_key
from tessera.hub.catalogue import is_online
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.hub_store import Asked, HubStore, NodeRecord, NodeState, SearchRecord
from tessera.wire import fields
from tessera.wire.answers import ReceivedAnswer, ReceivedDatasetAnswer
from tessera.wire.messages import DatasetVersion, QueryTask

DEFAULT_WAIT_S: Final = 10.0
MAX_WAIT_S: Final = 30.0
POLL_MAX_S: Final = 30
"""The longest that a node's poll is held; below the heartbeat limit."""
OPEN_FOR: Final = timedelta(minutes=10)
"""A node that comes back within this time still gets the query, and its answer is kept."""
_GIVE_AGAIN: Final = timedelta(seconds=30)
"""A query that was handed out and not answered for this long is handed out again."""
_KEPT_FOR: Final = timedelta(days=7)
_MANY: Final = 20
_EACH_S: Final = 0.0002
"""A quarter of a node's share of the hub's time for one search."""
_AT_A_TIME: Final = 20
"""So many queries go to a node in one message; a flood of them must not outgrow the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searching:
    """Belongs to the event loop in which the hub runs, except `result`."""

    store: HubStore
    clock: Clock
    bell: Bell
    audit: AuditLog
    _arrived: list[tuple[NodeRecord, ReceivedAnswer, "asyncio.Future[int]"]] = field(
        init=False, default_factory=list
    )

    def start(
        self,
        text: str,
        wait_s: float = DEFAULT_WAIT_S,
        *,
        person_id: str = "",
        statistic: Statistic | None = None,
    ) -> SearchResult:
        """Ask, and return what is known at once. Raises InvalidQuery."""
        return self.result(self.ask(text, wait_s, person_id=person_id, statistic=statistic))

    def ask(
        self,
        text: str,
        wait_s: float = DEFAULT_WAIT_S,
        *,
        person_id: str = "",
        statistic: Statistic | None = None,
    ) -> str:
        """Parse, store and hand out a search; return its id. Raises InvalidQuery."""
        query = parse(text)
        now = self.clock.now()
        search = SearchRecord(
            search_id=str(uuid4()),
            query=str(query),
            query_json=fields.encode(query.to_json()).decode(),
            explained=explain(query),
            asked_at=now,
            deadline=now + timedelta(seconds=min(max(wait_s, DEFAULT_WAIT_S), MAX_WAIT_S)),
            asker=person_id,
            statistic="" if statistic is None else str(statistic),
        )
        asked = self._to_ask(search)  # before: what is read in a transaction is not kept
        with self.store.transaction():
            self.store.searches.add(search, asked)
            self.store.searches.forget(now - _KEPT_FOR)
            self.audit.append(events.search_asked(search.search_id, search.query), now)
        self.bell.ring_in_turn([node_key(node_id) for node_id in {row.node_id for row in asked}])
        return search.search_id

    def result(self, search_id: str) -> SearchResult:
        """Return what is known now. Raises NotFound."""
        search = self.store.searches.find(search_id)
        if search is None:
            raise NotFound("no such search, or it is too old")
        asked = self.store.searches.asked(search_id)
        nodes = {node.node_id: node for node in self.store.nodes.all()}
        now = self.clock.now()
        results = tuple(_result(row, nodes[row.node_id], search, now) for row in asked)
        return SearchResult(
            search_id=search_id,
            query=search.query,
            explained=search.explained,
            asked_at=search.asked_at,
            complete=now >= search.deadline
            or not any(_is_awaited(row, nodes[row.node_id]) for row in asked),
            deadline=search.deadline,
            results=results,
            n_answered=sum(row.outcome is not None for row in asked),
            n_subjects=sum(r.n_subjects or 0 for r in results),
            n_studies=sum(r.n_studies or 0 for r in results),
            statistic=search.statistic,
        )

    async def wait(
        self, search_id: str, wait_s: float, *, after: int | None = None
    ) -> SearchResult:
        """Return when complete, or after `wait_s` seconds at the most. Raises NotFound.

        With `after` also as soon as more than so many datasets have answered.
        """
        until = self.clock.now() + timedelta(seconds=min(max(wait_s, 0.0), MAX_WAIT_S))
        search = self.store.searches.find(search_id)
        if search is None:
            raise NotFound("no such search, or it is too old")
        until = min(until, search.deadline)
        while not self.bell.is_stopped:
            # To count costs less than the result.
            n_answered, n_awaited = self.store.searches.progress(search_id)
            left_s = (until - self.clock.now()).total_seconds()
            is_enough = after is not None and n_answered > after
            if is_enough or not n_awaited or left_s <= 0:
                break
            if not await self.bell.wait(_search_key(search_id), left_s):
                break  # also when the clock was set back meanwhile
            if after is None:
                # The more are awaited, the longer until it is worth while to count again.
                await asyncio.sleep(n_awaited * _EACH_S if n_awaited > _MANY else 0)
        return self.result(search_id)

    def answer(self, node: NodeRecord, message: ReceivedAnswer) -> int:
        """Keep the answers to what this node was asked; return how many were kept."""
        (n_kept,) = self._keep([(node, message)])
        return n_kept

    async def take_in(self, node: NodeRecord, message: ReceivedAnswer) -> int:
        """Keep answers as `answer` does, with those of other nodes that come close together.

        They are one transaction and one write to the audit log, done when this returns.
        """
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[int] = loop.create_future()
        self._arrived.append((node, message, kept))
        if len(self._arrived) == 1:
            loop.call_soon(self._keep_arrived)
        return await kept

    def _keep_arrived(self) -> None:
        arrived, self._arrived[:] = list(self._arrived), []
        try:
            n_kept = self._keep([(node, message) for node, message, _ in arrived])
        except Exception as err:
            for _, _, waiter in arrived:
                if not waiter.done():
                    waiter.set_exception(err)
            return
        for (_, _, waiter), n in zip(arrived, n_kept, strict=True):
            if not waiter.done():
                waiter.set_result(n)

    def _keep(self, arrived: Sequence[tuple[NodeRecord, ReceivedAnswer]]) -> list[int]:
        now = self.clock.now()
        all_kept = []
        with self.store.transaction():
            for node, message in arrived:
                asked = {
                    (row.dataset_id, row.version): row
                    for row in self.store.searches.asked(message.search_id, node.node_id)
                }
                kept: dict[str, str] = {}
                for answer in message.answers:
                    row = asked.get((answer.dataset_id, answer.version))
                    if row and self.store.searches.answer(_answered(row, answer), now):
                        kept[f"{answer.dataset_id} v{answer.version}"] = answer.outcome.value
                all_kept.append(kept)
            told = [
                events.answer_received(node.node_id, message.search_id, kept)
                for (node, message), kept in zip(arrived, all_kept, strict=True)
                if kept
            ]
            self.audit.append_all(told, now)
        for search_id in {message.search_id for _, message in arrived}:
            self.bell.ring(_search_key(search_id))
        return [len(kept) for kept in all_kept]

    def _to_ask(self, search: SearchRecord) -> Sequence[Asked]:
        nodes = {n.node_id: n for n in self.store.nodes.all() if n.state is NodeState.APPROVED}
        versions = [v for v in self.store.datasets.newest() if v.node_id in nodes]
        versions.sort(key=lambda v: (nodes[v.node_id].name.casefold(), v.description.dataset_id))
        return [
            Asked(
                search_id=search.search_id,
                node_id=v.node_id,
                dataset_id=v.description.dataset_id,
                version=v.description.version,
                title=v.description.title["en"],
                data_created=v.description.created,
                node_online=is_online(nodes[v.node_id], search.asked_at),
            )
            for v in versions
        ]

    def take(self, node: NodeRecord) -> tuple[QueryTask, ...]:
        """Return the queries that wait for `node` now; they are marked as given."""
        now = self.clock.now()
        taken = self.store.searches.take_open(
            node.node_id,
            asked_since=now - OPEN_FOR,
            given_before=now - _GIVE_AGAIN,
            now=now,
            limit=_AT_A_TIME,
        )
        return tuple(
            QueryTask(
                search_id=search.search_id,
                query=fields.decode(search.query_json),
                datasets=tuple(
                    DatasetVersion(dataset_id=row.dataset_id, version=row.version) for row in rows
                ),
                deadline=search.deadline,
                asker=_asker(search.asker, node.node_id),
                cuts=_cuts(search),
            )
            for search, rows in taken
        )


_HAS_LEFT: Final = "This node no longer belongs to the hub: its answers do not count."
_OTHER_STATE: Final = (
    "This node has answered from other data than those that it described as this version; "
    "the numbers are left out."
)


def _is_awaited(row: Asked, node: NodeRecord) -> bool:
    return row.outcome is None and row.node_online and node.state is NodeState.APPROVED


def _answered(row: Asked, answer: ReceivedDatasetAnswer) -> Asked:
    if answer.created != row.data_created:
        # The number of the version may be the same, the data are not those of the catalogue.
        return replace(row, outcome=Outcome.NO_ANSWER, policy=answer.policy, detail=_OTHER_STATE)
    return replace(
        row,
        outcome=answer.outcome,
        n_subjects=answer.n_subjects,
        n_studies=answer.n_studies,
        not_supported=answer.not_supported,
        policy=answer.policy,
        detail=answer.problem,
        distributions=answer.distributions,
        cuts=answer.cuts,
    )


def _result(row: Asked, node: NodeRecord, search: SearchRecord, now: datetime) -> DatasetResult:
    if node.state is not NodeState.APPROVED:
        row = replace(
            row,
            outcome=Outcome.NO_ANSWER,
            n_subjects=None,
            n_studies=None,
            not_supported=(),
            distributions={},
            cuts={},
            detail=_HAS_LEFT,
        )
    return DatasetResult(
        node_id=row.node_id,
        node_name=node.name,
        country=node.country,
        dataset_id=row.dataset_id,
        version=row.version,
        title=row.title,
        outcome=row.outcome or Outcome.NO_ANSWER,
        n_subjects=row.n_subjects,
        n_studies=row.n_studies,
        not_supported=row.not_supported,
        policy=row.policy,
        data_created=row.data_created,
        last_seen=node.last_seen,
        distributions=row.distributions,
        cuts=row.cuts,
        detail=row.detail if row.outcome else _why_none(row, node, search, now),
    )


def _why_none(row: Asked, node: NodeRecord, search: SearchRecord, now: datetime) -> str:
    seen = node.last_seen
    if now - search.asked_at > OPEN_FOR:
        return "The node did not answer; ask again to ask it anew."
    if not row.node_online and seen and seen > search.asked_at:
        return "The node came back after it was asked, and has not answered yet."
    if not row.node_online:
        since = f"since {seen:%Y-%m-%d %H:%M:%S} UTC" if seen else "since it joined"
        return f"The node has not been in touch {since}; it gets the query when it comes back."
    if now < search.deadline:
        return "The node has not answered yet."
    return "The node did not answer in time; a late answer is still taken."


def _cuts(search: SearchRecord) -> tuple[str, ...]:
    return tuple(map(str, statistic_of(search.statistic).cuts)) if search.statistic else ()


def _asker(person_id: str, node_id: str) -> str:
    """Return the name of a person at one node: the same each time, another at each node."""
    return person_id and sha256(f"{node_id} {person_id}".encode()).hexdigest()[:32]


def _search_key(search_id: str) -> str:
    return f"search {search_id}"
