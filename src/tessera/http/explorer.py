"""What a node tells searches from outside: the EUCAIM explorer's, and a Beacon network's."""

import asyncio
import hmac
from collections.abc import Callable
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera.domain.cohort.explorer import provider_answer, query_of_ast, query_of_parameters
from tessera.domain.cohort.query import Query
from tessera.domain.errors import NotSignedIn, TesseraError
from tessera.http import beacon
from tessera.http.errors import problem
from tessera.http.limits import BodyLimit, SecurityHeaders
from tessera.http.rules import PUBLIC, RuledRoute
from tessera.http.sent_json import sent_json
from tessera.node.outside import OutsideSearch
from tessera.wire.text import one_line

ASKER: Final = "explorer"
MAX_QUERY_BYTES: Final = 200_000


def create_outside(
    search: OutsideSearch,
    token: Callable[[], str],
    records: beacon.Records,
    *,
    beacon_counts: bool,
) -> Starlette:
    """Return the application. `token` is read at each request, so that it can be renewed.

    `records`, `beacon_counts`: see `http/beacon.py`.
    """

    def let_in(request: Request) -> None:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        is_it = hmac.compare_digest(given.strip().encode(), token().encode())
        if kind.lower() != "bearer" or not is_it:
            raise NotSignedIn("send the token: Authorization: Bearer …")

    async def answered(query: Query, asked_as: str) -> Response:
        found = await asyncio.to_thread(search.answers, query, ASKER, asked_as)
        return JSONResponse(provider_answer(search.name, found))

    async def by_tree(request: Request) -> Response:
        let_in(request)
        body = await sent_json(request)
        query = query_of_ast(body)
        name = body.get("id", "") if isinstance(body, dict) else ""
        return await answered(query, one_line(str(name))[:120])

    async def by_address(request: Request) -> Response:
        let_in(request)
        query = query_of_parameters(request.query_params.multi_items())
        return await answered(query, "by address")

    return Starlette(
        routes=[
            RuledRoute("/", by_tree, PUBLIC, methods=("POST",), name="tree"),
            RuledRoute("/", by_address, PUBLIC, name="address"),
            *beacon.routes(search, let_in, records, tells_counts=beacon_counts),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(BodyLimit, max_bytes=MAX_QUERY_BYTES),
        ],
        exception_handlers={TesseraError: problem, HTTPException: problem},
    )
