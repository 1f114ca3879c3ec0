"""A C-STORE sender that is not what is measured: every PDU is made before the clock starts.

One write and one short read for each instance. TCP_QUICKACK keeps a receiver that answers in
two writes from waiting for our delayed acknowledgement, which would be measured instead.
"""

import socket
import struct
from collections.abc import Sequence
from pathlib import Path

_PDU = struct.Struct(">BBI")
_VALUE = struct.Struct(">BBIIBB")


def _item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(body)) + body


def _element(number: int, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HHI", 0, number, len(value)) + value


def file_meta(path: Path) -> tuple[bytes, bytes, bytes, int]:
    """Return SOP class, SOP instance, transfer syntax, and where the data set begins."""
    head = path.read_bytes()[:4096]
    at, end = 144, 144 + int.from_bytes(head[140:144], "little")
    found: dict[int, bytes] = {}
    while at < end:
        number, vr, length = struct.unpack_from("<H2sH", head, at + 2)
        start = at + 8
        if vr in (b"OB", b"UN", b"OW", b"SQ", b"UT"):
            (length,) = struct.unpack_from("<I", head, at + 8)
            start = at + 12
        found[number] = head[start : start + length].rstrip(b"\0")
        at = start + length
    return found[2], found[3], found[0x10], end


class Sender:
    """An association that offers each pair of class and syntax of `files`."""

    def __init__(self, port: int, files: Sequence[Path], called: str, calling: str) -> None:
        self._metas = {path: file_meta(path) for path in files}
        pairs = sorted({(m[0], m[2]) for m in self._metas.values()})
        self._contexts = {pair: 2 * n + 1 for n, pair in enumerate(pairs)}
        proposed = b"".join(
            _item(0x20, bytes((number, 0, 0, 0)) + _item(0x30, pair[0]) + _item(0x40, pair[1]))
            for pair, number in self._contexts.items()
        )
        user = _item(0x51, struct.pack(">I", 1 << 20)) + _item(0x52, b"2.25.1")
        body = (
            struct.pack(">HH", 1, 0)
            + called.encode().ljust(16)
            + calling.encode().ljust(16)
            + bytes(32)
            + _item(0x10, b"1.2.840.10008.3.1.1.1")
            + proposed
            + _item(0x50, user)
        )
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock.sendall(_PDU.pack(1, 0, len(body)) + body)
        kind, answer = self._pdu()
        if kind != 2:
            raise SystemExit(f"association refused: PDU {kind}")
        at = answer.find(b"\x51\0\0\4")
        wanted = int.from_bytes(answer[at + 4 : at + 8], "big") if at >= 0 else 0
        self.largest = min(wanted or 1 << 20, 1 << 20)
        """Bytes of a PDU, as the receiver wants them, a megabyte at the most."""

    def message(self, path: Path, number: int) -> bytes:
        """Return the PDUs of one instance; `number`, below 100, makes it another one."""
        sop_class, old, syntax, start = self._metas[path]
        uid = old[:-2] + b"%02d" % number
        context = self._contexts[sop_class, syntax]
        command = (
            _element(2, sop_class)
            + _element(0x100, b"\1\0")
            + _element(0x110, b"\1\0")
            + _element(0x700, b"\0\0")
            + _element(0x800, b"\1\0")
            + _element(0x1000, uid)
        )
        command = _element(0, struct.pack("<I", len(command))) + command
        pdus = [_VALUE.pack(4, 0, len(command) + 6, len(command) + 2, context, 3), command]
        data, step = path.read_bytes()[start:].replace(old, uid), self.largest - 6
        for at in range(0, len(data), step):
            part = data[at : at + step]
            last = 2 if at + step >= len(data) else 0
            pdus += [_VALUE.pack(4, 0, len(part) + 6, len(part) + 2, context, last), part]
        return b"".join(pdus)

    def send(self, message: bytes) -> int:
        """Send one instance and return the status."""
        self._sock.sendall(message)
        kind, body = self._pdu()
        if kind != 4:
            raise ConnectionError(f"PDU {kind} in place of an answer")
        at = body.index(struct.pack("<HHI", 0, 0x900, 2))
        return int.from_bytes(body[at + 8 : at + 10], "little")

    def close(self) -> None:
        self._sock.sendall(_PDU.pack(5, 0, 4) + bytes(4))
        self._sock.close()

    def _pdu(self) -> tuple[int, bytes]:
        kind, _, length = _PDU.unpack(self._exactly(6))
        return kind, self._exactly(length)

    def _exactly(self, n: int) -> bytes:
        data = bytearray()
        while len(data) < n:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            piece = self._sock.recv(n - len(data))
            if not piece:
                raise ConnectionError("the receiver hung up")
            data += piece
        return bytes(data)
