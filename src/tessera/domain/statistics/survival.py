"""Kaplan-Meier curves and the log-rank test on times rounded down to steps. Pure.

Sources: Kaplan and Meier, J Am Stat Assoc 1958, 53:457; Greenwood's variance; intervals on the
log(-log) scale (Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data, 1.4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tessera.domain.statistics.cut import UNKNOWN, Cut
from tessera.domain.statistics.probability import Z95, chi_squared_above
from tessera.domain.statistics.told import N_DRAWS, Curves, Draws, Floats, Told

WIDEST: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    time: float
    """The edge up to which the events are counted."""
    survival: float
    low: float
    high: float
    """95 percent interval; what the hospitals' noise adds is in it."""
    at_risk: float
    """At this time."""
    events: float
    """Since the edge before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    group: str
    """A value of the field, `?` for those without, empty for all subjects."""
    points: tuple[Point, ...]
    """Ends where no hospital tells who is at risk, or the interval is wider than WIDEST."""
    median: tuple[float, float] | None
    """The step in which survival comes to a half; None where it does not."""

    @property
    def is_drawn(self) -> bool:
        """Whether there is more of it than its beginning."""
        return len(self.points) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A chi-squared test."""

    chi_squared: float
    df: int
    p: float
    p_low: float
    p_high: float
    """Between these is p in 95 of 100 draws of what the hospitals' noise hides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    curves: tuple[Curve, ...]
    log_rank: Tested | None
    """Between the groups, without those of unknown value. None where there are not two."""


def survival(cut: Cut, told: Sequence[Told], rng: Draws) -> Survival:
    """Return the curve of each group of the cut, pooled over datasets."""
    curves = Curves(cut, told)
    at_risk, events = curves.intervals()
    draws = [curves.intervals(rng) for _ in range(N_DRAWS)]
    names = [group[0] if group else "" for group in cut.groups()]
    in_order = sorted(range(len(names)), key=lambda place: names[place] == UNKNOWN)
    found = tuple(
        _curve(
            names[place],
            curves.edges,
            at_risk[place],
            events[place],
            [_survival(n[place], d[place]) for n, d in draws],
        )
        for place in in_order
        if at_risk[place, 0] > 0
    )
    known = [place for place, name in enumerate(names) if name != UNKNOWN and at_risk[place, 0] > 0]
    return Survival(curves=found, log_rank=_log_rank(at_risk, events, draws, known))


def _survival(at_risk: Floats, events: Floats) -> Floats:
    """Return survival after each interval; at_risk and events of shape (n_intervals,)."""
    share = np.divide(events, at_risk, out=np.zeros_like(events), where=at_risk > 0)
    survival: Floats = np.cumprod(1 - share)
    return survival


def _curve(name: str, edges: Floats, at_risk: Floats, events: Floats, draws: list[Floats]) -> Curve:
    n_told = int(np.count_nonzero(at_risk > 0))
    n, d = at_risk[:n_told], events[:n_told]
    survival = _survival(n, d)
    low, high = _interval(survival, n, d, np.array(draws)[:, :n_told])
    too_wide = np.flatnonzero(high - low > WIDEST)
    if len(too_wide):
        n_told = int(too_wide[0])
    first = Point(time=edges[0], survival=1, low=1, high=1, at_risk=float(n[0]), events=0)
    after = [*n[1:], at_risk[n_told] if n_told < len(at_risk) else np.nan]
    points = [
        Point(
            time=float(edges[place + 1]),
            survival=float(survival[place]),
            low=float(low[place]),
            high=float(high[place]),
            at_risk=float(after[place]),
            events=float(d[place]),
        )
        for place in range(n_told)
    ]
    half = np.flatnonzero(survival[:n_told] <= 0.5)
    median = (float(edges[half[0]]), float(edges[half[0] + 1])) if len(half) else None
    return Curve(group=name, points=(first, *points), median=median)


def _interval(
    survival: Floats, at_risk: Floats, events: Floats, draws: Floats
) -> tuple[Floats, Floats]:
    """Return the ends of the interval: of sampling, widened by what the draws make of noise."""
    inside = (survival > 0) & (survival < 1)
    safe = np.where(inside, survival, 0.5)
    left = at_risk * (at_risk - events)
    greenwood = np.cumsum(np.divide(events, left, out=np.zeros_like(left), where=left > 0))
    apart = Z95 * np.sqrt(greenwood) / -np.log(safe)
    low, high = (np.where(inside, safe ** np.exp(sign * apart), survival) for sign in (1, -1))
    least, most = np.quantile(draws, (0.025, 0.975), axis=0)
    below = np.hypot(survival - low, np.maximum(survival - least, 0))
    above = np.hypot(high - survival, np.maximum(most - survival, 0))
    return np.maximum(survival - below, 0), np.minimum(survival + above, 1)


def _log_rank(
    at_risk: Floats, events: Floats, draws: list[tuple[Floats, Floats]], groups: list[int]
) -> Tested | None:
    if len(groups) < 2:
        return None
    found = _log_rank_chi(at_risk[groups], events[groups])
    if found is None:
        return None
    df = len(groups) - 1
    drawn = [_log_rank_chi(n[groups], d[groups]) for n, d in draws]
    return tested(found, df, [chi for chi in drawn if chi is not None])


def tested(chi_squared: float, df: int, drawn: list[float]) -> Tested:
    """Return the test with the spread of its p over the draws."""
    p = chi_squared_above(chi_squared, df)
    spread = [chi_squared_above(chi, df) for chi in drawn] or [p]
    low, high = (float(one) for one in np.quantile(spread, (0.025, 0.975)))
    return Tested(chi_squared=chi_squared, df=df, p=p, p_low=min(low, p), p_high=max(high, p))


def _log_rank_chi(at_risk: Floats, events: Floats) -> float | None:
    """Return the log-rank statistic, from arrays of shape (n_groups, n_intervals).

    Kalbfleisch and Prentice, 1.5; the variance is hypergeometric.
    """
    n, d = at_risk.sum(axis=0), events.sum(axis=0)
    use = (n > 1) & (d > 0)
    share = at_risk[:, use] / n[use]
    n, d = n[use], d[use]
    apart = (events[:, use] - share * d).sum(axis=1)
    scale = d * np.maximum(n - d, 0) / (n - 1)
    spread = np.diag((share * scale).sum(axis=1)) - (share * scale) @ share.T
    apart, spread = apart[1:], spread[1:, 1:]
    if np.linalg.matrix_rank(spread) < len(apart):
        return None
    return float(apart @ np.linalg.solve(spread, apart))
