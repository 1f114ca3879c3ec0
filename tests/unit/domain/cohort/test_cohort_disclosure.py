"""What the gate does with numbers that a person can follow by hand."""

import dataclasses
import json
import pickle

import pytest

from tessera.domain.catalogue.description import DatasetDescription, Facet
from tessera.domain.cohort.answer import Counts
from tessera.domain.cohort.disclosure import (
    CountPolicy,
    disclose,
    disclose_description,
    released_count,
)
from tessera.domain.cohort.exact import ExactCounts
from tessera.domain.cohort.result import Outcome
from tessera.domain.errors import InvalidInput
from tests.property.test_disclosure import describe

POLICY = CountPolicy()


def facet(total: int, name: str, **cells: int) -> dict[str, int | None]:
    found = disclose_description(describe(total, {name: cells}), POLICY).value.facets[name]
    return {cell.value: cell.n_subjects for cell in found}


def test_counts_are_rounded_down() -> None:
    assert disclose(ExactCounts(129, 207, 129), POLICY).value == Counts(
        outcome=Outcome.COUNTED, n_subjects=120, n_studies=200
    )


@pytest.mark.parametrize("n", range(10))
def test_none_and_nine_are_the_same_answer(n: int) -> None:
    assert disclose(ExactCounts(n, 500, n), POLICY).value == Counts(outcome=Outcome.TOO_FEW)


def test_many_studies_of_few_subjects_are_not_told() -> None:
    assert disclose(ExactCounts(200, 30, 4), POLICY).value.n_studies is None
    assert disclose(ExactCounts(200, 7, 7), POLICY).value.n_studies is None


def test_a_count_between_the_minimum_and_the_next_step_is_not_lost() -> None:
    policy = CountPolicy(minimum=15, step=10)
    assert [released_count(n, policy) for n in (14, 15, 19, 20, 29)] == [None, 15, 15, 20, 20]


def test_exact_counts_have_no_way_out_but_the_gate() -> None:
    exact = ExactCounts(7, 13, 5)
    assert all(n not in f"{exact} {exact!r} {exact:}" for n in ("7", "13", "5"))
    for leave in (json.dumps, pickle.dumps, dataclasses.asdict, vars):
        with pytest.raises(TypeError):
            leave(exact)  # type: ignore[operator]


def test_the_policy_is_told_in_words() -> None:
    assert CountPolicy().words() == (
        "Fewer than 10 subjects, also none, are given as too few to tell; "
        "counts are rounded down to a multiple of 10."
    )
    with pytest.raises(InvalidInput):
        CountPolicy(minimum=0)


def test_coded_facets_list_every_concept_so_that_being_listed_says_nothing() -> None:
    assert facet(100, "sex", male=100) == {
        "female": None,
        "male": 100,
        "other": None,
        "unknown": None,
    }


def test_one_withheld_value_takes_the_next_smallest_with_it() -> None:
    # 160 less at most 99 and 59 would prove that two have another sex.
    assert facet(163, "sex", female=99, male=59, other=5) == {
        "female": 90,
        "male": None,
        "other": None,
        "unknown": None,
    }


def test_a_withheld_value_that_nothing_gives_away_takes_no_other_with_it() -> None:
    # Else the second one withheld would tell that the first stands for somebody.
    for other in (0, 5):
        assert facet(150 + other, "sex", female=95, male=55, other=other) == {
            "female": 90,
            "male": 50,
            "other": None,
            "unknown": None,
        }


def test_small_values_that_must_each_hold_somebody_take_another_with_them() -> None:
    # 70 less at most 29 and 29: two values of at most 9 share 12 or more.
    told = facet(76, "sex", female=29, male=29, other=9, unknown=9)
    assert [told["other"], told["unknown"]] == [None, None]
    assert [told["female"], told["male"]] == [None, None]


def test_subjects_without_a_value_are_a_group_too() -> None:
    only_first = {"0": None, "I": 90, "II": None, "III": None, "IV": None}
    # Half have no stage: enough to be told of. Then seven, whom no one can prove, since 90 to
    # 99 may be 90 to 99. Then eight, whom 100 less at most 99 would prove.
    assert facet(200, "stage", I=90) == only_first
    assert facet(98, "stage", I=91) == only_first
    assert set(facet(100, "stage", I=92).values()) == {None}


def test_ages_list_every_band() -> None:
    told = facet(60, "age_at_diagnosis", **{"60-69": 30, "90+": 30})
    assert next(iter(told)) == "0-9"
    assert len(told) == 10
    assert told["60-69"] == told["90+"] == 30


def test_rare_manufacturers_are_not_named() -> None:
    assert facet(80, "manufacturer", SIEMENS=80, Homemade=3) == {"SIEMENS": 80, "other": None}


def test_a_modality_that_the_rest_gives_away_takes_another_with_it() -> None:
    # Without overlap, 100 subjects of whom at most 99 have MR prove that somebody has none.
    assert facet(100, "modality", MR=95, PT=5) == {"other": None}
    assert facet(100, "modality", MR=100, PT=5) == {"MR": 100, "other": None}


def test_of_a_dataset_with_too_few_subjects_no_number_is_told() -> None:
    exact = describe(9, {"sex": {"male": 9}})
    released = disclose_description(exact, POLICY).value
    numbers = (released.n_subjects, released.n_studies, released.n_series, released.n_instances)
    assert set(numbers) == {None}
    assert {cell.n_subjects for cell in released.facets["sex"]} == {None}
    assert released.n_bytes == 124_000_000
    assert released.policy == POLICY.words()


def test_a_population_that_is_too_small_is_not_named() -> None:
    exact = dataclasses.replace(
        describe(57, {"population": {"cancer": 30, "control": 18, "benign": 9}}),
        population=("cancer", "control", "benign"),
    )
    assert disclose_description(exact, POLICY).value.population == (
        "cancer",
        "control",
    )


def test_a_description_that_was_rounded_before_is_refused() -> None:
    exact: DatasetDescription = describe(60, {})
    with pytest.raises(InvalidInput):
        disclose_description(dataclasses.replace(exact, n_subjects=None), POLICY)
    again = dataclasses.replace(exact, facets={"sex": (Facet("male", None),)})
    with pytest.raises(InvalidInput, match="sex"):
        disclose_description(again, POLICY)
