"""Cut a header into its elements, without looking into values. Pure.

Private elements that cannot stay are dropped here by their tag, and so is any large value that
the rules take out: neither is read, so that memory does not grow with them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tessera.domain.imaging.encoding import (
    IMPLICIT_LE,
    LONG_LENGTH,
    LONG_VRS,
    PIXEL_TAGS,
    SHORT_HEADER,
    SHORT_VRS,
    UNDEFINED,
    FileMeta,
    OddEncoding,
    Source,
    WindowTooShort,
    element_at,
    skip_undefined,
    truncated,
)
from tessera.domain.imaging.header import FIRST_WINDOW, LARGEST_WINDOW

_SHORT = 1 << 10
LARGE = 1 << 20
"""Bytes of a value from which it is only read when it may stay."""
Unit = tuple[int, bytes, int, bytes]
"""Tag, VR, where the value starts, and the raw bytes of the element, header included.

The raw bytes are empty when the value was not read: it goes, whatever it is."""


@dataclass(slots=True)
class Split:
    """The elements of one header."""

    units: list[Unit] = field(default_factory=list)
    pixels_at: int = 0
    """Offset of the pixel data element in the source; 0 when there is none."""
    creators: dict[int, str] = field(default_factory=dict)
    """Tag of a private creator element → its name."""
    n_private_removed: int = 0


def split(
    source: Source,
    meta: FileMeta,
    removed: frozenset[int],
    private: Mapping[tuple[str, int], Mapping[int, object]],
) -> Split:
    """Return the elements up to the pixel data; what follows pixel data is not read.

    Values of `removed` tags are not read when they are large; of private elements only those
    in `private` (by creator, group and low byte) are. Raises InvalidDicom and OddEncoding.
    """
    explicit = meta.transfer_syntax_uid != IMPLICIT_LE
    base, size, whole = meta.dataset_offset, FIRST_WINDOW, source.size
    buf = source.read(base, size)
    end, pos, last = len(buf), 0, -1
    found = Split()
    add = found.units.append
    unpack, unpack_long = SHORT_HEADER.unpack_from, LONG_LENGTH.unpack_from
    while base + pos < whole:
        try:
            if explicit and pos + 12 <= end:
                group, number, vr, length = unpack(buf, pos)
                tag = group << 16 | number
                if vr in SHORT_VRS:
                    start = pos + 8
                elif vr in LONG_VRS:
                    (length,) = unpack_long(buf, pos + 8)
                    start = pos + 12
                else:
                    raise OddEncoding
            else:
                tag, vr, start, length = element_at(buf, pos, end, explicit=explicit)
                group = tag >> 16
            if tag <= last:
                raise OddEncoding
            if tag in PIXEL_TAGS:
                found.pixels_at = base + pos
                return found
            if length == UNDEFINED:
                after = skip_undefined(buf, start, end, explicit=explicit and vr != b"UN")
            else:
                after = start + length
                if base + after > whole:
                    raise truncated(tag)
            goes = tag in removed
            if length == UNDEFINED and vr not in (b"SQ", b"UN") and not group & 1:
                pass  # no value of such a VR has an open end, but pixel data
            elif group & 1:
                goes = length == UNDEFINED or _goes(tag, found, private)
                if tag & 0xFFFF < 0x100:
                    if after > end:
                        raise WindowTooShort
                    name = buf[start:after].strip(b" \0").decode("latin-1")
                    if tag & 0xFFFF >= 0x10:
                        found.creators[tag] = name
                    goes = False
                elif goes:
                    found.n_private_removed += 1
                    seen = length <= _SHORT and after <= end
                    add((tag, vr, start - pos, buf[pos:after] if seen else b""))
            elif goes and length > LARGE and length != UNDEFINED:
                add((tag, vr, start - pos, b""))
            else:
                goes = False
            if not goes:
                if after > end:
                    raise WindowTooShort
                add((tag, vr, start - pos, buf[pos:after]))
            last, pos = tag, after
            if pos > end:
                base, pos = base + pos, 0
                buf = source.read(base, size)
                end = len(buf)
        except WindowTooShort:
            if base + end >= whole:
                raise truncated(_tag_at(buf, pos)) from None
            if pos == 0:
                size *= 4
                if size > LARGEST_WINDOW * 4:
                    raise truncated(_tag_at(buf, pos)) from None
            base, pos = base + pos, 0
            buf = source.read(base, size)
            end = len(buf)
    return found


def creator_of(tag: int) -> int:
    """Return the tag of the private creator element that reserves this tag's block."""
    return tag & 0xFFFF0000 | (tag & 0xFF00) >> 8


def _goes(tag: int, found: Split, private: Mapping[tuple[str, int], Mapping[int, object]]) -> bool:
    creator = found.creators.get(creator_of(tag), "")
    return tag & 0xFF not in private.get((creator, tag >> 16), ())


def _tag_at(buf: bytes, pos: int) -> int:
    return int.from_bytes(buf[pos : pos + 2], "little") << 16 | int.from_bytes(
        buf[pos + 2 : pos + 4], "little"
    )
