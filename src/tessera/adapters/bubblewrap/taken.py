"""What comes out of a sandbox: outputs, as the runner frames them, and the log. None is trusted."""

import contextlib
import re
import socket
import threading
import time
from typing import IO, Final

from tessera.domain.errors import InvalidInput
from tessera.ports.sandbox import Ended
from tessera.wire.frames import read_frame

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_LOG_BYTES: Final = 64 * 1024
_LOG_AT_ONCE_BYTES: Final = 10_000_000
"""Up to here the log is read as it comes; from here slowly, so that a flood costs little."""
_UNPRINTABLE: Final = dict.fromkeys(
    (*range(9), *range(11, 32), *range(127, 160)), "\N{REPLACEMENT CHARACTER}"
)


class Taken:
    """Outputs and the word on how the tool ended, filled while the runner sends."""

    def __init__(self) -> None:
        self.outputs: dict[str, bytes] = {}
        self.status: int | None = None
        self.is_full = False
        self.trouble = "it ended before it handed over its outputs"
        self._thread: threading.Thread | None = None

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def ended(self, log: str) -> Ended:
        """Return how a run ended that nobody stopped."""
        if self.is_full:
            return Ended.TOO_MUCH_OUTPUT
        if self.status == 0:
            return Ended.DONE
        # A limit on one process shows as Python's own error, which only the log tells.
        if self.status == 1 and "MemoryError" in log[-2000:]:
            return Ended.TOO_MUCH_MEMORY
        return Ended.FAILED

    def _take(self, channel: socket.socket, most_bytes: int, most_files: int) -> None:
        try:
            with channel.makefile("rb") as stream:
                self._read(stream, most_bytes, most_files)
        except (InvalidInput, OSError, ValueError) as err:
            self.status, self.trouble = None, f"its outputs cannot be read: {err}"
            with contextlib.suppress(OSError):
                channel.shutdown(socket.SHUT_RDWR)

    def _read(self, stream: IO[bytes], most_bytes: int, most_files: int) -> None:
        left = most_bytes
        while frame := read_frame(stream, max_payload=left):
            if frame.type == "end":
                status = frame.header.get("status")
                self.is_full = frame.header.get("full") is True
                self.status = status if isinstance(status, int) else None
                self.trouble = ""
                return
            name = frame.header.get("name")
            if frame.type != "output" or not isinstance(name, str) or not _NAME.fullmatch(name):
                raise InvalidInput("a frame that is no output")
            if len(self.outputs) >= most_files or name in self.outputs:
                raise InvalidInput("more outputs than were announced")
            self.outputs[name] = frame.payload
            left -= len(frame.payload)


def take_outputs(channel: socket.socket, most_bytes: int, most_files: int) -> Taken:
    """Return at once; what comes over `channel` is read beside."""
    taken = Taken()
    arguments = (channel, most_bytes, most_files)
    taken._thread = threading.Thread(
        target=taken._take, args=arguments, name="sandbox-outputs", daemon=True
    )
    taken._thread.start()
    return taken


class TakenLog:
    """The last 64 kB of a stream, read beside until it ends."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._last = bytearray()
        self._thread = threading.Thread(target=self._read, name="sandbox-log", daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def text(self) -> str:
        """Return it without control characters, which could drive a terminal."""
        return self._last.decode("utf-8", errors="replace").translate(_UNPRINTABLE)

    def _read(self) -> None:
        n_bytes = 0
        with self._stream as stream:
            while chunk := stream.read1(_LOG_BYTES):  # type: ignore[attr-defined]
                self._last += chunk
                del self._last[:-_LOG_BYTES]
                n_bytes += len(chunk)
                if n_bytes > _LOG_AT_ONCE_BYTES:
                    time.sleep(0.01)
