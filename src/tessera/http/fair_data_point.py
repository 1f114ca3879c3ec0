"""The hub as a FAIR Data Point: each record at its own address, in the form that is asked for.

The catalogue's and the datasets' addresses are those of their pages (`http/pages.py`): who asks
for RDF there gets the record. Here are the root and the distributions, which have no page.
"""

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera.domain.catalogue.entry import CatalogueEntry
from tessera.domain.catalogue.notice import Withdrawn
from tessera.http.rdf_forms import RDF, answered, wished
from tessera.http.rendering import link
from tessera.http.rules import PUBLIC, Endpoint, RuledRoute
from tessera.hub.views import HubViews, Layer

_PARTS: Final[tuple[Layer, ...]] = ("images", "tables")


def routes(hub: HubViews) -> list[RuledRoute]:
    """Bind the root of the FAIR Data Point and the distributions."""
    point = _Point(hub)
    return [
        RuledRoute("/fdp", point.root, PUBLIC),
        *(
            RuledRoute(f"/datasets/{{node_id}}/{{dataset_id}}/{part}", point.part(part), PUBLIC)
            for part in _PARTS
        ),
    ]


async def record(
    hub: HubViews, layer: Layer, media: str, entry: CatalogueEntry | None = None
) -> Response:
    """Answer with one record."""
    return answered(await run_in_threadpool(hub.record, layer, RDF[media], entry), media)


async def tombstone(hub: HubViews, gone: Withdrawn, media: str) -> Response:
    """Answer 410 with what is left of a withdrawn dataset."""
    data = await run_in_threadpool(hub.tombstone, gone, RDF[media])
    return answered(data, media, status=410)


class _Point:
    def __init__(self, hub: HubViews) -> None:
        self._hub = hub

    async def root(self, request: Request) -> Response:
        """The root record; a browser is led to the catalogue."""
        if media := wished(request):
            return await record(self._hub, "point", media)
        if "text/html" in request.headers.get("accept", ""):
            return _seen_other(link("catalogue"))
        return await record(self._hub, "point", "text/turtle")

    def part(self, part: Layer) -> Endpoint:
        async def distribution(request: Request) -> Response:
            """One distribution; a browser is led to the dataset's page."""
            names, media = request.path_params, wished(request)
            try:
                entry = self._hub.entry(names["node_id"], names["dataset_id"])
            except Withdrawn as gone:
                if media:
                    return await tombstone(self._hub, gone, media)
                return _seen_other(link("datasets", names["node_id"], names["dataset_id"]))
            if media:
                return await record(self._hub, part, media, entry)
            return _seen_other(link("datasets", names["node_id"], names["dataset_id"]))

        return distribution


def _seen_other(address: str) -> Response:
    return RedirectResponse(address, 303, headers={"Vary": "Accept"})
