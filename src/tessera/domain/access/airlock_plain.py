"""What a file says once it is read as what it is: JSON's and XML's escapes undone, pixels unpacked.

The search looks for names in bytes; a reader sees text. Pure.
"""

import csv
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Final
from xml.etree import ElementTree

_LEAST: Final = 8
_CODE = re.compile(r"(?<![\d.])\d{2,3}(?![\d.])")
_MOST_PIXELS: Final = 4_000_000
"""Bytes of a picture that are looked at."""


def plain_parts(name: str, content: bytes) -> tuple[bytes, ...]:
    """Return texts and bytes of a JSON, CSV, SVG or PNG file as a reader sees them.

    Of what cannot be read nothing: then it never leaves anyway.
    """
    try:
        if name.endswith(".json"):
            return tuple(_of_json(content.decode()))
        if name.endswith(".csv"):
            return tuple(_of_csv(content.decode()))
        if name.endswith(".svg"):
            return tuple(_of_svg(content.decode()))
        return tuple(_of_png(content))
    except (ValueError, RecursionError, csv.Error, ElementTree.ParseError, zlib.error):
        return ()


def _of_json(text: str) -> Iterator[bytes]:
    words: list[str] = []
    numbers: list[str] = []
    _collect(json.loads(text, parse_float=_Number, parse_int=_Number), words, numbers)
    yield "\n".join(words).encode()
    yield from _codes(numbers)


class _Number(str):
    """A number as it is written."""


def _collect(value: object, words: list[str], numbers: list[str]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            words.append(key)
            _collect(inner, words, numbers)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, words, numbers)
    elif isinstance(value, _Number):
        numbers.append(value)
    elif isinstance(value, str):
        words.append(value)


def _of_csv(text: str) -> Iterator[bytes]:
    rows = [row for row in csv.reader(text.splitlines()) if row]
    for lines in (rows, zip(*rows, strict=False)):
        yield from _codes(cell.strip() for row in lines for cell in row)


def _of_svg(text: str) -> Iterator[bytes]:
    if "<!ENTITY" in text:
        return
    words: list[str] = []
    codes: list[str] = []
    for one in ElementTree.fromstring(text).iter():  # noqa: S314 - without entities
        words += [part.strip() for part in (one.text, one.tail) if part and part.strip()]
        for value in one.attrib.values():
            words.append(value)
            codes += _CODE.findall(value)
    yield "\n".join(words).encode()
    yield from _codes(codes)


def _of_png(content: bytes) -> Iterator[bytes]:
    at, packed = 8, []
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        if content[at + 4 : at + 8] == b"IDAT":
            packed.append(content[at + 8 : at + 8 + length])
        at += 12 + length
    plain = zlib.decompressobj().decompress(b"".join(packed), _MOST_PIXELS)
    yield plain
    yield bytes(byte for byte in plain if 32 <= byte < 127)


def _codes(numbers: Iterable[str]) -> Iterator[bytes]:
    """Yield what the numbers spell, as characters by their codes."""
    whole = (one.removesuffix(".0") for one in numbers)
    spelt = bytes(
        int(one)
        for one in whole
        if len(one) <= 3 and one.isascii() and one.isdigit() and 32 <= int(one) < 127
    )
    if len(spelt) >= _LEAST:
        yield spelt
