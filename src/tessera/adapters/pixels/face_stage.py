"""The face stage: the slices of one head go in, and come out without a face."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tessera.adapters.pixels.blanking import native_patches
from tessera.adapters.pixels.codec import Frames, native_bytes
from tessera.adapters.pixels.opened import Opened, opened_instance
from tessera.adapters.pixels.patched import PatchedSource, Scratch
from tessera.adapters.pixels.pictures import png
from tessera.adapters.pixels.rebuilding import (
    NewValue,
    edited_head,
    encapsulated_element,
    joined,
    native_element,
)
from tessera.adapters.pixels.stage import Checked
from tessera.adapters.pixels.views import stored_values
from tessera.domain.deid.pixels.checked import CheckedPixels
from tessera.domain.deid.pixels.faces import Mask, NoFaceFound, Orientation, face_mask
from tessera.domain.deid.pixels.heads import HEAD_TAGS, stacked
from tessera.domain.deid.pixels.proof import proven_face, value_sha256
from tessera.domain.imaging.encoding import FileMeta, Source
from tessera.domain.imaging.header import Header, scan
from tessera.domain.imaging.structure import STRUCTURE_TAGS, PixelStructure, pixel_structure
from tessera.domain.zones import Identified
from tessera.ports.pixel_codec import Frame

_CT = frozenset(("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.2"))
_AIR_HU = -1000.0


@dataclass(frozen=True, slots=True)
class Defaced:
    """The instances of a series without a face, in the order given, and pictures of it."""

    checked: tuple[Checked, ...]
    before: Identified[bytes]
    """PNG: the surface seen from the front, as it came."""
    after: bytes
    """PNG: the same without the face."""


class FaceStage:
    """Takes the face out of the single-frame slices of one series."""

    def __init__(self) -> None:
        self._frames = Frames()

    def clean(
        self,
        series: Sequence[tuple[Identified[Source], FileMeta]],
        texts: Sequence[CheckedPixels | None] = (),
    ) -> Defaced:
        """Return the slices without a face.

        `texts`: for each slice the proof that no text in it names anybody, when one was looked
        for. Without it the gate holds a slice that may have text.

        Raises NoFaceFound when they make no head in which one could be found, NotDecoded and
        InvalidDicom for a slice that cannot be read.
        """
        texts = texts or [None] * len(series)
        opened = [opened_instance(source.value, meta) for source, meta in series]
        structures = [_plain(one.structure) for one in opened]
        headers = [scan(one.source, one.meta, HEAD_TAGS) for one in opened]
        stack = stacked(headers)
        is_ct = headers[0].first(0x00080016) in _CT
        volume = np.stack(
            [
                self._modality_values(opened[place], structures[place], headers[place], is_ct)
                for place in stack.order
            ]
        )
        orientation = Orientation.of(stack.directions)
        mask = face_mask(volume, orientation, stack.spacing_mm, is_ct=is_ct)
        checked: list[Checked | None] = [None] * len(opened)
        for layer, place in enumerate(stack.order):
            air = _air(headers[place], structures[place], is_ct=is_ct)
            source, meta = self._without(opened[place], structures[place], mask[layer], air)
            value = _value(source, meta)
            proof = proven_face(value_sha256(source, *value), texts[place])
            checked[place] = Checked(Identified(source), meta, proof, ())
        empty = _AIR_HU if is_ct else 0.0
        before = _surface(volume, orientation, stack.spacing_mm, is_ct=is_ct)
        after = np.where(mask, np.float32(empty), volume)
        return Defaced(
            tuple(one for one in checked if one),
            Identified(before),
            _surface(after, orientation, stack.spacing_mm, is_ct=is_ct),
        )

    def without_face(
        self,
        series: Sequence[tuple[Identified[Source], FileMeta]],
        texts: Sequence[CheckedPixels | None] = (),
    ) -> list[Checked]:
        """Return slices of which a person said that no face is in them, as they are."""
        checked = []
        for (source, meta), text in zip(series, texts or [None] * len(series), strict=True):
            digest = value_sha256(source.value, *_value(source.value, meta))
            checked.append(Checked(source, meta, proven_face(digest, text), ()))
        return checked

    def _modality_values(
        self, opened: Opened, structure: PixelStructure, header: Header, is_ct: bool
    ) -> NDArray[np.float32]:
        frame, _ = self._frames.decode(opened.source, structure, 0)
        values = stored_values(frame, structure).astype(np.float32)
        if is_ct:
            slope, intercept = _rescale(header)
            values = values * np.float32(slope) + np.float32(intercept)
        return values

    def _without(
        self, opened: Opened, structure: PixelStructure, mask: Mask, air: int
    ) -> tuple[Source, FileMeta]:
        """Return the slice with `air` where the mask is, in the same syntax if that can be."""
        if not mask.any():
            return opened.source, opened.meta
        old, photometric = self._frames.decode(opened.source, structure, 0)
        new: Frame = old.copy()
        new[mask] = air
        if not structure.encapsulated:
            patches = native_patches(old, new, structure, structure.frame_stretch(0)[0])
            return PatchedSource(opened.source, patches), opened.meta
        scratch = Scratch()
        sets: dict[int, NewValue] = {}
        start, length = structure.element
        is_native = not self._frames.can_encode(structure.transfer_syntax_uid)
        if is_native:
            pixels = native_element(
                [scratch.add(native_bytes(new, structure))], scratch, structure.allocated
            )
        else:
            stream = self._frames.encode(new, photometric, structure)
            streams = {0: scratch.add(stream)}
            pixels, sets = encapsulated_element(opened.source, structure, streams, scratch)
        head = edited_head(opened.source, opened.meta, start, lambda _: False, sets)
        return joined(head, pixels, opened.source, start + length, opened.meta, native=is_native)


def _plain(structure: PixelStructure | None) -> PixelStructure:
    if structure is None or structure.frames != 1 or structure.samples != 1:
        raise NoFaceFound("the slices are not plain grey pictures of one frame")
    return structure


def _rescale(header: Header) -> tuple[float, float]:
    slope, intercept = header.numbers(0x00281053, 1), header.numbers(0x00281052, 1)
    return (slope[0] if slope and slope[0] else 1.0), (intercept[0] if intercept else 0.0)


def _air(header: Header, structure: PixelStructure, *, is_ct: bool) -> int:
    """Return the stored value that looks like air, within what the bits can hold."""
    slope, intercept = _rescale(header)
    wanted = round((_AIR_HU - intercept) / slope) if is_ct else 0
    bits = structure.stored - (1 if structure.signed else 0)
    least = -(1 << bits) if structure.signed else 0
    return max(least, min((1 << bits) - 1, wanted))


def _value(source: Source, meta: FileMeta) -> tuple[int, int]:
    structure = pixel_structure(source, meta, scan(source, meta, STRUCTURE_TAGS))
    return _plain(structure).value


def _surface(
    volume: NDArray[np.float32],
    orientation: Orientation,
    spacing_mm: tuple[float, float, float],
    *,
    is_ct: bool,
) -> bytes:
    """Return a PNG of the skin as it would look from the front, lit from there."""
    down, back, across = (spacing_mm[axis] for axis in orientation.order)
    level = -400.0 if is_ct else 0.12 * float(np.percentile(volume[::2, ::2, ::2], 99))
    solid = orientation.turned(volume) > level
    depth = np.argmax(solid, axis=1).astype(np.float32) * back
    seen = solid.any(axis=1)
    depth[~seen] = depth[seen].max(initial=0.0)
    slope_down, slope_across = np.gradient(depth, down, across)
    light = 1.0 / np.sqrt(1.0 + slope_down**2 + slope_across**2)
    shade = np.where(seen, 40 + 215 * light, 0).astype(np.uint8)
    rows = np.linspace(0, shade.shape[0] - 1, max(1, round(shade.shape[0] * down / across)))
    return png(np.ascontiguousarray(shade[rows.round().astype(int)]))
