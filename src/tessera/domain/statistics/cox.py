"""Cox's proportional hazards over groups of equal covariates and steps of time. Pure.

Source: Efron, J Am Stat Assoc 1977, 72:557, for the events that fall into one step.
"""

from typing import Final

import numpy as np

from tessera.domain.statistics.told import Floats

_ROUNDS: Final = 50
_HALVINGS: Final = 10
_CLOSE: Final = 1e-10


def fit_cox(rows: Floats, at_risk: Floats, events: Floats) -> tuple[Floats, Floats] | None:
    """Return log hazard ratios and their covariance by Newton's method, or None.

    `rows`: covariates of each group, shape (n_groups, n_terms). `at_risk`, `events`: at the
    beginning of each step and in it, shape (n_groups, n_steps); events are rounded.
    """
    events = np.rint(events)
    use = events.sum(axis=0) > 0
    at_risk, events = np.maximum(at_risk, events)[:, use], events[:, use]
    if not use.any() or not rows.shape[1]:
        return None
    found = np.zeros(rows.shape[1])
    now = _likelihood(rows, at_risk, events, found)
    for _ in range(_ROUNDS):
        value, slope, bend = now
        if np.linalg.cond(bend) > 1e12:
            return None
        step = np.linalg.solve(bend, slope).astype(np.float64)
        if np.abs(step).max() < _CLOSE:
            return found, np.linalg.inv(bend).astype(np.float64)
        for _ in range(_HALVINGS):
            now = _likelihood(rows, at_risk, events, found + step)
            if now[0] >= value - 1e-9:
                break
            step = step / 2
        found = found + step
    return None


def _likelihood(
    rows: Floats, at_risk: Floats, events: Floats, found: Floats
) -> tuple[float, Floats, Floats]:
    """Return the log partial likelihood, its gradient and its negative second derivative."""
    hazard = np.exp(rows @ found)
    value, slope = 0.0, np.zeros(len(found))
    bend = np.zeros((len(found), len(found)))
    for n, d in zip(at_risk.T * hazard, events.T, strict=True):
        tied = d * hazard
        n_events = int(d.sum())
        n1, d1 = rows.T @ n, rows.T @ tied
        n2, d2 = (rows.T * n) @ rows, (rows.T * tied) @ rows
        share = np.arange(n_events) / n_events
        total = n.sum() - share * tied.sum()
        a, b = (1 / total).sum(), (share / total).sum()
        aa, ab, bb = ((share**power / total**2).sum() for power in (0, 1, 2))
        value += float(d @ (rows @ found) - np.log(total).sum())
        slope += rows.T @ d - (n1 * a - d1 * b)
        crossed = np.outer(n1, d1)
        bend += n2 * a - d2 * b
        bend -= np.outer(n1, n1) * aa - (crossed + crossed.T) * ab + np.outer(d1, d1) * bb
    return value, slope, bend
