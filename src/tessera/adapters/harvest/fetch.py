"""Fetch over HTTP from addresses that strangers name.

What a source sends may name any address. So: http and https alone; every address of a host is
looked at, and the connection goes to the very address that was looked at, also after a redirect;
one that is not public is asked only where the operator allows it. No compression is taken, so
that what is counted is what is kept; size, time and the number of redirects have limits. No proxy
is used: it would resolve the name anew, on the other side.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx

from tessera import __version__
from tessera.domain.errors import Unavailable
from tessera.ports.harvest import AddressRefused, Fetched, RecordGone, SourceUnreadable
from tessera.ports.trust import trusted

_ACCEPT: Final = (
    "text/turtle, application/ld+json;q=0.9, application/rdf+xml;q=0.8, "
    "application/n-triples;q=0.8, text/csv;q=0.5, "
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet;q=0.4"
)
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS: Final = 5
_MOST_TRIES: Final = 4
_LONGEST_PAUSE_S: Final = 30.0


def is_public(number: str) -> bool:
    """Tell whether an IP address is one of the public internet, also one inside another."""
    try:
        address = ipaddress.ip_address(number.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
        if address.teredo is not None or address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedFetch:
    """Implements `tessera.ports.harvest.Fetch`."""

    max_bytes: int = 20_000_000
    """Of one document."""
    timeout_s: float = 60.0
    """Of one document, with all its redirects."""
    is_public: Callable[[str], bool] = is_public
    """Which IP addresses may be asked of a source that has to be on the internet."""

    def get(self, address: str, *, allow_private: bool) -> Fetched:
        return asyncio.run(self._within(address, allow_private))

    async def _within(self, address: str, allow_private: bool) -> Fetched:
        for tried in range(_MOST_TRIES):
            try:
                async with asyncio.timeout(self.timeout_s):
                    return await self._get(address, allow_private)
            except TimeoutError as err:
                raise Unavailable(
                    f"{address} did not answer in whole within {self.timeout_s:.0f} s"
                ) from err
            except httpx.HTTPError as err:
                raise Unavailable(f"{address} cannot be reached: {err}") from err
            except _Busy as busy:
                if tried + 1 < _MOST_TRIES:
                    await asyncio.sleep(busy.pause_s)
        raise Unavailable(f"{address} takes no more requests now")

    async def _get(self, address: str, allow_private: bool) -> Fetched:
        for _ in range(_MOST_REDIRECTS + 1):
            url = _url(address)
            # A client of its own for each request: no cookie and no connection is shared.
            async with httpx.AsyncClient(trust_env=False, verify=trusted()) as client:
                request = await self._pinned(client, url, allow_private)
                reply = await client.send(request, stream=True)
                try:
                    if reply.status_code not in _REDIRECTS:
                        return await self._taken(reply, address)
                    address = _next(url, reply)
                finally:
                    await reply.aclose()
        raise SourceUnreadable(f"{address}: more than {_MOST_REDIRECTS} redirects")

    async def _taken(self, reply: httpx.Response, address: str) -> Fetched:
        if reply.status_code == 404:
            raise RecordGone(f"{address} answers 404")
        if reply.status_code == 410:
            raise RecordGone(f"{address} answers 410", await _left(reply, address, self.max_bytes))
        if reply.status_code in (429, 503):
            raise _Busy(reply.headers.get("retry-after", ""))
        if reply.status_code != 200:
            raise Unavailable(f"{address} answers {reply.status_code}")
        return await _read(reply, address, self.max_bytes)

    async def _pinned(
        self, client: httpx.AsyncClient, url: httpx.URL, allow_private: bool
    ) -> httpx.Request:
        """Return the request, bound to one address of the host that may be asked."""
        number = await _address(url, None if allow_private else self.is_public)
        return client.build_request(
            "GET",
            url.copy_with(host=number),
            headers={
                "Host": url.netloc.decode("ascii"),
                "Accept": _ACCEPT,
                "Accept-Encoding": "identity",
                "User-Agent": f"tessera/{__version__} (harvest)",
            },
            # The certificate is that of the name, not of the number.
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )


async def _read(reply: httpx.Response, address: str, max_bytes: int) -> Fetched:
    if reply.headers.get("content-encoding", "identity").lower() != "identity":
        raise SourceUnreadable(f"{address}: compressed, which was not asked for")
    data = bytearray()
    async for chunk in reply.aiter_raw():
        data += chunk
        if len(data) > max_bytes:
            raise SourceUnreadable(
                f"{address}: more than {max_bytes} bytes; name a smaller document"
            )
    media = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Fetched(bytes(data), media, address)


async def _left(reply: httpx.Response, address: str, max_bytes: int) -> Fetched | None:
    """Return what a source says of a record that is gone; None when it cannot be taken."""
    try:
        return await _read(reply, address, max_bytes)
    except SourceUnreadable:
        return None


class _Busy(Exception):
    def __init__(self, retry_after: str) -> None:
        seconds = float(retry_after) if retry_after.isdecimal() else 2.0
        self.pause_s = min(seconds, _LONGEST_PAUSE_S)


def _url(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as err:
        raise AddressRefused(f"{address!r} is no address") from err
    if url.scheme not in ("http", "https") or not url.host:
        raise AddressRefused(f"{address!r}: http:// and https:// alone are asked")
    if url.userinfo:
        raise AddressRefused(f"{url.host}: an address with a user's name is not asked")
    return url


def _next(url: httpx.URL, reply: httpx.Response) -> str:
    target = url.join(reply.headers.get("location", ""))
    if url.scheme == "https" and target.scheme != "https":
        raise AddressRefused(f"{url}: redirects from https to {target.scheme or 'nowhere'}")
    return str(target)


async def _address(url: httpx.URL, may_be: Callable[[str], bool] | None) -> str:
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as err:
        raise Unavailable(f"{url.host}: no such host") from err
    numbers = [str(place[4][0]) for place in found]
    if may_be is not None and not all(map(may_be, numbers)):
        raise AddressRefused(
            f"{url.host} is inside a network that is not public; if this source may be there, "
            "add it with --allow-private"
        )
    return numbers[0]
