"""A node as a FAIR Data Point of its own: the records of what it has published, and nothing else.

Read alone. The addresses are the hub's (`http/fair_data_point.py`): `/fdp`, `/catalogue`,
`/datasets/{node_id}/{dataset_id}` and below it `/images` and `/tables`.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera.domain.catalogue.entry import CatalogueEntry
from tessera.domain.errors import NotFound, TesseraError
from tessera.http.errors import problem
from tessera.http.limits import BodyLimit, Buckets, Rate, RateLimit, SecurityHeaders
from tessera.http.rdf_forms import RDF, answered, wished
from tessera.http.rules import PUBLIC, Endpoint, RuledRoute
from tessera.hub.views import Layer, RdfFormat

REQUESTS: Final = Rate(burst=300, per_second=30)
Entries = Callable[[], Sequence[CatalogueEntry]]
Render = Callable[[Layer, RdfFormat, Sequence[CatalogueEntry]], bytes]
_DATASET = "/datasets/{node_id}/{dataset_id}"


def create_node_catalogue(entries: Entries, render: Render) -> Starlette:
    """Return the application. `entries`: what is published now, their numbers through the gate."""

    def record(layer: Layer) -> Endpoint:
        async def answer(request: Request) -> Response:
            """One record, as Turtle unless another form is asked for."""
            media = wished(request, first="text/turtle") or "text/turtle"
            found = await run_in_threadpool(entries)
            if layer not in ("point", "catalogue"):
                found = [_one(found, **request.path_params)]
            return answered(await run_in_threadpool(render, layer, RDF[media], found), media)

        return answer

    async def root(request: Request) -> Response:
        return RedirectResponse("/fdp", 303)

    return Starlette(
        routes=[
            RuledRoute("/", root, PUBLIC, name="root"),
            RuledRoute("/fdp", record("point"), PUBLIC, name="point"),
            RuledRoute("/catalogue", record("catalogue"), PUBLIC, name="catalogue"),
            RuledRoute(_DATASET, record("dataset"), PUBLIC, name="dataset"),
            RuledRoute(f"{_DATASET}/images", record("images"), PUBLIC, name="images"),
            RuledRoute(f"{_DATASET}/tables", record("tables"), PUBLIC, name="tables"),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(RateLimit, all_requests=_buckets(), searches=_buckets()),
            Middleware(BodyLimit, max_bytes=1000),
        ],
        exception_handlers={TesseraError: problem, HTTPException: problem},
    )


def _buckets() -> Buckets:
    return Buckets(REQUESTS, time.monotonic)


def _one(entries: Sequence[CatalogueEntry], node_id: str, dataset_id: str) -> CatalogueEntry:
    for one in entries:
        if (one.node.node_id, one.description.dataset_id) == (node_id, dataset_id):
            return one
    raise NotFound(f"no dataset {dataset_id[:64]!r} is published here")
