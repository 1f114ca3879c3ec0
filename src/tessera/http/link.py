"""Routes for nodes: one signed message in, one signed message out. No rules here."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from tessera.http.rules import SIGNED_BY_NODE, RuledRoute
from tessera.wire.envelope import MessageType
from tessera.wire.refusals import BadSignature

Receive = Callable[[MessageType, str], Awaitable[str]]
MEDIA_TYPE = "application/jose"
"""A compact JWS (RFC 7515 section 9.2.1)."""
REQUESTS = (
    MessageType.JOIN,
    MessageType.STATUS,
    MessageType.PUBLISH,
    MessageType.POLL,
    MessageType.ANSWER,
    MessageType.ANSWERS,
    MessageType.REPORT,
    MessageType.DELIVER,
    MessageType.RELAY,
    MessageType.NOTICE,
    MessageType.RENEW_KEY,
)


def routes(receive: Receive) -> list[RuledRoute]:
    """Bind the hub's reception; the path says which type of message is expected."""
    return [_route(type, receive) for type in REQUESTS]


def _route(type: MessageType, receive: Receive) -> RuledRoute:
    async def message(request: Request) -> Response:
        token = _ascii(await request.body())
        if type is not MessageType.POLL:
            return Response(await receive(type, token), media_type=MEDIA_TYPE)
        working = asyncio.ensure_future(receive(type, token))
        leaving = asyncio.ensure_future(_disconnected(request))
        try:
            # A poll whose node has gone must not take a query that a later poll could answer.
            await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                return Response(status_code=499)
            return Response(working.result(), media_type=MEDIA_TYPE)
        finally:
            leaving.cancel()
            working.cancel()
            await asyncio.gather(working, leaving, return_exceptions=True)

    return RuledRoute(
        f"/link/v1/{type.value}",
        message,
        SIGNED_BY_NODE,
        methods=("POST",),
        name=f"link-{type.value}",
    )


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _ascii(body: bytes) -> str:
    try:
        return body.decode("ascii")
    except UnicodeDecodeError as err:
        raise BadSignature("not a compact JWS") from err
