"""A hospital's proxy: HTTP CONNECT with a name and a password; it ends calls that are long quiet.

With an authority it reads what passes, as many do: it ends TLS with a certificate of its own and
goes on to the server over TLS again.
"""

import select
import socket
import socketserver
import ssl
import threading
import time
from base64 import b64encode
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.certificates import Authority

NAME, PASSWORD = "node", "let-me-out"
_ALLOWED = b"proxy-authorization: basic " + b64encode(f"{NAME}:{PASSWORD}".encode()).lower()
_REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


@dataclass
class HospitalProxy:
    idle_s: float = 60
    reads_with: Authority | None = None
    trusts: str = ""
    """The file of the authority by which a reading proxy knows servers."""
    reached: list[str] = field(default_factory=list)
    """To which addresses it let calls through."""
    read: bytearray = field(default_factory=bytearray)
    n_refused: int = 0
    n_cut: int = 0

    @property
    def url(self) -> str:
        return f"http://{NAME}:{PASSWORD}@127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    proxy._call(self.request)
                except OSError:
                    """Either side has gone, or does not trust this proxy."""

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self._is_open = True
        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._is_open = False
        self._server.shutdown()
        self._server.server_close()

    def _call(self, near: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            more = near.recv(4096)
            if not more:
                return
            head += more
        if _ALLOWED not in head.lower() or not head.startswith(b"CONNECT "):
            self.n_refused += 1
            near.sendall(_REFUSED)
            return
        address = head.split()[1].decode()
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as far:
            self.reached.append(address)
            near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            if self.reads_with is None:
                self._pass_on(near, far)
                return
            own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            own.load_cert_chain(*self.reads_with.issue(f"read-{far.fileno()}", (host,)))
            outer = ssl.create_default_context(cafile=self.trusts)
            with (
                own.wrap_socket(near, server_side=True) as plain_near,
                outer.wrap_socket(far, server_hostname=host) as plain_far,
            ):
                self._pass_on(plain_near, plain_far)

    def _pass_on(self, near: socket.socket, far: socket.socket) -> None:
        heard = time.monotonic()
        while self._is_open:
            if time.monotonic() > heard + self.idle_s:
                self.n_cut += 1
                return
            there = [s for s in (near, far) if isinstance(s, ssl.SSLSocket) and s.pending()]
            for source in there or select.select([near, far], [], [], 0.1)[0]:
                try:
                    source.settimeout(0.05)  # what came may be TLS's own talk, without data
                    data = source.recv(65536)
                except TimeoutError:
                    continue
                finally:
                    source.settimeout(10)
                if not data:
                    return
                heard = time.monotonic()
                if self.reads_with:
                    self.read += data
                (far if source is near else near).sendall(data)
