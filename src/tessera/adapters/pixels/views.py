"""Frames as pictures of 8 bits, in which text can be seen. Nothing here is written back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tessera.adapters.pixels.codec import quiet
from tessera.domain.imaging.header import Header
from tessera.domain.imaging.structure import PixelStructure
from tessera.ports.pixel_codec import Frame

Picture8 = NDArray[np.uint8]
"""(rows, columns) or (rows, columns, 3), red first."""

PALETTE_TAGS = frozenset(
    (0x00281101, 0x00281102, 0x00281103, 0x00281201, 0x00281202, 0x00281203, 0x00280120)
)


@dataclass(frozen=True, slots=True)
class Palette:
    """Red, green and blue per index."""

    first: int
    """Index of the first entry; smaller ones take it, too."""
    colours: NDArray[np.uint8]
    """(entries, 3)."""

    def applied(self, indices: Frame) -> Picture8:
        place = np.clip(indices.astype(np.int64) - self.first, 0, len(self.colours) - 1)
        return self.colours[place]


def palette_of(header: Header) -> Palette | None:
    """Return the palette of a PALETTE COLOR image; None where it is absent or segmented.

    Source: PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6.
    """
    planes = []
    first = 0
    for channel in range(3):
        described = np.frombuffer(header.values.get(0x00281101 + channel, b"")[:6], "<u2")
        raw = header.values.get(0x00281201 + channel, b"")
        if len(described) < 3 or not raw:
            return None
        n, first, bits = int(described[0]) or 65536, int(described[1]), int(described[2])
        if bits == 8 and len(raw) < 2 * n:
            plane = np.frombuffer(raw[:n], np.uint8)
        else:
            wide = np.frombuffer(raw[: 2 * n], "<u2")
            plane = (wide >> (8 if bits == 16 and wide.max(initial=0) > 255 else 0)).astype(
                np.uint8
            )
        planes.append(plane)
    shortest = min(len(plane) for plane in planes)
    return Palette(first, np.stack([plane[:shortest] for plane in planes], axis=-1))


def stored_values(frame: Frame, structure: PixelStructure) -> Frame:
    """Return the values without the bits beside those that are stored (PS3.5 8.1.1)."""
    low = structure.high_bit + 1 - structure.stored
    if structure.stored == structure.allocated:
        return frame
    width = structure.allocated
    unsigned = frame.view(f"u{width // 8}")
    shifted = (unsigned >> low) & ((1 << structure.stored) - 1)
    if not structure.signed:
        return shifted
    sign = 1 << (structure.stored - 1)
    return (shifted.astype(np.int64) ^ sign) - sign


def views(
    frame: Frame, photometric: str, structure: PixelStructure, palette: Palette | None
) -> list[Picture8]:
    """Return one or two pictures of a decoded frame: what a person sees, and the whole range."""
    if structure.samples == 3:
        return [_colour(frame, photometric)]
    values = stored_values(frame, structure)
    if photometric == "PALETTE COLOR" and palette is not None:
        return [palette.applied(values)]
    sample = values[::5, ::5] if values.size > 1 << 18 else values
    low, high = (float(v) for v in np.percentile(sample.astype(np.float32), (0.5, 99.5)))
    least, most = float(values.min()), float(values.max())
    if structure.allocated == 8 and least >= 0 and high - low >= 96:
        return [values.astype(np.uint8)]
    if high <= low:
        low, high = least, most
    pictures = [_scaled(values, low, high)]
    if most - least > 1.5 * (high - low):
        pictures.append(_scaled(values, least, most))
    return pictures


def _scaled(values: Frame, low: float, high: float) -> Picture8:
    gain = 255.0 / (high - low) if high > low else 0.0
    scaled = values.astype(np.float32)
    scaled -= np.float32(low)
    scaled *= np.float32(gain)
    np.clip(scaled, 0, 255, out=scaled)
    return scaled.astype(np.uint8)


def _colour(frame: Frame, photometric: str) -> Picture8:
    deep = frame
    if frame.dtype.itemsize > 1:
        deep = _scaled(frame, float(frame.min()), float(frame.max()))
    eight = np.ascontiguousarray(deep, dtype=np.uint8)
    if photometric.startswith("YBR"):
        from pydicom.pixels.processing import convert_color_space

        with quiet():
            return np.asarray(convert_color_space(eight, "YBR_FULL", "RGB"), np.uint8)
    return eight


def for_eyes(picture: Picture8, photometric: str) -> Picture8:
    """Return a picture as a person should see it: MONOCHROME1 turned round."""
    return np.asarray(255 - picture, np.uint8) if photometric == "MONOCHROME1" else picture
