"""The desk's web application: one key opens it, for one person at one computer.

It shows pictures and texts that name patients. So it listens on this computer alone, answers
only who opened the address with the key, keeps nothing in a cache, and loads nothing from
elsewhere.
"""

import hmac
from collections.abc import Callable, Iterable
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from importlib import resources
from typing import Final
from urllib.parse import parse_qs, urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tessera.domain.errors import NotFound, TesseraError
from tessera.http.limits import BodyLimit, SecurityHeaders
from tessera.http.rendering import render
from tessera.http.rules import unruled

COOKIE: Final = "tessera_desk"
_HOSTS: Final = frozenset((b"127.0.0.1", b"localhost", b"[::1]"))


def create_desk(
    routes: Iterable[BaseRoute],
    *,
    key: str,
    name: str,
    now: Callable[[], datetime],
    error_page: str = "desk_error.html",
    opened_by: str = "tessera node review open",
    after: Iterable[BaseRoute] = (),
) -> Starlette:
    """Return the application over the routes of its pages. `key` opens it; `name`: the node's.

    `after`: routes that are tried last; `opened_by`: the command that prints the address.
    """
    static = str(resources.files("tessera.http").joinpath("static"))
    every: list[BaseRoute] = [
        *routes,
        Mount("/static", StaticFiles(directory=static), name="static"),
        *after,
    ]
    if bare := unruled(every):
        raise ValueError(f"routes without a rule: {', '.join(bare)}")

    async def failed(request: Request, err: Exception) -> Response:
        status = 404 if isinstance(err, NotFound) else getattr(err, "status_code", 409)
        words = str(err) if isinstance(err, TesseraError) else ""
        return desk_page(request, error_page, now=now(), status=status, words=words)

    app = Starlette(
        routes=every,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(DeskKey, key=key, opened_by=opened_by),
            Middleware(BodyLimit),
        ],
        exception_handlers={TesseraError: failed, HTTPException: failed},
    )
    app.state.node_name = name
    return app


def desk_page(
    request: Request, template: str, *, now: datetime, status: int = 200, **values: object
) -> Response:
    """Return a page of the desk, with the node's name on it."""
    name = request.app.state.node_name
    return render(request, template, now=now, status=status, node_name=name, **values)


class DeskKey:
    """Lets in who has the key: once in the address, from then on in a cookie."""

    def __init__(
        self, app: ASGIApp, *, key: str, opened_by: str = "tessera node review open"
    ) -> None:
        self._app = app
        self._key = key
        self._opened_by = opened_by

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").rpartition(b":")[0] or headers.get(b"host", b"")
        if host not in _HOSTS:  # another name for this computer: a page of somebody else's
            await PlainTextResponse("not here\n", 421)(scope, receive, send)
            return
        query = parse_qs(scope["query_string"].decode("latin-1"))
        given = query.pop("key", [""])[0]
        if self._is_key(given):
            left = urlencode(query, doseq=True)
            answer = RedirectResponse(scope["path"] + (f"?{left}" if left else ""), 303)
            answer.set_cookie(COOKIE, self._key, httponly=True, samesite="strict", path="/")
            await answer(scope, receive, send)
            return
        if not self._is_key(_cookie(headers.get(b"cookie", b""))):
            words = f"This page opens with the address that `{self._opened_by}` prints.\n"
            await PlainTextResponse(words, 403)(scope, receive, send)
            return
        scope.setdefault("state", {})
        scope["state"] |= {"form_secret": self._key, "by_cookie": True}
        is_static = scope["path"].startswith("/static/")

        async def unkept(message: Message) -> None:
            if message["type"] == "http.response.start" and not is_static:
                names = {name.lower() for name, _ in message["headers"]}
                if b"cache-control" not in names:
                    message["headers"] = [*message["headers"], (b"cache-control", b"no-store")]
            await send(message)

        await self._app(scope, receive, unkept)

    def _is_key(self, given: str) -> bool:
        return bool(given) and hmac.compare_digest(given.encode(), self._key.encode())


def _cookie(header: bytes) -> str:
    try:
        found = SimpleCookie(header.decode("latin-1")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
