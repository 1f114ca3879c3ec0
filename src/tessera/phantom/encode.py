"""Fast writing of many instances that share a header: encode it once, patch what varies.

A pydicom data set is written element by element once per series; each instance
then costs a merge of encoded elements and its pixels. Source: PS3.5 sections
7.1, 8.2, A.4; PS3.10 section 7.1.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO

import jpeg_ls
import numpy as np
import openjpeg.utils
import rle.utils
from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset as DicomDataset
from pydicom.filebase import DicomIO
from pydicom.filewriter import write_data_element

from tessera.domain.errors import InvalidInput

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
RLE = "1.2.840.10008.1.2.5"
SYNTAXES = (EXPLICIT, IMPLICIT, DEFLATED, JPEG_2000, JPEG_LS, RLE)
COMPRESSED = frozenset({JPEG_LS, JPEG_2000, RLE})
_LONG = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UC", "UN", "UR", "UT", "SV", "UV"))
"""Value representations with a 32-bit length in explicit form. Source: PS3.5 table 7.1-1."""
_UNDEFINED = 0xFFFFFFFF
_ITEM = b"\xfe\xff\x00\xe0"
_END_OF_SEQUENCE = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
IMPLEMENTATION_UID = "2.25.196532904578130127093561829147530914253"


@dataclass(frozen=True, slots=True)
class Element:
    """One element whose value differs between the instances of a series, value encoded."""

    tag: int
    vr: str
    value: bytes


def text(tag: int, vr: str, value: str) -> Element:
    """An element of ASCII text, padded to even length (UI with a null, others with a space)."""
    raw = value.encode("ascii")
    if len(raw) % 2:
        raw += b"\0" if vr == "UI" else b" "
    return Element(tag, vr, raw)


def decimals(tag: int, values: Iterable[float]) -> Element:
    """A DS element; 16 characters at most per value."""
    return text(tag, "DS", "\\".join(f"{v:.6g}" for v in values))


def unsigned(tag: int, value: int) -> Element:
    return Element(tag, "US", struct.pack("<H", value))


def double(tag: int, *values: float) -> Element:
    return Element(tag, "FD", struct.pack(f"<{len(values)}d", *values))


@dataclass(frozen=True, slots=True)
class Frame:
    """Stored pixels of one frame: (row, column) or (row, column, sample), 8 or 16 bits."""

    pixels: np.ndarray
    bits_stored: int


class InstanceWriter:
    """Writes the instances of one series: `header` is what they share."""

    def __init__(self, header: DicomDataset, *, transfer_syntax: str, charset: str) -> None:
        self._syntax = transfer_syntax
        self._implicit = transfer_syntax == IMPLICIT
        encodings = convert_encodings(charset or "ISO_IR 6")
        self._shared: list[tuple[int, bytes]] = []
        for element in header:
            raw = BytesIO()
            stream = DicomIO(raw)
            stream.is_little_endian = True
            stream.is_implicit_VR = self._implicit
            write_data_element(stream, element, encodings)
            self._shared.append((int(element.tag), raw.getvalue()))

    def write(
        self,
        sop_class: str,
        instance_uid: str,
        varying: Iterable[Element] = (),
        frame: Frame | None = None,
    ) -> bytes:
        """A complete Part 10 file. A varying element takes the place of a shared one."""
        elements = dict(self._shared)
        for element in (
            text(0x00080016, "UI", sop_class),
            text(0x00080018, "UI", instance_uid),
            *varying,
        ):
            elements[element.tag] = self._encoded(element)
        if frame is not None:
            elements[0x7FE00010] = self._pixels(frame)
        body = b"".join(elements[tag] for tag in sorted(elements))
        if self._syntax == DEFLATED:
            packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
            body = packer.compress(body) + packer.flush()
            body += b"\0" * (len(body) % 2)
        return file_meta(sop_class, instance_uid, self._syntax) + body

    def _encoded(self, element: Element) -> bytes:
        head = struct.pack("<HH", element.tag >> 16, element.tag & 0xFFFF)
        if self._implicit:
            return head + struct.pack("<I", len(element.value)) + element.value
        return head + _explicit_length(element.vr, len(element.value)) + element.value

    def _pixels(self, frame: Frame) -> bytes:
        eight = frame.pixels.dtype.itemsize == 1
        if self._syntax not in COMPRESSED:
            raw = frame.pixels.tobytes()
            raw += b"\0" * (len(raw) % 2)
            return self._encoded(Element(0x7FE00010, "OB" if eight else "OW", raw))
        code = compress(frame, self._syntax)
        code += b"\0" * (len(code) % 2)
        return b"".join(
            (
                struct.pack("<HH", 0x7FE0, 0x0010) + _explicit_length("OB", _UNDEFINED),
                _ITEM + struct.pack("<II", 4, 0),
                _ITEM + struct.pack("<I", len(code)) + code,
                _END_OF_SEQUENCE,
            )
        )


def compress(frame: Frame, transfer_syntax: str) -> bytes:
    """The frame in a lossless code. Source: PS3.5 annexes A.4.2 to A.4.4 and G.

    Raises:
        InvalidInput: `transfer_syntax` is none of those written here.
    """
    pixels = frame.pixels
    layout = {
        "rows": pixels.shape[0],
        "columns": pixels.shape[1],
        "samples_per_pixel": pixels.shape[2] if pixels.ndim == 3 else 1,
        "bits_allocated": 8 * pixels.dtype.itemsize,
        "bits_stored": frame.bits_stored,
        "pixel_representation": 0,
        "planar_configuration": 0,
        "photometric_interpretation": "RGB" if pixels.ndim == 3 else "MONOCHROME2",
    }
    raw = pixels.tobytes()
    if transfer_syntax == JPEG_LS:
        return bytes(jpeg_ls.encode_pixel_data(raw, **layout))
    if transfer_syntax == JPEG_2000:
        return bytes(openjpeg.utils.encode_pixel_data(raw, use_mct=False, **layout))
    if transfer_syntax == RLE:
        return bytes(rle.utils.encode_pixel_data(raw, byteorder="<", **layout))
    raise InvalidInput(f"the phantom writes no pixels in {transfer_syntax}")


def file_meta(sop_class: str, instance_uid: str, transfer_syntax: str) -> bytes:
    """Preamble, prefix and file meta information. Source: PS3.10 section 7.1."""
    group = b"".join(
        struct.pack("<HH", 2, element) + _explicit_length(item.vr, len(item.value)) + item.value
        for element, item in (
            (0x01, Element(0x00020001, "OB", b"\0\1")),
            (0x02, text(0x00020002, "UI", sop_class)),
            (0x03, text(0x00020003, "UI", instance_uid)),
            (0x10, text(0x00020010, "UI", transfer_syntax)),
            (0x12, text(0x00020012, "UI", IMPLEMENTATION_UID)),
            (0x13, text(0x00020013, "SH", "TESSERA_PHANTOM")),
        )
    )
    return b"\0" * 128 + b"DICM\2\0\0\0UL\4\0" + struct.pack("<I", len(group)) + group


def _explicit_length(vr: str, length: int) -> bytes:
    if vr in _LONG:
        return vr.encode() + b"\0\0" + struct.pack("<I", length)
    return vr.encode() + struct.pack("<H", length)
