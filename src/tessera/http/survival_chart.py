"""Survival curves with their intervals: what is drawn where. Pure; a template writes the SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tessera.domain.statistics.survival import Curve

WIDTH, HEIGHT = 640, 280
_LEFT, _RIGHT, _TOP, _FLOOR = 48, 16, 14, 246
STYLES: Final = 6
"""Curves that can be told apart without colour: the dash repeats after so many."""
_YEAR: Final = 365
_MOST_BANDS: Final = 3
"""With more curves their intervals would hide one another; the table has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    group: str
    style: int
    line: str
    """Points for SVG, as steps."""
    band: str
    """A polygon around the interval; empty where there are too many curves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalChart:
    curves: tuple[Drawn, ...]
    x_marks: tuple[Mark, ...]
    y_marks: tuple[Mark, ...]
    in_years: bool


def survival_chart(curves: Sequence[Curve]) -> SurvivalChart:
    """Lay out the curves over one axis of time, in years when it is longer than one."""
    last = max((curve.points[-1].time for curve in curves), default=1) or 1
    in_years = last >= _YEAR
    unit = _YEAR if in_years else max(1, round(last / 5))
    marks = range(int(last // unit) + 1)

    def x(time: float) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * time / last, 1)

    def y(share: float) -> float:
        return round(_FLOOR - (_FLOOR - _TOP) * share, 1)

    def steps(points: Sequence[tuple[float, float]]) -> list[str]:
        """Level to the next time, then to its value."""
        found, before = [], None
        for time, share in points:
            if before is not None:
                found.append(f"{x(time)},{y(before)}")
            found.append(f"{x(time)},{y(share)}")
            before = share
        return found

    drawn = []
    for place, curve in enumerate(curves):
        low = steps([(point.time, point.low) for point in curve.points])
        high = steps([(point.time, point.high) for point in curve.points])
        drawn.append(
            Drawn(
                group=curve.group,
                style=place % STYLES,
                line=" ".join(steps([(point.time, point.survival) for point in curve.points])),
                band=" ".join([*high, *reversed(low)]) if len(curves) <= _MOST_BANDS else "",
            )
        )
    return SurvivalChart(
        curves=tuple(drawn),
        x_marks=tuple(Mark(at=x(n * unit), text=str(n if in_years else n * unit)) for n in marks),
        y_marks=tuple(Mark(at=y(n / 4), text=f"{n * 25}") for n in range(5)),
        in_years=in_years,
    )
