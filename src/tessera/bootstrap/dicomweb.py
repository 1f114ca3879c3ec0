"""Wire DICOMweb: the service over one node's home, its keys, its server."""

import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from starlette.types import ASGIApp

from tessera.adapters.files.stow_inbox import StowFolder
from tessera.adapters.pixels.web import FolderWebPixels
from tessera.adapters.sqlite_node.web_index import SqliteWebIndex
from tessera.adapters.sqlite_node.web_keys import SqliteWebKeys
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.node import Node
from tessera.bootstrap.receive import received_folder, take_in_waiting
from tessera.bootstrap.stores import INDEX_FILE, mirrored_index_of
from tessera.domain.dicomweb.query import checked_uid
from tessera.domain.errors import Conflict, InvalidInput, TesseraError
from tessera.http.dicomweb.app import create_dicomweb
from tessera.node.describe import describe_waiting
from tessera.ports.web_keys import WebKey

_log = logging.getLogger(__name__)
_LOOK_S: Final = 1.0
"""So long may it take until an opt-out, or a new instance, is seen."""


class NodeDicomWeb:
    """What the DICOMweb pages ask for, over one node's home."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._mirror = None
        if node.settings.postgres_dsn_file:
            self._mirror = mirrored_index_of(node.home, node.settings)
            self._mirror.catch_up()
        self.index = SqliteWebIndex(node.home / INDEX_FILE)
        self.keys = keys_of(node)
        self.pixels = FolderWebPixels()
        self.inbox = StowFolder(received_folder(node.home))
        self._hidden: frozenset[str] = frozenset()
        self._looked = float("-inf")
        self._arrived = threading.Event()
        self._lock = threading.Lock()

    def path(self, place: str) -> Path:
        return self._node.store.path(place)

    def file(self, place: str) -> str:
        if self._node.settings.s3_bucket:
            return str(self.path(place))
        return f"{self._node.research}/instances/{place}"

    def hidden(self) -> frozenset[str]:
        with self._lock:
            now = time.monotonic()
            if now - self._looked > _LOOK_S:
                found: frozenset[str] = frozenset(exclusions_of(self._node.home).excluded())
                if found != self._hidden:
                    self._hidden = found
                self._looked = now
            return self._hidden

    def arrived(self) -> None:
        self._arrived.set()

    def now(self) -> datetime:
        return SystemClock().now()

    def describe(self) -> Iterator[int]:
        """Make what is stored searchable; yield the number after each batch."""
        if self._mirror is not None:
            self._mirror.catch_up_if_left_behind()
        describing = FolderWebPixels()
        return describe_waiting(self.index, lambda place: describing.describe(self.path(place)))

    @contextmanager
    def keeping_up(self) -> Iterator[None]:
        """Describe what comes and take in what is sent, in two threads, until the block ends."""
        stop = threading.Event()
        threads = [
            threading.Thread(target=self._describing, args=(stop,), daemon=True),
            threading.Thread(target=self._taking_in, args=(stop,), daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            self._arrived.set()
            for thread in threads:
                thread.join(10)

    def _describing(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                for _ in self.describe():
                    if stop.is_set():
                        return
            except (TesseraError, OSError) as err:
                _log.warning("describing waits: %s", getattr(err, "public", type(err).__name__))
            stop.wait(_LOOK_S)

    def _taking_in(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._arrived.wait()
            if stop.is_set():
                return
            self._arrived.clear()
            try:
                take_in_waiting(self._node)
            except Conflict:  # an ingest is running; a receiver takes these in itself
                stop.wait(_LOOK_S)
                self._arrived.set()
            except (TesseraError, OSError) as err:
                _log.warning("taking in waits: %s", getattr(err, "public", type(err).__name__))


def keys_of(node: Node) -> SqliteWebKeys:
    return SqliteWebKeys(node.home / INDEX_FILE)


def add_key(
    node: Node,
    name: str,
    *,
    days: int,
    studies: Sequence[str] = (),
    sees_all: bool = False,
    may_store: bool = False,
) -> str:
    """Make a key and return it; it is shown this once. Raises Conflict and InvalidInput."""
    if not (studies or sees_all or may_store):
        raise InvalidInput("a key opens nothing of itself: name studies, or all, or storing")
    if studies and sees_all:
        raise InvalidInput("either all studies, or some")
    now = SystemClock().now()
    key = f"tsw_{secrets.token_urlsafe(32)}"
    kept = WebKey(
        name=name,
        sees_all=sees_all,
        may_store=may_store,
        made=now,
        ends=now + timedelta(days=days),
    )
    keys_of(node).add(kept, sha256(key.encode()).digest(), [checked_uid(uid) for uid in studies])
    return key


def dicomweb_of(service: NodeDicomWeb, *, operator_key: str = "") -> ASGIApp:
    return create_dicomweb(service, operator_key=operator_key)


def serve_dicomweb(node: Node, *, address: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve until stopped; tell the address."""
    service = NodeDicomWeb(node)
    service.inbox.clear()
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(128)  # whoever reads the address may connect at once
        name, number = listening.getsockname()[:2]
        tell(f"http://{name}:{number}/dicom-web")
        with service.keeping_up():
            server_for(dicomweb_of(service)).run(sockets=[listening])


def server_for(app: ASGIApp) -> Any:
    """Return the server, which can send files without reading them."""
    import pydicom.encaps
    import pydicom.pixels  # noqa: F401  by several threads at once its import fails
    import uvicorn

    from tessera.http.dicomweb.raw_protocol import RawProtocol

    config = uvicorn.Config(
        app,
        http=RawProtocol,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=30,
        server_header=False,
    )
    return uvicorn.Server(config)
