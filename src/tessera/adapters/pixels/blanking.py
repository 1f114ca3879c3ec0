"""Blank boxes in a frame: in stored values, in native bytes, or in the blocks of a JPEG."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from tessera.adapters.pixels.codec import native_bytes
from tessera.adapters.pixels.jpeg_blocks import blanked, mcus_of
from tessera.adapters.pixels.jpeg_scan import parse_jpeg
from tessera.domain.deid.pixels.findings import Box
from tessera.domain.imaging.structure import PixelStructure
from tessera.ports.pixel_codec import Frame, NotDecoded

_RING = 3
"""Pixels around a box from which its background is taken."""


def margin_of(box: Box) -> int:
    """Return how far beyond the box letters may reach, pixels."""
    return max(2, min(8, box.height // 10))


def flat_value(frame: Frame, box: Box) -> tuple[int, ...]:
    """Return the value that is commonest around a box, per sample.

    It is one that occurs: smallest, largest and padding values stay true.
    """
    rows, columns = frame.shape[:2]
    outer = box.grown(_RING, rows, columns)
    ring = np.ones((outer.height, outer.width), bool)
    top, left = box.y - outer.y, box.x - outer.x
    ring[top : top + box.height, left : left + box.width] = False
    around = frame[outer.y : outer.y + outer.height, outer.x : outer.x + outer.width]
    pixels = around[ring] if ring.any() else around.reshape(-1, *around.shape[2:])
    flat = pixels.reshape(len(pixels), -1)
    found, counts = np.unique(flat, axis=0, return_counts=True)
    if 4 * int(counts.max()) >= len(flat):
        return tuple(int(v) for v in found[counts.argmax()])
    # A grain like noise has no commonest value: the middle one is taken, one that occurs.
    order = np.argsort(flat.sum(axis=1, dtype=np.int64), kind="stable")
    return tuple(int(v) for v in flat[order[len(order) // 2]])


def blank_values(frame: Frame, boxes: Iterable[Box]) -> Frame:
    """Return a copy of the frame in which the boxes are flat."""
    new = frame.copy()
    for box in boxes:
        value = flat_value(frame, box)
        part = (slice(box.y, box.y + box.height), slice(box.x, box.x + box.width))
        new[part] = value if frame.ndim == 3 else value[0]
    return new


def blank_jpeg(stream: bytes, frame: Frame, boxes: Iterable[Box]) -> bytes:
    """Return the JPEG with every block under a box flat, all other blocks bit by bit the same.

    `frame` is the decoded frame in the stream's own colours. Raises NotDecoded when the
    stream is not of a kind in which that can be done.
    """
    scan = parse_jpeg(stream)
    if (scan.rows, scan.columns) != frame.shape[:2] or len(scan.components) != (
        frame.shape[2] if frame.ndim == 3 else 1
    ):
        raise NotDecoded("the stream and the header contradict each other")
    flat: dict[int, tuple[int, ...]] = {}
    for box in boxes:
        value = flat_value(frame, _aligned(box, scan.mcu_height, scan.mcu_width, frame))
        contrast = _contrast(frame, box)
        for mcu in mcus_of(scan, box):
            row, column = divmod(mcu, scan.mcus_across)
            area = Box(
                column * scan.mcu_width, row * scan.mcu_height, scan.mcu_width, scan.mcu_height
            )
            if contrast < _INK or not _is_bare_edge(frame, box, area, min(20, contrast // 10)):
                flat[mcu] = value
    out = blanked(scan, flat)
    return out + b"\0" * (len(out) % 2)


_BARE, _INK = 8, 40
"""Grey levels: a bare strip differs by less; text of less contrast cannot be told from its edge,
and then every block goes that the box touches."""


def _contrast(frame: Frame, box: Box) -> int:
    """Return the levels over which the text in a box reaches, in the sample that shows it best."""
    part = frame[box.y : box.y + box.height, box.x : box.x + box.width]
    return int(_ranges(part).max()) if part.size else 0


def _ranges(part: Frame) -> NDArray[np.int64]:
    """Return largest minus smallest value, for each sample."""
    flat = part.reshape(part.shape[0] * part.shape[1], -1).astype(np.int64)
    return np.asarray(np.ptp(flat, axis=0), np.int64)


def _is_bare_edge(frame: Frame, box: Box, area: Box, ringing: int) -> bool:
    """True for a block at the edge of a box of which only a strip without ink lies in the box.

    `ringing` is what JPEG leaves beside steep edges, grey levels.
    """
    left, top = max(box.x, area.x), max(box.y, area.y)
    right = min(box.x + box.width, area.x + area.width)
    bottom = min(box.y + box.height, area.y + area.height)
    if (right - left, bottom - top) == (area.width, area.height):
        return False
    part = frame[top:bottom, left:right]
    return bool((_ranges(part) < max(_BARE, ringing)).all())


def _aligned(box: Box, tall: int, wide: int, frame: Frame) -> Box:
    top, left = box.y // tall * tall, box.x // wide * wide
    bottom = min(frame.shape[0], -(-(box.y + box.height) // tall) * tall)
    right = min(frame.shape[1], -(-(box.x + box.width) // wide) * wide)
    return Box(left, top, right - left, bottom - top)


def native_patches(
    old: Frame, new: Frame, structure: PixelStructure, offset: int
) -> Iterator[tuple[int, bytes]]:
    """Return (offset in the source, bytes) for the pixels that differ, run by run.

    `offset` is where the frame lies.
    """
    if structure.halved_chroma:
        yield from _halved_patches(old, new, structure, offset)
        return
    differs = (old != new) if old.ndim == 2 else (old != new).any(axis=2)
    size = structure.allocated // 8
    columns = structure.columns
    for row in np.flatnonzero(differs.any(axis=1)).tolist():
        changed = np.flatnonzero(differs[row])
        left, right = int(changed[0]), int(changed[-1]) + 1
        start = row * columns + left
        span = new[row, left:right]
        if structure.samples == 3 and structure.planar:
            plane_bytes = structure.rows * columns * size
            for plane in range(3):
                raw = native_bytes(span[:, plane], structure)
                yield offset + plane * plane_bytes + start * size, raw
        else:
            yield offset + start * size * structure.samples, native_bytes(span, structure)


def _halved_patches(
    old: Frame, new: Frame, structure: PixelStructure, offset: int
) -> Iterator[tuple[int, bytes]]:
    """Two pixels share their chroma and four bytes (PS3.3 C.7.6.3.1.2, YBR_FULL_422)."""
    differs = (old != new).any(axis=2)
    for row in np.flatnonzero(differs.any(axis=1)).tolist():
        changed = np.flatnonzero(differs[row])
        left, right = int(changed[0]) // 2 * 2, (int(changed[-1]) // 2 + 1) * 2
        span = new[row, left:right]
        quads = np.empty(((right - left) // 2, 4), np.uint8)
        quads[:, 0], quads[:, 1] = span[0::2, 0], span[1::2, 0]
        quads[:, 2], quads[:, 3] = span[0::2, 1], span[0::2, 2]
        yield offset + (row * structure.columns + left) * 2, quads.tobytes()
