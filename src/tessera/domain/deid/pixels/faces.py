"""Take the face out of a head volume, so that nobody can be recognised in a rendering. Pure.

Option "Clean Recognizable Visual Features" of PS3.15 E.3.2. No atlas and no model: the skin in
front is found by looking from before, the nose is what stands out of it, and all before a smooth
cut from brow to chin goes, to the depth of the eye sockets; the forehead loses its skin. The brain
stays. Where the geometry does not look like a head, nothing is claimed and a person decides.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", bound=np.generic)
Volume = NDArray[np.float32]
"""Shape (slices, rows, columns) in the order of its own axes."""
Mask = NDArray[np.bool_]

_AIR_HU = -400.0
"""Between air and skin in CT, Hounsfield units."""
_RUN_MM = 3.0
"""Skin is what goes on for this long: noise does not."""
_EYES_MM, _BROW_MM, _CHIN_MM = 22.0, 58.0, 82.0
"""Above and below the tip of the nose: lower lids, brow, chin; adults, generous."""
_CUT_MM, _BROW_CUT_MM, _CURVE_MM = 42.0, 25.0, 15.0
"""Where the cut lies behind the tip of the nose: below the lids, at the brow, and how much
further back 60 mm beside the middle. A smooth cut: one that followed the skin would keep its
shape."""
_FOREHEAD_MM = 5.0
"""Of the forehead only the skin goes."""
_NOSE_STANDS_MM = 9.0
"""How far the tip of a nose stands before what lies 24 mm beside it; a forehead does 4 mm."""
_BEHIND_MM = 10.0
"""How far a nose may lie behind the forehead, in a head that looks up."""
_FRONT_MM = 60.0
"""How far behind the nose the skin still belongs to the face."""
_LEAST_MM = (60.0, 90.0, 90.0)
"""The smallest extent (down, back, across) of a volume in which a face could be told."""
_HEAD_MM = (110.0, 260.0)
"""The breadth of a head."""


class NoFaceFound(Exception):
    """The volume has no geometry in which a face could be found; says why."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """Which axis of a volume runs down the body, which to the back, which across."""

    order: tuple[int, int, int]
    """Axes of the volume in the order inferior, posterior, left."""
    flipped: tuple[bool, bool, bool]
    """For each of the three: whether the axis runs the other way."""

    @classmethod
    def of(cls, directions: NDArray[np.float64]) -> "Orientation":
        """Return it from unit vectors (3, 3): row i is where axis i of the volume leads, in the
        patient's coordinates (to the left, to the back, up; PS3.3 C.7.6.2.1.1).

        Raises NoFaceFound when an axis is too oblique to be told.
        """
        order, flipped = [], []
        for towards in ((0, 0, -1), (0, 1, 0), (1, 0, 0)):
            along = directions @ np.array(towards, np.float64)
            axis = int(np.argmax(np.abs(along)))
            if abs(along[axis]) < 0.7:
                raise NoFaceFound("the slices lie too oblique")
            order.append(axis)
            flipped.append(bool(along[axis] < 0))
        if sorted(order) != [0, 1, 2]:
            raise NoFaceFound("the slices lie too oblique")
        return cls((order[0], order[1], order[2]), (flipped[0], flipped[1], flipped[2]))

    def turned(self, volume: NDArray[Value]) -> NDArray[Value]:
        """Return a view whose axes run down, to the back and to the left."""
        view = np.transpose(volume, self.order)
        return view[tuple(slice(None, None, -1) if back else slice(None) for back in self.flipped)]


def face_mask(
    volume: Volume, orientation: Orientation, spacing_mm: tuple[float, float, float], *, is_ct: bool
) -> Mask:
    """Return True where the face is, in the shape of `volume`.

    `spacing_mm` is along the volume's own axes; CT values are Hounsfield units. Raises
    NoFaceFound.
    """
    mask = np.zeros(volume.shape, np.bool_)
    head, into = orientation.turned(volume), orientation.turned(mask)
    down, back, across = (spacing_mm[axis] for axis in orientation.order)
    for extent, size, least in zip(head.shape, (down, back, across), _LEAST_MM, strict=True):
        if extent * size < least:
            raise NoFaceFound("the volume is too small to tell a face")
    tissue = np.asarray(head) > (_AIR_HU if is_ct else _mr_threshold(volume))
    skin = _skin(tissue, max(1, round(_RUN_MM / back)))
    row, front = _nose(skin, tissue, (down, back, across))
    above_mm = (row - np.arange(head.shape[0])[:, None]) * down
    beside_mm = (np.arange(head.shape[2]) - _middle(tissue))[None, :] * across
    rise = np.clip((above_mm - _EYES_MM) / (_BROW_MM - _EYES_MM), 0.0, 1.0)
    cut = front + (_CUT_MM - (_CUT_MM - _BROW_CUT_MM) * rise) / back
    cut = cut + _CURVE_MM / back * (beside_mm / 60.0) ** 2
    behind = np.where((above_mm <= _BROW_MM) & (above_mm >= -_CHIN_MM), cut, -1.0)
    forehead = (above_mm > _BROW_MM) & (skin >= 0) & (skin <= front + _FRONT_MM / back)
    behind = np.where(forehead, skin + _FOREHEAD_MM / back, behind)
    into |= np.arange(head.shape[1])[None, :, None] <= behind[:, None, :]
    return mask


def _mr_threshold(volume: Volume) -> float:
    bright = float(np.percentile(volume[::2, ::2, ::2], 99))
    return 0.12 * bright


def _skin(tissue: Mask, run: int) -> NDArray[np.float64]:
    """Return where tissue first begins from the front for each (row, column); -1 for nowhere."""
    lasting = tissue.copy()
    for step in range(1, run):
        lasting[:, :-step, :] &= tissue[:, step:, :]
    lasting[:, tissue.shape[1] - run + 1 :, :] = False
    first = np.argmax(lasting, axis=1).astype(np.float64)
    first[~lasting.any(axis=1)] = -1.0
    return _median(first)


def _median(surface: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the surface without single stray points."""
    padded = np.pad(surface, 1, mode="edge")
    rows, columns = surface.shape
    around = [padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    middle: NDArray[np.float64] = np.median(np.stack(around), axis=0)
    return middle


def _nose(
    skin: NDArray[np.float64], tissue: Mask, spacing_mm: tuple[float, float, float]
) -> tuple[int, float]:
    """Return (row, depth) of the tip of the nose."""
    down, back, across = spacing_mm
    seen = tissue.any(axis=1)
    breadth = seen.sum(axis=1) * across
    rows = np.flatnonzero(breadth > 40.0)
    if rows.size == 0:
        raise NoFaceFound("nothing stands out from the air")
    top = int(rows[0])
    widest = float(np.median(breadth[rows]))
    if not _HEAD_MM[0] <= widest <= _HEAD_MM[1]:
        raise NoFaceFound("what is there has not the breadth of a head")
    last = min(skin.shape[0], top + round(230.0 / down))
    depth = np.where(skin[:last] < 0, np.inf, skin[:last]) * back
    beside_mm = (np.arange(skin.shape[1]) - _middle(tissue)) * across
    tips = depth[:, np.abs(beside_mm) <= 15.0].min(axis=1)
    sides = [depth[:, np.abs(beside_mm - side) <= 4.0].min(axis=1) for side in (-24.0, 24.0)]
    with np.errstate(invalid="ignore"):
        stands = np.nan_to_num(np.minimum(*sides) - tips, nan=0.0, posinf=0.0)
    row = int(np.argmax(_smoothed(stands, max(1, round(10.0 / down)))))
    if stands[row] < _NOSE_STANDS_MM:
        raise NoFaceFound("no nose is seen; the face may be outside the volume, or be gone")
    if tips[row] > tips[:row].min(initial=np.inf) + _BEHIND_MM:
        raise NoFaceFound("what stands out lies behind the forehead; the face may be gone")
    if top > 0 and not 60.0 <= (row - top) * down <= 200.0:
        raise NoFaceFound("what stands out is not where a nose would be")
    return row, float(tips[row]) / back


def _smoothed(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.convolve(values, np.ones(width) / width, mode="same")
    return mean


def _middle(tissue: Mask) -> float:
    """Return the column that halves the head."""
    columns = np.flatnonzero(tissue.any(axis=(0, 1)))
    return float(columns[0] + columns[-1]) / 2 if columns.size else 0.0
