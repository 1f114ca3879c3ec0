"""A source with some of its bytes replaced; the rest is read where it always was. Pure."""

from bisect import bisect_right
from collections.abc import Iterable

from tessera.domain.imaging.encoding import Source


class PatchedSource:
    """`base` with other bytes at some offsets; same size."""

    def __init__(self, base: Source, patches: Iterable[tuple[int, bytes]]) -> None:
        """`patches` are (offset, bytes) that do not overlap."""
        self._base = base
        self._patches = sorted((p for p in patches if p[1]), key=lambda p: p[0])
        self._starts = [offset for offset, _ in self._patches]

    @property
    def size(self) -> int:
        return self._base.size

    def read(self, offset: int, length: int) -> bytes:
        raw = self._base.read(offset, length)
        end = offset + len(raw)
        index = max(0, bisect_right(self._starts, offset) - 1)
        out: bytearray | None = None
        while index < len(self._starts) and self._starts[index] < end:
            start, patch = self._patches[index]
            begin, stop = max(start, offset), min(start + len(patch), end)
            if begin < stop:
                out = bytearray(raw) if out is None else out
                out[begin - offset : stop - offset] = patch[begin - start : stop - start]
            index += 1
        return raw if out is None else bytes(out)
