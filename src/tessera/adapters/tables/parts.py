"""The rows of a delivery, split into parts on disk. Identified zone: 0600, removed when read.

`marshal` writes tuples of numbers and texts faster than anything else, and is only read back by
the program that wrote it.
"""

import marshal
import os
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

from tessera.domain.deid.clinical_part import PartRow
from tessera.domain.zones import Identified

_ROWS_AT_ONCE = 512
_FRENCH, _FRENCH_WITH_KEY = 13, 15
"""Digits of the numéro d'inscription au répertoire."""


class RowParts:
    """Writes rows into `n` files of `folder`; all rows with the same `who` into one."""

    def __init__(self, folder: Path, n: int) -> None:
        self._folder = folder
        self._waiting: list[list[PartRow]] = [[] for _ in range(n)]
        self._files = [_private(folder / f"part-{place:03}") for place in range(n)]

    def write(self, rows: Iterable[tuple[str, Identified[PartRow]]]) -> tuple[Path, ...]:
        """Write all rows and return the files that have any."""
        waiting, n = self._waiting, len(self._waiting)
        try:
            for who, row in rows:
                place = crc32(_plain(who)) % n
                mine = waiting[place]
                mine.append(row.value)
                if len(mine) >= _ROWS_AT_ONCE:
                    self._flush(place)
            for place in range(n):
                self._flush(place)
        finally:
            for file in self._files:
                file.close()
        paths = (self._folder / f"part-{place:03}" for place in range(n))
        return tuple(path for path in paths if path.stat().st_size)

    def _flush(self, place: int) -> None:
        if self._waiting[place]:
            marshal.dump(self._waiting[place], self._files[place])
            self._waiting[place] = []


def read_part(path: Path) -> Iterator[PartRow]:
    """Yield the rows of a part."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        while stream.tell() < size:
            yield from marshal.load(stream)  # noqa: S302  written by this program


def _plain(who: str) -> bytes:
    """Return what two spellings of one identifier share: its letters and digits, the last six.

    One patient's rows come together though a century, a dash, an accent or the key of a French
    number is left out (`patient_ids`); that others come with them does no harm.
    """
    if not who.isascii():
        who = unicodedata.normalize("NFKD", who)
    plain = "".join(one for one in who.casefold() if one.isalnum())
    return plain[: _FRENCH if len(plain) == _FRENCH_WITH_KEY else None][-6:].encode()


def _private(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return open(descriptor, "wb")
