"""The hospitals of a hub: a page of all, a page for each, and the same as JSON.

Everybody sees who takes part, what is published, by which rules a node answers and whether it
answers now. Software, keys, latency and queue are for the hub's administrators, and for those
who run that node.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera.domain.catalogue.confirmation import confirmation
from tessera.domain.catalogue.entry import CatalogueEntry, NodeSummary
from tessera.domain.catalogue.standing import NodeStanding
from tessera.domain.errors import NotFound
from tessera.http.language import chosen_language, texts
from tessera.http.pages import utc_now
from tessera.http.policy_words import policy_sentence
from tessera.http.rendering import render
from tessera.http.rules import PUBLIC, SIGNED_IN, RuledRoute, person_of, signed_in
from tessera.hub.standing import Standings
from tessera.hub.views import HubViews
from tessera.wire.catalogue import node_page_to_json, standing_to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A node in the list."""

    node: NodeSummary
    data_date: datetime | None
    """When its newest data was frozen, UTC."""


def routes(hub: HubViews, standings: Standings | None) -> list[RuledRoute]:
    """Return the routes; without `standings` there is nothing for administrators."""
    pages = _Pages(hub, standings)
    found = [
        RuledRoute("/nodes", pages.listed, PUBLIC, name="nodes"),
        RuledRoute("/nodes/{node_id}", pages.one, PUBLIC, name="node"),
        RuledRoute("/api/v1/nodes/{node_id}", pages.as_json, PUBLIC, name="node_json"),
    ]
    if standings is not None:
        inside = _Inside(standings)
        found += [
            RuledRoute("/api/v1/standings", inside.listed, SIGNED_IN, name="standings_json"),
            RuledRoute("/api/v1/standings/{node_id}", inside.one, SIGNED_IN, name="standing_json"),
        ]
    return found


@dataclass(frozen=True, slots=True)
class _Pages:
    hub: HubViews
    standings: Standings | None

    async def listed(self, request: Request) -> Response:
        mine = _by_node(self.hub.catalogue())
        rows = [
            Row(
                node=node,
                data_date=max((e.description.created for e in mine[node.node_id]), default=None),
            )
            for node in self.hub.nodes()
        ]
        person = person_of(request)
        inside = self.standings.seen_by(person) if self.standings else ()
        return render(request, "nodes.html", now=utc_now(), rows=rows, standings=inside)

    async def one(self, request: Request) -> Response:
        name = request.path_params["node_id"]
        node, standing = self._node(name), self._standing(request, name)
        if node is None and standing is None:
            return render(request, "error.html", now=utc_now(), status=404, code=404)
        entries = _by_node(self.hub.catalogue())[name] if node else []
        words, now = texts(chosen_language(request)), utc_now()
        policies = dict.fromkeys(e.description.policy for e in entries if e.description.policy)
        return render(
            request,
            "node.html",
            now=now,
            node=node or standing,
            is_shown=node is not None,
            entries=entries,
            confirmation={
                one.description.dataset_id: confirmation(one.confirm_by, now) for one in entries
            },
            data_date=max((e.description.created for e in entries), default=None),
            policies=[policy_sentence(policy, words) for policy in policies],
            standing=standing,
        )

    async def as_json(self, request: Request) -> Response:
        name = request.path_params["node_id"]
        node = self._node(name)
        if node is None:
            raise NotFound("no such node")
        entries = _by_node(self.hub.catalogue())[name]
        return JSONResponse(node_page_to_json(node, entries))

    def _node(self, name: str) -> NodeSummary | None:
        return next((node for node in self.hub.nodes() if node.node_id == name), None)

    def _standing(self, request: Request, name: str) -> NodeStanding | None:
        if self.standings is None:
            return None
        try:
            return self.standings.of(name, person_of(request))
        except NotFound:
            return None


@dataclass(frozen=True, slots=True)
class _Inside:
    standings: Standings

    async def listed(self, request: Request) -> Response:
        found = self.standings.seen_by(signed_in(request))
        return _private({"standings": [standing_to_json(one) for one in found]})

    async def one(self, request: Request) -> Response:
        found = self.standings.of(request.path_params["node_id"], signed_in(request))
        return _private(standing_to_json(found))


def _private(body: Mapping[str, object]) -> JSONResponse:
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


def _by_node(entries: Sequence[CatalogueEntry]) -> Mapping[str, list[CatalogueEntry]]:
    found: dict[str, list[CatalogueEntry]] = defaultdict(list)
    for entry in entries:
        found[entry.node.node_id].append(entry)
    return found
