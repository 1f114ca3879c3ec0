"""The port: takes connections and hands each to the process that has the fewest."""

import contextlib
import errno
import logging
import multiprocessing
import os
import selectors
import socket
import threading
import time
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Final

from tessera.adapters.dimse.options import ReceiverOptions, tls_context
from tessera.adapters.dimse.worker import FULL, ROOM, work
from tessera.adapters.sqlite_node.arrivals import SqliteArrivals
from tessera.domain.errors import Conflict

_log = logging.getLogger(__name__)
_BACKLOG: Final = 128
_SPARE: Final = 32
"""Connections beyond the associations: they are heard, and told that there is no room."""
_END_S: Final = 10.0
_AGAIN_S: Final = 1.0


@dataclass(slots=True)
class _Receiving:
    process: BaseProcess
    control: socket.socket
    n: int = 0
    """Connections."""


class Listener:
    """Receives from `open` until `close`. A process that dies is replaced."""

    def __init__(self, options: ReceiverOptions) -> None:
        self._options = options
        self._processes: dict[int, _Receiving] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="listen", daemon=True)

    def open(self) -> int:
        """Listen, and return the port. Raises Conflict and InvalidSettings."""
        options = self._options
        tls_context(options)
        SqliteArrivals(options.book).close()  # made by one, before several open it
        self._socket = _bound(options.address, options.port)
        self._selector = selectors.DefaultSelector()
        self._end, self._ending = socket.socketpair()
        for number in range(options.processes):
            self._start(number)
        self._selector.register(self._socket, selectors.EVENT_READ, None)
        self._selector.register(self._ending, selectors.EVENT_READ, None)
        self._thread.start()
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        """Let no more in, end associations, and wait until what was received is safe."""
        if not self._thread.is_alive():
            return
        self._closing.set()
        self._end.send(b".")
        self._thread.join()
        self._socket.close()
        for one in self._processes.values():
            one.control.close()
        deadline = time.monotonic() + _END_S
        for one in self._processes.values():
            one.process.join(max(0.1, deadline - time.monotonic()))
            if one.process.is_alive():
                one.process.kill()
                one.process.join()
        self._selector.close()
        self._end.close()
        self._ending.close()

    def _start(self, number: int) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        process = multiprocessing.get_context("spawn").Process(
            target=work, args=(self._options, number, theirs, os.getpid()), daemon=True
        )
        process.start()
        theirs.close()
        self._processes[number] = _Receiving(process, ours)
        self._selector.register(ours, selectors.EVENT_READ, number)

    def _work(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._ending:
                    return
                if key.data is None:
                    self._accept()
                else:
                    self._heard(key.data)

    def _heard(self, number: int) -> None:
        """Count a connection that has ended, or replace a process that has."""
        one = self._processes[number]
        try:
            said = one.control.recv(64)
        except OSError:
            said = b""
        if said:
            one.n -= 1
            return
        del self._processes[number]
        self._selector.unregister(one.control)
        one.control.close()
        one.process.join(_END_S)
        if not self._closing.wait(_AGAIN_S):
            _log.error("a receiving process has ended (%s); another begins", one.process.exitcode)
            self._start(number)

    def _accept(self) -> None:
        try:
            sock, _ = self._socket.accept()
        except OSError as err:
            if err.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                _log.error("no more connections for now: %s", err.strerror)
                time.sleep(_AGAIN_S)
            return
        with sock:
            n = sum(one.n for one in self._processes.values())
            if n >= self._options.associations + _SPARE:
                return
            message = FULL if n >= self._options.associations else ROOM
            if not self._processes:
                return
            one = min(self._processes.values(), key=lambda each: each.n)
            one.n += 1
            # A process that has just ended is heard of next; the peer calls again.
            with contextlib.suppress(OSError):
                socket.send_fds(one.control, [message], [sock.fileno()])


def _bound(address: str, port: int) -> socket.socket:
    is_any = not address and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if is_any or ":" in address else socket.AF_INET
    try:
        return socket.create_server(
            (address, port), family=family, backlog=_BACKLOG, dualstack_ipv6=is_any
        )
    except OSError as err:
        raise Conflict(
            f"port {port} at {address or 'any address'} cannot be listened on: {err.strerror}; "
            "end what uses it, or choose another as dicom_port"
        ) from err
