"""Who sends a request: a bearer token of a program, or the session in a browser's cookie.

Sets `person`, `signed_in`, `by_cookie`, `form_secret`, `hub_url` and `can_sign_in` in the
request's state; `tessera.http.rules` asks them. What a person gets is kept by no cache.
"""

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tessera.domain.errors import NotSignedIn
from tessera.http.errors import problem
from tessera.http.form_token import secret_from_cookie
from tessera.hub.accounts import Accounts
from tessera.hub.sign_in import SignedIn

_SESSION: Final = "tessera_session"
_FORM: Final = "tessera_form"
_UNASKED: Final = ("/static/", "/link/")
"""Files for everybody, and messages that are signed themselves."""


def session_cookie(accounts: Accounts) -> str:
    """Return the cookie's name; `__Host-` holds browsers to this host, path / and HTTPS."""
    return f"__Host-{_SESSION}" if accounts.is_https else _SESSION


def form_cookie(accounts: Accounts) -> str:
    """Return the name of the cookie that ties a sign-in form to its browser."""
    return f"__Host-{_FORM}" if accounts.is_https else _FORM


def signed_in_of(request: Request) -> SignedIn:
    """Return who is signed in, and by what. Raises NotSignedIn."""
    found = getattr(request.state, "signed_in", None)
    if not isinstance(found, SignedIn):
        raise NotSignedIn("sign in first")
    return found


class Identify:
    def __init__(self, app: ASGIApp, *, accounts: Accounts) -> None:
        self._app = app
        self._accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_UNASKED):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        state = request.state
        state.can_sign_in = True
        state.hub_url = self._accounts.url
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            found = await run_in_threadpool(self._accounts.sign_ins.by_token, bearer.strip())
            if found is None:
                refusal = NotSignedIn("the token is unknown, revoked or too old")
                await (await problem(request, refusal))(scope, receive, send)
                return
        else:
            found = await self._by_cookie(request)
        if found is None:
            await self._app(scope, receive, send)
            return
        state.signed_in = found
        state.person = found.person

        async def uncached(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, uncached)

    async def _by_cookie(self, request: Request) -> SignedIn | None:
        state, cookies = request.state, request.cookies
        secret = cookies.get(session_cookie(self._accounts), "")
        found = None
        if secret:
            found = await run_in_threadpool(self._accounts.sign_ins.by_session, secret)
        state.by_cookie = found is not None
        form = secret_from_cookie(cookies.get(form_cookie(self._accounts), ""))
        state.form_secret = secret if found else form
        return found
