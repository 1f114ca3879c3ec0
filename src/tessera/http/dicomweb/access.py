"""The door of DICOMweb: a key on every request, deny by default."""

import hmac
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tessera.domain.errors import NotSignedIn
from tessera.http.dicomweb.service import LOOPBACK, Caller, DicomWeb
from tessera.http.errors import problem

PREFIX: Final = "/dicom-web"
COOKIE: Final = "tessera_desk"


class WebAccess:
    """Finds who asks: by a bearer key, or by the cookie of the node's own pages."""

    def __init__(self, app: ASGIApp, *, service: DicomWeb, operator_key: str = "") -> None:
        self._app = app
        self._service = service
        self._operator = operator_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = self._caller(Headers(scope=scope), scope["method"])
        if caller is None:
            refusal = await problem(Request(scope), NotSignedIn("no key, or none that opens"))
            await refusal(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        path = scope["path"]
        if path == PREFIX or path.startswith(PREFIX + "/"):
            root = scope.get("root_path", "") + PREFIX
            scope = {**scope, "root_path": root, "path": path if path != PREFIX else PREFIX + "/"}

        async def private(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in message["headers"]}
                if b"cache-control" not in names:
                    message["headers"] = [
                        *message["headers"],
                        (b"cache-control", b"private, no-cache"),
                        (b"vary", b"Authorization, Cookie, Accept, Accept-Encoding"),
                        (b"x-content-type-options", b"nosniff"),
                    ]
            await send(message)

        await self._app(scope, receive, private)

    def _caller(self, headers: Headers, method: str) -> Caller | None:
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind:
            return self._by_key(given.strip()) if kind.lower() == "bearer" else None
        host = headers.get("host", "")
        name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
        if name not in LOOPBACK or method not in ("GET", "HEAD", "OPTIONS"):
            return None  # a page of somebody else's under a name for this computer
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return None
        cookie = _cookie(headers.get("cookie", "")).encode()
        if self._operator and hmac.compare_digest(cookie, self._operator):
            return Caller("", sees_all=True, may_store=False)
        return None

    def _by_key(self, given: str) -> Caller | None:
        if not given:
            return None
        key = self._service.keys.find(sha256(given.encode()).digest())
        if key is None or key.ends <= self._service.now():
            return None
        return Caller(key.name, key.sees_all, key.may_store)


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
