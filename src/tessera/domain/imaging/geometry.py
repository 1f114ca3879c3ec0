"""Where slices lie in the patient. Pure; millimetres, LPS+."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tessera.domain.errors import InvalidInput
from tessera.domain.imaging.instance import Cosines6, Vector3

FloatArray = npt.NDArray[np.float64]

COSINE_TOLERANCE = 1e-3
"""Largest difference of a direction cosine within one orientation (about 0.06 degrees).

Source: headers carry cosines with four to six decimals; a real turn is far larger.
"""
LARGEST_MM = 1e5
"""No position in a patient is further than 100 m from the origin."""
SAME_PLACE_MM = 1e-3
"""Slices nearer to each other than this, along the normal, are at one place."""


@dataclass(frozen=True, slots=True)
class Gap:
    """One distance between neighbouring slices that is not the usual one."""

    after: int
    """Index of the slice before the gap, slices in ascending order along the normal."""
    width_mm: float
    n_missing: int
    """Slices that would fit into the gap; 0 when no whole number does."""


@dataclass(frozen=True, slots=True)
class SliceSpacing:
    """How the slices of one stack follow each other."""

    step_mm: float
    """Median distance of neighbouring slice centres, mm, > 0."""
    gaps: tuple[Gap, ...]
    """The distances that depart from it, ascending; empty for a regular stack."""

    @property
    def n_missing(self) -> int:
        return sum(gap.n_missing for gap in self.gaps)

    @property
    def worst_mm(self) -> float:
        """Largest departure from the step, mm."""
        return max((abs(gap.width_mm - self.step_mm) for gap in self.gaps), default=0.0)


def slice_spacing(
    offsets_mm: Sequence[float] | FloatArray,
    *,
    tolerance_mm: float = 0.015,
    tolerance_ratio: float = 0.01,
) -> SliceSpacing:
    """Return the usual distance between neighbouring slices, and the places where it differs.

    Parameters
    ----------
    offsets_mm
        Places of the slices along their normal; n >= 2, mm, any order, no two at one place.
    tolerance_mm, tolerance_ratio
        A gap is usual when it departs from the median by no more than the larger of
        `tolerance_mm` (positions rounded to 0.01 mm depart by as much) and `tolerance_ratio`
        times the median. A gap counts as missing slices
        when it is a whole number of steps, each within a tenth of a step.

    Raises
    ------
    InvalidInput
        Fewer than two slices, or two at one place.

    Source: DICOM PS3.3 C.7.6.2.1.1. SliceThickness and SpacingBetweenSlices are not read: they
    are Type 2 and 3 there and often wrong.
    """
    places = np.sort(np.asarray(offsets_mm, dtype=np.float64))
    if places.ndim != 1 or len(places) < 2:
        raise InvalidInput(f"offsets: shape {places.shape}, wanted (n >= 2,)")
    widths = np.diff(places)
    if float(widths.min()) <= 0.0:
        raise InvalidInput("two slices share one place")
    step = float(np.median(widths))
    allowed = max(tolerance_mm, tolerance_ratio * step)
    gaps = []
    for index in np.flatnonzero(np.abs(widths - step) > allowed):
        width = float(widths[index])
        n_steps = round(width / step)
        whole = n_steps >= 2 and abs(width - n_steps * step) <= 0.1 * step
        gaps.append(Gap(int(index), width, n_steps - 1 if whole else 0))
    return SliceSpacing(step, tuple(gaps))


def slice_normal(orientation: Cosines6) -> FloatArray:
    """Return the unit normal of a slice: row direction x column direction; shape (3,), LPS+.

    Raises InvalidInput when the two directions are parallel or zero.
    """
    normal = np.cross(np.array(orientation[:3]), np.array(orientation[3:]))
    length = float(np.linalg.norm(normal))
    if not length > 1e-6:
        raise InvalidInput("row and column directions span no plane")
    return np.asarray(normal / length, dtype=np.float64)


def offsets_along(normal: FloatArray, positions_mm: Iterable[Vector3]) -> FloatArray:
    """Return the place of each position along `normal`, mm, in the order given; shape (n,)."""
    points = np.array(list(positions_mm), dtype=np.float64).reshape(-1, 3)
    return np.asarray(points @ normal, dtype=np.float64)


def is_plausible(values: Sequence[float]) -> bool:
    """Return whether all are numbers within `LARGEST_MM`: header text may say nan or 1e300."""
    return all(math.isfinite(value) and abs(value) <= LARGEST_MM for value in values)


def is_orthonormal(orientation: Cosines6) -> bool:
    """Return whether row and column directions are perpendicular unit vectors.

    Source: DICOM PS3.3 C.7.6.2.1.1.
    """
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    return bool(
        abs(float(row @ row) - 1.0) <= COSINE_TOLERANCE
        and abs(float(column @ column) - 1.0) <= COSINE_TOLERANCE
        and abs(float(row @ column)) <= COSINE_TOLERANCE
    )


def is_same_orientation(one: Cosines6, other: Cosines6) -> bool:
    """Return whether no direction cosine differs by more than `COSINE_TOLERANCE`."""
    return all(abs(a - b) <= COSINE_TOLERANCE for a, b in zip(one, other, strict=True))


def angles_degrees(orientations: Sequence[Cosines6]) -> FloatArray:
    """Return how far each orientation is turned against each other; shape (n, n), degrees.

    The larger of the angles between the two row and between the two column directions.
    """
    cosines = np.array(orientations, dtype=np.float64).reshape(-1, 6)
    angles = [
        np.degrees(np.arccos(np.clip(part @ part.T, -1.0, 1.0)))
        for part in (cosines[:, :3], cosines[:, 3:])
    ]
    return np.asarray(np.maximum(*angles), dtype=np.float64)
