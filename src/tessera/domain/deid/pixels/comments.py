"""What encoders wrote beside the pixels of compressed frames is blotted out where it stands. Pure.

Comments, application segments (EXIF with its thumbnail, XMP, ICC) and bytes behind the end of a
frame describe nothing that DICOM needs. They are overwritten with as many blanks or zeros, so
that no length, no offset table and no coded pixel changes. Sources: ISO/IEC 10918-1 B.1.1.4 and
B.2.4.5 (JPEG), 14495-1 C.1 (JPEG-LS), 15444-1 A.4.2 and A.9.2 (JPEG 2000), 18181-2 (JPEG XL boxes).
"""

import re
from collections.abc import Iterator

from tessera.domain.imaging.encoding import ITEM, Source, element_at
from tessera.domain.imaging.patched import PatchedSource

Patch = tuple[int, bytes]
"""Offset in the source, and the bytes that are to stand there."""

_JPEG = "1.2.840.10008.1.2.4."
_VIDEO = "1.2.840.10008.1.2.4.10"
_START = 4096
"""Bytes of a frame that are read at first; nearly all end their markers in these."""
_TAIL = 4096
_END = b"\xff\xd9"
_MOST_TILES = 256
_CODED = 0xDA
_START_OF_TILE, _START_OF_DATA = 0x90, 0x93
_BARE = frozenset((0x01, *range(0xD0, 0xD9)))
"""Markers of JPEG without a length."""
_KEPT = {
    0xE0: ((b"JFIF\0", 14),),
    0xE8: ((b"mrfx", 5), (b"SPIFF\0", 30)),
    0xEE: ((b"Adobe", 12),),
}
"""Application segments that say how the samples are meant: how they begin, and how many bytes
of them count (JFIF without its thumbnail; the colour transforms of JPEG-LS and of Adobe)."""
_ENCODERS = re.compile(
    rb"(?:Created by OpenJPEG version \d[\d.]{0,8}|Kakadu-v?\d[\d.]{0,8}"
    rb"|LEAD Technologies Inc\. V\d\.\d\d|CREATOR: gd-jpeg v\d\.\d[^\0\r\n]{0,40}quality = \d+"
    rb"|Intel\(R\) (?:IPP )?JPEG[^\0\r\n]{0,24}|OpenJPEG|HTJ2K by OpenJPH|OpenJPH Ver \d[\d.]{0,8}"
    rb"|charls|JasPer Version \d[\d.]{0,8}|Grok \d[\d.]{0,8})[\0\s]*"
)
"""Marks of encoders, which name a program and nobody else: they stay."""
_BOXED = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\0\0\0\x0cJXL \r\n\x87\n")
_BOXES = frozenset(
    (b"jP  ", b"JXL ", b"ftyp", b"jp2h", b"jp2c", b"jxlc", b"jxlp", b"jxll", b"jbrd")
)
_MOST_BOXES = 64


def without_comments(source: Source, value: tuple[int, int], transfer_syntax_uid: str) -> Source:
    """Return the source with `blots` over its encapsulated value; itself when there are none."""
    patches = blots(source, value, transfer_syntax_uid)
    return PatchedSource(source, patches) if patches else source


def blots(source: Source, value: tuple[int, int], transfer_syntax_uid: str) -> list[Patch]:
    """Return what is to be overwritten in an encapsulated value; [] for nearly every instance.

    `value` is (offset, length). Reads 4,096 bytes at the beginning of each fragment and 16 at
    its end, and more only where something is found. The mark of a known encoder stays.
    """
    if not transfer_syntax_uid.startswith(_JPEG) or transfer_syntax_uid.startswith(_VIDEO):
        return []
    out: list[Patch] = []
    coded: int | None = None
    pos, end = value[0], value[0] + value[1]
    while pos + 8 <= end:
        tag, _, _, size = element_at(source.read(pos, 8), 0, 8, explicit=False)
        if tag != ITEM:
            break
        pos += 8
        window = _Window(source, pos, min(pos + size, end))
        opening = window.read(pos, 12)
        if opening in _BOXED:
            out += _boxed(window)
            coded = None
        else:
            found, coded = _in_stream(window, coded)
            out += found
        pos += size
    return out


class _Window:
    """A stretch of a source, of which a part is in memory."""

    def __init__(self, source: Source, start: int, end: int) -> None:
        self.source, self.start, self.end = source, start, end
        self._at, self._held = start, source.read(start, max(0, min(_START, end - start)))

    def read(self, pos: int, length: int) -> bytes:
        length = max(0, min(length, self.end - pos))
        if not self._at <= pos <= pos + length <= self._at + len(self._held):
            self._at = pos
            self._held = self.source.read(pos, min(max(_START, length), self.end - pos))
        return self._held[pos - self._at : pos - self._at + length]


def _in_stream(window: _Window, before: int | None) -> tuple[list[Patch], int | None]:
    """Return what is to be overwritten, and where coded pixels begin or went on.

    `before` says the same of the fragment before this one: None when they had not begun.
    """
    opening = window.read(window.start, 2)
    if opening == b"\xff\xd8":
        patches, coded = _jpeg(window)
    elif opening == b"\xff\x4f":
        patches, coded = _jpeg_2000(window)
    else:
        patches, coded = [], None if before is None else window.start
    if coded is not None:
        patches += _behind(window, coded)
    return patches, coded


def _jpeg(window: _Window) -> tuple[list[Patch], int | None]:
    """Blot out segments up to the first scan; return where that begins."""
    patches: list[Patch] = []
    pos = window.start + 2
    while True:
        head = window.read(pos, 4)
        if len(head) < 4 or head[0] != 0xFF or head[1] == 0xD9:
            return patches, None
        marker = head[1]
        if marker == _CODED:
            return patches, pos
        if marker == 0xFF or marker in _BARE:
            pos += 1 if marker == 0xFF else 2
            continue
        size = max(2, int.from_bytes(head[2:4], "big"))
        if marker == 0xFE or 0xE0 <= marker <= 0xEF:
            patches += _blotted(window, pos + 4, size - 2, marker)
        pos += 2 + size


def _blotted(window: _Window, start: int, length: int, marker: int) -> Iterator[Patch]:
    held = window.read(start, length)
    kept = 0
    if marker == 0xFE:
        kept = len(held) if _ENCODERS.fullmatch(held) else 0
    for begins, counts in _KEPT.get(marker, ()):
        if held.startswith(begins):
            kept = min(counts, len(held))
    yield from _over(start + kept, held[kept:], b" " if marker == 0xFE else b"\0")


def _over(start: int, held: bytes, blank: bytes) -> Iterator[Patch]:
    if held.strip(b"\0 "):
        yield start, blank * len(held)


def _jpeg_2000(window: _Window) -> tuple[list[Patch], int | None]:
    """Blot out the comments of the main header and of the tile-parts' headers."""
    patches: list[Patch] = []
    coded: int | None = None
    pos, tile_part, tiles = window.start + 2, (0, 0), 0
    while True:
        head = window.read(pos, 4)
        if len(head) < 4 or head[0] != 0xFF:
            return patches, coded
        marker, size = head[1], max(2, int.from_bytes(head[2:4], "big"))
        if marker == _START_OF_TILE:
            tiles += 1
            tile_part = (pos, int.from_bytes(window.read(pos + 6, 4), "big"))
        elif marker == _START_OF_DATA:
            coded = pos
            if tile_part[1] < 14 or tiles >= _MOST_TILES:
                return patches, coded
            pos = sum(tile_part)
            continue
        elif marker == 0x64 and size > 4:
            held = window.read(pos + 6, size - 4)
            if not _ENCODERS.fullmatch(held):
                is_text = window.read(pos + 4, 2) == b"\0\1"
                patches += _over(pos + 6, held, b" " if is_text else b"\0")
        pos += 2 + size


def _boxed(window: _Window) -> Iterator[Patch]:
    """Turn every box that is no picture into a free one (ISO/IEC 15444-1 I.4, 15444-2 M.11.16)."""
    pos = window.start
    for _ in range(_MOST_BOXES):
        head = window.read(pos, 16)
        if len(head) < 8:
            return
        size, kind, start = int.from_bytes(head[:4], "big"), head[4:8], 8
        if size == 1:
            size, start = int.from_bytes(head[8:16], "big"), 16
        if size == 0 or pos + size > window.end:
            size = window.end - pos
        if size < start:
            return
        if kind == b"jp2c":
            yield from _in_stream(_Window(window.source, pos + start, pos + size), None)[0]
        elif kind not in _BOXES:
            if kind != b"free":
                yield pos + 4, b"free"
            for at in range(pos + start, pos + size, _START):
                yield from _over(at, window.read(at, min(_START, pos + size - at)), b"\0")
        pos += size


def _behind(window: _Window, coded: int) -> Iterator[Patch]:
    """Blot out what stands behind the end of the image (EOI, EOC), a mark no coded pixel has."""
    end = window.read(max(coded, window.end - 16), 16).rstrip(b"\0\xff ")
    if end.endswith(_END):
        return
    start = max(coded, window.end - _TAIL)
    tail = window.read(start, _TAIL)
    at = tail.find(_END)
    if at >= 0:
        yield from _over(start + at + 2, tail[at + 2 :], b"\0")
