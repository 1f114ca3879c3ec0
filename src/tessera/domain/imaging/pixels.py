"""Where pixel data lies in a file. Pure; nothing of it is read but the fragment headers."""

from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import (
    ITEM,
    SEQUENCE_END,
    UNDEFINED,
    Source,
    element_at,
    truncated,
)


def pixel_extent(
    source: Source, offset: int, *, explicit: bool
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (offset, length) of the element at `offset`, and of its value.

    Encapsulated pixel data is followed fragment by fragment to its delimiter (PS3.5 A.4).
    Raises InvalidDicom when it does not end inside the file.
    """
    header = source.read(offset, 12)
    tag, _, start, length = element_at(header, 0, len(header), explicit=explicit)
    value = offset + start
    if length != UNDEFINED:
        if value + length > source.size:
            raise truncated(tag)
        return (offset, start + length), (value, length)
    pos = value
    while True:
        fragment = source.read(pos, 8)
        if len(fragment) < 8:
            raise truncated(tag)
        name, _, _, size = element_at(fragment, 0, 8, explicit=False)
        pos += 8
        if name == SEQUENCE_END:
            break
        if name != ITEM or pos + size > source.size:
            raise truncated(tag) if name == ITEM else _broken_fragments()
        pos += size
    return (offset, pos - offset), (value, pos - value)


def _broken_fragments() -> InvalidDicom:
    return InvalidDicom(
        "damaged",
        "the encapsulated pixel data is not a list of fragments",
        element="(7FE0,0010)",
        mend="send it again from its source",
    )


_JPEG = "1.2.840.10008.1.2.4."
_START = 4096
_CODED = frozenset((0xDA, 0x90, 0x93))
"""Markers after which coded pixels follow: SOS of JPEG and JPEG-LS, SOT and SOD of JPEG 2000."""
_TEXTS = frozenset((0xFE, 0x64, *range(0xE0, 0xF0)))
"""Comments (COM) of JPEG and JPEG 2000, and application segments."""


def comments(source: Source, offset: int, length: int, transfer_syntax_uid: str) -> bytes:
    """Return what the encoders of JPEG frames wrote beside the pixels, joined by line ends.

    `offset` and `length` are those of the encapsulated value. Only the first 4,096 bytes of a
    frame are looked at; its markers come before its pixels (ISO/IEC 10918-1 B.2, 15444-1 A.2).
    """
    if not transfer_syntax_uid.startswith(_JPEG):
        return b""
    found: list[bytes] = []
    pos, end = offset, offset + length
    while pos + 8 <= end:
        tag, _, _, size = element_at(source.read(pos, 8), 0, 8, explicit=False)
        if tag != ITEM:
            break
        pos += 8
        found += _segments(source.read(pos, min(size, _START)))
        pos += size
    return b"\n".join(found)


def _segments(frame: bytes) -> list[bytes]:
    found: list[bytes] = []
    pos = 2
    if frame[:2] not in (b"\xff\xd8", b"\xff\x4f"):
        return found
    while pos + 4 <= len(frame) and frame[pos] == 0xFF and frame[pos + 1] not in _CODED:
        size = int.from_bytes(frame[pos + 2 : pos + 4], "big")
        if frame[pos + 1] in _TEXTS:
            found.append(frame[pos + 4 : pos + 2 + size])
        pos += 2 + max(2, size)
    return found
