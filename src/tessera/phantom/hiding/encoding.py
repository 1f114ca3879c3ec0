"""Drafts become files: transfer syntaxes, group lengths, undefined lengths, preambles, tails.

Sources: PS3.5 sections 7.2, 7.5, A.4, A.5; PS3.10 section 7.1.
"""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset as DicomDataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import dcmwrite, write_dataset
from pydicom.uid import UID

from tessera.phantom.encode import (
    DEFLATED,
    EXPLICIT,
    IMPLEMENTATION_UID,
    IMPLICIT,
    JPEG_2000,
    JPEG_LS,
    RLE,
    Frame,
    compress,
)
from tessera.phantom.hiding.draft import Draft

BIG_ENDIAN = "1.2.840.10008.1.2.2"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
_ENCAPSULATED = frozenset((RLE, JPEG_2000, JPEG_LS, JPEG_BASELINE, JPEG_LOSSLESS))


def set_pixels(
    draft: Draft,
    frames: np.ndarray,
    *,
    bits_stored: int,
    photometric: str,
    syntax: str,
    comment: str = "",
) -> None:
    """Put pixels and the attributes that describe them into a draft, in a transfer syntax.

    Args:
        frames: (frame, row, column) or (frame, row, column, sample), 8 or 16 bit unsigned.
        bits_stored: of each sample.
        photometric: PhotometricInterpretation of `frames`; JPEG baseline makes it YBR_FULL_422.
        syntax: transfer syntax UID.
        comment: written as a JPEG comment segment (JPEG baseline only).
    """
    ds = draft.ds
    colour = frames.ndim == 4
    ds.SamplesPerPixel = 3 if colour else 1
    ds.PhotometricInterpretation = photometric
    ds.Rows, ds.Columns = frames.shape[1:3]
    ds.BitsAllocated = 8 * frames.dtype.itemsize
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = bits_stored, bits_stored - 1, 0
    if colour:
        ds.PlanarConfiguration = 0
    draft.syntax = syntax
    draft.drawn = frames
    if syntax not in _ENCAPSULATED:
        native = frames.byteswap() if syntax == BIG_ENDIAN and frames.itemsize == 2 else frames
        raw = native.tobytes()
        ds.PixelData = raw + b"\0" * (len(raw) % 2)
        ds["PixelData"].VR = "OB" if frames.itemsize == 1 and syntax != IMPLICIT else "OW"
        return
    if syntax == JPEG_BASELINE:
        ds.LossyImageCompression = "01"
        ds.LossyImageCompressionRatio = "8"
        ds.LossyImageCompressionMethod = "ISO_10918_1"
        if colour:
            ds.PhotometricInterpretation = "YBR_FULL_422"
        codes = [_jpeg(one, comment) for one in frames]
    elif syntax == JPEG_LOSSLESS:
        codes = [_jpeg_lossless(one, bits_stored) for one in frames]
    else:
        codes = [compress(Frame(np.ascontiguousarray(one), bits_stored), syntax) for one in frames]
    ds.PixelData = encapsulate(codes, has_bot=len(codes) > 1)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True


def _jpeg(frame: np.ndarray, comment: str) -> bytes:
    out = BytesIO()
    options = {"comment": comment.encode()} if comment else {}
    Image.fromarray(frame).save(out, "JPEG", quality=92, subsampling="4:2:2", **options)
    return out.getvalue()


def _jpeg_lossless(frame: np.ndarray, bits: int) -> bytes:
    """Process 14, selection value 1, by hand: one scan, predictor 1, one fixed Huffman table.

    Source: ISO/IEC 10918-1 annex H. (row, column) only.
    """
    rows, columns = frame.shape
    values = frame.astype(np.int64)
    predicted = np.empty_like(values)
    predicted[:, 1:] = values[:, :-1]
    predicted[1:, 0] = values[:-1, 0]
    predicted[0, 0] = 1 << (bits - 1)
    differences = (values - predicted).ravel()
    sizes = np.zeros(differences.size, np.int64)
    magnitude = np.abs(differences)
    for bit in range(17):
        sizes[magnitude >= (1 << bit)] = bit + 1
    # 17 categories: one code of 1 bit would do better, five bits each are simple and valid.
    extra = np.where(differences >= 0, differences, differences + (1 << sizes) - 1)
    words = (sizes << sizes) | np.where(sizes < 17, extra, 0)
    text = "".join(format(int(w), f"0{5 + int(s)}b") for w, s in zip(words, sizes, strict=True))
    text += "1" * (-len(text) % 8)
    scan = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\x00")
    table = bytes([0, *(0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), *range(17)])
    return b"".join(
        (
            b"\xff\xd8",
            b"\xff\xc3" + struct.pack(">HBHHBBBB", 11, bits, rows, columns, 1, 1, 0x11, 0),
            b"\xff\xc4" + struct.pack(">H", 2 + len(table)) + table,
            b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 1, 0, 0),
            scan,
            b"\xff\xd9",
        )
    )


def encoded(draft: Draft) -> bytes:
    """The finished file."""
    ds = draft.ds
    if draft.undefined_lengths:
        _undefined(ds)
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = UID(draft.syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = "TORTURE_1"
    for keyword, value in draft.meta.items():
        setattr(meta, keyword, value)
    ds.file_meta = meta
    ds.preamble = draft.preamble.ljust(128, b"\0")
    out = BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    raw = out.getvalue()
    if draft.group_lengths:
        raw = _with_group_lengths(raw, ds)
    return raw + draft.tail


def pixels_of(data: bytes) -> np.ndarray:
    """The decoded pixels of a file; colour as RGB."""
    pixels: np.ndarray = dcmread(BytesIO(data)).pixel_array
    return pixels


def deflated_tail(text: str) -> bytes:
    """Bytes that stand behind the end of a deflated data set and that no reader reports."""
    raw = text.encode()
    return raw + b"\0" * (len(raw) % 2)


def _undefined(ds: DicomDataset) -> None:
    for element in ds:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True
                _undefined(item)


def _with_group_lengths(raw: bytes, ds: DicomDataset) -> bytes:
    """The same file with (gggg,0000) before each group; explicit VR little endian only."""
    length = struct.unpack_from("<I", raw, 140)[0]
    head = raw[: 144 + length]
    groups: dict[int, DicomDataset] = {}
    for element in ds:
        groups.setdefault(element.tag.group, DicomDataset()).add(element)
    parts = [head]
    for group, content in groups.items():
        stream = DicomBytesIO()
        stream.is_little_endian, stream.is_implicit_VR = True, False
        write_dataset(stream, content, ds.get("SpecificCharacterSet", "ISO_IR 6"))
        body = stream.getvalue()
        parts.append(struct.pack("<HH2sHI", group, 0, b"UL", 4, len(body)) + body)
    return b"".join(parts)


def tiff_preamble(text: str) -> bytes:
    """A preamble that is a TIFF with `text` as its image description. Source: TIFF 6.0."""
    value = text.encode()[:88] + b"\0"
    entry = struct.pack("<HHII", 270, 2, len(value), 26)
    return b"II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0) + value


def deflate(data: bytes) -> bytes:
    """`data` in a zlib stream, as in PDF."""
    return zlib.compress(data, 6)


__all__ = [
    "BIG_ENDIAN",
    "DEFLATED",
    "EXPLICIT",
    "IMPLICIT",
    "JPEG_2000",
    "JPEG_BASELINE",
    "JPEG_LOSSLESS",
    "JPEG_LS",
    "RLE",
    "deflate",
    "deflated_tail",
    "encoded",
    "pixels_of",
    "set_pixels",
    "tiff_preamble",
]
