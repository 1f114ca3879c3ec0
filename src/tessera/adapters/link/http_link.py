"""HubLink over HTTP, through the proxy of the environment where there is one."""

from types import TracebackType

import httpx

from tessera.domain.errors import InvalidInput, TesseraError, Unavailable
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
        self._http = httpx.AsyncClient(base_url=url, headers={"Content-Type": "application/jose"})

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
            response = await self._http.post(
                f"link/v1/{type.value}", content=token.encode("ascii"), timeout=timeout
            )
        except httpx.TimeoutException as err:
            raise Unavailable(f"the hub did not answer within {timeout_s:.0f} s") from err
        except httpx.HTTPError as err:
            raise Unavailable(f"the hub cannot be reached: {err}") from err
        if response.status_code != 200:
            raise _refusal(response)
        if len(response.content) > _MAX_REPLY_BYTES or not response.content.isascii():
            raise Unavailable("the reply is not from a Tessera hub")
        return response.text


def _refusal(response: httpx.Response) -> TesseraError:
    if not response.headers.get("content-type", "").startswith(MEDIA_TYPE):
        return Unavailable(
            f"the address answered with status {response.status_code}, and not as a Tessera hub"
        )
    try:
        return problem_from_json(fields.decode(response.content), response.status_code)
    except InvalidInput:
        return Unavailable(f"the hub answered with status {response.status_code}")
