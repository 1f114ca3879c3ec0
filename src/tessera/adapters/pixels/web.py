"""WebPixels over files: header, bulk values, frames and pictures of one instance."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np

from tessera.adapters.files.dicom_source import FileSource, dataset_source, normalised, opened
from tessera.adapters.pixels.codec import Frames, native_bytes, quiet
from tessera.adapters.pixels.views import (
    PALETTE_TAGS,
    Picture8,
    for_eyes,
    palette_of,
    stored_values,
    views,
)
from tessera.domain.dicomweb.refusals import NotAcceptable
from tessera.domain.errors import InvalidDicom, NotFound
from tessera.domain.imaging.dicom_json import Described, Describer
from tessera.domain.imaging.encoding import (
    EXPLICIT_LE,
    IMPLICIT_LE,
    ITEM,
    NATIVE,
    UNDEFINED,
    FileMeta,
    OddEncoding,
    Source,
    WindowTooShort,
    element_at,
    skip_undefined,
)
from tessera.domain.imaging.header import Header, scan
from tessera.domain.imaging.structure import STRUCTURE_TAGS, PixelStructure, pixel_structure
from tessera.ports.pixel_codec import NotDecoded
from tessera.ports.web_pixels import Body, FileSlice, Look, StoredFrames

_CENTER, _WIDTH, _SLOPE, _INTERCEPT = 0x00281050, 0x00281051, 0x00281053, 0x00281052
_WANTED: Final = STRUCTURE_TAGS | PALETTE_TAGS | {_CENTER, _WIDTH, _SLOPE, _INTERCEPT}
_LARGEST_HEADER: Final = 512 << 20
_LARGEST_DECODED: Final = 1 << 30


class FolderWebPixels:
    """One for each thread that describes: it remembers elements."""

    def __init__(self) -> None:
        self._describer = Describer()
        self._frames = Frames()

    def describe(self, path: Path) -> Described:
        with _instance(path) as (_, source, meta):
            return self._describer.describe(source, meta)

    def bulk(self, path: Path, place: str) -> Body:
        with _instance(path) as (file, source, meta):
            offset, length = _located(source, meta, place)
            if source is file:
                return FileSlice(path, offset, length)
            return source.read(offset, length)

    def frames(self, path: Path, numbers: Sequence[int]) -> StoredFrames:
        with _instance(path) as (file, source, meta):
            _, structure = _structure(source, meta)
            wanted = _checked(numbers, structure)

            def body(offset: int, length: int) -> Body:
                if source is file:
                    return FileSlice(path, offset, length)
                return source.read(offset, length)

            made: list[tuple[Body, ...]] = []
            for number in wanted:
                if structure.encapsulated:
                    pieces = structure.fragments[number - 1]
                    made.append(tuple(body(*piece) for piece in pieces))
                elif structure.frame_bytes * 8 != _bits(structure):
                    raise NotAcceptable("frames that do not begin at a byte")
                else:
                    made.append((body(*structure.frame_stretch(number - 1)),))
            syntax = EXPLICIT_LE if meta.transfer_syntax_uid in NATIVE else meta.transfer_syntax_uid
            return StoredFrames(syntax, tuple(made), not structure.encapsulated)

    def native(self, path: Path, number: int) -> bytes:
        with _instance(path) as (_, source, meta):
            _, structure = _structure(source, meta)
            _checked([number], structure)
            if not structure.encapsulated:
                return source.read(*structure.frame_stretch(number - 1))
            try:
                frame, _photometric = self._frames.decode(source, structure, number - 1)
            except NotDecoded as err:
                raise NotAcceptable("no decoder here reads this transfer syntax") from err
            return native_bytes(frame, structure)

    def transcoded(self, path: Path) -> bytes:
        import pydicom

        with _instance(path) as (_, source, meta):
            pixels = self._decoded(source, meta)
        out = BytesIO()
        with quiet():
            ds = pydicom.dcmread(path)
            if pixels is not None:
                data, ds.PhotometricInterpretation, samples = pixels
                if samples > 1:
                    ds.PlanarConfiguration = 0
                for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
                    if keyword in ds:
                        delattr(ds, keyword)
                del ds["PixelData"]  # it says that its length is undefined
                ds.add_new(0x7FE00010, "OB" if ds.BitsAllocated == 8 else "OW", data)
            ds.file_meta.TransferSyntaxUID = pydicom.uid.UID(EXPLICIT_LE)
            pydicom.dcmwrite(
                out, ds, implicit_vr=False, little_endian=True, enforce_file_format=True
            )
        return out.getvalue()

    def _decoded(self, source: Source, meta: FileMeta) -> tuple[bytes, str, int] | None:
        """Return all frames, decoded; None when they are not compressed."""
        if meta.transfer_syntax_uid in NATIVE:
            return None
        _, structure = _structure(source, meta)
        if structure.frames * structure.frame_bytes > _LARGEST_DECODED:
            raise NotAcceptable("too much to decode at once: ask for frames")
        made = []
        photometric = structure.photometric
        try:
            for number in range(structure.frames):
                frame, photometric = self._frames.decode(source, structure, number)
                made.append(native_bytes(frame, structure))
        except NotDecoded as err:
            raise NotAcceptable("no decoder here reads this transfer syntax") from err
        data = b"".join(made)
        return data + b"\0" * (len(data) % 2), photometric, structure.samples

    def rendered(self, path: Path, number: int, look: Look) -> bytes:
        with _instance(path) as (_, source, meta):
            header, structure = _structure(source, meta)
            _checked([number], structure)
            try:
                frame, photometric = self._frames.decode(source, structure, number - 1)
            except (NotDecoded, ValueError) as err:
                raise NotAcceptable("no decoder here reads this transfer syntax") from err
        if structure.samples == 1 and photometric.startswith("MONOCHROME"):
            picture = _windowed(stored_values(frame, structure), header, look)
        else:
            palette = palette_of(header) if photometric == "PALETTE COLOR" else None
            picture = views(frame, photometric, structure, palette)[0]
        return _encoded(for_eyes(picture, photometric), look)


@contextmanager
def _instance(path: Path) -> Iterator[tuple[FileSource, Source, FileMeta]]:
    with opened(path) as file:
        try:
            source, meta = dataset_source(file)
        except OddEncoding:
            source, meta = normalised(file)
        yield file, source, meta


def _structure(source: Source, meta: FileMeta) -> tuple[Header, PixelStructure]:
    header = scan(source, meta, _WANTED)
    structure = pixel_structure(source, meta, header)
    if structure is None:
        raise NotFound("this instance has no frames")
    return header, structure


def _checked(numbers: Sequence[int], structure: PixelStructure) -> Sequence[int]:
    if any(not 1 <= number <= structure.frames for number in numbers):
        raise NotFound("there is no such frame")
    return numbers or range(1, structure.frames + 1)


def _bits(structure: PixelStructure) -> int:
    samples = 2 if structure.halved_chroma else structure.samples
    return structure.rows * structure.columns * samples * structure.allocated


def _located(source: Source, meta: FileMeta, place: str) -> tuple[int, int]:
    """Return where a bulk value lies in the source: "TAG" or "TAG/item/TAG/…"."""
    try:
        steps = [int(s, 16) if n % 2 == 0 else int(s) for n, s in enumerate(place.split("/"))]
    except ValueError as err:
        raise NotFound("there is no such value") from err
    explicit = meta.transfer_syntax_uid != IMPLICIT_LE
    pos, end = meta.dataset_offset, source.size
    for n in range(0, len(steps), 2):
        start, length, explicit = _element(source, pos, end, steps[n], explicit=explicit)
        if n + 1 == len(steps):
            if length == UNDEFINED:
                raise NotFound("there is no such value")
            return start, length
        pos, end = _item(source, start, length, steps[n + 1], end, explicit=explicit)
    raise NotFound("there is no such value")


def _element(
    source: Source, pos: int, end: int, wanted: int, *, explicit: bool
) -> tuple[int, int, bool]:
    while pos < end:
        head = source.read(pos, 12)
        try:
            tag, vr, start, length = element_at(head, 0, len(head), explicit=explicit)
        except (WindowTooShort, OddEncoding):
            break
        if tag == wanted:
            return pos + start, length, explicit and vr != b"UN"
        if length == UNDEFINED:
            pos = _after(source, pos + start, end, explicit=explicit and vr != b"UN")
        else:
            pos += start + length
    raise NotFound("there is no such value")


def _item(
    source: Source, pos: int, length: int, number: int, end: int, *, explicit: bool
) -> tuple[int, int]:
    stop = end if length == UNDEFINED else min(end, pos + length)
    seen = 0
    while pos + 8 <= stop:
        head = source.read(pos, 8)
        tag, _, _, size = element_at(head, 0, len(head), explicit=False)
        if tag != ITEM:
            break
        seen += 1
        if seen == number:
            return pos + 8, stop if size == UNDEFINED else pos + 8 + size
        pos = _after_item(source, pos, size, stop, explicit=explicit)
    raise NotFound("there is no such value")


def _after_item(source: Source, pos: int, size: int, stop: int, *, explicit: bool) -> int:
    if size != UNDEFINED:
        return pos + 8 + size
    inner = pos + 8
    while inner + 8 <= stop:
        head = source.read(inner, 12)
        tag, vr, start, length = element_at(head, 0, len(head), explicit=explicit)
        if tag == 0xFFFEE00D:
            return inner + 8
        if length == UNDEFINED:
            inner = _after(source, inner + start, stop, explicit=explicit and vr != b"UN")
        else:
            inner += start + length
    return stop


def _after(source: Source, pos: int, end: int, *, explicit: bool) -> int:
    size = 1 << 16
    while True:
        buf = source.read(pos, min(size, end - pos))
        try:
            return pos + skip_undefined(buf, 0, len(buf), explicit=explicit)
        except WindowTooShort as err:
            if size > _LARGEST_HEADER or pos + len(buf) >= end:
                raise InvalidDicom(
                    "truncated", "a sequence has no end", mend="send it again"
                ) from err
            size *= 4


def _windowed(values: np.ndarray, header: Header, look: Look) -> Picture8:
    """Return the values by the linear window (PS3.3 C.11.2.1.2) that is asked for or stored."""
    slope = float((header.numbers(_SLOPE, 1) or (1.0,))[0]) or 1.0
    intercept = float((header.numbers(_INTERCEPT, 1) or (0.0,))[0])
    scaled = values.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    center, width = look.center, look.window
    if center is None or width is None:
        center, width = _number(header, _CENTER), _number(header, _WIDTH)
    if center is None or width is None or width < 1:
        low, high = (float(v) for v in np.percentile(scaled, (0.5, 99.5)))
        if high <= low:
            low, high = float(scaled.min()), float(scaled.max())
    else:
        low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    gain = 255.0 / (high - low) if high > low else 0.0
    return np.asarray(np.clip((scaled - low) * gain + 0.5, 0, 255), np.uint8)


def _number(header: Header, tag: int) -> float | None:
    try:
        value = float(header.first(tag))
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _encoded(picture: Picture8, look: Look) -> bytes:
    from PIL import Image

    image = Image.fromarray(picture)
    if look.width and look.height:
        scale = min(look.width / image.width, look.height / image.height)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BILINEAR)
    out = BytesIO()
    if look.kind == "image/png":
        image.save(out, "PNG")
    else:
        image.save(out, "JPEG", quality=look.quality)
    return out.getvalue()
