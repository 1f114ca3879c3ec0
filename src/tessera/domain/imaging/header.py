"""Find values in a header without decoding the rest of it. Pure; bytes in, values out."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from math import isfinite
from typing import cast

from tessera.domain.ids import InstanceUid, Pseudonym, SeriesUid, StudyUid
from tessera.domain.imaging import charsets
from tessera.domain.imaging.encoding import (
    ELEMENT,
    IMPLICIT_LE,
    ITEM,
    KINDS,
    LONG,
    LONG_LENGTH,
    PIXEL_TAGS,
    SHORT,
    UNDEFINED,
    FileMeta,
    OddEncoding,
    Source,
    WindowTooShort,
    element_at,
    skip_undefined,
    truncated,
)
from tessera.domain.imaging.instance import Cosines6, InstanceRow, Vector3
from tessera.domain.imaging.shared_groups import SHARED_GROUPS, shared_groups

FIRST_WINDOW = 1 << 16
LARGEST_WINDOW = 96 << 20
"""Bytes of header held at once; one sequence larger than this is refused."""


@dataclass(frozen=True, slots=True)
class Header:
    """The wanted top-level values of one instance, and where its pixel data lies."""

    values: dict[int, bytes] = field(default_factory=dict)
    pixel_offset: int = 0
    """Of the pixel data's value in the source; 0 when there is none."""
    pixel_length: int = 0
    """Bytes of the value, or to the end of the file when encapsulated."""
    encapsulated: bool = False

    def text(self, tag: int) -> str:
        """Return the value as text by the instance's character set, padding removed; may be ""."""
        raw = self.values.get(tag)
        if not raw:
            return ""
        return decoded(raw, self.values.get(0x00080005, b""))

    def first(self, tag: int) -> str:
        return self.text(tag).split("\\", 1)[0].strip()

    def whole(self, tag: int) -> int | None:
        """Return an IS value as int, None when absent or not a number of 32 bits (PS3.5 6.2)."""
        try:
            number = int(self.first(tag))
        except ValueError:
            return None
        return number if -(1 << 31) <= number < 1 << 31 else None

    def numbers(self, tag: int, n: int) -> tuple[float, ...] | None:
        """Return a DS value of exactly `n` finite numbers, None otherwise."""
        try:
            found = tuple(float(part) for part in self.text(tag).split("\\"))
        except ValueError:
            return None
        return found if len(found) == n and all(map(isfinite, found)) else None

    def short(self, tag: int) -> int | None:
        """Return a US value."""
        raw = self.values.get(tag, b"")
        return int.from_bytes(raw[:2], "little") if len(raw) >= 2 else None

    def day(self, tag: int) -> date | None:
        """Return a DA (or the date of a DT) value."""
        digits = self.first(tag).replace(".", "")[:8]
        try:
            return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
        except ValueError:
            return None


def decoded(raw: bytes, charset: bytes) -> str:
    """Decode bytes by SpecificCharacterSet, padding removed; never raises."""
    return charsets.decoded(raw, charset).strip(" \0")


def scan(source: Source, meta: FileMeta, wanted: AbstractSet[int]) -> Header:
    """Return the wanted top-level values up to the pixel data.

    Raises InvalidDicom ("truncated") and OddEncoding. Values after the pixel data are not read.
    """
    explicit = meta.transfer_syntax_uid != IMPLICIT_LE
    base, size, whole = meta.dataset_offset, FIRST_WINDOW, source.size
    buf = source.read(base, size)
    end, pos = len(buf), 0
    values: dict[int, bytes] = {}
    words = _words(frozenset(wanted))
    while base + pos < whole:
        try:
            if explicit:
                pos = _run(buf, pos, end, words, values)
                if pos == end and base + end >= whole:
                    break
            tag, vr, start, length = element_at(buf, pos, end, explicit=explicit)
            if tag in PIXEL_TAGS:
                return _with_pixels(source, values, base + start, length, tag)
            if length == UNDEFINED:
                inner = explicit and vr != b"UN"
                after = skip_undefined(buf, start, end, explicit=inner)
            else:
                after = start + length
                if base + after > whole:
                    raise truncated(tag)
            if tag in wanted:
                if after > end:
                    raise WindowTooShort
                values[tag] = buf[start:after]
            pos = after
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
    return Header(values)


def _run(buf: bytes, pos: int, end: int, words: Mapping[int, int], values: dict[int, bytes]) -> int:
    """Step over explicit elements that lie whole in `buf`; return where something else begins.

    That is pixel data, an undefined length, an unknown VR, or the end. `words` are the wanted
    tags as they lie in a file. This loop is most of what reading a header takes.
    """
    unpack, unpack_long, kinds = ELEMENT.unpack_from, LONG_LENGTH.unpack_from, KINDS
    last = end - 12
    while pos <= last:
        word, vr, length = unpack(buf, pos)
        kind = kinds[vr]
        if kind == SHORT:
            after = pos + 8 + length
            if after > end:
                break
            if word in words:
                values[words[word]] = buf[pos + 8 : after]
        elif kind == LONG:
            (length,) = unpack_long(buf, pos + 8)
            after = pos + 12 + length
            if after > end or word in _PIXEL_WORDS:  # an undefined length is beyond any end
                break
            if word in words:
                values[words[word]] = buf[pos + 12 : after]
        else:
            break
        pos = after
    return pos


def _word(tag: int) -> int:
    """Return a tag as its four bytes in a file make a number, little endian."""
    return tag >> 16 | (tag & 0xFFFF) << 16


@lru_cache(64)
def _words(wanted: frozenset[int]) -> dict[int, int]:
    return {_word(tag): tag for tag in wanted}


_PIXEL_WORDS = frozenset(map(_word, PIXEL_TAGS))


def _tag_at(buf: bytes, pos: int) -> int:
    return int.from_bytes(buf[pos : pos + 2], "little") << 16 | int.from_bytes(
        buf[pos + 2 : pos + 4], "little"
    )


def _with_pixels(
    source: Source, values: dict[int, bytes], start: int, length: int, tag: int
) -> Header:
    if length == UNDEFINED:
        return Header(values, start, max(0, source.size - start), encapsulated=True)
    if start + length > source.size:
        raise truncated(tag)
    return Header(values, start, length)


ROW_TAGS = frozenset(
    int(tag, 16)
    for tag in """
    00080005 00080008 00080016 00080018 00080020 00080022 0008002A 00080060 00080070 00081090
    00081115 00100020 00100040 00101010 00180015 00180050 00180086 00181164 00189087 0020000D
    0020000E 00200011 00200012 00200013 00200032 00200037 00200052 00200060 00200062 00200100
    00280002 00280008 00280010 00280011 00280030 00280100 52009229
    """.split()
)
"""What `instance_row` reads."""

_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


def age_in_years(text: str) -> float | None:
    """Return an AS value in years, None when it is not one. Source: PS3.5 6.2, AS."""
    if len(text) == 4 and text[:3].isascii() and text[:3].isdigit() and text[3] in _YEARS:
        return round(int(text[:3]) * _YEARS[text[3]], 2)
    return None


def instance_row(header: Header, meta: FileMeta, *, n_bytes: int, path: str) -> InstanceRow:
    """Return what the index keeps of one instance."""
    position = header.numbers(0x00200032, 3)
    orientation = header.numbers(0x00200037, 6)
    spacing = header.numbers(0x00280030, 2) or header.numbers(0x00181164, 2)
    thickness = header.numbers(0x00180050, 1)
    b_value = header.values.get(0x00189087, b"")
    shared = shared_groups(
        header.values.get(SHARED_GROUPS, b""), explicit=meta.transfer_syntax_uid != IMPLICIT_LE
    )
    return InstanceRow(
        subject=Pseudonym(header.text(0x00100020)),
        study_uid=StudyUid(header.text(0x0020000D)),
        series_uid=SeriesUid(header.text(0x0020000E)),
        instance_uid=InstanceUid(header.text(0x00080018)),
        sop_class_uid=header.text(0x00080016) or meta.sop_class_uid,
        transfer_syntax_uid=meta.transfer_syntax_uid,
        modality=header.first(0x00080060),
        body_part=header.first(0x00180015),
        laterality=header.first(0x00200062) or header.first(0x00200060),
        manufacturer=header.first(0x00080070),
        model=header.first(0x00081090),
        sex=header.first(0x00100040),
        age_years=age_in_years(header.first(0x00101010)),
        study_date=header.day(0x00080020),
        acquisition_date=header.day(0x00080022) or header.day(0x0008002A),
        image_type=header.text(0x00080008),
        series_number=header.whole(0x00200011),
        instance_number=header.whole(0x00200013),
        acquisition_number=header.whole(0x00200012),
        rows=header.short(0x00280010),
        columns=header.short(0x00280011),
        frames=header.whole(0x00280008) or 1,
        samples=header.short(0x00280002) or 1,
        bits_allocated=header.short(0x00280100),
        position_mm=cast("Vector3 | None", position),
        orientation=cast("Cosines6 | None", orientation) or shared.orientation,
        spacing_mm=cast("tuple[float, float] | None", spacing) or shared.spacing_mm,
        slice_thickness_mm=thickness[0] if thickness else shared.thickness_mm,
        b_value=_double(b_value),
        temporal_position=header.whole(0x00200100),
        echo_number=header.whole(0x00180086),
        frame_of_reference_uid=header.text(0x00200052),
        referenced_series_uid=_uid_in_first_item(header.values.get(0x00081115, b""), meta),
        has_pixels=header.pixel_offset > 0,
        pixel_bytes=header.pixel_length,
        n_bytes=n_bytes,
        path=path,
    )


def _double(raw: bytes) -> float | None:
    number = float(memoryview(raw[:8]).cast("d")[0]) if len(raw) >= 8 else None
    return number if number is not None and isfinite(number) else None


def _uid_in_first_item(raw: bytes, meta: FileMeta, wanted: int = 0x0020000E) -> str:
    """Return a UID of the first item of a sequence value, "" when it is not there."""
    if (
        len(raw) < 8
        or int.from_bytes(raw[:2], "little") << 16 | int.from_bytes(raw[2:4], "little") != ITEM
    ):
        return ""
    explicit = meta.transfer_syntax_uid != "1.2.840.10008.1.2"
    pos, end = 8, len(raw)
    try:
        while pos < end:
            tag, _, start, length = element_at(raw, pos, end, explicit=explicit)
            if tag == wanted:
                return raw[start : start + length].rstrip(b"\0 ").decode("ascii", "replace")
            if length == UNDEFINED:
                pos = skip_undefined(raw, start, end, explicit=explicit)
            else:
                pos = start + length
    except (WindowTooShort, OddEncoding):
        pass
    return ""
