"""The mean of updates: weighted, exact where it can be, and closed to what is no update."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tessera.domain.errors import InvalidInput
from tessera.domain.learning.aggregate import Weights, weighted_mean


def one(value: float, dtype: type = np.float32) -> Weights:
    return {"w": np.array([value], dtype)}


def test_each_node_counts_by_its_samples() -> None:
    mean = weighted_mean([(1, one(0.0)), (3, one(8.0))])
    assert mean["w"].tolist() == [6.0]
    assert mean["w"].dtype == np.float32


def test_whole_numbers_stay_whole() -> None:
    mean = weighted_mean([(1, one(4, np.int64)), (2, one(9, np.int64))])
    assert mean["w"].tolist() == [7]
    assert mean["w"].dtype == np.int64


def test_an_array_without_axes_is_a_weight_too() -> None:
    mean = weighted_mean([(1, {"s": np.array(1.0)}), (1, {"s": np.array(2.0)})])
    assert mean["s"].shape == ()
    assert float(mean["s"]) == 1.5


def test_sums_are_in_double_precision() -> None:
    updates = [(1, one(1e8)), (1, one(1.0)), (1, one(-1e8))]
    assert weighted_mean(updates)["w"][0] == np.float32(1 / 3)


@given(
    hnp.arrays(np.float32, 5, elements=st.floats(-1e6, 1e6, width=32)),
    st.lists(st.integers(1, 10**6), min_size=1, max_size=5),
)
def test_nodes_that_agree_change_nothing(values: np.ndarray, counts: list[int]) -> None:
    mean = weighted_mean([(n, {"w": values}) for n in counts])["w"]
    np.testing.assert_allclose(mean, values, rtol=1e-6)


@given(st.lists(st.tuples(st.integers(1, 10**6), st.floats(-1e6, 1e6)), min_size=1, max_size=6))
def test_the_mean_lies_between_the_updates(given_updates: list[tuple[int, float]]) -> None:
    mean = weighted_mean([(n, one(v, np.float64)) for n, v in given_updates])["w"][0]
    values = [v for _, v in given_updates]
    slack = 1e-9 * max(1.0, *(abs(v) for v in values))
    assert min(values) - slack <= mean <= max(values) + slack


@pytest.mark.parametrize(
    ("updates", "named"),
    [
        ([], "no update"),
        ([(0, one(1.0))], "0 samples"),
        ([(-2, one(1.0))], "-2 samples"),
        ([(1, one(1.0)), (1, {"v": np.zeros(1, np.float32)})], "'v'"),
        ([(1, one(1.0)), (1, {"w": np.zeros(2, np.float32)})], "'w' is float32"),
        ([(1, one(1.0)), (1, one(1.0, np.float64))], "float64"),
        ([(1, one(float("nan")))], "'w' has a value"),
        ([(1, one(1.0)), (1, one(float("inf")))], "'w' has a value"),
        ([(1, {"w": np.array(["a"])})], "real numbers"),
        ([(1, {"w": np.array([1j])})], "real numbers"),
    ],
)
def test_what_is_no_update_is_named(updates: list[tuple[int, Weights]], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        weighted_mean(updates)
