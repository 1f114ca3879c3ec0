"""How good a classifier is, with intervals that respect who the samples come from. Pure.

Several samples of one subject are not independent: intervals resample subjects, not samples.
Randomness is handed in as `draws`, an array (repeats, subjects) of numbers from 0 to subjects - 1.
Labels are 0 or 1; scores are larger for 1. Arrays are one-dimensional, of one length.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Samples = npt.NDArray[Any]
Metric = Callable[[Samples, Samples], float]
"""Of labels and scores; NaN where it is not defined."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate between its limits, all NaN when it cannot be told."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Samples whose probability lies in one part of 0 to 1."""

    n_samples: int
    n_subjects: int
    predicted: float
    """Mean probability."""
    observed: float
    """Share with label 1."""


def auc(labels: Samples, scores: Samples) -> float:
    """Return the area under the ROC curve: how often a 1 scores above a 0, ties half.

    NaN when one class is missing. Source: Hanley and McNeil, Radiology 143 (1982) 29-36.
    """
    positive, negative = _classes(labels, scores)
    if not positive.size or not negative.size:
        return float("nan")
    ranks = _midranks(np.concatenate([positive, negative]))[: positive.size]
    wins = ranks.sum() - positive.size * (positive.size + 1) / 2
    return float(wins / (positive.size * negative.size))


def auc_delong(labels: Samples, scores: Samples, level: float = 0.95) -> Interval:
    """Return the AUC with DeLong's interval; samples must be independent (one of a subject).

    Source: DeLong et al., Biometrics 44 (1988) 837-845; ranks as in Sun and Xu, IEEE Signal
    Processing Letters 21 (2014) 1389-1393.
    """
    positive, negative = _classes(labels, scores)
    m, n = positive.size, negative.size
    if m < 2 or n < 2:
        return Interval(auc(labels, scores), float("nan"), float("nan"))
    ranks = _midranks(np.concatenate([positive, negative]))
    of_positive = (ranks[:m] - _midranks(positive)) / n
    of_negative = 1 - (ranks[m:] - _midranks(negative)) / m
    value = float(of_positive.mean())
    spread = (of_positive.var(ddof=1) / m + of_negative.var(ddof=1) / n) ** 0.5
    reach = NormalDist().inv_cdf(0.5 + level / 2) * float(spread)
    return Interval(value, max(0.0, value - reach), min(1.0, value + reach))


def by_subject(
    metric: Metric,
    labels: Samples,
    scores: Samples,
    subjects: Samples,
    draws: npt.NDArray[np.intp],
    level: float = 0.95,
) -> Interval:
    """Return a metric with its percentile interval over resampled subjects.

    `draws` names subjects in the order of `numpy.unique`. Draws in which the metric is
    not defined are left out; with over half of them so, there is no interval.
    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    _, of_subject = np.unique(subjects, return_inverse=True)
    order = np.argsort(of_subject, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(of_subject))[:-1])
    if draws.ndim != 2 or draws.shape[1] != len(groups):
        raise ValueError(f"draws: expected (repeats, {len(groups)})")
    found = np.empty(len(draws))
    for i, draw in enumerate(draws):
        rows = np.concatenate([groups[k] for k in draw])
        found[i] = metric(labels[rows], scores[rows])
    found = found[np.isfinite(found)]
    value = metric(labels, scores)
    if 2 * found.size <= len(draws):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def sensitivity(labels: Samples, called: Samples) -> float:
    """Return the share of ones that are called (`called` > 0); NaN without ones."""
    ones = called[labels == 1]
    return float((ones > 0).mean()) if ones.size else float("nan")


def specificity(labels: Samples, called: Samples) -> float:
    """Return the share of zeros that are not called; NaN without zeros."""
    zeros = called[labels == 0]
    return float((zeros <= 0).mean()) if zeros.size else float("nan")


def wilson(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Return a proportion of independent trials with its interval.

    Source: Wilson, Journal of the American Statistical Association 22 (1927) 209-212.
    """
    if trials < 1 or not 0 <= successes <= trials:
        return Interval(float("nan"), float("nan"), float("nan"))
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share, weight = successes / trials, z * z / trials
    centre = (share + weight / 2) / (1 + weight)
    reach = z * (share * (1 - share) / trials + weight / (4 * trials)) ** 0.5 / (1 + weight)
    return Interval(share, max(0.0, centre - reach), min(1.0, centre + reach))


def brier(labels: Samples, probabilities: Samples) -> float:
    """Return the mean squared distance of probability and label, 0 (best) to 1."""
    return float(np.mean((probabilities - labels) ** 2)) if labels.size else float("nan")


def calibration(
    labels: Samples, probabilities: Samples, subjects: Samples, *, n_bins: int = 10
) -> list[Bin]:
    """Return what was predicted and what was so, in `n_bins` equal parts of 0 to 1; empty ones not.

    A bin tells of how many subjects it is: leave out small ones before it goes further.
    """
    place = np.clip((probabilities * n_bins).astype(np.intp), 0, n_bins - 1)
    return [
        Bin(
            n_samples=int(inside.sum()),
            n_subjects=len(np.unique(subjects[inside])),
            predicted=float(probabilities[inside].mean()),
            observed=float(labels[inside].mean()),
        )
        for inside in (place == i for i in range(n_bins))
        if inside.any()
    ]


def calibration_error(bins: list[Bin]) -> float:
    """Return the mean distance of predicted and observed, weighted by samples (ECE)."""
    total = sum(b.n_samples for b in bins)
    if not total:
        return float("nan")
    return sum(b.n_samples * abs(b.predicted - b.observed) for b in bins) / total


def roc_points(labels: Samples, scores: Samples, n_points: int = 21) -> list[tuple[float, float]]:
    """Return the ROC curve at evenly spaced false positive rates: (1 - specificity, sensitivity).

    Interpolated, so that no point is the score of one sample.
    """
    positive, negative = _classes(labels, scores)
    if not positive.size or not negative.size:
        return []
    cuts = np.unique(np.concatenate([positive, negative]))
    hits = 1 - np.searchsorted(np.sort(positive), cuts) / positive.size
    false = 1 - np.searchsorted(np.sort(negative), cuts) / negative.size
    x = np.concatenate([[0.0], false[::-1], [1.0]])
    y = np.concatenate([[0.0], hits[::-1], [1.0]])
    grid = np.linspace(0, 1, n_points)
    return [(float(a), float(b)) for a, b in zip(grid, np.interp(grid, x, y), strict=True)]


def _classes(labels: Samples, scores: Samples) -> tuple[Numbers, Numbers]:
    if labels.shape != scores.shape or labels.ndim != 1:
        raise ValueError("labels and scores: expected one-dimensional arrays of one length")
    numbers = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("scores: expected finite numbers")
    return numbers[labels == 1], numbers[labels == 0]


def _midranks(values: Numbers) -> Numbers:
    """Ranks from 1; equal values share the mean of theirs."""
    _, place, n = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(n)
    ranks: Numbers = (last - (n - 1) / 2)[place]
    return ranks
