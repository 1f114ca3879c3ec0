"""Files that are being received: written under a name that nobody reads, then renamed."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

PART: Final = ".part"
SUFFIX: Final = ".dcm"
_WINDOW: Final = 1 << 16
"""Bytes of a data set's beginning that are kept: headers are there."""


class Incoming:
    """One file under way, as a Source of its data set once it is whole."""

    __slots__ = ("_descriptor", "_part", "_start", "_window", "name", "path", "size", "start_bytes")

    def __init__(self, folder: Path, name: str, start: bytes) -> None:
        self.path = folder / (name + SUFFIX)
        self.name = f"{folder.name}/{name}{SUFFIX}"
        self._part = str(folder / (name + PART))
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(self._part, flags, 0o600)
        self._start: bytes = start
        self.start_bytes = len(start)
        self._window = bytearray()
        self.size = 0
        """Bytes of the data set so far."""

    def write(self, pieces: Sequence[memoryview]) -> None:
        """Append to the data set. Raises OSError."""
        n = 0
        window = self._window
        for piece in pieces:
            n += len(piece)
            if len(window) < _WINDOW:
                window += piece[: _WINDOW - len(window)]
        parts: Sequence[memoryview | bytes] = pieces
        wanted = n
        if self._start:
            parts, wanted, self._start = [self._start, *pieces], n + self.start_bytes, b""
        for first in range(0, len(parts), _MOST_PIECES):
            wanted -= self._append(parts[first : first + _MOST_PIECES])
        if wanted:
            raise OSError(28, "not all of it could be written")
        self.size += n

    def _append(self, parts: Sequence[memoryview | bytes]) -> int:
        length = sum(map(len, parts))
        done = os.writev(self._descriptor, parts)
        if done < length:
            rest = memoryview(b"".join(parts))
            while done < length and (n := os.write(self._descriptor, rest[done:])):
                done += n
        return done

    def read(self, offset: int, length: int) -> bytes:
        if offset + length <= len(self._window) or len(self._window) == self.size:
            return bytes(self._window[offset : offset + length])
        return os.pread(self._descriptor, length, self.start_bytes + offset)

    def flush(self) -> None:
        """Make the bytes durable. Raises OSError."""
        os.fdatasync(self._descriptor)

    def publish(self) -> None:
        """Give it the name by which it is taken in. Raises OSError."""
        Path(self._part).rename(self.path)
        self._close()

    def abandon(self) -> None:
        """Remove it; the sender was told no success."""
        self._close()
        Path(self._part).unlink(missing_ok=True)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


_MOST_PIECES: Final = 512
"""Of one vectored write; the system takes 1024."""


class InboxFolder:
    """The folder of one receiving process; nobody else makes files in it."""

    def __init__(self, root: Path, process: str) -> None:
        self.path = root / process
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._run = f"{time.time_ns():x}"
        self._n = 0
        self._free, self._looked = 0, float("-inf")

    def new(self, start: bytes) -> Incoming:
        """Return a file that begins with `start`. Raises OSError."""
        self._n += 1
        return Incoming(self.path, f"{self._run}-{self._n:08x}", start)

    def free(self) -> int:
        """Return the bytes that are free for this account, at most a fifth of a second old."""
        now = time.monotonic()
        if now - self._looked > _LOOK_S:
            found = os.fstatvfs(self._descriptor)
            self._free, self._looked = found.f_bavail * found.f_frsize, now
        return self._free

    def sync_names(self) -> None:
        """Make renames durable. Raises OSError."""
        os.fsync(self._descriptor)


_LOOK_S: Final = 0.2
