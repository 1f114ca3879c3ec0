"""Regions drawn as contours, and as labels on a grid. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tessera.domain.imaging.geometry import FloatArray
from tessera.domain.imaging.grid import Fit, Grid, fit, mismatch, nearest, placed
from tessera.domain.labels.contours import Mask, filled
from tessera.domain.labels.errors import GridMismatch, InvalidLabels
from tessera.domain.labels.label_map import LabelMap, Labels, Named
from tessera.domain.zones import Identified

NO_SERIES: Identified[frozenset[str]] = Identified(frozenset())


@dataclass(frozen=True, slots=True)
class Region:
    """One region of an RTSTRUCT."""

    number: int
    named: Named
    contours: tuple[FloatArray, ...]
    """Closed; each of shape (n, 3), LPS+, mm."""


@dataclass(frozen=True, slots=True)
class DrawnRegions:
    """What an RTSTRUCT holds."""

    regions: tuple[Region, ...]
    series: Identified[frozenset[str]] = field(default=NO_SERIES)
    """The SeriesInstanceUIDs that it names, as in the PACS or as here."""
    n_left_out: int = 0
    """Contours that are points or open lines."""


def on_grid(found: LabelMap | DrawnRegions, grid: Grid, *, resample: bool = False) -> LabelMap:
    """Return the labels on the voxels of a grid.

    Raises GridMismatch, which tells mm and degrees, unless `resample` lets each voxel take the
    label that is nearest to it.
    """
    if isinstance(found, DrawnRegions):
        return _drawn(found, grid, resample=resample)
    how = fit(found.grid, grid)
    if how is None and not resample:
        apart = mismatch(found.grid, grid)
        raise GridMismatch(
            f"the labels are not on the voxels of the series: {apart.told()} "
            f"({_size(found.grid)} against {_size(grid)} voxels); --resample nearest takes the "
            "nearest label for each voxel"
        )
    if how is None:
        layers = [nearest(layer, found.grid, grid) for layer in found.layers]
    else:
        layers = [_moved(layer, how, grid) for layer in found.layers]
    kept = tuple(np.ascontiguousarray(layer, np.uint16) for layer in layers)
    return LabelMap(grid, kept, found.named)


def layered(masks: Iterable[tuple[int, Mask]], grid: Grid, named: Mapping[int, Named]) -> LabelMap:
    """Return masks as labels: each in the first layer in which it overlaps nothing."""
    layers: list[Labels] = []
    for label, mask in masks:
        for layer in layers:
            if not layer[mask].any():
                layer[mask] = label
                break
        else:
            fresh = np.zeros(grid.shape, np.uint16)
            fresh[mask] = label
            layers.append(fresh)
    return LabelMap(grid, tuple(layers), named)


def _drawn(found: DrawnRegions, grid: Grid, *, resample: bool) -> LabelMap:
    numbers = [region.number for region in found.regions]
    if len(set(numbers)) < len(numbers) or not all(0 < number <= 65535 for number in numbers):
        raise InvalidLabels("the RTSTRUCT numbers two regions alike, or not from 1 to 65535")
    masks = (
        (region.number, filled(region.contours, grid, nearest=resample)) for region in found.regions
    )
    return layered(
        ((number, mask) for number, mask in masks if mask.any()),
        grid,
        {region.number: region.named for region in found.regions},
    )


def _moved(layer: Labels, how: Fit, grid: Grid) -> Labels:
    moved, n_outside = placed(layer, how, grid)
    if n_outside:
        raise GridMismatch(f"{n_outside} labelled voxels lie outside of the series")
    return np.asarray(moved, np.uint16)


def _size(grid: Grid) -> str:
    return " x ".join(map(str, grid.shape[::-1]))
