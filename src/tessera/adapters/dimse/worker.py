"""One receiving process: an event loop over the connections that the listener hands to it."""

import ctypes
import logging
import os
import selectors
import signal
import socket
import ssl
import sys
import time
import traceback
from dataclasses import dataclass, field
from typing import Final

from tessera.adapters.dimse.association import Association, Refused
from tessera.adapters.dimse.committer import Committer
from tessera.adapters.dimse.inbox import InboxFolder
from tessera.adapters.dimse.options import ReceiverOptions, tls_context
from tessera.adapters.sqlite_node.arrivals import SqliteArrivals

_log = logging.getLogger(__name__)
_READ: Final = 1 << 20
"""Bytes of one read: they stay in the processor's cache until they are written."""
_READS: Final = 16
"""Of one connection before the others have their turn."""
_SWEEP_S: Final = 0.25
_FAREWELL_S: Final = 5.0
"""How long a peer may take to hang up after the last word."""
_LARGEST_BACKLOG: Final = 1 << 16
"""Bytes of answers that a peer does not fetch."""
_LOGGED_AGAIN_S: Final = 60.0
_PR_SET_PDEATHSIG: Final = 1


@dataclass(slots=True, eq=False)
class _Connection:
    sock: socket.socket
    association: Association
    address: str
    since: float
    heard: float
    n_pdus: int = 0
    pdu_since: float = 0.0
    out: bytearray = field(default_factory=bytearray)
    shaking_hands: bool = False
    over_since: float = 0.0
    mask: int = selectors.EVENT_READ


class Worker:
    def __init__(self, options: ReceiverOptions, number: int, control: socket.socket) -> None:
        self._options = options
        self._control = control
        self._tls = tls_context(options)
        self._inbox = InboxFolder(options.folder, str(number))
        self._committer = Committer(
            self._inbox, lambda: SqliteArrivals(options.book), at_once=options.sync != "each"
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ, None)
        self._selector.register(self._committer.wake, selectors.EVENT_READ, self._committer)
        self._buffer = memoryview(bytearray(_READ))
        self._connections: set[_Connection] = set()
        self._told: dict[tuple[str, str], float] = {}
        self._stopping = False

    def run(self) -> None:
        """Go on until the listener hangs up."""
        swept = time.monotonic()
        while not self._stopping:
            for key, mask in self._selector.select(_SWEEP_S):
                if key.data is None:
                    self._handed_over()
                elif key.data is self._committer:
                    self._settle()
                else:
                    self._ready(key.data, mask)
            if (now := time.monotonic()) - swept >= _SWEEP_S:
                swept = now
                self._committer.write_noted()
                self._sweep(now)
        for connection in list(self._connections):
            connection.association.end()
            self._flush(connection)
            self._drop(connection)
        self._committer.close()

    def stop(self) -> None:
        """Have `run` end soon, as when the listener hangs up."""
        self._stopping = True

    def _handed_over(self) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
        except OSError:
            message, descriptors = b"", []
        if not message:
            self._stopping = True
            return
        for descriptor in descriptors:
            sock = socket.socket(fileno=descriptor)
            try:
                self._open(sock, is_full=message == FULL)
            except (OSError, ssl.SSLError):
                sock.close()
                self._tell_closed()

    def _open(self, sock: socket.socket, *, is_full: bool) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address = str(sock.getpeername()[0]).removeprefix("::ffff:")
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        now = time.monotonic()
        out = bytearray()
        association = Association(
            self._options,
            self._inbox,
            self._committer,
            address=address,
            is_full=is_full,
            send=out.extend,
            refused=lambda who: self._log_refused(who, address),
            is_alone=lambda: len(self._connections) == 1,
        )
        connection = _Connection(sock, association, address, now, now, out=out)
        connection.shaking_hands = self._tls is not None
        self._selector.register(sock, selectors.EVENT_READ, connection)
        self._connections.add(connection)

    def _ready(self, connection: _Connection, mask: int) -> None:
        try:
            if connection.shaking_hands:
                self._shake(connection)
                return
            if mask & selectors.EVENT_READ:
                self._read(connection)
            self._flush(connection)
        except (OSError, ssl.SSLError) as err:
            if connection.shaking_hands:
                why = getattr(err, "reason", None) or err.strerror or type(err).__name__
                _log.warning("no TLS with %s: %s", connection.address, why)
            self._drop(connection)
        except Exception as err:  # a fault of ours ends one association and no other
            where = "".join(traceback.format_tb(err.__traceback__))
            _log.error("fault (%s) with %s:\n%s", type(err).__name__, connection.address, where)
            self._drop(connection)

    def _shake(self, connection: _Connection) -> None:
        sock = connection.sock
        assert isinstance(sock, ssl.SSLSocket)  # noqa: S101 - for the type checker
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            self._watch(connection, selectors.EVENT_READ)
        except ssl.SSLWantWriteError:
            self._watch(connection, selectors.EVENT_WRITE)
        else:
            connection.shaking_hands = False
            self._watch(connection, selectors.EVENT_READ)
            self._read(connection)
            self._flush(connection)

    def _read(self, connection: _Connection) -> None:
        association, buffer = connection.association, self._buffer
        for _ in range(_READS):
            try:
                n = connection.sock.recv_into(buffer)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            if not n:
                raise ConnectionResetError
            if association.is_over:
                continue  # the peer has the last word, and nobody listens
            connection.heard = time.monotonic()
            association.take(buffer[:n])
            if association.n_waiting or len(connection.out) > _LARGEST_BACKLOG:
                return
            if n < _READ // 2 and self._tls is None:
                return

    def _flush(self, connection: _Connection) -> None:
        """Send what is to be said, in one write; then watch for what can come next."""
        out = connection.out
        if out:
            try:
                n = connection.sock.send(out)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                n = 0
            del out[:n]
        if connection.association.is_over and not connection.over_since:
            connection.over_since = time.monotonic()
            if not out and self._tls is None:
                connection.sock.shutdown(socket.SHUT_WR)
        mask = selectors.EVENT_WRITE if out else 0
        if not connection.association.n_waiting and len(out) <= _LARGEST_BACKLOG:
            mask |= selectors.EVENT_READ
        self._watch(connection, mask)

    def _watch(self, connection: _Connection, mask: int) -> None:
        if mask == connection.mask:
            return
        if not connection.mask:
            self._selector.register(connection.sock, mask, connection)
        elif not mask:
            self._selector.unregister(connection.sock)
        else:
            self._selector.modify(connection.sock, mask, connection)
        connection.mask = mask

    def _settle(self) -> None:
        self._committer.settle()
        for connection in list(self._connections):
            if connection.out or (not connection.mask and not connection.association.n_waiting):
                try:
                    self._flush(connection)
                    if self._tls is not None and not connection.out:
                        self._read(connection)  # what TLS has taken in already wakes nobody
                        self._flush(connection)
                except (OSError, ssl.SSLError):
                    self._drop(connection)

    def _sweep(self, now: float) -> None:
        """End what takes too long."""
        options = self._options
        for connection in list(self._connections):
            association = connection.association
            if association.is_over:
                if now - connection.over_since > _FAREWELL_S:
                    self._drop(connection)
                continue
            if association.n_waiting:
                continue
            if association.stream.n_pdus != connection.n_pdus or association.stream.is_between:
                connection.n_pdus, connection.pdu_since = association.stream.n_pdus, now
            if connection.shaking_hands or not association.title:
                too_long = now - connection.since > options.request_s
            else:
                too_long = (
                    now - connection.heard > options.idle_s
                    or now - connection.pdu_since > options.pdu_s
                )
            if too_long:
                _log.warning("%s has been silent or slow for too long", connection.address)
                if connection.shaking_hands:
                    self._drop(connection)
                    continue
                association.end()
                try:
                    self._flush(connection)
                except (OSError, ssl.SSLError):
                    self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        association = connection.association
        association.close()
        if connection.mask:
            self._selector.unregister(connection.sock)
        connection.sock.close()
        if association.n_stored:
            name, n = association.title, association.n_stored
            _log.info("%s at %s has sent %d instances", name, connection.address, n)
        self._tell_closed()

    def _tell_closed(self) -> None:
        try:
            self._control.send(b"-")
        except OSError:
            self._stopping = True

    def _log_refused(self, who: Refused, address: str) -> None:
        """Say who was refused and what would let it in; a peer that insists is not said often."""
        now = time.monotonic()
        self._told = {k: at for k, at in self._told.items() if now - at < _LOGGED_AGAIN_S}
        if (who.calling, address) in self._told or len(self._told) > 1000:
            return
        self._told[who.calling, address] = now
        _log.warning("refused %s at %s: %s", who.calling or "-", address, self._why(who))

    def _why(self, who: Refused) -> str:
        rejection = who.rejection
        if (rejection.source, rejection.reason) == (1, 7):
            return f"it calls {who.called}, and dicom_ae_title is {self._options.title}"
        if (rejection.source, rejection.reason) == (1, 3):
            return "it is not in dicom_callers of node.toml; add it there if it may send"
        if rejection.source == 3:
            return "too many associations; see dicom_associations in node.toml"
        return "it speaks another version or application context"


FULL: Final = b"f"
ROOM: Final = b"r"
"""What comes with a connection: whether there is room for its association."""


def work(options: ReceiverOptions, number: int, control: socket.socket, parent: int) -> None:
    """Run one worker in this process; it ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hangs up when it wants an end
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    sys.setswitchinterval(0.0005)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    os.umask(0o077)
    worker = Worker(options, number, control)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()
