"""GA4GH Beacon v2 at a node: the framework's endpoints, individuals, imaging studies, datasets.

Counts pass the node's gate. Records are told to a request that carries, in the header
`Tessera-Use` (`wire/beacon.py`), a use of a permit that its person has signed for this request.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera import __version__
from tessera.domain.access.permit import PermitRefused
from tessera.domain.cohort import beacon
from tessera.domain.cohort.beacon import Answers, RecordSet
from tessera.domain.cohort.beacon_request import (
    IMAGING,
    INDIVIDUALS,
    RECORD,
    BeaconRequest,
    Json,
    filtering_terms,
    request_of,
    request_of_parameters,
)
from tessera.domain.errors import InvalidInput, TesseraError
from tessera.http.errors import status_of
from tessera.http.rules import PUBLIC, RuledRoute
from tessera.http.sent_json import sent_json
from tessera.node.outside import OutsideSearch
from tessera.wire.beacon import USE_HEADER

PREFIX: Final = "/beacon"
ASKER: Final = "beacon"
Formed = Callable[[str, BeaconRequest, Answers], Json]
Records = Callable[[str, str, bytes, BeaconRequest, str], list[RecordSet]]
"""Takes the signed use, the path and what was sent, the request, the entry type."""


def routes(
    search: OutsideSearch,
    let_in: Callable[[Request], None],
    records: Records,
    *,
    tells_counts: bool,
) -> list[RuledRoute]:
    """Return the routes below /beacon. `let_in` raises NotSignedIn; `records` PermitRefused.

    `tells_counts`: else no more than yes or no is told without a permit.
    """
    most = "count" if tells_counts else "boolean"
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
                if isinstance(err, PermitRefused):
                    words = f"{err.code}: {err.reason}"
                return JSONResponse(beacon.refused(beacon_id, status, words), status)

        return RuledRoute(PREFIX + path, endpoint, PUBLIC, methods=methods, name=f"beacon {path}")

    def told(path: str, made: Callable[[Request], Json]) -> RuledRoute:
        async def answer(request: Request) -> Json:
            return beacon.informed(beacon_id, made(request))

        return ruled(path, answer)

    def asked(path: str, formed: Formed, entity: str = "") -> RuledRoute:
        async def answer(request: Request) -> Json:
            if request.method == "POST":
                sent, wanted = await request.body(), request_of(await sent_json(request))
            else:
                sent = request.url.query.encode()
                wanted = request_of_parameters(request.query_params.multi_items())
            use = request.headers.get(USE_HEADER, "")
            if entity and use and wanted.granularity == RECORD:
                sets = await asyncio.to_thread(records, use, path, sent, wanted, entity)
                return beacon.recorded(beacon_id, wanted, sets, entity)
            if not tells_counts:
                wanted = replace(wanted, granularity=most)
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
            "description": "Counts over published cancer imaging datasets by the node's policy,"
            " and records under a permit.",
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

    def counted_as(entity: str) -> Formed:
        return lambda name, wanted, found: beacon.counted(name, wanted, found, entity)

    def base(request: Request) -> str:
        return str(request.base_url).rstrip("/") + PREFIX

    return [
        told("", about),
        told("/info", about),
        ruled("/service-info", service_info),
        told("/configuration", lambda _: beacon.configuration(most)),
        told("/entry_types", lambda _: {"entryTypes": beacon.entry_types()}),
        told("/map", lambda request: beacon.beacon_map(base(request))),
        told("/filtering_terms", lambda _: {"filteringTerms": filtering_terms()}),
        asked("/individuals", counted_as(INDIVIDUALS), INDIVIDUALS),
        asked("/imagingStudies", counted_as(IMAGING), IMAGING),
        asked("/datasets", beacon.collections),
    ]
