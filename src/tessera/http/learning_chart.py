"""How a training goes, as line charts: what is drawn where. Pure; a template writes the SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tessera.wire.learning import RoundUpdate

WIDTH, HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _FLOOR = 48, 16, 14, 190
_MAX_TICKS = 8
STYLES = 6
"""Lines that can be told apart without colour: dash and mark repeat after so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    x: float
    y: float
    round: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One site. Rounds that it missed leave a gap."""

    name: str
    style: int
    """From 0, below `STYLES`."""
    dots: tuple[Dot, ...]
    paths: tuple[str, ...]
    """Points of each unbroken piece, as SVG wants them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChart:
    """One metric over the rounds."""

    metric: str
    lines: tuple[Line, ...]
    x_marks: tuple[Mark, ...]
    y_marks: tuple[Mark, ...]
    rows: tuple[tuple[int, tuple[float | None, ...]], ...]
    """The same as a table: the round, and the value at each site."""


def metric_charts(
    updates: Sequence[RoundUpdate], names: Mapping[str, str], rounds: int
) -> list[MetricChart]:
    """Return a chart for each metric; `names` has the sites in their order."""
    metrics = sorted({name for update in updates for name in update.metrics})
    return [_chart(metric, updates, names, rounds) for metric in metrics]


def _chart(
    metric: str, updates: Sequence[RoundUpdate], names: Mapping[str, str], rounds: int
) -> MetricChart:
    found: dict[tuple[str, int], float] = {
        (u.node_id, u.round): u.metrics[metric] for u in updates if metric in u.metrics
    }
    low, high, ticks = _scale(list(found.values()))
    last = max([rounds, *(number for _, number in found)])

    def x(number: int) -> float:
        span = WIDTH - _LEFT - _RIGHT
        return round(_LEFT + (span * (number - 1) / (last - 1) if last > 1 else span / 2), 1)

    def y(value: float) -> float:
        return round(_FLOOR - (_FLOOR - _TOP) * (value - low) / (high - low), 1)

    lines = []
    for index, (site, name) in enumerate(names.items()):
        dots = [
            Dot(x=x(number), y=y(value), round=number, value=value)
            for (node, number), value in sorted(found.items(), key=lambda item: item[0][1])
            if node == site
        ]
        lines.append(
            Line(name=name, style=index % STYLES, dots=tuple(dots), paths=tuple(_pieces(dots)))
        )
    step = max(1, math.ceil(last / _MAX_TICKS))
    told = sorted({number for _, number in found})
    return MetricChart(
        metric=metric,
        lines=tuple(lines),
        x_marks=tuple(Mark(at=x(n), text=str(n)) for n in range(1, last + 1, step)),
        y_marks=tuple(Mark(at=y(value), text=f"{value:.6g}") for value in ticks),
        rows=tuple((n, tuple(found.get((site, n)) for site in names)) for n in told),
    )


def _pieces(dots: Sequence[Dot]) -> list[str]:
    pieces: list[list[Dot]] = []
    for dot in dots:
        if pieces and pieces[-1][-1].round == dot.round - 1:
            pieces[-1].append(dot)
        else:
            pieces.append([dot])
    return [" ".join(f"{d.x},{d.y}" for d in piece) for piece in pieces if len(piece) > 1]


def _scale(values: Sequence[float]) -> tuple[float, float, list[float]]:
    """Return the ends of the axis and its marks, at round numbers."""
    low, high = min(values), max(values)
    if not high - low > 1e-12 * max(abs(low), abs(high), 1e-300):
        room = abs(low) * 0.1 or 1.0
        low, high = low - room, high + room
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= rough * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = [round(n * step, 12) for n in range(first, last + 1)]
    return first * step, last * step, ticks
