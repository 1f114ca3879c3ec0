"""Read a tool's outputs with pydicom: which instance a file is, and its elements as texts."""

import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset as DicomDataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as DicomSequence

from tessera.domain.evaluation.byte_search import pixel_region

_DEFLATED = "1.2.840.10008.1.2.1.99"
_BULK = frozenset((0x7FE00010, 0x7FE00008, 0x7FE00009, 0x00020001))
_LONGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Output:
    """One output file, read whole."""

    path: Path
    data: bytes = field(repr=False)
    dataset: DicomDataset = field(repr=False)
    values: dict[str, str] = field(repr=False)
    faults: tuple[str, ...] = ()
    """Codes of what pydicom had to forgive."""

    @property
    def syntax(self) -> str:
        return str(self.dataset.file_meta.get("TransferSyntaxUID", ""))

    def searched(self) -> Iterator[tuple[bytes, tuple[int, int]]]:
        """Yield (bytes, where pixels are) of the file and of what is packed in it."""
        pixels = self.dataset.get("PixelData", b"") if "PixelData" in self.dataset else b""
        yield self.data, pixel_region(self.data, len(pixels or b""))
        if self.syntax == _DEFLATED:
            start = 144 + int.from_bytes(self.data[140:144], "little")
            inflated = _inflated(self.data[start:], -zlib.MAX_WBITS)
            yield inflated, pixel_region(inflated, len(pixels or b""))
        document = self.dataset.get("EncapsulatedDocument")
        if isinstance(document, bytes):
            yield from ((stream, (0, 0)) for stream in _pdf_streams(document))


def uid_of(path: Path) -> str | None:
    """Return the SOP Instance UID of the data set; None for what is no DICOM file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ds = pydicom.dcmread(
                path, stop_before_pixels=True, specific_tags=["SOPInstanceUID"], force=True
            )
            return str(ds.SOPInstanceUID).strip() or None
    except Exception:
        return None


def read_output(path: Path) -> Output:
    """Read a file. Raises what pydicom raises on what it cannot read."""
    data = path.read_bytes()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        ds = pydicom.dcmread(BytesIO(data), force=True)
        values: dict[str, str] = {}
        flatten(ds.file_meta, values)
        flatten(ds, values)
    faults = {"invalid-value" for one in said if "Invalid value" in str(one.message)}
    if data[128:132] != b"DICM":
        faults.add("no-prefix")
    return Output(path, data, ds, values, tuple(sorted(faults)))


def flatten(ds: DicomDataset, values: dict[str, str], above: str = "") -> None:
    """Fill `values` with path → text for each element, at every depth."""
    for element in ds:
        path = f"{above}<{label(ds, element)}>"
        values[path] = _text(element)
        if isinstance(element.value, DicomSequence):
            for number, item in enumerate(element.value):
                flatten(item, values, f"{path}[<{number:04d}>]")


def label(ds: DicomDataset, element: DataElement) -> str:
    """Return `(GGGG,EEEE)`, or `(GGGG,"CREATOR",EE)` for a private element with a creator."""
    tag = element.tag
    creator = element.private_creator if tag.is_private else None
    if tag.is_private and not creator and tag.element > 0xFF:
        # pydicom forgets the creator of a sequence of undefined length in implicit VR.
        reserved = ds.get((tag.group, tag.element >> 8))
        creator = reserved.value if reserved is not None else None
    if creator:
        return f'({tag.group:04X},"{str(creator).strip().upper()}",{tag.element & 0xFF:02X})'
    return f"({tag.group:04X},{tag.element:04X})"


def _text(element: DataElement) -> str:
    value: Any = element.value
    if int(element.tag) in _BULK:
        return "REMOVED"
    if value is None or isinstance(value, DicomSequence):
        return "" if not value else f"{len(value)} items"
    if isinstance(value, bytes):
        cut = value[:_LONGEST]
        try:
            return cut.decode("utf-8").strip("\x00 ")
        except UnicodeDecodeError:
            return cut.decode("latin-1").strip("\x00 ")
    if isinstance(value, MultiValue | list | tuple):
        return "\\".join(_one(part) for part in value).strip()
    return _one(value).strip()


def _one(value: Any) -> str:
    written = getattr(value, "original_string", None)  # bytes for a PersonName
    return written if isinstance(written, str) and written else str(value)


def _inflated(data: bytes, bits: int) -> bytes:
    try:
        return zlib.decompressobj(bits).decompress(data, 1 << 29)
    except zlib.error:
        return b""


def _pdf_streams(data: bytes) -> Iterator[bytes]:
    at = data.find(b"stream")
    while at >= 0:
        start = at + 6 + (2 if data[at + 6 : at + 8] == b"\r\n" else 1)
        content = _inflated(data[start:], zlib.MAX_WBITS)
        if content:
            yield content
        at = data.find(b"stream", max(start, data.find(b"endstream", start) + 9))
