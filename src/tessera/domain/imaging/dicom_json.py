"""The DICOM JSON model of one instance, made from the bytes of its header. Pure.

Source: PS3.18 annex F. pydicom's `Dataset.to_json_dict` is the oracle of its tests.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from json.encoder import encode_basestring as quoted
from math import isfinite
from struct import unpack
from typing import Final

from tessera.domain.imaging.charsets import decoded
from tessera.domain.imaging.encoding import (
    DICTIONARY_VR,
    IMPLICIT_LE,
    ITEM,
    ITEM_END,
    LONG_LENGTH,
    LONG_VRS,
    MAX_DEPTH,
    PIXEL_TAGS,
    SEQUENCE_END,
    SHORT_HEADER,
    SHORT_VRS,
    UNDEFINED,
    FileMeta,
    OddEncoding,
    Source,
    WindowTooShort,
    element_at,
    skip_undefined,
    too_deep,
    truncated,
)

MEDIA_TYPE: Final = "application/dicom+json"
INLINE_BYTES: Final = 768
"""A binary value up to this size stands in the JSON itself; a longer one is bulk data."""
BULK_MARK: Final = b'"BulkDataURI":"@'
"""Begins each bulk data URI as stored; what answers puts its own address in the place of "@".

No text value can hold these bytes: quotation marks inside JSON strings are escaped.
"""
_WINDOW: Final = 1 << 16
_LARGEST: Final = 128 << 20
_MOST_KEPT: Final = 20_000
_LONGEST_KEPT: Final = 1 << 12

_BINARY: Final = frozenset(b"OB OW OF OD OL OV UN".split())
_ONE_TEXT: Final = frozenset(b"ST LT UT UR".split())
_NUMBERS: Final = {
    b"US": ("H", 2),
    b"SS": ("h", 2),
    b"UL": ("I", 4),
    b"SL": ("i", 4),
    b"UV": ("Q", 8),
    b"SV": ("q", 8),
    b"FL": ("f", 4),
    b"FD": ("d", 8),
}
_IN_CHARSET: Final = frozenset(b"SH LO ST LT UC UT PN".split())
_CHARSET: Final = 0x00080005
_SIGN: Final = 0x00280103
_AS_SIGNED: Final = frozenset(
    int(tag, 16)
    for tag in """
    00189810 00221452 00280071 00280104 00280105 00280106 00280107 00280108 00280109 00280110
    00280111 00280120 00280121 00409211 00409216 00603004 00603006
    """.split()
)
"""US or SS, as PixelRepresentation says (PS3.6); implicit VR leaves it open."""
_UTF_8: Final = '{"vr":"CS","Value":["ISO_IR 192"]}'


@dataclass(slots=True)
class Described:
    """One instance as DICOM JSON. Attributes in the order of their tags, as in the file."""

    parts: dict[int, str] = field(default_factory=dict)
    """Top-level tag → JSON object of the attribute."""
    members: list[str] = field(default_factory=list)
    """The same, each with its name before it."""
    instance_uid: str = ""

    def json(self) -> bytes:
        """Return the whole JSON object, UTF-8."""
        return ("{" + ",".join(self.members) + "}").encode("utf-8", "replace")


def joined(parts: dict[int, str]) -> bytes:
    """Return the JSON object of attributes by tag."""
    body = ",".join([f'"{tag:08X}":{text}' for tag, text in parts.items()])
    return ("{" + body + "}").encode("utf-8", "replace")


_Kept = dict[bytes, tuple[str, str]]
"""Bytes of an element → its JSON object, and that with its name."""


class Describer:
    """Makes DICOM JSON. Remembers elements: most are equal all through a series."""

    def __init__(self) -> None:
        self._kept: dict[tuple[bytes, bool, bool], _Kept] = {}
        self._n = 0

    def describe(self, source: Source, meta: FileMeta) -> Described:
        """Return the instance up to and with its pixel data, which is never inline.

        `source` is as `scan` takes it. Raises InvalidDicom and OddEncoding.
        """
        made = Described()
        explicit = meta.transfer_syntax_uid != IMPLICIT_LE
        base, size, whole = meta.dataset_offset, _WINDOW, source.size
        buf = source.read(base, size)
        end, pos, charset, signed = len(buf), 0, b"", False
        kept = self._kept_for(charset, explicit=explicit, signed=signed)
        parts, members = made.parts, made.members
        unpack_short, unpack_long = SHORT_HEADER.unpack_from, LONG_LENGTH
        while base + pos < whole:
            try:
                if explicit and pos + 12 <= end:
                    group, element, vr, length = unpack_short(buf, pos)
                    tag = group << 16 | element
                    if vr in SHORT_VRS:
                        start = pos + 8
                    elif vr in LONG_VRS:
                        (length,) = unpack_long.unpack_from(buf, pos + 8)
                        start = pos + 12
                    else:
                        raise OddEncoding
                else:
                    tag, vr, start, length = element_at(buf, pos, end, explicit=explicit)
                if tag in PIXEL_TAGS:
                    parts[tag] = _bulk("OW" if not explicit else vr.decode(), f"{tag:08X}")
                    members.append(f'"{tag:08X}":{parts[tag]}')
                    break
                if length == UNDEFINED:
                    after = skip_undefined(buf, start, end, explicit=explicit and vr != b"UN")
                else:
                    after = start + length
                    if base + after > whole:
                        raise truncated(tag)
                if after > end:
                    raise WindowTooShort
            except WindowTooShort:
                if base + end >= whole:
                    raise truncated(0) from None
                if pos == 0:
                    size *= 4
                    if size > _LARGEST * 4:
                        raise truncated(0) from None
                base, pos = base + pos, 0
                buf = source.read(base, size)
                end = len(buf)
                continue
            raw = buf[pos:after]
            found = kept.get(raw)
            if found is None:
                inner, name = _Inner(explicit, charset, signed=signed), f"{tag:08X}"
                text = inner.element(tag, vr, raw[start - pos :], length, name, 1)
                found = text, f'"{name}":{text}'
                if after - pos <= _LONGEST_KEPT and not inner.has_bulk:
                    self._keep(kept, raw, found)
            if tag & 0xFFFF:
                parts[tag], member = found
                members.append(member)
            if tag in (_CHARSET, _SIGN):
                value = buf[start:after]
                if tag == _CHARSET:
                    charset = value
                else:
                    signed = value[:1] == b"\1"
                kept = self._kept_for(charset, explicit=explicit, signed=signed)
            elif tag == 0x00080018:
                made.instance_uid = buf[start:after].rstrip(b"\0 ").decode("ascii", "replace")
            pos = after
        return made

    def _kept_for(self, charset: bytes, *, explicit: bool, signed: bool) -> _Kept:
        return self._kept.setdefault((charset, explicit, signed), {})

    def _keep(self, kept: _Kept, raw: bytes, made: tuple[str, str]) -> None:
        if self._n >= _MOST_KEPT:
            for one in self._kept.values():
                one.clear()
            self._n = 0
        kept[raw] = made
        self._n += 1


class _Inner:
    """Writes the JSON of one element and what lies in it."""

    __slots__ = ("_charset", "_explicit", "_signed", "has_bulk")

    def __init__(self, explicit: bool, charset: bytes, *, signed: bool) -> None:
        self._explicit = explicit
        self._charset = charset
        self._signed = signed
        self.has_bulk = False

    def element(self, tag: int, vr: bytes, raw: bytes, length: int, path: str, depth: int) -> str:
        explicit = self._explicit
        if vr == b"UN" and explicit and not tag >> 16 & 1:
            known = DICTIONARY_VR.get(tag, b"UN")
            if length == UNDEFINED:
                known = b"SQ"
            if known != b"UN":
                vr, explicit = known, False
        if vr == b"UN" and length == UNDEFINED:
            vr, explicit = b"SQ", False
        if vr == b"UN" and not self._explicit and tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
            vr = b"LO"  # a private creator (PS3.5 7.8.1)
        if vr == b"US" and not self._explicit and self._signed and tag in _AS_SIGNED:
            vr = b"SS"
        if vr == b"SQ":
            before, self._explicit = self._explicit, explicit
            try:
                return '{"vr":"SQ","Value":[' + self._items(raw, length, path, depth) + "]}"
            finally:
                self._explicit = before
        if tag == _CHARSET and raw.strip(b" \0"):
            return _UTF_8
        name = vr.decode("ascii")
        if vr in _BINARY:
            if not raw:
                return f'{{"vr":"{name}"}}'
            if len(raw) > INLINE_BYTES:
                self.has_bulk = True
                return _bulk(name, path)
            return f'{{"vr":"{name}","InlineBinary":"{b64encode(raw).decode()}"}}'
        values = _values(vr, raw, self._charset)
        if not values:
            return f'{{"vr":"{name}"}}'
        return f'{{"vr":"{name}","Value":[{values}]}}'

    def _items(self, raw: bytes, length: int, path: str, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise too_deep()
        made, pos, end, number = [], 0, len(raw), 0
        while pos + 8 <= end:
            tag, _, start, size = element_at(raw, pos, end, explicit=False)
            if tag == SEQUENCE_END:
                break
            if tag != ITEM:
                raise OddEncoding
            number += 1
            if size != UNDEFINED and start + size > end:
                raise truncated(tag)
            text, pos = self._item(
                raw, start, end if size == UNDEFINED else start + size, f"{path}/{number}", depth
            )
            made.append(text)
        return ",".join(made)

    def _item(self, raw: bytes, pos: int, end: int, path: str, depth: int) -> tuple[str, int]:
        made, charset = [], self._charset
        while pos < end:
            tag, vr, start, length = element_at(raw, pos, end, explicit=self._explicit)
            if tag == ITEM_END:
                pos = start
                break
            if length == UNDEFINED:
                inner = self._explicit and vr != b"UN"
                pos = skip_undefined(raw, start, end, explicit=inner, depth=depth)
            else:
                pos = start + length
                if pos > end:
                    raise truncated(tag)
            value = raw[start:pos]
            if tag == _CHARSET:
                self._charset = value
            if tag & 0xFFFF:
                text = self.element(tag, vr, value, length, f"{path}/{tag:08X}", depth + 1)
                made.append(f'"{tag:08X}":{text}')
        self._charset = charset
        return "{" + ",".join(made) + "}", pos


def _bulk(vr: str, path: str) -> str:
    return f'{{"vr":"{vr}","BulkDataURI":"@/bulk/{path}"}}'


def _values(vr: bytes, raw: bytes, charset: bytes) -> str:
    """Return the values as JSON, comma between; "" for an empty value."""
    number = _NUMBERS.get(vr)
    if number is not None:
        kind, size = number
        n = len(raw) // size
        found = unpack(f"<{n}{kind}", raw[: n * size])
        if kind in "fd":
            return ",".join([_float(value) for value in found])
        return ",".join(map(str, found))
    if vr == b"AT":
        cut = range(0, len(raw) - 3, 4)
        pairs = [unpack("<HH", raw[at : at + 4]) for at in cut]
        return ",".join([f'"{group:04X}{element:04X}"' for group, element in pairs])
    text = decoded(raw, charset) if vr in _IN_CHARSET else raw.decode("ascii", "replace")
    text = text.rstrip(" \0")
    if not text:
        return ""
    if vr in _ONE_TEXT:
        return quoted(text)
    write: Callable[[str], str] = _WRITE.get(vr, _plain)
    if "\\" in text:
        return ",".join([write(part) for part in text.split("\\")])
    return write(text)


def _plain(text: str) -> str:
    text = text.rstrip(" \0")
    return quoted(text) if text else "null"


def _stripped(text: str) -> str:
    text = text.strip(" \0")
    return quoted(text) if text else "null"


def _float(value: float) -> str:
    """Return a JSON number; what is none is a text, as annex F has it."""
    if isfinite(value):
        return repr(value)
    return '"NaN"' if value != value else '"inf"' if value > 0 else '"-inf"'


def _decimal(text: str) -> str:
    text = text.strip(" \0")
    if not text:
        return "null"
    try:
        value = float(text) if "_" not in text else float("nan")
    except ValueError:
        return quoted(text)
    return repr(value) if isfinite(value) else quoted(text)


def _whole(text: str) -> str:
    text = text.strip(" \0")
    if not text:
        return "null"
    try:
        return str(int(text)) if "_" not in text else quoted(text)
    except ValueError:
        return quoted(text)


def _name(text: str) -> str:
    """Return a person's name by its component groups (PS3.18 F.2.2)."""
    groups = [group.rstrip(" \0") for group in text.split("=")]
    made = [
        f'"{kind}":{quoted(group)}'
        for kind, group in zip(("Alphabetic", "Ideographic", "Phonetic"), groups, strict=False)
        if group
    ]
    return "{" + ",".join(made) + "}" if made else "null"


_WRITE: Final[dict[bytes, Callable[[str], str]]] = {
    b"DS": _decimal,
    b"IS": _whole,
    b"PN": _name,
    b"AE": _stripped,
    b"CS": _stripped,
}
