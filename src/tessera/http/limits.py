"""Limits for everyone: size of a body, requests of one address, headers for browsers."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tessera.http.errors import problem
from tessera.wire.refusals import TooLarge, TooManyRequests

MAX_BODY_BYTES: Final = 1_000_000
MAX_LARGE_BYTES: Final = 4_000_000
"""Of a body on one of `_LARGE`."""
_LARGE: Final = frozenset({"/link/v1/deliver", "/link/v1/relay", "/api/v1/tools", "/api/v1/uses"})
"""Files travel here: released ones, sealed ones, tools, inputs of a run."""
MAX_BODY_S: Final = 30.0
"""So long may a body take to arrive."""
_MAX_ADDRESSES: Final = 10_000
"""The address that was quiet longest is forgotten first; it starts again with a full bucket."""
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket that holds `burst` requests and is refilled with `per_second`."""

    burst: float
    per_second: float


class Buckets:
    """One token bucket per address; `monotonic_s` tells the time in seconds."""

    def __init__(self, rate: Rate, monotonic_s: Callable[[], float]) -> None:
        self._rate = rate
        self._now = monotonic_s
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> bool:
        """Return True while the address has a request left."""
        now = self._now()
        left, at = self._left.pop(address, (self._rate.burst, now))
        left = min(self._rate.burst, left + (now - at) * self._rate.per_second)
        is_allowed = left >= 1
        self._left[address] = (left - 1 if is_allowed else left, now)
        if len(self._left) > _MAX_ADDRESSES:
            self._left.popitem(last=False)
        return is_allowed


class RateLimit:
    """Refuse what is over the limit: of all requests, and of those that ask every node."""

    def __init__(self, app: ASGIApp, *, all_requests: Buckets, searches: Buckets) -> None:
        self._app = app
        self._all = all_requests
        self._searches = searches

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_allowed(scope):
            await self._app(scope, receive, send)
            return
        refusal = await problem(Request(scope), TooManyRequests("over the rate limit"))
        await refusal(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        client = scope.get("client")
        address = asker(client[0]) if client else ""
        path, method = scope["path"], scope["method"]
        starts_search = (path == "/api/v1/search" and method == "POST") or (
            path == "/search" and "q" in QueryParams(scope.get("query_string", b""))
        )
        return self._all.take(address) and (not starts_search or self._searches.take(address))


def asker(address: str) -> str:
    """Return whose bucket an address takes from: a household has 2**64 addresses of IPv6."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return address
    plain = ip.ipv4_mapped
    return str(plain) if plain else str(ip_network((int(ip) >> 64 << 64, 64)))


class BodyLimit:
    """Stop reading a body at the limit of size, whether or not announced, and of time."""

    def __init__(
        self, app: ASGIApp, *, max_bytes: int = MAX_BODY_BYTES, max_s: float = MAX_BODY_S
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_s = max_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        max_bytes = MAX_LARGE_BYTES if scope.get("path") in _LARGE else self._max_bytes
        n_bytes, is_whole = 0, False
        now = asyncio.get_running_loop().time
        until = now() + self._max_s

        async def counted() -> Message:
            nonlocal n_bytes, is_whole
            if not announced.isdecimal() or int(announced) > max_bytes:
                raise TooLarge(f"at most {max_bytes} bytes, announced with their number")
            try:
                # Afterwards only the end of the connection comes, which may take its time.
                left_s = None if is_whole else max(0.0, until - now())
                message = await asyncio.wait_for(receive(), left_s)
            except TimeoutError as err:
                raise HTTPException(408) from err
            is_whole = not message.get("more_body", False)
            n_bytes += len(message.get("body", b""))
            if n_bytes > max_bytes:
                raise TooLarge(f"at most {max_bytes} bytes")
            return message

        await self._app(scope, counted, send)


class SecurityHeaders:
    """Add the headers that tell a browser to trust nothing from elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)
