"""Linear, logistic and Cox models fitted to the sizes of groups, as if subjects were pooled. Pure.

Every field enters by its values (dummies against a reference), so that a group of equal values
is one row with a weight: the estimates are those of the pooled rows, exactly. Subjects of whom a
value is unknown are left out (complete cases).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tessera.domain.errors import InvalidInput
from tessera.domain.statistics.cox import fit_cox
from tessera.domain.statistics.cut import UNKNOWN, Cut
from tessera.domain.statistics.probability import Z95, two_sided
from tessera.domain.statistics.statistic import Kind, Statistic
from tessera.domain.statistics.told import N_DRAWS, Curves, Draws, Floats, Sizes, Told

_STEPS: Final = 50
_CLOSE: Final = 1e-10
_MOST_NOISE: Final = 2.0
"""With more of it, in standard errors by sampling, an estimate says little but the noise."""
_TOO_FAR: Final = 15.0
"""A log odds or hazard ratio beyond this has run away: a group has all of the events or none."""
Estimates = tuple[Floats, Floats]
"""Coefficients, shape (n_terms,), and their covariance, shape (n_terms, n_terms)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    field: str
    """Empty for the intercept."""
    value: str
    estimate: float
    """In units of the outcome, or a log odds ratio, or a log hazard ratio."""
    error: float
    """Standard error by sampling."""
    noise: float
    """Standard deviation by what the hospitals' noise hides."""
    p: float
    """Two-sided, by the normal distribution and both of them together."""

    @property
    def total_error(self) -> float:
        return float(np.hypot(self.error, self.noise))

    @property
    def low(self) -> float:
        return self.estimate - Z95 * self.total_error

    @property
    def high(self) -> float:
        return self.estimate + Z95 * self.total_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    terms: tuple[Term, ...]
    references: tuple[tuple[str, str], ...]
    """Each field and the value that its terms are compared with."""
    n_subjects: float
    n_events: float | None
    """None for a linear model."""
    lacking: str
    """Why there are no terms: `few` subjects, `separated` outcomes, more `noise` than can be told
    apart; else empty."""


@dataclass(frozen=True, slots=True)
class _Design:
    rows: Floats
    """Shape (n_groups, n_terms)."""
    groups: tuple[int, ...]
    """Places of the groups among those of the cut."""
    terms: tuple[tuple[str, str], ...]
    references: tuple[tuple[str, str], ...]


def model(statistic: Statistic, told: Sequence[Told], rng: Draws) -> Model:
    """Fit the model of a statistic of kind linear, logistic or cox."""
    (cut,) = statistic.cuts
    match statistic.kind:
        case Kind.LINEAR:
            curves = Curves(cut, told)
            return _fitted(
                statistic,
                curves.bands,
                lambda bands: bands.sum(axis=1),
                lambda rows, bands: _linear(rows, bands, curves.edges),
                rng,
            )
        case Kind.LOGISTIC:
            sizes, n_values = Sizes(cut, told), len(cut.axes[-1].values) + 1
            event = 1 + cut.axes[-1].values.index(statistic.event)

            def outcomes(rng: Draws | None = None) -> Floats:
                """Return subjects of known outcome and events, shape (n_groups, 2)."""
                each = sizes.pooled(rng).reshape(-1, n_values)
                return np.stack([each[:, 1:].sum(axis=1), each[:, event]], axis=1)

            return _fitted(statistic, outcomes, lambda each: each[:, 0], _logistic, rng)
        case Kind.COX:
            times = Curves(cut, told)

            def intervals(rng: Draws | None = None) -> Floats:
                return np.concatenate(times.intervals(rng), axis=1)

            return _fitted(statistic, intervals, lambda each: each[:, 0], _cox, rng)
    raise InvalidInput(f"{statistic.kind} is no model")


def _fitted(
    statistic: Statistic,
    numbers: Callable[[Draws | None], Floats],
    sizes: Callable[[Floats], Floats],
    fit: Callable[[Floats, Floats], Estimates | None],
    rng: Draws,
) -> Model:
    exact = numbers(None)
    has_intercept = statistic.kind is not Kind.COX
    design = _design(statistic, sizes(exact), has_intercept=has_intercept)
    groups = list(design.groups)
    used = exact[groups]
    n_subjects, n_events = float(sizes(used).sum()), _events(statistic.kind, used)
    found: tuple[Term, ...] = ()
    lacking = "few"
    if n_subjects > design.rows.shape[1] and design.terms:
        found, lacking = _estimated(design, fit, used, lambda: numbers(rng)[groups])
    return Model(
        terms=found,
        references=design.references,
        n_subjects=n_subjects,
        n_events=n_events,
        lacking=lacking,
    )


def _estimated(
    design: _Design,
    fit: Callable[[Floats, Floats], Estimates | None],
    used: Floats,
    draw: Callable[[], Floats],
) -> tuple[tuple[Term, ...], str]:
    """Return the terms, or why there are none."""
    estimates = fit(design.rows, used)
    if estimates is None:
        return (), "separated"
    drawn = [fit(design.rows, draw()) for _ in range(N_DRAWS)]
    moved = np.array([one[0] for one in drawn if one is not None])
    if len(moved) < N_DRAWS * 0.9:
        return (), "noise"
    terms = _terms(design, estimates, moved.std(axis=0))
    if any(term.noise > _MOST_NOISE * term.error for term in terms):
        return (), "noise"
    return terms, ""


def _events(kind: Kind, used: Floats) -> float | None:
    if kind is Kind.LINEAR:
        return None
    half = used.shape[1] // 2
    return float(used[:, half:].sum())


def _terms(design: _Design, estimates: Estimates, noise: Floats) -> tuple[Term, ...]:
    found, covariance = estimates
    errors = np.sqrt(np.maximum(np.diag(covariance), 0))
    return tuple(
        Term(
            field=field,
            value=value,
            estimate=float(found[place]),
            error=float(errors[place]),
            noise=float(noise[place]),
            p=two_sided(found[place] / max(float(np.hypot(errors[place], noise[place])), 1e-300)),
        )
        for place, (field, value) in enumerate(design.terms)
    )


def _design(statistic: Statistic, sizes: Floats, *, has_intercept: bool) -> _Design:
    """Return dummies for the values that some subject has; the most frequent is the reference."""
    by = Cut(statistic.by)
    groups = [
        place
        for place, group in enumerate(by.groups())
        if UNKNOWN not in group and sizes[place] > 0
    ]
    each = list(by.groups())
    columns, terms, references = [np.ones(len(groups))] if has_intercept else [], [], []
    if has_intercept:
        terms.append(("", ""))
    for place, axis in enumerate(statistic.by):
        n_of = {
            value: float(sum(sizes[one] for one in groups if each[one][place] == value))
            for value in axis.values
        }
        present = [value for value, n in n_of.items() if n > 0]
        if not present:
            continue
        reference = max(present, key=lambda value: n_of[value])
        references.append((axis.field, reference))
        for value in present:
            if value != reference:
                terms.append((axis.field, value))
                columns.append(np.array([float(each[one][place] == value) for one in groups]))
    rows = np.stack(columns, axis=1) if columns else np.zeros((len(groups), 0))
    return _Design(rows, tuple(groups), tuple(terms), tuple(references))


def _linear(rows: Floats, bands: Floats, edges: Floats) -> Estimates | None:
    """Least squares; bands of shape (n_groups, n_edges), values rounded down to the edges."""
    n = bands.sum(axis=1)
    inverse = _inverse(rows.T @ (rows * n[:, None]))
    if inverse is None:
        return None
    found = inverse @ (rows.T @ (bands @ edges))
    left = edges[None, :] - (rows @ found)[:, None]
    spread = float((bands * left**2).sum()) / max(float(n.sum()) - rows.shape[1], 1e-9)
    return found, inverse * spread


def _logistic(rows: Floats, outcomes: Floats) -> Estimates | None:
    """Iteratively reweighted least squares; outcomes (subjects, events), shape (n_groups, 2)."""
    n, y = outcomes.T
    found = np.zeros(rows.shape[1])
    for _ in range(_STEPS):
        share = 1 / (1 + np.exp(-np.clip(rows @ found, -30, 30)))
        inverse = _inverse(rows.T @ (rows * (n * share * (1 - share))[:, None]))
        if inverse is None:
            return None
        step = inverse @ (rows.T @ (y - n * share))
        found = found + step
        if np.abs(found).max() > _TOO_FAR:
            return None
        if np.abs(step).max() < _CLOSE:
            return found, inverse
    return None


def _cox(rows: Floats, intervals: Floats) -> Estimates | None:
    half = intervals.shape[1] // 2
    found = fit_cox(rows, intervals[:, :half], intervals[:, half:])
    return None if found is None or np.abs(found[0]).max() > _TOO_FAR else found


def _inverse(square: Floats) -> Floats | None:
    if not len(square) or np.linalg.cond(square) > 1e12:
        return None
    return np.asarray(np.linalg.inv(square), np.float64)
