"""A small SVG plot of where the slices of a stack lie, with gaps and shared places marked. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

_WIDTH = 680.0
_MARGIN = 10.0
_MOST_GAPS = 12
"""Labels beyond this would run into each other; the marks are drawn all the same."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One place with a slice, or with several."""

    x: float
    n: int


@dataclass(frozen=True, slots=True)
class GapMark:
    """A distance that is not the usual one."""

    x: float
    width: float
    label: str


@dataclass(frozen=True, slots=True)
class SlicePlot:
    """What the template draws; user units of the SVG view box, `width` wide."""

    width: float
    ticks: tuple[Tick, ...]
    gaps: tuple[GapMark, ...]
    first_mm: float
    last_mm: float
    step_mm: float
    n_slices: int


def slice_plot(offsets_mm: Sequence[float]) -> SlicePlot | None:
    """Return the plot, None when there are fewer than two places to draw."""
    taken = Counter(round(offset, 2) for offset in offsets_mm)
    places = sorted(taken)
    if len(places) < 2:
        return None
    first, last = places[0], places[-1]
    scale = (_WIDTH - 2 * _MARGIN) / (last - first)
    pairs = list(pairwise(places))
    step = median(after - before for before, after in pairs)
    allowed = max(0.02, 0.01 * step)
    gaps = [
        GapMark(
            x=round(_MARGIN + (before - first) * scale, 2),
            width=round((after - before) * scale, 2),
            label=f"{after - before:.1f}",
        )
        for before, after in pairs
        if abs(after - before - step) > allowed
    ]
    crowded = len(gaps) > _MOST_GAPS
    marks = [GapMark(gap.x, gap.width, "" if crowded else gap.label) for gap in gaps]
    ticks = [Tick(round(_MARGIN + (place - first) * scale, 2), taken[place]) for place in places]
    return SlicePlot(
        _WIDTH, tuple(ticks), tuple(marks), first, last, round(step, 3), len(offsets_mm)
    )
