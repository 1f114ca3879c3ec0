"""Tables of subjects by fields, with the chi-squared test; histograms with quantiles. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tessera.domain.statistics.cut import UNKNOWN, Cut
from tessera.domain.statistics.survival import Tested, tested
from tessera.domain.statistics.told import N_DRAWS, Curves, Draws, Floats, Sizes, Told

QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    group: tuple[str, ...]
    n_subjects: int | None
    """Sum of what is told; None where no dataset tells it."""
    n_datasets: int
    """That tell it."""
    low: int
    high: int
    """Between these is the exact number, over all datasets that gave the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    fields: tuple[str, ...]
    cells: tuple[Cell, ...]
    n_datasets: int
    test: Tested | None
    """Whether the two fields are independent, without unknown values; None unless two fields."""
    least_expected: float | None
    """The smallest expected number of a cell in that test; below 5 it is not to be relied upon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    share: float
    low: float
    high: float | None
    """The value is at least low and below high; None after the last edge. Noise is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    bands: Table
    mean: float | None
    """Of values rounded down to the edges, from the first edge."""
    mean_low: float | None
    mean_high: float | None
    """95 percent of the draws of what noise hides."""
    quantiles: tuple[Quantile, ...]
    """Of those from the first edge."""


def table(cut: Cut, told: Sequence[Told], rng: Draws) -> Table:
    """Return the pooled table of a cut without steps."""
    sizes = Sizes(cut, told)
    is_told = ~np.isnan(sizes.told)
    summed = np.nansum(sizes.told, axis=0)
    low = np.where(is_told, np.maximum(sizes.told - sizes.off, 0), 0).sum(axis=0)
    high = np.where(is_told, sizes.told + sizes.off, sizes.hidden).sum(axis=0)
    cells = tuple(
        Cell(
            group=group,
            n_subjects=int(summed[place]) if n else None,
            n_datasets=n,
            low=int(low[place]),
            high=int(high[place]),
        )
        for place, (group, n) in enumerate(
            zip(cut.groups(), is_told.sum(axis=0).tolist(), strict=True)
        )
    )
    cells = tuple(sorted(cells, key=lambda one: [value == UNKNOWN for value in one.group]))
    test, least = _independence(cut, sizes, rng)
    return Table(
        fields=tuple(axis.field for axis in cut.axes),
        cells=cells,
        n_datasets=len(sizes.told),
        test=test,
        least_expected=least,
    )


def histogram(cuts: Sequence[Cut], told: Sequence[Told], rng: Draws) -> Histogram:
    """Return the histogram of a number from its bands and from its steps."""
    bands, steps = cuts
    curves = Curves(steps, told)
    exact, draws = curves.bands()[0], [curves.bands(rng)[0] for _ in range(N_DRAWS)]
    means = [_mean(curves.edges, one) for one in draws if one.sum() > 0]
    has = exact.sum() > 0 and bool(means)
    return Histogram(
        bands=table(bands, told, rng),
        mean=_mean(curves.edges, exact) if has else None,
        mean_low=float(np.quantile(means, 0.025)) if has else None,
        mean_high=float(np.quantile(means, 0.975)) if has else None,
        quantiles=tuple(_quantile(one, curves.edges, exact, draws) for one in QUANTILES)
        if has
        else (),
    )


def _mean(edges: Floats, bands: Floats) -> float:
    return float(bands @ edges / bands.sum())


def _quantile(share: float, edges: Floats, exact: Floats, draws: list[Floats]) -> Quantile:
    place = _place(share, exact)
    drawn = [_place(share, one) for one in draws if one.sum() > 0]
    low, high = np.quantile(drawn, (0.025, 0.975), method="nearest")
    low, high = min(int(low), place), max(int(high), place)
    return Quantile(
        share=share,
        low=float(edges[low]),
        high=float(edges[high + 1]) if high + 1 < len(edges) else None,
    )


def _place(share: float, bands: Floats) -> int:
    """Return the band in which at least this share of the subjects is reached."""
    reached = np.cumsum(bands)
    return int(np.searchsorted(reached, share * reached[-1] * (1 - 1e-12)))


def _independence(cut: Cut, sizes: Sizes, rng: Draws) -> tuple[Tested | None, float | None]:
    if len(cut.axes) != 2:
        return None, None
    shape = tuple(len(axis.values) + 1 for axis in cut.axes)
    known = np.array([UNKNOWN not in group for group in cut.groups()]).reshape(shape)
    observed = np.where(known, sizes.pooled().reshape(shape), 0)
    rows, columns = observed.sum(axis=1) > 0, observed.sum(axis=0) > 0
    n_rows, n_columns = int(rows.sum()), int(columns.sum())
    if min(n_rows, n_columns) < 2:
        return None, None
    df = (n_rows - 1) * (n_columns - 1)
    draws = (sizes.pooled(rng).reshape(shape)[rows][:, columns] for _ in range(N_DRAWS))
    chi, least = _chi_squared(observed[rows][:, columns])
    return tested(chi, df, [_chi_squared(one)[0] for one in draws]), least


def _chi_squared(observed: Floats) -> tuple[float, float]:
    """Return Pearson's statistic and the least expected number."""
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / observed.sum()
    apart = (observed - expected) ** 2
    parts = np.divide(apart, expected, out=np.zeros_like(apart), where=expected > 0)
    return float(parts.sum()), float(expected.min())
