"""Write an instance's pixels anew, with boxes blanked; what need not change stays as it was."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tessera.adapters.pixels.blanking import (
    blank_jpeg,
    blank_values,
    margin_of,
    native_patches,
)
from tessera.adapters.pixels.codec import JPEG_SEQUENTIAL, Frames, native_bytes
from tessera.adapters.pixels.opened import Opened
from tessera.adapters.pixels.patched import PatchedSource, Scratch
from tessera.adapters.pixels.rebuilding import (
    NewValue,
    edited_head,
    encapsulated_element,
    joined,
    native_element,
)
from tessera.adapters.pixels.views import stored_values
from tessera.domain.deid.pixels.findings import Box, Finding
from tessera.domain.imaging.encoding import FileMeta, Source
from tessera.domain.imaging.structure import PixelStructure, Stretch
from tessera.ports.pixel_codec import Frame, NotDecoded

_ICONS = 0x00880200
_LOSSY = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 81, 91, 203))

Look = Callable[[int, Frame, str], None]
"""Called with each changed frame as it can be read afterwards: number, values, photometric."""


def boxes_by_frame(findings: Sequence[Finding], rows: int, columns: int) -> dict[int, list[Box]]:
    """Return what is to be blanked in each frame, with the margin."""
    out: dict[int, list[Box]] = {}
    for finding in findings:
        if finding.action == "blank":
            box = finding.box.grown(margin_of(finding.box), rows, columns)
            for frame in range(finding.first, finding.last + 1):
                out.setdefault(frame, []).append(box)
    return out


@dataclass(slots=True)
class _Range:
    """Smallest and largest value over the frames."""

    least: int | None = None
    most: int | None = None

    def take(self, values: Frame) -> None:
        low, high = int(values.min()), int(values.max())
        self.least = low if self.least is None else min(self.least, low)
        self.most = high if self.most is None else max(self.most, high)


@dataclass(slots=True)
class Rewriting:
    """One instance's pixels on their way to a new source."""

    opened: Opened
    structure: PixelStructure
    frames: Frames
    keep_overlays: bool = False
    _sets: dict[int, NewValue] = field(default_factory=dict)

    def written(self, blanks: dict[int, list[Box]], look: Look) -> tuple[Source, FileMeta]:
        """Return the new source and its meta. Raises NotDecoded.

        The source is the one that came in when nothing at all has to change.
        """
        structure = self.structure
        self._sets = {}
        if not structure.encapsulated:
            return self._native(blanks, look)
        if not blanks:
            return self._unchanged(self.opened.source)
        uid = structure.transfer_syntax_uid
        if uid in JPEG_SEQUENTIAL or self.frames.can_encode(uid):
            try:
                return self._same_syntax(blanks, look)
            except NotDecoded:
                self._sets = {}
        return self._decoded(blanks, look)

    def _native(self, blanks: dict[int, list[Box]], look: Look) -> tuple[Source, FileMeta]:
        """Change only the bytes that differ; everything stays where it is."""
        structure, source = self.structure, self.opened.source
        patches: list[tuple[int, bytes]] = []
        ranges = _Range()
        dirty = structure.stored < structure.allocated
        for number in range(structure.frames if dirty or blanks else 0):
            if not dirty and number not in blanks and not self._wants_range():
                continue
            old, photometric = self.frames.decode(source, structure, number)
            new = without_other_bits(old, structure) if dirty else old
            if number in blanks:
                new = blank_values(new, blanks[number])
                look(number, new, photometric)
            ranges.take(stored_values(new, structure))
            if new is not old:
                offset, _ = structure.frame_stretch(number)
                patches += native_patches(old, new, structure, offset)
        if not patches:
            return self._unchanged(source)
        self._set_range(ranges)
        return self._unchanged(PatchedSource(source, patches))

    def _unchanged(self, source: Source) -> tuple[Source, FileMeta]:
        """Return the pixel data where it is, without overlays and icons in the head."""
        opened, structure = self.opened, self.structure
        start, length = structure.element
        head = edited_head(source, opened.meta, start, self._drops, self._sets)
        same = sum(part[2] for part in head) == start - opened.meta.dataset_offset
        if same and not self._sets:
            return source, opened.meta
        return joined(
            head, [(source, start, length)], source, start + length, opened.meta, native=False
        )

    def _same_syntax(self, blanks: dict[int, list[Box]], look: Look) -> tuple[Source, FileMeta]:
        opened, structure, source = self.opened, self.structure, self.opened.source
        scratch = Scratch()
        streams: dict[int, Stretch] = {}
        jpeg = structure.transfer_syntax_uid in JPEG_SEQUENTIAL
        for number, boxes in sorted(blanks.items()):
            old, photometric = self.frames.decode(source, structure, number)
            if jpeg:
                raw = b"".join(source.read(*part) for part in structure.fragments[number])
                stream = blank_jpeg(raw, old, boxes)
                new, photometric = self.frames.decode_stream(stream, structure)
            else:
                new = blank_values(old, boxes)
                stream = self.frames.encode(new, photometric, structure)
            look(number, new, photometric)
            streams[number] = scratch.add(stream)
        pixels, tables = encapsulated_element(source, structure, streams, scratch)
        self._sets |= tables
        for tag in (0x00280106, 0x00280107):
            self._sets[tag] = NewValue(b"US", b"")
        start, length = structure.element
        head = edited_head(source, opened.meta, start, self._drops, self._sets)
        return joined(head, pixels, source, start + length, opened.meta, native=False)

    def _decoded(self, blanks: dict[int, list[Box]], look: Look) -> tuple[Source, FileMeta]:
        """Store every frame as plain pixels, as its syntax cannot be written without loss."""
        opened, structure, source = self.opened, self.structure, self.opened.source
        scratch = Scratch()
        places: list[Stretch] = []
        photometric = structure.photometric
        ranges = _Range()
        for number in range(structure.frames):
            values, photometric = self.frames.decode(source, structure, number)
            if number in blanks:
                values = blank_values(values, blanks[number])
                look(number, values, photometric)
            ranges.take(values)
            places.append(scratch.add(native_bytes(values, structure)))
        if photometric in ("YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420"):
            photometric = "YBR_FULL"
        self._sets |= {
            0x00280004: NewValue(b"CS", photometric.encode().ljust(len(photometric) + 1 & ~1)),
            0x7FE00001: NewValue(b"OV", b""),
            0x7FE00002: NewValue(b"OV", b""),
        }
        if structure.samples > 1:
            self._sets[0x00280006] = NewValue(b"US", b"\0\0")
        if structure.transfer_syntax_uid in _LOSSY and not opened.header.values.get(0x00282110):
            self._sets[0x00282110] = NewValue(b"CS", b"01")
        self._set_range(ranges)
        pixels = native_element(places, scratch, structure.allocated)
        start, length = structure.element
        head = edited_head(source, opened.meta, start, self._drops, self._sets)
        return joined(head, pixels, source, start + length, opened.meta, native=True)

    def _drops(self, tag: int) -> bool:
        if tag == _ICONS:
            return True
        overlay = 0x6000 <= tag >> 16 <= 0x60FF
        return overlay and not (self.keep_overlays and not self.opened.overlay_in_pixels)

    def _wants_range(self) -> bool:
        return bool(
            self.opened.header.values.get(0x00280106) or self.opened.header.values.get(0x00280107)
        )

    def _set_range(self, ranges: _Range) -> None:
        """Put SmallestImagePixelValue and LargestImagePixelValue right, where there are any."""
        vr = b"SS" if self.structure.signed else b"US"
        for tag, value in ((0x00280106, ranges.least), (0x00280107, ranges.most)):
            if self.opened.header.values.get(tag) and value is not None:
                raw = (value & 0xFFFF).to_bytes(2, "little")
                wide = self.structure.allocated > 16 or self.structure.samples > 1
                self._sets[tag] = NewValue(vr, b"" if wide else raw)


def without_other_bits(frame: Frame, structure: PixelStructure) -> Frame:
    """Return the frame with nothing in the bits that hold no pixel value.

    Signed values are carried on into the bits above, as they were or should have been. The
    same object when there is nothing to clear.
    """
    if not structure.signed and structure.high_bit == structure.stored - 1:
        limit = 1 << structure.stored
        return (
            frame
            if int(frame.max()) < limit
            else np.bitwise_and(np.asarray(frame, frame.dtype), limit - 1)
        )
    values = stored_values(frame, structure)
    low = structure.high_bit + 1 - structure.stored
    clean = np.left_shift(np.asarray(values, np.int64), low).astype(frame.dtype)
    if np.array_equal(clean, frame):
        return frame
    above = (1 << (structure.high_bit + 1)) - 1
    unsigned = clean.view(f"u{frame.dtype.itemsize}") & above
    if structure.signed and np.array_equal(unsigned, frame.view(f"u{frame.dtype.itemsize}")):
        return frame  # negative values without their sign carried on: nothing hides in that
    return np.asarray(clean)
