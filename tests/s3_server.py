"""A real S3-speaking server of the test's own (moto), and a way to it that can be broken."""

import logging
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread
from time import sleep
from uuid import uuid4

import pytest

BUCKET = "pictures"
_ANSWER_500 = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


@dataclass(slots=True)
class BrokenWay:
    """A proxy on TCP. `mode`: "open", "500", "silent" (takes and never answers), "cut"."""

    target: tuple[str, int]
    mode: str = "open"
    cut_after: int = 0
    """Bytes of an answer after which "cut" drops the connection."""
    n_refused: int = 0
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                Thread(target=self._one, args=(connection,), daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _one(self, near: socket.socket) -> None:
        with near, suppress(OSError):
            if self.mode == "500":
                self.n_refused += 1
                near.recv(65536)
                near.sendall(_ANSWER_500)
                near.shutdown(socket.SHUT_WR)
                while near.recv(65536):
                    pass
                return
            if self.mode == "silent":
                self.n_refused += 1
                while self.mode == "silent":
                    sleep(0.02)
                return
            with socket.create_connection(self.target) as far:
                limit = self.cut_after if self.mode == "cut" else 0
                self.n_refused += bool(limit)
                Thread(target=_pass_on, args=(near, far, 0), daemon=True).start()
                _pass_on(far, near, limit)


def _pass_on(source: socket.socket, target: socket.socket, limit: int) -> None:
    n_passed = 0
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
            n_passed += len(piece)
            if limit and n_passed >= limit:
                break
        target.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True)
class S3Server:
    way: BrokenWay
    direct: str

    def settings(self, prefix: str = "") -> dict[str, str]:
        """Return settings of a fresh place in the bucket, over the way that can be broken."""
        return {
            "bucket": BUCKET,
            "prefix": prefix or uuid4().hex,
            "endpoint": self.way.endpoint,
            "region": "eu-north-1",
            "access_key": "tests",
            "secret_key": "not-a-secret",
        }


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """Yield a server that is up, with one bucket; skip where it is not installed."""
    pytest.importorskip("obstore", reason="the extra `s3` is not installed")
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    direct = f"http://{host}:{port}"
    urllib.request.urlopen(  # noqa: S310 - our own loopback address
        urllib.request.Request(f"{direct}/{BUCKET}", method="PUT")  # noqa: S310
    ).close()
    way = BrokenWay((host, port))
    Thread(target=way.serve, daemon=True).start()
    try:
        yield S3Server(way, direct)
    finally:
        way.close()
        server.stop()
