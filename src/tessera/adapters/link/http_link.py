"""HubLink over HTTP, through the proxy of the environment where there is one."""

import asyncio
from types import TracebackType

import httpx

from tessera.domain.errors import InvalidInput, TesseraError, Unavailable
from tessera.ports.trust import trusted, why
from tessera.wire import fields
from tessera.wire.envelope import MessageType
from tessera.wire.problem import MEDIA_TYPE, problem_from_json

_CONNECT_S = 10.0
_MAX_REPLY_BYTES = 4_000_000


class HttpLink:
    def __init__(self, hub_url: str) -> None:
        """Raises InvalidInput when `hub_url` is no http or https address."""
        url = httpx.URL(hub_url.rstrip("/") + "/")
        if url.scheme not in ("http", "https") or not url.host:
            raise InvalidInput(f"hub address {hub_url!r}: expected http://… or https://…")
        headers = {"Content-Type": "application/jose"}
        self._http = httpx.AsyncClient(base_url=url, headers=headers, verify=trusted())

    async def __aenter__(self) -> "HttpLink":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def send(self, type: MessageType, token: str, *, timeout_s: float) -> str:
        timeout = httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s))
        try:
            # Also a reply that drips in byte by byte has an end.
            async with (
                asyncio.timeout(timeout_s + _CONNECT_S),
                self._http.stream(
                    "POST", f"link/v1/{type.value}", content=token.encode("ascii"), timeout=timeout
                ) as response,
            ):
                content = await _limited(response)
        except (httpx.TimeoutException, TimeoutError) as err:
            raise Unavailable(f"the hub did not answer within {timeout_s:.0f} s") from err
        except httpx.HTTPError as err:
            raise Unavailable(f"the hub cannot be reached: {why(err)}") from err
        if response.status_code != 200:
            raise _refusal(response, content)
        if not content.isascii():
            raise Unavailable("the reply is not from a Tessera hub")
        return content.decode("ascii")


async def _limited(response: httpx.Response) -> bytes:
    """Read the body, unpacked, to the limit and no further."""
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > _MAX_REPLY_BYTES:
            raise Unavailable("the reply is too long to be from a Tessera hub")
    return bytes(content)


def _refusal(response: httpx.Response, content: bytes) -> TesseraError:
    if not response.headers.get("content-type", "").startswith(MEDIA_TYPE):
        return Unavailable(
            f"the address answered with status {response.status_code}, and not as a Tessera hub"
        )
    try:
        return problem_from_json(fields.decode(content), response.status_code)
    except InvalidInput:
        return Unavailable(f"the hub answered with status {response.status_code}")
