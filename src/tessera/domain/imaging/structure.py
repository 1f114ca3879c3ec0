"""How the pixel data of an instance is built, and where each frame lies. Pure; PS3.5 8 and A.4."""

from dataclasses import dataclass

from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import (
    IMPLICIT_LE,
    ITEM,
    NATIVE,
    PIXEL_DATA,
    SEQUENCE_END,
    FileMeta,
    Source,
    element_at,
    truncated,
)
from tessera.domain.imaging.header import Header
from tessera.domain.imaging.pixels import pixel_extent

STRUCTURE_TAGS = frozenset(
    int(tag, 16)
    for tag in """
    00280002 00280004 00280006 00280008 00280010 00280011 00280100 00280101 00280102 00280103
    00282110 7FE00001 7FE00002
    """.split()
)
MOST_FRAME_BYTES = 1 << 30
"""A frame larger than this is not decoded."""

Stretch = tuple[int, int]
"""Offset and length in the source."""


@dataclass(frozen=True, slots=True)
class PixelStructure:
    """What PS3.3 C.7.6.3 says of the pixels, and where their bytes are."""

    transfer_syntax_uid: str
    rows: int
    columns: int
    samples: int
    photometric: str
    planar: int
    """0: samples of a pixel together; 1: plane after plane."""
    allocated: int
    stored: int
    high_bit: int
    signed: bool
    frames: int
    element: Stretch
    """Of the whole pixel data element."""
    value: Stretch
    """Of its value: for encapsulated data from the offset table to and with the delimiter."""
    fragments: tuple[tuple[Stretch, ...], ...]
    """Of each frame, without item headers; empty for native data."""
    extended_offsets: bool
    """It has an Extended Offset Table."""

    @property
    def encapsulated(self) -> bool:
        return bool(self.fragments)

    @property
    def halved_chroma(self) -> bool:
        """Native YBR_FULL_422: two pixels share their chroma."""
        return not self.encapsulated and self.photometric in ("YBR_FULL_422", "YBR_PARTIAL_422")

    @property
    def frame_bytes(self) -> int:
        """Return the bytes of one frame as native data, without padding."""
        samples = 2 if self.halved_chroma else self.samples
        return self.rows * self.columns * samples * self.allocated // 8

    def frame_stretch(self, frame: int) -> Stretch:
        """Return where a native frame lies."""
        return self.value[0] + frame * self.frame_bytes, self.frame_bytes


def pixel_structure(source: Source, meta: FileMeta, header: Header) -> PixelStructure | None:
    """Return how the pixels are built; None for an instance without pixel data.

    `header` has STRUCTURE_TAGS. Raises InvalidDicom when the description contradicts itself
    or the bytes, or is of a kind that has no integer pixels.
    """
    if not header.pixel_offset:
        return None
    explicit = meta.transfer_syntax_uid != IMPLICIT_LE
    begin = header.pixel_offset - (12 if explicit else 8)
    head = source.read(begin, 12)
    if element_at(head, 0, len(head), explicit=explicit)[0] != PIXEL_DATA:
        raise _wrong("its pixels are no integers", "(7FE0,0010)")
    element, value = pixel_extent(source, begin, explicit=explicit)
    rows, columns = header.short(0x00280010) or 0, header.short(0x00280011) or 0
    allocated = header.short(0x00280100) or 0
    frames = header.whole(0x00280008)
    if rows < 1 or columns < 1:
        raise _wrong("Rows or Columns is absent or 0", "(0028,0010)")
    if allocated not in (8, 16, 32):
        raise _wrong("Bits Allocated is none of 8, 16 and 32", "(0028,0100)")
    stored = header.short(0x00280101) or allocated
    high = header.short(0x00280102)
    samples = header.short(0x00280002) or 1
    if stored > allocated or samples not in (1, 3):
        raise _wrong("Bits Stored or Samples per Pixel cannot be", "(0028,0101)")
    encapsulated = header.encapsulated
    if encapsulated == (meta.transfer_syntax_uid in NATIVE):
        raise _wrong("its transfer syntax and its pixel data contradict each other", "(7FE0,0010)")
    n_frames = 1 if frames is None or frames < 1 else frames
    fragments = (
        _frames(source, value, n_frames, header.values.get(0x7FE00001, b"")) if encapsulated else ()
    )
    built = PixelStructure(
        transfer_syntax_uid=meta.transfer_syntax_uid,
        rows=rows,
        columns=columns,
        samples=samples,
        photometric=header.first(0x00280004).upper(),
        planar=header.short(0x00280006) or 0,
        allocated=allocated,
        stored=stored,
        high_bit=stored - 1 if high is None or high >= allocated or high < stored - 1 else high,
        signed=bool(header.short(0x00280103)),
        frames=n_frames,
        element=element,
        value=value,
        fragments=fragments,
        extended_offsets=bool(header.values.get(0x7FE00001)),
    )
    if built.frame_bytes > MOST_FRAME_BYTES:
        raise _wrong("a frame is larger than 1 GB", "(0028,0010)")
    if not encapsulated and built.frame_bytes * n_frames > value[1]:
        raise truncated(PIXEL_DATA)
    return built


def _frames(
    source: Source, value: Stretch, n_frames: int, extended: bytes
) -> tuple[tuple[Stretch, ...], ...]:
    """Group the fragments by frame: one each, by an offset table, or by where streams begin."""
    items = _items(source, *value)
    table, items = items[0], items[1:]
    if not items:
        raise _wrong("the pixel data has no fragment", "(7FE0,0010)")
    if n_frames == 1:
        return (tuple(items),)
    if len(items) == n_frames:
        return tuple((item,) for item in items)
    starts: set[int] = set()
    if extended:
        starts = _whole_numbers(extended, 8)
    elif table[1]:
        starts = _whole_numbers(source.read(*table), 4)
    first = items[0][0] - 8
    if not starts:
        begins = (b"\xff\xd8", b"\xff\x4f")
        starts = {item[0] - 8 - first for item in items if source.read(item[0], 2) in begins}
    frames: list[list[Stretch]] = []
    for item in items:
        if item[0] - 8 - first in starts:
            frames.append([])
        if frames:
            frames[-1].append(item)
    if len(frames) != n_frames:
        raise _wrong("its fragments cannot be told apart by frame", "(7FE0,0010)")
    return tuple(tuple(frame) for frame in frames)


def _items(source: Source, offset: int, length: int) -> list[Stretch]:
    items, pos, end = [], offset, offset + length
    while pos < end:
        head = source.read(pos, 8)
        tag, _, _, size = element_at(head, 0, len(head), explicit=False)
        if tag == SEQUENCE_END:
            break
        if tag != ITEM:
            raise _wrong("the pixel data is not a list of fragments", "(7FE0,0010)")
        items.append((pos + 8, size))
        pos += 8 + size
    if not items:
        raise _wrong("the pixel data has no offset table", "(7FE0,0010)")
    return items


def _whole_numbers(raw: bytes, size: int) -> set[int]:
    last = len(raw) - size + 1
    return {int.from_bytes(raw[at : at + size], "little") for at in range(0, last, size)}


def _wrong(words: str, element: str) -> InvalidDicom:
    return InvalidDicom("damaged", words, element=element, mend="correct it at the sender")
