"""What passes the gate tells nothing of fewer subjects than the policy's minimum."""

from datetime import UTC, datetime
from itertools import combinations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tessera.domain.catalogue.description import Agent, DatasetDescription, Facet
from tessera.domain.cohort.disclosure import (
    CountPolicy,
    disclose,
    disclose_description,
    policy_in_words,
    released_count,
)
from tessera.domain.cohort.exact import ExactCounts, ExactSet
from tessera.domain.cohort.sketch import Marks
from tessera.domain.cohort.sticky import Told, ToldSets, number_for
from tessera.domain.ids import DatasetId

policies = st.builds(CountPolicy, minimum=st.integers(1, 50), step=st.integers(1, 50))
counts = st.integers(0, 10**6)
_PARTITIONS = {
    "sex": ("female", "male", "other", "unknown"),
    "stage": ("0", "I", "II", "III", "IV"),
    "cancer": ("prostate", "breast", "lung", "colon"),
    "age_at_diagnosis": ("50-59", "60-69", "70-79"),
}


@given(counts, policies)
def test_small_groups_are_never_told_apart_from_none(exact: int, policy: CountPolicy) -> None:
    released = released_count(exact, policy)
    if exact < policy.minimum:
        assert released is released_count(0, policy) is None
    else:
        assert released is not None
        assert policy.minimum <= released <= exact
        assert exact - released < policy.step


@given(st.tuples(counts, counts), policies)
def test_more_subjects_never_release_a_smaller_count(
    pair: tuple[int, int], policy: CountPolicy
) -> None:
    low, high = (released_count(n, policy) or 0 for n in sorted(pair))
    assert low <= high


noisy = st.builds(
    CountPolicy, minimum=st.integers(1, 50), step=st.integers(1, 50), noise=st.integers(1, 50)
)


@given(policies | noisy)
def test_a_policy_is_read_back_from_its_words(policy: CountPolicy) -> None:
    assert policy_in_words(policy.words()) == policy


@given(st.integers(0, 3000), noisy, st.binary(min_size=32, max_size=32))
def test_a_number_with_noise_is_as_near_as_the_policy_says(
    n: int, policy: CountPolicy, key: bytes
) -> None:
    marks = Marks(key, [f"S{i}" for i in range(n)])
    one = ExactSet(n, marks.sketch(np.arange(n)))
    number, _ = number_for(ToldSets(), "", one, policy, key)
    if n < policy.minimum:
        assert number is None
    elif n > policy.most_hidden:
        assert number is not None
    if number is not None:
        assert policy.lets_out(number)
        assert abs(number - n) <= policy.most_off or number == policy.minimum


@given(
    st.lists(st.frozensets(st.integers(0, 60)), max_size=8),
    noisy,
    st.binary(min_size=32, max_size=32),
)
def test_whatever_was_told_a_set_and_the_set_without_one_are_told_alike(
    sets: list[frozenset[int]], policy: CountPolicy, key: bytes
) -> None:
    marks, told = Marks(key, [f"S{i}" for i in range(61)]), ToldSets()

    def tell(of: frozenset[int]) -> int | None:
        one = ExactSet(len(of), marks.sketch(np.array(sorted(of), np.intp)))
        number, is_kept = number_for(told, "", one, policy, key)
        if is_kept:
            told.add(Told("", one.n, one.sketch, number))
        return number

    for one in sets:
        first = tell(one)
        assert tell(one) == first
        if len(one) > policy.minimum:
            assert tell(one - {min(one)}) == first


@given(counts, counts, counts, policies)
def test_an_answer_about_too_few_says_nothing_else(
    n_subjects: int, n_studies: int, n_study_subjects: int, policy: CountPolicy
) -> None:
    exact = ExactCounts(n_subjects, n_studies, n_study_subjects)
    released = disclose(exact, policy).value
    if n_subjects < policy.minimum:
        assert released == disclose(ExactCounts(0, 0, 0), policy).value
    if n_study_subjects < policy.minimum or n_studies < policy.minimum:
        assert released.n_studies is None


def describe(n_subjects: int, facets: dict[str, dict[str, int]]) -> DatasetDescription:
    return DatasetDescription(
        dataset_id=DatasetId("d"),
        version=1,
        title={"en": "t"},
        description={"en": "d"},
        keywords=(),
        publisher=Agent("p"),
        contact=Agent("c"),
        country="SE",
        language="sv",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        manifest_sha256="0" * 64,
        n_subjects=n_subjects,
        n_studies=2 * n_subjects,
        n_series=6 * n_subjects,
        n_instances=300 * n_subjects,
        n_bytes=123_456_789,
        facets={
            name: tuple(Facet(value, n) for value, n in cells.items() if n)
            for name, cells in facets.items()
        },
    )


@st.composite
def partitions(draw: st.DrawFn) -> tuple[int, str, dict[str, int]]:
    """A facet whose values do not overlap, and a total that may exceed their sum."""
    name = draw(st.sampled_from(sorted(_PARTITIONS)))
    sizes = st.one_of(st.integers(0, 12), st.integers(0, 200))
    cells = {value: draw(sizes) for value in _PARTITIONS[name]}
    total = sum(cells.values()) + draw(st.one_of(st.just(0), st.integers(0, 30)))
    return total, name, cells


def bounds(shown: int | None, policy: CountPolicy) -> tuple[int, int]:
    """What a reader knows of an exact number from the released one."""
    assert shown is not None
    return shown, shown - shown % policy.step + policy.step - 1


@settings(deadline=None, max_examples=500)
@given(partitions(), st.sampled_from([CountPolicy(), CountPolicy(5, 5), CountPolicy(10, 1)]))
def test_no_subtraction_in_one_facet_proves_a_group_smaller_than_the_minimum(
    partition: tuple[int, str, dict[str, int]], policy: CountPolicy
) -> None:
    total, name, cells = partition
    assume(total >= policy.minimum)
    released = disclose_description(describe(total, {name: cells}), policy).value
    shown = {f.value: f.n_subjects for f in released.facets[name] if f.n_subjects is not None}
    least, most = bounds(released.n_subjects, policy)
    # The attacker takes any of the shown values from the total; what is left is a group whose
    # exact size she brackets.
    for size in range(len(shown) + 1):
        for taken in combinations(shown, size):
            exact_rest = total - sum(cells[value] for value in taken)
            lowest = least - sum(bounds(shown[value], policy)[1] for value in taken)
            highest = most - sum(bounds(shown[value], policy)[0] for value in taken)
            assert lowest <= exact_rest <= highest
            if 0 < exact_rest < policy.minimum:
                assert lowest <= 0, "somebody is proved to be in a group that is too small"


@settings(deadline=None, max_examples=500)
@given(
    partitions(), st.sampled_from([CountPolicy(), CountPolicy(5, 5), CountPolicy(10, 1)]), st.data()
)
def test_a_group_smaller_than_the_minimum_changes_nothing_but_the_total(
    partition: tuple[int, str, dict[str, int]], policy: CountPolicy, data: st.DataObject
) -> None:
    """Also not *what* is withheld: that alone would tell that there is such a group."""
    total, name, cells = partition
    small = [value for value, n in cells.items() if n < policy.minimum]
    assume(small)
    changed = data.draw(st.sampled_from(small))
    other = cells | {changed: data.draw(st.integers(0, policy.minimum - 1))}
    other_total = total + other[changed] - cells[changed]
    assume(min(total, other_total) >= policy.minimum)
    assume(released_count(total, policy) == released_count(other_total, policy))
    one, two = (
        disclose_description(describe(n, {name: c}), policy).value.facets[name]
        for n, c in ((total, cells), (other_total, other))
    )
    assert {f.value: f.n_subjects for f in one} == {f.value: f.n_subjects for f in two}


@settings(deadline=None, max_examples=300)
@given(partitions(), st.dictionaries(st.sampled_from(["SIEMENS", "X1", "GE"]), st.integers(1, 99)))
def test_every_released_number_is_rounded_and_at_least_the_minimum(
    partition: tuple[int, str, dict[str, int]], vendors: dict[str, int]
) -> None:
    total, name, cells = partition
    exact = describe(total, {name: cells, "manufacturer": vendors})
    released = disclose_description(exact, CountPolicy()).value
    numbers = [released.n_subjects, released.n_studies, released.n_series, released.n_instances]
    numbers += [f.n_subjects for facet in released.facets.values() for f in facet]
    assert all(n is None or (n >= 10 and n % 10 == 0) for n in numbers)
    assert released.n_bytes % 1_000_000 == 0
    if total < 10:
        assert all(n is None for n in numbers[:4])


@settings(deadline=None)
@given(st.integers(10, 300), st.integers(0, 9), st.integers(0, 9))
def test_which_rare_values_exist_is_not_told(n: int, rare: int, other: int) -> None:
    def released(few: dict[str, int]) -> object:
        facets = {"manufacturer": {"SIEMENS": n, **few}, "modality": {"CT": n}}
        return disclose_description(describe(n, facets), CountPolicy()).value.facets

    assert released({"One Of A Kind": rare, "Prototype": other}) == released({})
