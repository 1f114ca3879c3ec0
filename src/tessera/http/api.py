"""The hub's public REST routes: parse, call one use case, render. No rules here."""

from collections.abc import Sequence
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera import __version__
from tessera.domain.catalogue.entry import CatalogueEntry
from tessera.domain.catalogue.notice import Withdrawn
from tessera.domain.errors import NotFound
from tessera.http.accept import preferred
from tessera.http.croissant import croissant
from tessera.http.fair_data_point import tombstone
from tessera.http.rdf_forms import RDF, SUFFIXES, answered
from tessera.http.rules import PUBLIC, Endpoint, RuledRoute, person_id_of
from tessera.hub.views import HubViews
from tessera.wire import fields
from tessera.wire.catalogue import entry_to_json, node_to_json, summary_to_json
from tessera.wire.harvested import harvested_to_json
from tessera.wire.refusals import BadMessage
from tessera.wire.search import search_to_json
from tessera.wire.search_csv import distributions_to_csv, search_to_csv

_SIGNED: Final = "application/jose"
"""A compact JWS. Source: RFC 7515, 9.2.1."""
_CROISSANT: Final = "croissant.json"
_SUFFIX: Final = {**SUFFIXES, "jws": _SIGNED, _CROISSANT: "", "": ""}
_JSON: Final = "application/json"
MAX_WAIT_S: Final = 30.0
DEFAULT_WAIT_S: Final = 10.0


def routes(hub: HubViews) -> list[RuledRoute]:
    """Bind the use cases; the bootstrap decides what is behind them."""
    api = _Api(hub)
    return [
        RuledRoute("/api/v1/health", api.health, PUBLIC),
        RuledRoute("/api/v1/summary", api.summary, PUBLIC),
        RuledRoute("/api/v1/nodes", api.nodes, PUBLIC),
        RuledRoute("/api/v1/datasets", api.datasets, PUBLIC),
        RuledRoute("/api/v1/datasets/{node_id}/{dataset_id}", api.dataset, PUBLIC),
        RuledRoute("/api/v1/harvested", api.harvested, PUBLIC),
        RuledRoute("/api/v1/search", api.start_search, PUBLIC, methods=("POST",)),
        RuledRoute("/api/v1/search/{search_id}.csv", api.search_table, PUBLIC),
        RuledRoute(
            "/api/v1/search/{search_id}/distributions.csv", api.search_distributions, PUBLIC
        ),
        RuledRoute("/api/v1/search/{search_id}", api.search, PUBLIC),
        *(
            RuledRoute(f"/catalogue.{suffix}", api.whole(media), PUBLIC, name=f"catalogue_{suffix}")
            for suffix, media in SUFFIXES.items()
        ),
    ]


class _Api:
    def __init__(self, hub: HubViews) -> None:
        self._hub = hub

    async def health(self, request: Request) -> Response:
        nodes = self._hub.nodes()
        body = {
            "status": "ok",
            "software": f"tessera {__version__}",
            "n_nodes": len(nodes),
            "n_nodes_online": sum(node.online for node in nodes),
        }
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    async def summary(self, request: Request) -> Response:
        return JSONResponse(summary_to_json(self._hub.summary()))

    async def nodes(self, request: Request) -> Response:
        return JSONResponse({"nodes": [node_to_json(node) for node in self._hub.nodes()]})

    async def datasets(self, request: Request) -> Response:
        """All newest versions, as JSON or RDF by Accept; `?limit=` and `?offset=` name a part."""
        everything = self._hub.catalogue()
        first = _natural(request, "offset", 0)
        entries = everything[first : first + _natural(request, "limit", len(everything))]
        media = preferred(request.headers.get("accept", ""), (_JSON, *RDF))
        if media in RDF:
            return await self._rdf(entries, media)
        body = {"n_all": len(everything), "datasets": [entry_to_json(entry) for entry in entries]}
        return JSONResponse(body)

    async def dataset(self, request: Request) -> Response:
        """One dataset, its newest version or `?version=`; RDF by Accept or by suffix.

        With the suffix jws: the node's signed report on the tiers; croissant.json: the record
        for people who train models.
        """
        dataset_id, _, suffix = request.path_params["dataset_id"].partition(".")
        if suffix not in _SUFFIX:
            raise NotFound("no such form of a dataset")
        accept = request.headers.get("accept", "")
        media = _SUFFIX[suffix] or preferred(accept, (_JSON, *RDF))
        try:
            entry = self._hub.entry(request.path_params["node_id"], dataset_id, _version(request))
        except Withdrawn as gone:
            if suffix != _CROISSANT and media in RDF:
                return await tombstone(self._hub, gone, media)
            raise
        if suffix == "jws":
            if not entry.description.conformance:
                raise NotFound("the node has sent no report on the tiers")
            return Response(entry.description.conformance, media_type=_SIGNED)
        if suffix == _CROISSANT:
            return _croissant(self._hub.address, entry)
        if media in RDF:
            data = await run_in_threadpool(self._hub.rdf_dataset, entry, RDF[media])
            return answered(data, media)
        return JSONResponse(entry_to_json(entry))

    async def harvested(self, request: Request) -> Response:
        """What other catalogues describe, also what they have withdrawn."""
        sources = {source.source_id: source for source in self._hub.harvested.sources()}
        body = [
            harvested_to_json(entry, sources[entry.source_id])
            for entry in self._hub.harvested.entries()
            if entry.source_id in sources
        ]
        return JSONResponse({"harvested": body})

    def whole(self, media: str) -> Endpoint:
        async def catalogue(request: Request) -> Response:
            return await self._rdf(self._hub.catalogue(), media)

        return catalogue

    async def start_search(self, request: Request) -> Response:
        """Ask every node; reply when all have answered, or after `wait_s` seconds."""
        body = fields.decode(await request.body())
        text = fields.text(body, "query")
        wait_s = seconds(body.get("wait_s", DEFAULT_WAIT_S))
        search_id = await self._hub.ask(text, wait_s, person_id=person_id_of(request))
        found = await self._hub.wait_search(search_id, wait_s)
        headers = {"Location": f"/api/v1/search/{found.search_id}"}
        return JSONResponse(search_to_json(found), 201, headers)

    async def search_table(self, request: Request) -> Response:
        search_id = request.path_params["search_id"]
        return _table(search_to_csv(self._hub.search(search_id)), f"search-{search_id}.csv")

    async def search_distributions(self, request: Request) -> Response:
        search_id = request.path_params["search_id"]
        table = distributions_to_csv(self._hub.search(search_id))
        return _table(table, f"distributions-{search_id}.csv")

    async def search(self, request: Request) -> Response:
        """The answers so far; `?wait_s=` waits for the rest, with `&after=` for more than those."""
        wait_s = seconds(request.query_params.get("wait_s", "0"))
        after = _natural(request, "after", 0) if request.query_params.get("after") else None
        search_id = request.path_params["search_id"]
        found = await self._hub.wait_search(search_id, wait_s, after=after)
        return JSONResponse(search_to_json(found), headers={"Cache-Control": "no-store"})

    async def _rdf(self, entries: Sequence[CatalogueEntry], media: str) -> Response:
        data = await run_in_threadpool(self._hub.rdf, entries, RDF[media])
        return answered(data, media)


def _croissant(hub_address: str, entry: CatalogueEntry) -> Response:
    description = entry.description
    name = f"{description.dataset_id}-v{description.version}.croissant.json"
    return JSONResponse(
        croissant(entry, hub_address),
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
        media_type="application/ld+json",
    )


def _version(request: Request) -> int | None:
    return _natural(request, "version", 0) if request.query_params.get("version") else None


def _natural(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadMessage(name, "a whole number")
    return int(text)


def seconds(value: object) -> float:
    """Read how long to wait. Raises BadMessage."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) else -1.0
    except (ValueError, OverflowError):
        seconds = -1.0
    if isinstance(value, bool) or not 0 <= seconds <= MAX_WAIT_S:
        raise BadMessage("wait_s", f"a number of seconds from 0 to {MAX_WAIT_S:.0f}")
    return seconds


def _table(table: str, name: str) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response(table, headers=headers, media_type="text/csv; charset=utf-8; header=present")
