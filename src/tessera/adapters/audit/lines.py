"""Files of lines that are only ever appended to, and survive a kill in the middle of a line."""

import os
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 65_536


class LineFile:
    """The caller holds the lock of the folder for all but `lines`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, line: bytes) -> None:
        """Write one line and its end; durable on return. What was torn must be mended before."""
        is_new = not self.path.exists()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            rest = memoryview(line + b"\n")
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(self.path.parent)

    def ends(self) -> tuple[bytes, bytes]:
        """Return the last whole line, empty when there is none, and what is torn after it."""
        if not self.path.exists():
            return b"", b""
        with self.path.open("rb") as file:
            place, tail = file.seek(0, os.SEEK_END), b""
            # Two ends of line: that of the last whole line and that of the line before it.
            while place and tail.count(b"\n") < 2:
                n_bytes = min(_BLOCK, place)
                place = file.seek(place - n_bytes)
                tail = file.read(n_bytes) + tail
        whole, _, torn = tail.rpartition(b"\n")
        return whole.rpartition(b"\n")[2], torn

    def mend(self, torn: bytes) -> None:
        """Cut off what is torn after the last whole line."""
        if torn:
            os.truncate(self.path, self.path.stat().st_size - len(torn))

    def lines(self) -> Iterator[bytes]:
        """Yield the whole lines without their ends."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line[:-1]


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
