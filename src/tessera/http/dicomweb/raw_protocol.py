"""uvicorn's HTTP/1.1 protocol, which lets a response use its socket for sendfile(2).

What is sent past the server is told to its HTTP state, so that lengths stay checked and the
connection is used again.
"""

import asyncio
import socket
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from tessera.http.dicomweb.sending import EXTENSION


class _Length:
    """Bytes that are elsewhere: only their number counts."""

    def __init__(self, n_bytes: int) -> None:
        self._n_bytes = n_bytes

    def __len__(self) -> int:
        return self._n_bytes


class RawProtocol(H11Protocol):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})[EXTENSION] = self
            await inner(scope, receive, send)

        self.app = app

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        connected = transport.get_extra_info("socket")
        if connected is not None and connected.family != socket.AF_UNIX:
            # asyncio leaves this out for a listener that was made without naming TCP.
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def raw_socket(self) -> socket.socket | None:
        transport = self.transport
        if transport.is_closing() or transport.get_extra_info("sslcontext") is not None:
            return None
        connected = transport.get_extra_info("socket")
        if connected is None:
            return None
        raw = socket.socket(fileno=socket.dup(connected.fileno()))
        raw.setblocking(False)
        return raw

    def account(self, n_bytes: int) -> None:
        self.conn.send_with_data_passthrough(h11.Data(data=_Length(n_bytes)))  # type: ignore[arg-type]

    async def drained(self) -> None:
        while self.transport.get_write_buffer_size() and not self.transport.is_closing():
            await asyncio.sleep(0.001)

    def abort(self) -> None:
        self.transport.abort()
