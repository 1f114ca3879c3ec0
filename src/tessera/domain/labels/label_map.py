"""What a file of labels holds, whatever its format. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tessera.domain.imaging.grid import Grid

Labels = npt.NDArray[np.uint16]
Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a file says of one of its labels."""

    name: str = ""
    colour: Colour | None = None


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Labels on a grid: 0 is nothing, else the number of a segment.

    Segments that overlap lie in several layers; in one layer each voxel has one label.
    """

    grid: Grid
    layers: tuple[Labels, ...]
    """Each of the grid's shape: (slices, rows, columns)."""
    named: Mapping[int, Named] = field(default_factory=dict)
    """By label, as far as the file says."""

    def values(self) -> tuple[int, ...]:
        """Return the labels that occur, ascending."""
        found: set[int] = set()
        for layer in self.layers:
            found |= set(np.flatnonzero(np.bincount(layer.reshape(-1))).tolist())
        return tuple(sorted(found - {0}))


def as_labels(array: npt.NDArray[np.generic]) -> Labels:
    """Return numbers as labels. Raises ValueError when one is no whole number of 0 to 65535."""
    if array.dtype.kind == "f":
        if not (np.isfinite(array).all() and (array == np.rint(array)).all()):
            raise ValueError("labels are whole numbers")
        array = np.rint(array).astype(np.int64)
    if array.size and (int(array.min()) < 0 or int(array.max()) > 65535):
        raise ValueError("labels lie between 0 and 65535")
    return np.ascontiguousarray(array.astype(np.uint16))
