"""The DICOM byte encoding, as far as finding elements needs it. Pure; PS3.5 section 7, PS3.10.

Nothing here decodes a value it is not asked for: an element is a tag, a VR, and where
its value lies. Undefined lengths are followed to their delimiters.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final, Protocol

from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.dictionary import DICTIONARY_VM as DICTIONARY_VM
from tessera.domain.imaging.dictionary import DICTIONARY_VR as DICTIONARY_VR
from tessera.domain.imaging.dictionary import TRANSFER_SYNTAXES

UNDEFINED: Final = 0xFFFFFFFF
ITEM: Final = 0xFFFEE000
ITEM_END: Final = 0xFFFEE00D
SEQUENCE_END: Final = 0xFFFEE0DD
PIXEL_DATA: Final = 0x7FE00010
PIXEL_TAGS: Final = frozenset({PIXEL_DATA, 0x7FE00008, 0x7FE00009})
"""PixelData, FloatPixelData, DoubleFloatPixelData."""
MAX_DEPTH: Final = 32
"""Sequences nested deeper than this are refused; real objects stay under 12."""

IMPLICIT_LE: Final = "1.2.840.10008.1.2"
EXPLICIT_LE: Final = "1.2.840.10008.1.2.1"
DEFLATED_LE: Final = "1.2.840.10008.1.2.1.99"
EXPLICIT_BE: Final = "1.2.840.10008.1.2.2"
NATIVE: Final = frozenset({IMPLICIT_LE, EXPLICIT_LE, DEFLATED_LE, EXPLICIT_BE})
"""Transfer syntaxes whose pixel data is not encapsulated."""

LONG_VRS: Final = frozenset(b"OB OW OF OD OL OV UN SQ UT UC UR SV UV".split())
"""VRs with a 32-bit length in explicit VR (PS3.5 table 7.1-1)."""
SHORT_VRS: Final = frozenset(
    b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split()
)

_UI: Final = int.from_bytes(b"UI", "little")
SHORT, LONG = 1, 2
KINDS: Final = bytearray(1 << 16)
"""VR as a little-endian number → SHORT or LONG as its length is written; 0 for what is no VR."""
for _vr in SHORT_VRS:
    KINDS[int.from_bytes(_vr, "little")] = SHORT
for _vr in LONG_VRS:
    KINDS[int.from_bytes(_vr, "little")] = LONG
ELEMENT: Final = Struct("<IHH")
"""Tag as a little-endian word (element, then group), VR as a number, short length."""
SHORT_HEADER: Final = Struct("<HH2sH")
LONG_LENGTH: Final = Struct("<I")
IMPLICIT_HEADER: Final = Struct("<HHI")

_FIRST_LITTLE = frozenset((b"\x08\x00\x00", b"\x02\x00\x00"))
_FIRST_BIG = frozenset((b"\x00\x08\x00", b"\x00\x02\x00"))
"""How a data set without preamble can begin: group 0002 or 0008, a low element number."""


class Source(Protocol):
    """Random access to the bytes of one instance."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`; fewer only at the end."""
        ...


class BytesSource:
    """A Source over bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


class WindowTooShort(Exception):
    """More bytes are needed to finish the present element."""


class OddEncoding(Exception):
    """Legal or half-legal encoding that the byte parser does not take on itself."""


def text_of(tag: int) -> str:
    """Return a tag as the standard writes it."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


@dataclass(frozen=True, slots=True)
class FileMeta:
    """File meta information (PS3.10 7.1) that the pipeline needs."""

    transfer_syntax_uid: str
    sop_class_uid: str
    instance_uid: str
    dataset_offset: int
    """Where the data set starts in the file."""


def read_file_meta(source: Source) -> FileMeta:
    """Parse the preamble and group 0002.

    Raises InvalidDicom ("empty", "not-dicom", "truncated"), and OddEncoding when there is
    no preamble or no transfer syntax but the bytes may still be a data set.
    """
    if source.size == 0:
        raise InvalidDicom("empty", "the file has no bytes", mend="send it again from its source")
    head = source.read(0, 4096)
    if head[128:132] != b"DICM":
        if len(head) >= 8 and head[:2] + head[3:4] in _FIRST_LITTLE:
            raise OddEncoding
        if len(head) >= 8 and head[:3] in _FIRST_BIG:
            raise OddEncoding
        if head[:4] == b"PK\x03\x04":
            raise InvalidDicom(
                "archive",
                "it is a zip that is damaged, or one inside another",
                mend="unpack it and take in the folder",
            )
        raise InvalidDicom("not-dicom", "this is not a DICOM file", mend="leave it out")
    found: dict[int, str] = {}
    pos, size = 132, source.size
    while True:
        if pos + 12 > len(head):
            if len(head) >= min(size, 1 << 20):
                break
            head = source.read(0, 1 << 20)
        if pos + 8 > len(head):
            break
        word, vr, length = ELEMENT.unpack_from(head, pos)
        if word & 0xFFFF != 2:
            break
        start, kind = pos + 8, KINDS[vr]
        if kind == LONG:
            if start + 4 > len(head):
                raise OddEncoding
            (length,) = LONG_LENGTH.unpack_from(head, pos + 8)
            start = pos + 12
        elif kind != SHORT:
            raise OddEncoding
        if start + length > size:
            raise InvalidDicom(
                "truncated",
                "the file ends inside its meta information",
                element=text_of(2 << 16 | word >> 16),
                mend="send it again from its source",
            )
        if vr == _UI:
            uid = head[start : start + length].rstrip(b"\0 ")
            found[word >> 16] = uid.decode("ascii", "replace")
        pos = start + length
    if not found.get(0x0010):
        raise OddEncoding
    if found[0x0010] not in TRANSFER_SYNTAXES:
        raise InvalidDicom(
            "unreadable",
            "its transfer syntax is none of the standard's",
            element="(0002,0010)",
            mend="convert it to Explicit VR Little Endian at the sender",
        )
    return FileMeta(found[0x0010], found.get(0x0002, ""), found.get(0x0003, ""), pos)


def skip_undefined(buf: bytes, pos: int, end: int, *, explicit: bool, depth: int = 1) -> int:
    """Return the position after the delimiter of an undefined-length sequence.

    `pos` is at its first item. Raises WindowTooShort when `buf` ends first.
    """
    while True:
        tag, length = _item_header(buf, pos, end)
        pos += 8
        if tag == SEQUENCE_END:
            return pos
        if length == UNDEFINED:
            pos = _skip_item(buf, pos, end, explicit=explicit, depth=depth)
        else:
            pos += length
            if pos > end:
                raise WindowTooShort


def _item_header(buf: bytes, pos: int, end: int) -> tuple[int, int]:
    if pos + 8 > end:
        raise WindowTooShort
    group, element, length = IMPLICIT_HEADER.unpack_from(buf, pos)
    tag = group << 16 | element
    if tag not in (ITEM, SEQUENCE_END):
        raise OddEncoding
    return tag, length


def _skip_item(buf: bytes, pos: int, end: int, *, explicit: bool, depth: int) -> int:
    if depth > MAX_DEPTH:
        raise too_deep()
    while True:
        tag, vr, start, length = element_at(buf, pos, end, explicit=explicit)
        if tag == ITEM_END:
            return start
        if length == UNDEFINED:
            inner = explicit and vr != b"UN"
            pos = skip_undefined(buf, start, end, explicit=inner, depth=depth + 1)
        else:
            pos = start + length
            if pos > end:
                raise WindowTooShort


def element_at(buf: bytes, pos: int, end: int, *, explicit: bool) -> tuple[int, bytes, int, int]:
    """Return (tag, VR, start of value, length) of the element at `pos`.

    Delimiters have an empty VR. Raises WindowTooShort, and OddEncoding for unknown VRs.
    """
    if pos + 8 > end:
        raise WindowTooShort
    if not explicit:
        group, element, length = IMPLICIT_HEADER.unpack_from(buf, pos)
        tag = group << 16 | element
        vr = DICTIONARY_VR.get(tag, b"UN" if group != 0xFFFE else b"")
        return tag, vr, pos + 8, length
    group, element, vr, length = SHORT_HEADER.unpack_from(buf, pos)
    tag = group << 16 | element
    if vr in SHORT_VRS:
        return tag, vr, pos + 8, length
    if vr in LONG_VRS:
        if pos + 12 > end:
            raise WindowTooShort
        (length,) = LONG_LENGTH.unpack_from(buf, pos + 8)
        return tag, vr, pos + 12, length
    if group == 0xFFFE:
        (length,) = LONG_LENGTH.unpack_from(buf, pos + 4)
        return tag, b"", pos + 8, length
    raise OddEncoding


def value_ahead(buf: bytes, pos: int, end: int, wanted: int, *, explicit: bool) -> bytes:
    """Return the value of the element at `pos` if it is the wanted one, else nothing."""
    try:
        tag, _, start, length = element_at(buf, pos, end, explicit=explicit)
    except (WindowTooShort, OddEncoding):
        return b""
    if tag != wanted or start + length > end:
        return b""
    return buf[start : start + length].strip(b" \0")


def too_deep() -> InvalidDicom:
    """Return the refusal for nesting beyond MAX_DEPTH."""
    return InvalidDicom(
        "too-deep", f"sequences are nested more than {MAX_DEPTH} deep", mend="check the sender"
    )


def truncated(tag: int) -> InvalidDicom:
    """Return the refusal for a value that claims more bytes than the file has."""
    return InvalidDicom(
        "truncated",
        "the file ends before the value does",
        element=text_of(tag),
        mend="send it again from its source",
    )
