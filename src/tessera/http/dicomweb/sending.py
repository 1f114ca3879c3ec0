"""Send files and bytes as one body: by sendfile(2) where the server lets us, else in pieces."""

import asyncio
import os
import select
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tessera.ports.web_pixels import Body, FileSlice, size_of

EXTENSION: Final = "tessera.raw"
_PIECE: Final = 1 << 20
_AT_ONCE: Final = 8 << 20
_STALL_S: Final = 60.0
"""A reader that takes nothing for so long is gone."""
_threads = ThreadPoolExecutor(32, thread_name_prefix="sendfile")


class RawConnection(Protocol):
    """What the server's own connection offers, where it can."""

    def raw_socket(self) -> socket.socket | None:
        """Return a duplicate of the connected socket; None when bytes are to go another way."""
        ...

    def account(self, n_bytes: int) -> None:
        """Tell the server that so many bytes of the body were sent past it."""
        ...

    async def drained(self) -> None:
        """Wait until what the server had to send before is sent."""
        ...

    def abort(self) -> None:
        """End the connection: the body cannot be finished."""
        ...


class PartsResponse(Response):
    """A body of pieces whose size is known before the first is sent."""

    def __init__(
        self, parts: Sequence[Body], *, status: int = 200, headers: Mapping[str, str], kind: str
    ) -> None:
        length = str(sum(map(size_of, parts)))
        super().__init__(None, status, {**headers, "content-length": length}, kind)
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(_start(self))
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        connection = scope.get("extensions", {}).get(EXTENSION)
        raw = connection.raw_socket() if connection is not None else None
        if raw is None:
            for piece in self._parts:
                async for data in _read(piece):
                    await send({"type": "http.response.body", "body": data, "more_body": True})
        else:
            with raw:
                await connection.drained()
                loop = asyncio.get_running_loop()
                try:
                    await loop.run_in_executor(_threads, _pump, raw, self._parts)
                except OSError:
                    connection.abort()
                    return
            connection.account(sum(map(size_of, self._parts)))
        await send({"type": "http.response.body", "body": b""})


class LazyResponse(Response):
    """A body whose pieces are made one at a time in a thread; sent in chunks."""

    def __init__(
        self, pieces: Iterable[Callable[[], bytes]], *, headers: Mapping[str, str], kind: str
    ) -> None:
        super().__init__(None, 200, dict(headers), kind)
        del self.headers["content-length"]
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(_start(self))
        if scope["method"] != "HEAD":
            for make in self._pieces:
                data = await asyncio.to_thread(make)
                await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _start(response: Response) -> dict[str, Any]:
    return {
        "type": "http.response.start",
        "status": response.status_code,
        "headers": response.raw_headers,
    }


async def _read(piece: Body) -> Any:
    if isinstance(piece, bytes):
        yield piece
        return
    descriptor = await asyncio.to_thread(os.open, piece.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        at, left = piece.offset, piece.length
        while left:
            data = await asyncio.to_thread(os.pread, descriptor, min(left, _PIECE), at)
            if not data:
                raise OSError("the file became shorter while it was sent")
            yield data
            at, left = at + len(data), left - len(data)
    finally:
        os.close(descriptor)


def _pump(raw: socket.socket, parts: Sequence[Body]) -> None:
    """Send everything over a socket that does not block; waits in this thread alone."""
    ready = select.poll()
    ready.register(raw, select.POLLOUT)
    out = raw.fileno()
    for piece in parts:
        if isinstance(piece, FileSlice):
            _send_file(out, piece, ready)
            continue
        view = memoryview(piece)
        while view:
            try:
                view = view[raw.send(view, socket.MSG_MORE) :]
            except BlockingIOError:
                _wait(ready)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)  # sends what MSG_MORE held back


def _send_file(out: int, piece: FileSlice, ready: select.poll) -> None:
    source = os.open(piece.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        at, left = piece.offset, piece.length
        while left:
            try:
                n = os.sendfile(out, source, at, min(left, _AT_ONCE))
            except BlockingIOError:
                _wait(ready)
                continue
            if not n:
                raise OSError("the file became shorter while it was sent")
            at, left = at + n, left - n
    finally:
        os.close(source)


def _wait(ready: select.poll) -> None:
    events = ready.poll(_STALL_S * 1000)
    if not events or events[0][1] & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
        raise OSError("the reader is gone")
