"""Bridge on a Unix socket in a private folder with a short path (its length is limited)."""

import contextlib
import logging
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tessera.domain.errors import TesseraError
from tessera.wire.frames import Frame, read_frame, write_frame

_log = logging.getLogger(__name__)
_SILENT_S: Final = 60.0
"""How long a client may take between two parts of one frame. Seconds."""


class UnixSocketBridge:
    """A Bridge."""

    @contextlib.contextmanager
    def open(self, answer: Callable[[Frame], Frame], *, max_payload: int) -> Iterator[Path]:
        with contextlib.ExitStack() as open_until_end:
            folder = open_until_end.enter_context(
                tempfile.TemporaryDirectory(prefix="tessera-bridge-")  # mode 0700
            )
            path = Path(folder) / "engine"
            listener = open_until_end.enter_context(
                socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            )
            listener.bind(str(path))
            path.chmod(0o600)
            listener.listen(1)
            serving = _Serving(listener, answer, max_payload)
            try:
                yield path
            finally:
                serving.close()


class _Serving:
    def __init__(
        self, listener: socket.socket, answer: Callable[[Frame], Frame], max_payload: int
    ) -> None:
        self._listener = listener
        self._answer = answer
        self._max_payload = max_payload
        self._is_closing = threading.Event()
        self._open: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name="bridge", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hang up, and return when the last answer has been given or dropped."""
        self._is_closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`
        connection = self._open
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _serve(self) -> None:
        while not self._is_closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._open = connection
                try:
                    self._exchange(connection)
                except (TesseraError, OSError) as err:
                    if not self._is_closing.is_set():
                        _log.warning("the engine's client: %s", err)
                finally:
                    self._open = None

    def _exchange(self, connection: socket.socket) -> None:
        connection.settimeout(_SILENT_S)
        with connection.makefile("rb") as reads, connection.makefile("wb") as writes:
            asked = read_frame(reads, max_payload=self._max_payload)
            if asked is None or self._is_closing.is_set():
                return
            write_frame(writes, self._answer(asked))
