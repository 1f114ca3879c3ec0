"""The endpoint that a site's query agent asks for the explorer. One token opens it."""

import asyncio
import hmac
import json
from collections.abc import Callable
from typing import Final, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera.domain.cohort.explorer import query_of_ast, query_of_parameters
from tessera.domain.cohort.query import Query
from tessera.domain.errors import InvalidInput, NotSignedIn, TesseraError
from tessera.http.errors import problem
from tessera.http.limits import BodyLimit, SecurityHeaders
from tessera.http.rules import PUBLIC, RuledRoute
from tessera.wire.text import one_line

MAX_QUERY_BYTES: Final = 200_000
_BY_ADDRESS: Final = "by address"


class Search(Protocol):
    def answer(self, query: Query, asked_as: str) -> dict[str, object]: ...


def create_explorer(search: Search, token: Callable[[], str]) -> Starlette:
    """Return the application. `token` is read at each request, so that it can be renewed."""

    def let_in(request: Request) -> None:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        is_it = hmac.compare_digest(given.strip().encode(), token().encode())
        if kind.lower() != "bearer" or not is_it:
            raise NotSignedIn("send the token: Authorization: Bearer …")

    async def by_tree(request: Request) -> Response:
        let_in(request)
        sent = await request.body()
        try:
            body = json.loads(sent)
        except (ValueError, RecursionError):
            raise InvalidInput("the body is not JSON") from None
        query = query_of_ast(body)
        asked_as = one_line(str(body.get("id", "")))[:120]
        return JSONResponse(await asyncio.to_thread(search.answer, query, asked_as))

    async def by_address(request: Request) -> Response:
        let_in(request)
        query = query_of_parameters(request.query_params.multi_items())
        return JSONResponse(await asyncio.to_thread(search.answer, query, _BY_ADDRESS))

    return Starlette(
        routes=[
            RuledRoute("/", by_tree, PUBLIC, methods=("POST",), name="tree"),
            RuledRoute("/", by_address, PUBLIC, name="address"),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(BodyLimit, max_bytes=MAX_QUERY_BYTES),
        ],
        exception_handlers={TesseraError: problem, HTTPException: problem},
    )
