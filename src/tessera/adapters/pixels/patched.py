"""New bytes beside a source, and stretches of both as one source."""

import tempfile
import weakref
from bisect import bisect_right
from collections.abc import Iterable
from typing import IO

from tessera.domain.imaging.encoding import Source
from tessera.domain.imaging.patched import PatchedSource

__all__ = ["JoinedSource", "PatchedSource", "Scratch"]

_IN_MEMORY = 8 << 20


class Scratch:
    """Bytes written one after the other: in memory while they are few, else in a file without a
    name that is gone with the process."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  closed below
        weakref.finalize(self, self._file.close)
        self._size = 0

    @property
    def size(self) -> int:
        return self._size

    def add(self, data: bytes) -> tuple[int, int]:
        """Return where the bytes lie: (offset, length)."""
        self._file.seek(self._size)
        self._file.write(data)
        place = (self._size, len(data))
        self._size += len(data)
        return place

    def read(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(max(0, min(length, self._size - offset)))


class JoinedSource:
    """Stretches of other sources, one after the other."""

    def __init__(self, parts: Iterable[tuple[Source, int, int]]) -> None:
        """`parts` are (source, offset, length)."""
        self._parts = [part for part in parts if part[2] > 0]
        self._starts = []
        self._size = 0
        for _, _, length in self._parts:
            self._starts.append(self._size)
            self._size += length

    @property
    def size(self) -> int:
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        end = min(self._size, offset + length)
        if offset >= end:
            return b""
        pieces, index = [], bisect_right(self._starts, offset) - 1
        while offset < end:
            source, start, size = self._parts[index]
            skip = offset - self._starts[index]
            piece = source.read(start + skip, min(size - skip, end - offset))
            if not piece:
                break
            pieces.append(piece)
            offset += len(piece)
            index += offset >= self._starts[index] + size
        return b"".join(pieces)
