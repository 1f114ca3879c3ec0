"""Groups that may be told: none too small, and none to be had by subtraction."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.toolbox.dataset_balance.groups import neighbours, told_count, told_groups

assignments = st.dictionaries(
    st.integers(0, 60).map(str), st.sampled_from(["a", "b", "c", "d", "x"]), max_size=60
)
minima = st.integers(1, 12)
ORDER = ("a", "b", "c", "d")


@given(assignments, minima)
def test_no_group_is_small_and_neither_is_the_rest(of: dict[str, str], minimum: int) -> None:
    told = told_groups(of, minimum)
    members = [subject for who in told.values() for subject in who]
    assert len(members) == len(set(members)) and set(members) <= set(of)
    assert all(len(who) >= minimum for who in told.values())
    if told:
        assert set(members) == set(of), "what is not told could be had from the whole"
        assert set(told) != {"others"}
        assert all(of[s] == name for name, who in told.items() if name != "others" for s in who)


@given(assignments, minima)
def test_ranges_are_large_enough_and_in_order(of: dict[str, str], minimum: int) -> None:
    told = neighbours(of, ORDER, minimum)
    assert all(len(who) >= minimum for who in told.values())
    members = [subject for who in told.values() for subject in who]
    in_order = [s for s, value in of.items() if value in ORDER]
    assert len(members) == len(set(members))
    assert set(members) == (set(in_order) if len(in_order) >= minimum else set())
    places = [[ORDER.index(of[s]) for s in who] for who in told.values()]
    assert all(max(one) < min(next_) for one, next_ in pairwise(places))


def test_small_groups_take_the_smallest_other_with_them() -> None:
    of = dict.fromkeys("abc", "rare") | dict.fromkeys("defgh", "some")
    of |= dict.fromkeys("ijklmnop", "many")
    assert {k: len(v) for k, v in told_groups(of, 5).items()} == {"many": 8, "others": 8}
    assert told_groups(dict.fromkeys("abc", "rare"), 5) == {}


def test_ranges_are_named_by_their_ends() -> None:
    of = dict.fromkeys("ab", "20–29") | dict.fromkeys("cd", "50–59") | dict.fromkeys("efg", "60–69")
    order = tuple(f"{n}–{n + 9}" for n in range(0, 100, 10))
    assert {k: len(v) for k, v in neighbours(of, order, 3).items()} == {"20–59": 4, "60–69": 3}


@pytest.mark.parametrize(("n", "minimum", "told"), [(26, 10, 20), (9, 10, 0), (7, 1, 7)])
def test_counts_go_down_to_a_multiple(n: int, minimum: int, told: int) -> None:
    assert told_count(n, minimum) == told
