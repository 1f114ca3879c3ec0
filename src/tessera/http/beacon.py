"""GA4GH Beacon v2 at a node: the framework's endpoints, individuals and datasets, counts alone."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera import __version__
from tessera.domain.cohort import beacon
from tessera.domain.cohort.beacon import Answers, BeaconRequest, Json
from tessera.domain.errors import InvalidInput, TesseraError
from tessera.http.errors import status_of
from tessera.http.rules import PUBLIC, RuledRoute
from tessera.http.sent_json import sent_json
from tessera.node.outside import OutsideSearch

PREFIX: Final = "/beacon"
ASKER: Final = "beacon"
Formed = Callable[[str, BeaconRequest, Answers], Json]


def routes(search: OutsideSearch, let_in: Callable[[Request], None]) -> list[RuledRoute]:
    """Return the routes below /beacon. `let_in` raises NotSignedIn."""
    beacon_id = f"tessera.{search.name}"

    def ruled(
        path: str,
        answer: Callable[[Request], Awaitable[Json]],
        methods: Sequence[str] = ("GET",),
    ) -> RuledRoute:
        async def endpoint(request: Request) -> Response:
            try:
                let_in(request)
                return JSONResponse(await answer(request))
            except TesseraError as err:
                status = status_of(type(err))
                words = str(err) if isinstance(err, InvalidInput) else type(err).__name__
                return JSONResponse(beacon.refused(beacon_id, status, words), status)

        return RuledRoute(PREFIX + path, endpoint, PUBLIC, methods=methods, name=f"beacon {path}")

    def told(path: str, made: Callable[[Request], Json]) -> RuledRoute:
        async def answer(request: Request) -> Json:
            return beacon.informed(beacon_id, made(request))

        return ruled(path, answer)

    def asked(path: str, formed: Formed) -> RuledRoute:
        async def answer(request: Request) -> Json:
            if request.method == "POST":
                wanted = beacon.request_of(await sent_json(request))
            else:
                wanted = beacon.request_of_parameters(request.query_params.multi_items())
            found = await asyncio.to_thread(search.answers, wanted.query, ASKER, path)
            return formed(beacon_id, wanted, found)

        return ruled(path, answer, ("GET", "POST"))

    def about(request: Request) -> Json:
        return {
            "id": beacon_id,
            "name": search.name,
            "apiVersion": beacon.API_VERSION,
            "environment": "dev",
            "organization": {"id": beacon_id, "name": search.name},
            "description": "Counts over published cancer imaging datasets, rounded by policy.",
            "version": __version__,
        }

    async def service_info(request: Request) -> Json:
        return {
            "id": beacon_id,
            "name": search.name,
            "type": {"group": "org.ga4gh", "artifact": "beacon", "version": beacon.API_VERSION},
            "organization": {"name": search.name, "url": base(request)},
            "version": __version__,
        }

    def base(request: Request) -> str:
        return str(request.base_url).rstrip("/") + PREFIX

    return [
        told("", about),
        told("/info", about),
        ruled("/service-info", service_info),
        told("/configuration", lambda _: beacon.configuration()),
        told("/entry_types", lambda _: {"entryTypes": beacon.entry_types()}),
        told("/map", lambda request: beacon.beacon_map(base(request))),
        told("/filtering_terms", lambda _: {"filteringTerms": beacon.filtering_terms()}),
        asked("/individuals", beacon.counted),
        asked("/datasets", beacon.collections),
    ]
