"""Find how a delimited text is written: its encoding and its delimiter."""

import codecs
import csv
import re
from collections import Counter
from typing import Final

_SAMPLE_BYTES: Final = 1_000_000
_DELIMITERS: Final = (";", ",", "\t", "|")
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HIGH_WORD: Final = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
_LATIN_9_LETTERS: Final = frozenset(b"\xa6\xa8\xb4\xb8\xbc\xbd\xbe")
"""Letters of ISO 8859-15 where ISO 8859-1 and Windows have signs (ŠšŽžŒœŸ)."""


def encoding_of(raw: bytes) -> str:
    """Return Python's name of the encoding of a delimited text.

    UTF-8 (with mark or without) and UTF-16 are certain; of the alphabets of one byte, Greek is
    told from Latin by its words, which have no ASCII letter, and Windows from ISO by the bytes
    that ISO leaves to control characters. Source: WHATWG Encoding, indexes of single bytes.
    """
    for mark, name in _BOMS:
        if raw.startswith(mark):
            return name
    sample = raw[:_SAMPLE_BYTES]
    if sample[1::2].count(0) > len(sample) / 8:
        return "utf-16-le"
    if sample[0::2].count(0) > len(sample) / 8:
        return "utf-16-be"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return _of_one_byte(raw)
    return "utf-8"


def _of_one_byte(raw: bytes) -> str:
    words = [match.group() for match in _HIGH_WORD.finditer(raw[: 4 * _SAMPLE_BYTES])]
    whole = sum(len(word) > 2 and not re.search(rb"[A-Za-z]", word) for word in words)
    if words and whole > len(words) / 2:
        return min(("cp1253", "iso-8859-7"), key=lambda name: _strangeness(raw, name))
    if re.search(rb"[\x80-\x9f]", raw):
        return "cp1252"
    if any(_LATIN_9_LETTERS.intersection(word) and len(word) > 2 for word in words):
        return "iso-8859-15"
    return "cp1252"


def _strangeness(raw: bytes, encoding: str) -> int:
    """Return how many characters no Greek table has, under an encoding."""
    text = raw[:_SAMPLE_BYTES].decode(encoding, errors="replace")
    return sum(text.count(sign) for sign in "\ufffd¶΅ͺ‘’") + sum("\x80" <= c < "\xa0" for c in text)


def delimiter_of(text: str) -> str:
    """Return the delimiter that cuts the first lines into the same number of cells, and most."""
    sample = "".join(text[:200_000].splitlines(keepends=True)[:200])

    def quality(delimiter: str) -> tuple[float, int]:
        try:
            widths = Counter(
                len(cells)
                for cells in csv.reader(sample.splitlines(keepends=True), delimiter=delimiter)
                if cells
            )
        except csv.Error:
            return (0.0, 0)
        if not widths:
            return (0.0, 0)
        width, lines = widths.most_common(1)[0]
        return (lines / widths.total() if width > 1 else 0.0, width)

    return max(_DELIMITERS, key=quality)
