"""A receiver under test, and a peer that says to it what no decent program would."""

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tessera.adapters.dimse.listener import Listener
from tessera.adapters.dimse.options import ReceiverOptions
from tessera.adapters.sqlite_node.arrivals import SqliteArrivals
from tessera.domain.imaging.encoding import BytesSource, read_file_meta
from tessera.wire.dimse.negotiation import Caller
from tests.deid_oracle import encoded
from tests.dicom_files import CT, ct_slice

EXPLICIT = "1.2.840.10008.1.2.1"
SYSTEM_PATH = "/usr/bin:/bin:/usr/local/bin"
"""Where DCMTK's programs are: those of pynetdicom have the same names."""


def receiver_options(place: Path, **changes: Any) -> ReceiverOptions:
    known: dict[str, Any] = {
        "folder": place / "received",
        "book": place / "arrivals.sqlite",
        "title": "TESSERA",
        "callers": (Caller("*"), Caller("MONITOR", may_store=False)),
        "implementation_uid": "2.25.7",
        "implementation_name": "TESSERA",
        "address": "127.0.0.1",
        "port": 0,
        "free_bytes": 0,
    }
    return ReceiverOptions(**(known | changes))


class Receiver:
    def __init__(self, options: ReceiverOptions, listener: Listener, port: int) -> None:
        self.options, self.listener, self.port = options, listener, port

    def files(self) -> list[Path]:
        return sorted(self.options.folder.glob("*/*.dcm"))

    def parts(self) -> list[Path]:
        return sorted(self.options.folder.glob("*/*.part"))

    def book(self) -> SqliteArrivals:
        return SqliteArrivals(self.options.book)

    def pids(self) -> list[int]:
        return [one.process.pid or 0 for one in self.listener._processes.values()]


@contextmanager
def receiving(place: Path, **changes: Any) -> Iterator[Receiver]:
    options = receiver_options(place, **changes)
    listener = Listener(options)
    port = listener.open()
    try:
        yield Receiver(options, listener, port)
    finally:
        listener.close()


def item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(body)) + body


def request(
    contexts: list[tuple[str, str]], calling: str = "SENDER", called: str = "TESSERA"
) -> bytes:
    """Return an A-ASSOCIATE-RQ with one context for each pair of class and syntax."""
    proposed = b"".join(
        item(
            0x20,
            bytes((2 * n + 1, 0, 0, 0)) + item(0x30, a.encode()) + item(0x40, t.encode()),
        )
        for n, (a, t) in enumerate(contexts)
    )
    user = item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3"))
    body = (
        struct.pack(">HH", 1, 0)
        + called.encode().ljust(16)
        + calling.encode().ljust(16)
        + bytes(32)
        + item(0x10, b"1.2.840.10008.3.1.1.1")
        + proposed
        + user
    )
    return struct.pack(">BBI", 1, 0, len(body)) + body


def element(number: int, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HHI", 0, number, len(value)) + value


def store_command(
    sop_class: str, instance: str, *, field: int = 1, data: int = 1, number: int = 1
) -> bytes:
    body = (
        (element(2, sop_class.encode()) if sop_class else b"")
        + element(0x100, struct.pack("<H", field))
        + element(0x110, struct.pack("<H", number))
        + element(0x700, b"\0\0")
        + element(0x800, struct.pack("<H", data))
        + (element(0x1000, instance.encode()) if instance else b"")
    )
    return element(0, struct.pack("<I", len(body))) + body


def data_pdu(context_id: int, control: int, data: bytes) -> bytes:
    return struct.pack(">BBIIBB", 4, 0, len(data) + 6, len(data) + 2, context_id, control) + data


def message(context_id: int, command: bytes, data: bytes | None, largest: int = 16384) -> bytes:
    """Return the PDUs of a command with its data set."""
    pdus = [data_pdu(context_id, 3, command)]
    if data is not None:
        pieces = [data[at : at + largest - 6] for at in range(0, len(data), largest - 6)] or [b""]
        pdus += [data_pdu(context_id, 0, piece) for piece in pieces[:-1]]
        pdus.append(data_pdu(context_id, 2, pieces[-1]))
    return b"".join(pdus)


def ct_bytes(number: int, side: int = 16, **which: Any) -> tuple[str, bytes]:
    """Return the UID of a slice and its data set, explicit little endian."""
    ds = ct_slice(number, side=side, **which)
    whole = encoded(ds)
    return str(ds.SOPInstanceUID), whole[read_file_meta(BytesSource(whole)).dataset_offset :]


class Peer:
    """A raw connection; `asks` is sent at once unless empty."""

    def __init__(self, port: int, asks: bytes = b"", *, timeout: float = 10.0) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if asks:
            self.sock.sendall(asks)

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def pdu(self) -> tuple[int, bytes]:
        """Return the next PDU; type 0 when the connection has ended."""
        head = self._exactly(6)
        if len(head) < 6:
            return 0, b""
        return head[0], self._exactly(int.from_bytes(head[2:6], "big"))

    def status(self) -> int:
        kind, body = self.pdu()
        assert kind == 4, f"PDU {kind}"
        at = body.index(struct.pack("<HHI", 0, 0x900, 2))
        return int.from_bytes(body[at + 8 : at + 10], "little")

    def store(self, number: int, *, context_id: int = 1, **which: Any) -> int:
        uid, data = ct_bytes(number, **which)
        self.sock.sendall(message(context_id, store_command(CT, uid, number=number), data))
        return self.status()

    def _exactly(self, n: int) -> bytes:
        data = bytearray()
        while len(data) < n:
            try:
                piece = self.sock.recv(n - len(data))
            except ConnectionError:
                piece = b""
            if not piece:
                break
            data += piece
        return bytes(data)


@contextmanager
def associated(port: int, *contexts: tuple[str, str], calling: str = "SENDER") -> Iterator[Peer]:
    with Peer(port, request(list(contexts) or [(CT, EXPLICIT)], calling)) as peer:
        kind, _ = peer.pdu()
        assert kind == 2, f"PDU {kind}"
        yield peer


def eventually(what: Any, seconds: float = 10.0) -> None:
    """Wait until `what()` is true."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)
