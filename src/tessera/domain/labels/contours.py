"""Closed contours as voxels of a grid. Pure.

A voxel belongs to a region when its centre lies inside an odd number of the region's contours
on its slice: a contour within another cuts a hole, and so does a keyhole (one contour that goes
in to the hole and back along one line). Source: PS3.3 C.8.8.6.3.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from tessera.domain.imaging.geometry import FloatArray
from tessera.domain.imaging.grid import Grid
from tessera.domain.labels.errors import GridMismatch, InvalidLabels

PART_OF_A_SLICE: Final = 0.1
"""How far from the middle of a slice its contours may lie, as part of the slice distance."""
Mask = npt.NDArray[np.bool_]


def filled(contours: Sequence[FloatArray], grid: Grid, *, nearest: bool = False) -> Mask:
    """Return the voxels inside closed contours.

    Parameters
    ----------
    contours
        Each of shape (n, 3), LPS+, mm; in the plane of one slice.
    nearest
        Take the slice that is nearest to a contour, when it lies between two.

    Raises
    ------
    GridMismatch
        A contour does not lie in the plane of a slice; the message tells mm and degrees.
    InvalidLabels
        A contour has fewer than three points.
    """
    back = np.linalg.inv(grid.affine)
    on_slice: dict[int, list[FloatArray]] = {}
    outside = 0
    for contour in contours:
        if contour.ndim != 2 or contour.shape[1] != 3 or len(contour) < 3:
            raise InvalidLabels("a closed contour has fewer than three points")
        index = contour @ back[:3, :3].T + back[:3, 3]
        number = _slice_of(contour, index, grid, nearest=nearest)
        if 0 <= number < grid.shape[0]:
            on_slice.setdefault(number, []).append(index[:, :2])
        else:
            outside += 1
    if outside:
        raise GridMismatch(f"{outside} contours lie outside of the slices of the series")
    mask = np.zeros(grid.shape, np.bool_)
    for number, polygons in on_slice.items():
        _fill(mask[number], polygons)
    return mask


def _slice_of(contour: FloatArray, index: FloatArray, grid: Grid, *, nearest: bool) -> int:
    place = index[:, 2]
    number = int(np.floor(float(place.mean()) + 0.5))
    away = float(np.abs(place - number).max())
    spread = float(place.max() - place.min())
    step = abs(float(grid.affine[:3, 2] @ _normal(grid)))
    if away <= PART_OF_A_SLICE or (nearest and spread <= PART_OF_A_SLICE):
        return number
    if spread > PART_OF_A_SLICE:
        cosine = abs(float(_plane_of(contour) @ _normal(grid)))
        turned = float(np.degrees(np.arccos(min(1.0, cosine))))
        raise GridMismatch(
            f"a contour is turned by {turned:.2f} degrees against the slices and leaves its slice "
            f"by {spread * step:.2f} mm; draw it on the slices of this series"
        )
    raise GridMismatch(
        f"a contour lies {away * step:.2f} mm from the nearest slice, turned by 0.00 degrees; "
        "--resample nearest takes that slice"
    )


def _normal(grid: Grid) -> FloatArray:
    normal = np.cross(grid.affine[:3, 0], grid.affine[:3, 1])
    return np.asarray(normal / np.linalg.norm(normal))


def _plane_of(contour: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.svd(contour - contour.mean(axis=0))[2][2])


def _fill(plane: Mask, polygons: Sequence[FloatArray]) -> None:
    """Mark the voxels of one slice; `polygons` in (column, row), voxel centres at whole numbers.

    Each edge turns everything to its right over, in the rows whose centres it passes; what was
    turned an odd number of times is inside.
    """
    n_rows, n_columns = plane.shape
    turns = np.zeros((n_rows, n_columns + 1), np.int32)
    for polygon in polygons:
        begin, end = polygon, np.roll(polygon, -1, axis=0)
        upward = begin[:, 1] > end[:, 1]
        low = np.where(upward[:, None], end, begin)
        high = np.where(upward[:, None], begin, end)
        first = np.clip(np.ceil(low[:, 1]), 0, n_rows).astype(np.int64)
        last = np.clip(np.ceil(high[:, 1]), 0, n_rows).astype(np.int64)
        counts = np.maximum(last - first, 0)
        edge = np.repeat(np.arange(len(polygon)), counts)
        starts = np.cumsum(counts) - counts
        rows = np.arange(len(edge)) - np.repeat(starts, counts) + np.repeat(first, counts)
        rise = (high - low)[edge]
        columns = low[edge, 0] + (rows - low[edge, 1]) * rise[:, 0] / rise[:, 1]
        np.add.at(turns, (rows, np.clip(np.ceil(columns), 0, n_columns).astype(np.int64)), 1)
    plane |= (np.cumsum(turns[:, :-1], axis=1) & 1).astype(np.bool_)
