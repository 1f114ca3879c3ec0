"""Metrics against their definitions, written out slowly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera.domain.learning.metrics import (
    auc,
    auc_delong,
    brier,
    by_subject,
    calibration,
    calibration_error,
    roc_points,
    sensitivity,
    specificity,
    wilson,
)

# Few distinct scores, so that ties are common.
samples = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=1, max_size=40)


def draws(n_subjects: int, repeats: int = 400, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, n_subjects, (repeats, n_subjects))


@given(samples)
def test_auc_is_the_share_of_pairs_in_the_right_order(pairs: list[tuple[int, int]]) -> None:
    labels, scores = (np.array(column) for column in zip(*pairs, strict=True))
    ones, zeros = scores[labels == 1], scores[labels == 0]
    found = auc(labels, scores)
    if not len(ones) or not len(zeros):
        assert np.isnan(found)
    else:
        wins = [1.0 if a > b else 0.5 if a == b else 0.0 for a in ones for b in zeros]
        assert found == pytest.approx(np.mean(wins))


@given(samples)
def test_auc_of_turned_scores_is_the_rest_to_one(pairs: list[tuple[int, int]]) -> None:
    labels, scores = (np.array(column) for column in zip(*pairs, strict=True))
    if 0 < labels.sum() < len(labels):
        assert auc(labels, -scores) == pytest.approx(1 - auc(labels, scores))


@settings(max_examples=50)
@given(samples)
def test_delong_is_its_definition(pairs: list[tuple[int, int]]) -> None:
    labels, scores = (np.array(column) for column in zip(*pairs, strict=True))
    ones, zeros = scores[labels == 1], scores[labels == 0]
    found = auc_delong(labels, scores)
    if min(len(ones), len(zeros)) < 2:
        assert np.isnan(found.low) and np.isnan(found.high)
        return
    wins = (ones[:, None] > zeros[None]) + 0.5 * (ones[:, None] == zeros[None])
    variance = wins.mean(1).var(ddof=1) / len(ones) + wins.mean(0).var(ddof=1) / len(zeros)
    reach = 1.959963984540054 * np.sqrt(variance)
    assert found.value == pytest.approx(wins.mean())
    assert found.low == pytest.approx(max(0.0, wins.mean() - reach), abs=1e-9)
    assert found.high == pytest.approx(min(1.0, wins.mean() + reach), abs=1e-9)


def test_delong_holds_the_truth_as_often_as_it_says() -> None:
    rng, held, truth = np.random.default_rng(5), 0, 0.7602499  # P(N(1,1) > N(0,1))
    for _ in range(400):
        labels = np.repeat([1, 0], 40)
        scores = rng.normal(labels, 1)
        interval = auc_delong(labels, scores)
        held += interval.low <= truth <= interval.high
    assert 0.91 <= held / 400 <= 0.98


def test_many_samples_of_a_subject_do_not_make_it_surer() -> None:
    rng = np.random.default_rng(3)
    labels = np.tile([0, 1], 15)
    scores = rng.normal(labels, 1)
    subjects = np.arange(30) // 2
    once = by_subject(auc, labels, scores, subjects, draws(15))
    copies = 20
    repeated = by_subject(
        auc,
        np.tile(labels, copies),
        np.tile(scores, copies),
        np.tile(subjects, copies),
        draws(15),
    )
    assert repeated == once
    as_if_apart = auc_delong(np.tile(labels, copies), np.tile(scores, copies))
    assert repeated.high - repeated.low > 2 * (as_if_apart.high - as_if_apart.low)


def test_the_interval_holds_the_value_and_follows_the_draws() -> None:
    rng = np.random.default_rng(4)
    labels, subjects = np.tile([0, 1], 50), np.repeat(np.arange(20), 5)
    scores = rng.normal(labels, 1)
    one = by_subject(auc, labels, scores, subjects, draws(20))
    assert one.low < one.value < one.high
    assert one == by_subject(auc, labels, scores, subjects, draws(20))
    assert one != by_subject(auc, labels, scores, subjects, draws(20, seed=2))
    narrow = by_subject(auc, labels, scores, subjects, draws(20), level=0.5)
    assert narrow.high - narrow.low < one.high - one.low


def test_draws_for_another_number_of_subjects_are_refused() -> None:
    labels, scores = np.array([0, 1]), np.array([0.1, 0.9])
    with pytest.raises(ValueError, match=r"expected \(repeats, 2\)"):
        by_subject(auc, labels, scores, np.array([0, 1]), draws(3))


def test_without_enough_draws_that_tell_there_is_no_interval() -> None:
    # Each subject has one class only: half of all draws of two hold both.
    labels, scores = np.array([0, 1]), np.array([0.1, 0.9])
    one_class = np.zeros((10, 2), dtype=np.intp)
    found = by_subject(auc, labels, scores, np.array([0, 1]), one_class)
    assert found.value == 1.0 and np.isnan(found.low) and np.isnan(found.high)


def test_sensitivity_and_specificity_count_what_is_called() -> None:
    labels, called = np.array([1, 1, 1, 1, 0, 0]), np.array([1, 1, 1, 0, 0, 1])
    assert sensitivity(labels, called) == 0.75
    assert specificity(labels, called) == 0.5
    assert np.isnan(sensitivity(labels[4:], called[4:]))
    assert np.isnan(specificity(labels[:4], called[:4]))


def test_wilson_agrees_with_published_values() -> None:
    # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
    for successes, trials, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        found = wilson(successes, trials)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert np.isnan(wilson(0, 0).value)


def test_calibration_of_honest_and_of_boastful_probabilities() -> None:
    rng = np.random.default_rng(8)
    chance = rng.uniform(0, 1, 20_000)
    labels = (rng.uniform(0, 1, 20_000) < chance).astype(int)
    subjects = np.arange(20_000)
    honest = calibration(labels, chance, subjects)
    assert len(honest) == 10 and calibration_error(honest) < 0.02
    boastful = np.clip(2 * chance - 0.5, 0, 1)
    assert calibration_error(calibration(labels, boastful, subjects)) > 0.08
    assert brier(labels, chance) < brier(labels, boastful)


def test_a_bin_says_of_how_many_subjects_it_is() -> None:
    bins = calibration(np.array([1, 0, 1]), np.array([0.95, 1.0, 0.05]), np.array([4, 4, 5]))
    assert [(b.n_samples, b.n_subjects, b.observed) for b in bins] == [(1, 1, 1.0), (2, 1, 0.5)]
    assert np.isnan(calibration_error([]))


@given(samples)
def test_the_roc_curve_rises_from_edge_to_edge(pairs: list[tuple[int, int]]) -> None:
    labels, scores = (np.array(column) for column in zip(*pairs, strict=True))
    points = roc_points(labels, scores)
    if not 0 < labels.sum() < len(labels):
        assert points == []
        return
    false, hits = (list(column) for column in zip(*points, strict=True))
    assert false == pytest.approx(np.linspace(0, 1, 21))
    assert hits == sorted(hits) and hits[-1] == 1.0 and hits[0] >= 0


def test_the_area_below_the_roc_curve_is_the_auc() -> None:
    rng = np.random.default_rng(9)
    labels = np.tile([0, 1], 2000)
    scores = rng.normal(labels, 1)
    false, hits = zip(*roc_points(labels, scores, 201), strict=True)
    assert np.trapezoid(hits, false) == pytest.approx(auc(labels, scores), abs=0.005)


@pytest.mark.parametrize(
    ("labels", "scores"),
    [([0, 1], [0.1]), ([0, 1], [0.1, float("nan")]), ([[0, 1]], [[0.1, 0.2]])],
)
def test_arrays_that_do_not_fit_are_refused(labels: list[int], scores: list[float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        auc(np.array(labels), np.array(scores))
