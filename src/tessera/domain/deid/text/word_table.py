# ruff: noqa: E501 -- lists of endings, long commands
"""A large set of words as compact tables, asked without reading them through. Pure.

Form of each: 65,537 little-endian counts of four bytes, then for each word three bytes, in order. A word is the
40-bit BLAKE2b hash of its folded form: the first two bytes choose the bucket, the rest is kept. With a
million words one foreign word in a million is taken for one of the table's.
"""

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Final

from tessera.domain.errors import InvalidSettings

NOUN: Final = "^"
"""Before a word: written with a capital in mid-sentence (German)."""
COMPOUND: Final = "+"
"""Before a word: part of compounds (German, Swedish, Danish, Norwegian, Dutch)."""
_GREEK: Final = sorted(
    "οσ ου ο ε οι ων ουσ η ησ εσ α ασ ι ισ ια ιασ ιων ατα ατοσ ατων εισ εωσ εων ω ουμε ετε ουν ουνε αω ασ αει αμε ατε ανε "
    "ησε ησαν ηκε ηκαν θηκε θηκαν θει θουν θηκα ει εισ εται ονται οταν ονταν μενοσ μενη μενο μενου μενησ μενων μενα μενοι μενεσ "
    "μενουσ μενο ισε ισαν ιζει ιζουν ιζεται ιζονται ονταισ οντασ ωντασ ειται ουνται ατικοσ ικοσ ικη ικο ικου ικησ ικων ικα ικεσ ικοι ικουσ "
    "εστεροσ οτεροσ οτερη οτερο οτερα οτερων οτερου".split(),
    key=len,
    reverse=True,
)
_SHORTEST_STEM: Final = 4
_BUCKETS: Final = 1 << 16
_HEAD: Final = 4 * (_BUCKETS + 1)
_TAIL: Final = 3


class WordTable:
    """Says whether a folded word is in one of the tables.

    Parameters
    ----------
    read
        Returns the bytes of each table, or views of the files, the one that answers most often
        first; asked at the first question.
    """

    def __init__(self, read: Callable[[], tuple[bytes | memoryview, ...]]) -> None:
        self._read = read
        self._tables: tuple[bytes | memoryview, ...] | None = None

    def __contains__(self, key: str) -> bool:
        tables = self._tables
        if tables is None:
            tables = self._read()
            for data in tables:
                _check(data)
            self._tables = tables
        digest = blake2b(key.encode(), digest_size=5).digest()
        at = 4 * (digest[0] << 8 | digest[1])
        tail = digest[2:]
        for data in tables:
            first = int.from_bytes(data[at : at + 4], "little")
            last = int.from_bytes(data[at + 4 : at + 8], "little")
            bucket = bytes(data[_HEAD + first * _TAIL : _HEAD + last * _TAIL])
            found = bucket.find(tail)
            while found % _TAIL and found > 0:
                found = bucket.find(tail, found + 1)
            if found >= 0:
                return True
        return False


def written(keys: Iterable[str]) -> bytes:
    """Return the table of some folded words; the same words give the same bytes."""
    hashes = sorted({blake2b(key.encode(), digest_size=5).digest() for key in keys})
    counts = [0] * (_BUCKETS + 1)
    for one in hashes:
        counts[(one[0] << 8 | one[1]) + 1] += 1
    total = 0
    head = bytearray()
    for count in counts:
        total += count
        head += total.to_bytes(4, "little")
    return bytes(head) + b"".join(one[2:] for one in hashes)


def greek_stem(key: str) -> str:
    """Return a folded Greek word without its ending, at least four letters, marked with a hyphen."""
    for ending in _GREEK:
        if key.endswith(ending) and len(key) - len(ending) >= _SHORTEST_STEM:
            return key[: -len(ending)] + "-"
    return key


def _check(data: bytes | memoryview) -> None:
    size = len(data)
    last = int.from_bytes(data[_HEAD - 4 : _HEAD], "little") if size >= _HEAD else -1
    if size != _HEAD + last * _TAIL:
        raise InvalidSettings("a file of words is not a table of words, or is cut short")
