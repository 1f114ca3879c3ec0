"""Distributions as bar charts: what is drawn where. Pure; a template writes the SVG.

Horizontal positions are in per cent of the width, vertical ones in CSS pixels, so a chart
fills any width and its text keeps its size.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tessera.domain.catalogue.description import Facet

ROW_PX = 44
"""Height of one row of a bar chart: label above, bar below."""
PLOT_PX = 150
"""Height of the tallest column of a histogram."""
TOP_PX = 22
"""Room above the tallest column for its number."""
AXIS_PX = 24
"""Room below the columns for their labels."""
STUB_PERCENT = 8.0
"""Length of a hatched bar. It stands for "too few to tell" and measures nothing."""
STUB_PX = 18

MANY = 2
"""More suppressed values than this are drawn as one bar."""
_TOGETHER = Facet("", None)

STAGES = ("0", "I", "II", "III", "IV")
_BAND = re.compile(r"\s*(\d{1,3})\s*[-\N{EN DASH}]\s*(\d{1,3})\s*|\s*(\d{1,3})\s*\+\s*")
_LAST = ("unknown", "other", "")

Kind = Literal["bars", "columns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One value of a distribution, as drawn. `n_subjects` None is drawn hatched."""

    value: str
    label: str
    """"" on the one bar that stands for all of `Chart.unnamed`."""
    n_subjects: int | None
    left_percent: float
    width_percent: float
    top_px: float
    height_px: float
    middle_percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A number on the axis of a histogram, at the edge between two bands."""

    percent: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One distribution. `name` is the facet's key."""

    name: str
    kind: Kind
    height_px: int
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...] = ()
    """Empty when each column carries its own label."""
    unnamed: tuple[str, ...] = ()
    """Labels of suppressed values that share the one hatched bar at the end."""
    n_bands: int = 0
    """The first so many bars are bands between the ticks and carry no label of their own."""

    @property
    def floor_px(self) -> int:
        """Where columns stand."""
        return TOP_PX + PLOT_PX

    @property
    def suppressed(self) -> bool:
        """Whether a value is too few to tell, so that the hatching needs its legend."""
        return any(bar.n_subjects is None for bar in self.bars)

    @property
    def largest(self) -> Bar | None:
        """The bar with the most subjects; None when every value is suppressed."""
        told = [bar for bar in self.bars if bar.n_subjects is not None]
        return max(told, key=lambda bar: bar.n_subjects or 0, default=None)


def chart(name: str, facets: Sequence[Facet], label: Callable[[str], str]) -> Chart:
    """Lay out one distribution.

    Ages become a histogram on a numeric axis, stages columns in their order; everything else
    becomes bars, the largest first and the suppressed last. Where no value can be told, one
    hatched bar stands for all. `label` turns a coded value into words.
    """
    if all(facet.n_subjects is None for facet in facets):
        return _bars(name, sorted(facets, key=_size_order), label)
    if name == "stage":
        ordered = sorted(facets, key=_stage_order)
        return _columns(name, ordered, label)
    bands = {facet: _band(facet.value) for facet in facets}
    known = {facet: band for facet, band in bands.items() if band is not None}
    widths = {high - low for low, high in known.values()}
    aligned = len({low % (high - low) for low, high in known.values()}) == 1
    if name.startswith("age") and len(widths) == 1 and aligned:
        return _histogram(name, facets, known, label)
    return _bars(name, sorted(facets, key=_size_order), label)


def _band(value: str) -> tuple[int, int] | None:
    """Return first age and first age above, or None when the value is not an age band."""
    match = _BAND.fullmatch(value)
    if match is None:
        return None
    if match[3]:
        return int(match[3]), int(match[3]) + 10
    low, high = int(match[1]), int(match[2]) + 1
    return (low, high) if high > low else None


def _histogram(
    name: str,
    facets: Sequence[Facet],
    known: Mapping[Facet, tuple[int, int]],
    label: Callable[[str], str],
) -> Chart:
    """Bands at their place on the axis, so that a band that is missing leaves a gap."""
    first = min(low for low, _ in known.values())
    end = max(high for _, high in known.values())
    width = end - max(low for low, _ in known.values())
    slots: list[Facet | None] = [None] * ((end - first) // width)
    for facet, (low, _) in known.items():
        slots[(low - first) // width] = facet
    others = [facet for facet in facets if facet not in known]
    columns = _columns(name, [*slots, *others], label)
    step = 100.0 / (len(slots) + len(others))
    is_open = any(facet.value.strip().endswith("+") for facet in known)
    edges = range(first, end if is_open else end + 1, width)
    ticks = tuple(
        Tick(percent=round(index * step, 3), text=str(age)) for index, age in enumerate(edges)
    )
    return replace(columns, ticks=ticks, n_bands=len(known))


def _scale(facets: Sequence[Facet | None]) -> int:
    return max((f.n_subjects or 0 for f in facets if f), default=0) or 1


def _bars(name: str, facets: Sequence[Facet], label: Callable[[str], str]) -> Chart:
    """One row for each value; suppressed ones share a row when many, or when all are."""
    scale = _scale(facets)
    few = [facet for facet in facets if facet.n_subjects is None]
    unnamed: tuple[str, ...] = ()
    if len(few) > MANY or (few and len(few) == len(facets)):
        unnamed = tuple(label(facet.value) for facet in few)
        facets = [*(facet for facet in facets if facet.n_subjects is not None), _TOGETHER]
    bars = tuple(
        Bar(
            value=facet.value,
            label="" if facet is _TOGETHER else label(facet.value),
            n_subjects=facet.n_subjects,
            left_percent=0.0,
            width_percent=_share(facet, scale, 100.0, STUB_PERCENT),
            top_px=row * ROW_PX + 22,
            height_px=12,
            middle_percent=0.0,
        )
        for row, facet in enumerate(facets)
    )
    return Chart(name=name, kind="bars", height_px=ROW_PX * len(bars), bars=bars, unnamed=unnamed)


def _columns(name: str, facets: Sequence[Facet | None], label: Callable[[str], str]) -> Chart:
    scale, step = _scale(facets), 100.0 / max(1, len(facets))
    gap = min(3.0, step * 0.16)
    bars = []
    for index, facet in enumerate(facets):
        if facet is None:
            continue
        height = _share(facet, scale, float(PLOT_PX), float(STUB_PX))
        bars.append(
            Bar(
                value=facet.value,
                label=label(facet.value),
                n_subjects=facet.n_subjects,
                left_percent=round(index * step + gap / 2, 3),
                width_percent=round(step - gap, 3),
                top_px=round(TOP_PX + PLOT_PX - height, 2),
                height_px=height,
                middle_percent=round((index + 0.5) * step, 3),
            )
        )
    height_px = TOP_PX + PLOT_PX + AXIS_PX
    return Chart(name=name, kind="columns", height_px=height_px, bars=tuple(bars))


def _share(facet: Facet, scale: int, full: float, stub: float) -> float:
    if facet.n_subjects is None:
        return stub
    return round(full * max(0, facet.n_subjects) / scale, 2)


def _stage_order(facet: Facet) -> tuple[int, str]:
    known = facet.value in STAGES
    return STAGES.index(facet.value) if known else len(STAGES), facet.value


def _size_order(facet: Facet) -> tuple[bool, bool, int, str]:
    return (
        facet.value in _LAST,
        facet.n_subjects is None,
        -(facet.n_subjects or 0),
        facet.value,
    )
