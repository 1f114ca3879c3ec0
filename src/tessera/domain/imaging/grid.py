"""A volume's voxels in the patient, and whether two volumes share them. Pure; LPS+, mm."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Final

import numpy as np
import numpy.typing as npt

from tessera.domain.errors import InvalidInput
from tessera.domain.imaging.geometry import FloatArray, is_orthonormal, is_plausible, slice_normal
from tessera.domain.imaging.instance import Cosines6, Vector3

AnyArray = npt.NDArray[np.generic]
Box = tuple[slice, slice, slice]

PART_OF_A_VOXEL: Final = 0.05
"""Voxel centres nearer to each other than this part of the smallest edge are the same.

Source: NIfTI keeps single precision, DICOM decimals of four to six digits; both stay far below.
"""
LEAST_MM: Final = 0.01
EVEN_MM: Final = 0.02
"""How far a slice may lie from its place on an even grid; positions are rounded to 0.01 mm."""
EVEN_PART: Final = 0.01


@dataclass(frozen=True, slots=True)
class Grid:
    """`affine` takes (column, row, slice, 1) to the centre of a voxel, LPS+, mm; shape (4, 4).

    `shape` is that of the array: (slices, rows, columns).
    """

    affine: FloatArray
    shape: tuple[int, int, int]

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of neighbours along (column, row, slice)."""
        x, y, z = (float(np.linalg.norm(self.affine[:3, axis])) for axis in range(3))
        return x, y, z

    @property
    def tolerance_mm(self) -> float:
        return max(LEAST_MM, PART_OF_A_VOXEL * min(self.spacing_mm))

    def corners(self) -> FloatArray:
        """Return the centres of the eight corner voxels; shape (8, 3), mm."""
        n_slices, n_rows, n_columns = self.shape
        ends = [
            (i, j, k, 1) for i in (0, n_columns - 1) for j in (0, n_rows - 1)
            for k in (0, n_slices - 1)
        ]  # fmt: skip
        return np.asarray((self.affine @ np.array(ends, dtype=np.float64).T)[:3].T)


@dataclass(frozen=True, slots=True)
class Stacked:
    """Slices as a grid, and the order in which they fill it."""

    grid: Grid
    order: tuple[int, ...]
    """Index of the given slice that is slice 0, 1, … of the grid."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How an array on one grid becomes one on another without a change of any voxel."""

    axes: tuple[int, int, int]
    """Axis (0 column, 1 row, 2 slice) of the array for each axis of the target."""
    flips: tuple[bool, bool, bool]
    offset: tuple[int, int, int]
    """Where its first voxel, turned, comes to lie in the target: (column, row, slice)."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """How far two grids are apart."""

    mm: float
    """Largest distance of a corner from the corner of the other that is nearest to it."""
    degrees: float
    """Largest angle between their axes, each taken with the one that it is nearest to."""
    spacing: bool
    """Their voxels differ in size."""

    def told(self) -> str:
        size = ", and its voxels are of another size" if self.spacing else ""
        return f"{self.mm:.2f} mm apart, turned by {self.degrees:.2f} degrees{size}"


def stacked(
    positions_mm: Sequence[Vector3],
    orientation: Cosines6,
    spacing_mm: tuple[float, float],
    matrix: tuple[int, int],
    *,
    thickness_mm: float | None = None,
) -> Stacked:
    """Return the grid of parallel slices, ascending along their normal.

    Parameters
    ----------
    positions_mm
        Centre of the first voxel of each slice, any order, n >= 1.
    spacing_mm
        PixelSpacing: between rows, between columns.
    matrix
        Rows, columns.
    thickness_mm
        Distance to the next slice where there is only one.

    Raises
    ------
    InvalidInput
        The slices are not evenly spaced, two share a place, or numbers are none.

    Slices that are shifted against each other evenly (a tilted gantry) give a sheared grid.
    Source: PS3.3 C.7.6.2.1.1.
    """
    down, across = spacing_mm
    if not positions_mm or not min(down, across) > 0:
        raise InvalidInput("no slices, or a pixel spacing that is no length")
    if not is_plausible([*orientation, *np.ravel(positions_mm)]) or not is_orthonormal(orientation):
        raise InvalidInput("positions or orientation are no place in a patient")
    points = np.array(positions_mm, dtype=np.float64)
    normal = slice_normal(orientation)
    offsets = points @ normal
    order = np.argsort(offsets, kind="stable")
    points = points[order]
    step = normal * (thickness_mm or 1.0)
    if len(points) > 1:
        step = (points[-1] - points[0]) / (len(points) - 1)
        height = float(step @ normal)
        allowed = max(EVEN_MM, EVEN_PART * height)
        if height < LEAST_MM:
            raise InvalidInput("slices share one place")
        away = np.linalg.norm(points - points[0] - np.arange(len(points))[:, None] * step, axis=1)
        if float(away.max()) > allowed:
            raise InvalidInput(
                f"its slices are not evenly spaced: one lies {float(away.max()):.2f} mm from its "
                "place; is one missing?"
            )
    affine = np.eye(4)
    affine[:3, 0] = np.array(orientation[:3]) * across
    affine[:3, 1] = np.array(orientation[3:]) * down
    affine[:3, 2] = step
    affine[:3, 3] = points[0]
    grid = Grid(affine, (len(points), *matrix))
    return Stacked(grid, tuple(int(index) for index in order))


def fit(source: Grid, target: Grid) -> Fit | None:
    """Return how the voxels of `source` are voxels of `target`; None when they are not.

    Axes may be exchanged and reversed, and `source` may be a part of `target` or reach out of
    it; a voxel of one must be a voxel of the other in place and size.
    """
    if not _is_regular(source) or not _is_regular(target):
        return None
    step = np.linalg.inv(target.affine) @ source.affine
    turn = np.rint(step[:3, :3])
    if not (np.abs(turn).sum(axis=0) == 1).all() or not (np.abs(turn).sum(axis=1) == 1).all():
        return None
    axes = tuple(int(np.flatnonzero(turn[axis])[0]) for axis in range(3))
    flips = tuple(bool(turn[axis, axes[axis]] < 0) for axis in range(3))
    sizes = source.shape[::-1]
    exact = np.eye(4)
    exact[:3, :3] = turn
    exact[:3, 3] = np.rint(step[:3, 3])
    corners = np.linalg.inv(source.affine) @ np.c_[source.corners(), np.ones(8)].T
    placed = (target.affine @ exact @ corners)[:3].T
    away = float(np.linalg.norm(placed - source.corners(), axis=1).max())
    if away > target.tolerance_mm:
        return None
    first = [
        int(exact[axis, 3]) - (sizes[axes[axis]] - 1 if flips[axis] else 0) for axis in range(3)
    ]
    return Fit(
        (axes[0], axes[1], axes[2]), (flips[0], flips[1], flips[2]), (first[0], first[1], first[2])
    )


def placed(array: AnyArray, how: Fit, target: Grid) -> tuple[AnyArray, int]:
    """Return the array on the target's grid, and how many voxels that are not 0 fell outside."""
    turned, part, into = _turned(array, how, target)
    if part.shape == turned.shape == target.shape:
        return np.ascontiguousarray(turned), 0
    out = np.zeros(target.shape, array.dtype)
    out[into] = part
    return out, int(np.count_nonzero(turned)) - int(np.count_nonzero(part))


def place_in(array: AnyArray, how: Fit, target: Grid) -> tuple[AnyArray, Box]:
    """Return the part of an array that lies in the target, turned, and where it lies."""
    _, part, into = _turned(array, how, target)
    return part, into


def _turned(array: AnyArray, how: Fit, target: Grid) -> tuple[AnyArray, AnyArray, Box]:
    turned = array.transpose(tuple(2 - axis for axis in reversed(how.axes)))
    turned = turned[tuple(slice(None, None, -1 if flip else 1) for flip in reversed(how.flips))]
    inside, into = [], []
    for start, size, most in zip(how.offset[::-1], turned.shape, target.shape, strict=True):
        low, high = min(most, max(0, start)), min(most, start + size)
        inside.append(slice(low - start, max(low, high) - start))
        into.append(slice(low, max(low, high)))
    return turned, turned[tuple(inside)], (into[0], into[1], into[2])


def nearest(array: AnyArray, source: Grid, target: Grid) -> AnyArray:
    """Return the array on the target's grid: each voxel is that of `source` nearest to it."""
    out = np.zeros(target.shape, array.dtype)
    step = np.linalg.inv(source.affine) @ target.affine
    n_slices, n_rows, n_columns = target.shape
    columns = np.arange(n_columns)
    rows = np.arange(n_rows)[:, None]
    sizes = source.shape[::-1]
    for index in range(n_slices):
        at, good = [], np.ones((n_rows, n_columns), bool)
        for axis in range(3):
            place = (
                step[axis, 0] * columns + step[axis, 1] * rows
                + step[axis, 2] * index + step[axis, 3]
            )  # fmt: skip
            found = np.floor(place + 0.5).astype(np.int64)
            good &= (found >= 0) & (found < sizes[axis])
            at.append(np.clip(found, 0, sizes[axis] - 1))
        out[index] = np.where(good, array[at[2], at[1], at[0]], 0)
    return out


def mismatch(source: Grid, target: Grid) -> Mismatch:
    """Return how far two grids are apart, for a person."""
    ours, theirs = source.corners(), target.corners()
    away = np.linalg.norm(ours[:, None] - theirs[None], axis=2)
    mm = max(float(away.min(axis=1).max()), float(away.min(axis=0).max()))
    units = [grid.affine[:3, :3] / np.array(grid.spacing_mm) for grid in (source, target)]
    cosines = np.clip(np.abs(units[0].T @ units[1]), 0.0, 1.0)
    best = max(permutations(range(3)), key=lambda order: sum(cosines[order, range(3)]))
    degrees = float(np.degrees(np.arccos(cosines[best, range(3)].min())))
    pairs = zip(np.array(source.spacing_mm)[list(best)], target.spacing_mm, strict=True)
    other = any(abs(a - b) > max(LEAST_MM / 10, 0.001 * b) for a, b in pairs)
    return Mismatch(mm, degrees, other)


def _is_regular(grid: Grid) -> bool:
    whole = bool(np.isfinite(grid.affine).all())
    return whole and abs(float(np.linalg.det(grid.affine[:3, :3]))) > 1e-9
