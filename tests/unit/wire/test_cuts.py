"""What is asked and told of cuts comes through the wire, and nothing else does."""

from datetime import UTC, datetime

import pytest

from tessera.domain.cohort.disclosure import CountPolicy
from tessera.domain.ids import DatasetId
from tessera.domain.statistics.cut import cut_of
from tessera.domain.statistics.statistic import Statistic, statistic, statistic_of
from tessera.wire.answers import ReceivedDatasetAnswer
from tessera.wire.cuts import cuts_from_json, cuts_of_texts
from tessera.wire.messages import DatasetVersion, QueryTask
from tessera.wire.refusals import BadMessage

AT = datetime(2026, 11, 23, tzinfo=UTC)
ANSWER = {
    "dataset_id": "d",
    "version": 1,
    "created": "2026-11-23T00:00:00Z",
    "outcome": "counted",
    "n_subjects": 50,
    "n_studies": None,
    "not_supported": [],
    "policy": CountPolicy(10, 10, 10).words(),
}


def test_a_task_carries_its_cuts_and_an_older_one_has_none() -> None:
    task = QueryTask(
        search_id="0" * 36,
        query={},
        datasets=(DatasetVersion(dataset_id=DatasetId("d"), version=1),),
        deadline=AT,
        cuts=("stage by sex",),
    )
    assert QueryTask.from_json(task.to_json()) == task
    older = {key: value for key, value in task.to_json().items() if key != "cuts"}
    assert QueryTask.from_json(older).cuts == ()
    assert cuts_of_texts(task.cuts) == (cut_of("stage by sex"),)


def test_an_answer_carries_the_cells_that_are_told() -> None:
    cuts = {"stage": {"II": 30, "?": 20}, "over psa(0, 10)": {"@0": 50}}
    found = ReceivedDatasetAnswer.from_json({**ANSWER, "cuts": cuts})
    assert found.cuts == cuts
    assert ReceivedDatasetAnswer.from_json(ANSWER).cuts == {}


@pytest.mark.parametrize(
    "cuts",
    [
        {"stage": {"II": 60}},  # more than all
        {"stage": {"II": 27}},  # not what the policy lets out
        {"stage": {"V": 30}},
        {"stage": {"II": "30"}},
        {"stage": {"II": True}},
        {"no_such_field": {}},
        {"stage by stage": {}},
        {f"age_at_diagnosis({n})": {} for n in range(5)},
    ],
)
def test_other_cells_are_refused(cuts: object) -> None:
    with pytest.raises(BadMessage):
        ReceivedDatasetAnswer.from_json({**ANSWER, "cuts": cuts})


@pytest.mark.parametrize("outcome", ["too_few", "no_answer"])
def test_no_cells_without_a_count(outcome: str) -> None:
    answer = {**ANSWER, "outcome": outcome, "n_subjects": None, "cuts": {"stage": {"II": 30}}}
    with pytest.raises(BadMessage):
        ReceivedDatasetAnswer.from_json(answer)


def test_more_cuts_than_any_statistic_has_are_refused() -> None:
    with pytest.raises(BadMessage):
        cuts_of_texts(("stage", "sex", "er", "pr", "her2"))
    with pytest.raises(BadMessage):
        cuts_from_json({"cuts": {"stage by sex over psa(0, 1) until deceased; x": {}}})


@pytest.mark.parametrize(
    "asked",
    [
        statistic("survival", ("age_at_diagnosis(50, 60.5)",)),
        statistic("similar"),
        statistic("table", ("stage", "age_at_diagnosis(10..90/10)")),
        statistic("logistic", ("sex",), outcome="psa(10, 20) = 10-<20"),
        statistic("linear", ("sex",), steps="psa(-1, 2, 3.25)"),
    ],
)
def test_a_statistic_and_its_cuts_are_read_as_written(asked: Statistic) -> None:
    assert statistic_of(str(asked)) == asked
    for cut in asked.cuts:
        assert cut_of(str(cut)) == cut


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("mode", ("stage",), "", ""), "none of table"),
        (("table", (), "", ""), "by 1 to 3 fields"),
        (("table", ("modality",), "", ""), "a subject has many of it"),
        (("table", ("bi_rads",), "", ""), "a subject has many of it"),
        (("table", ("age_at_diagnosis",), "", ""), "needs edges"),
        (("table", ("stage(1, 2)",), "", ""), "takes no edges"),
        (("table", ("topography",), "", ""), "free text"),
        (("table", ("stage", "stage"), "", ""), "each field once"),
        (("histogram", (), "", ""), "needs steps"),
        (("histogram", (), "stage(1..4/1)", ""), "is not a number"),
        (("histogram", (), "psa(4..1/1)", ""), "not a range"),
        (("histogram", (), "psa(3, 2)", ""), "edges ascend"),
        (("survival", (), "survival_days(0..9/3) until sex", ""), "yes and no"),
        (("survival", (), "survival_days(0..9/3)", ""), "a time that ends"),
        (("logistic", ("sex",), "", "deceased"), "not an outcome"),
        (("logistic", ("sex",), "", "deceased = perhaps"), "not a value of deceased"),
        (("cox", ("stage", "er", "pr", "her2", "sex"), "", ""), "cells are asked for"),
    ],
)
def test_what_cannot_be_computed_says_why(
    arguments: tuple[str, tuple[str, ...], str, str], words: str
) -> None:
    kind, by, steps, outcome = arguments
    with pytest.raises(ValueError, match=words):
        statistic(kind, by, steps=steps, outcome=outcome)
