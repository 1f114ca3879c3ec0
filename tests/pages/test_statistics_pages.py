"""The pages of statistics and of patients like mine: right, safe and usable, in both languages."""

from dataclasses import replace

import pytest

from tessera.domain.cohort.disclosure import CountPolicy
from tessera.domain.cohort.result import DatasetResult, Outcome
from tessera.domain.statistics.statistic import statistic_of
from tests.pages.fake_hub import FakeHub
from tests.pages.html_check import faults
from tests.pages.test_pages import Browser
from tests.unit.domain.statistics.people import people, told_through_the_gate

_NOISY = CountPolicy(10, 10, 10)
_ROWS = people(3000)
ASKED = (
    {"kind": "survival", "by": "stage"},
    {"kind": "survival"},
    {"kind": "table", "by": "stage, age_at_diagnosis(50, 60.5, 70)"},
    {"kind": "histogram", "steps": "age_at_diagnosis(30..90/5)"},
    {"kind": "cox", "by": "stage"},
    {"kind": "cox", "by": "age_at_diagnosis(40, 50, 55, 60, 65, 70), sex"},
    {"kind": "logistic", "by": "stage", "outcome": "deceased = yes"},
    {"kind": "linear", "by": "sex", "steps": "age_at_diagnosis(20..100/5)"},
)


class CountingHub(FakeHub):
    """Its datasets answer with the cells of made-up people, through the gate."""

    def _answered(self, row: DatasetResult, outcome: Outcome) -> DatasetResult:
        found = super()._answered(row, outcome)
        place = [entry.description.dataset_id for entry in self.entries].index(row.dataset_id)
        asked = next(s.statistic for s in self._searches.values() if row in s.results)
        cuts = statistic_of(asked).cuts
        told = told_through_the_gate(_ROWS[_ROWS["dataset"] == place % 3], cuts, _NOISY, b"k" * 16)
        if outcome is not Outcome.COUNTED:
            return found
        numbers = {"n_subjects": told[0].n_subjects, "cuts": told[0].cuts}
        return replace(found, policy=_NOISY.words(), **numbers)


def _shown(browser: Browser, address: str, language: str, **params: str) -> str:
    sent = browser.get(address, params, accept_language=language)
    assert sent.status_code == 303, sent.text
    reply = browser.get(sent.headers["location"], accept_language=language)
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    assert faults(reply.text) == []
    assert "{{" not in reply.text and ">nan" not in reply.text
    return reply.text


@pytest.fixture
def hub() -> CountingHub:
    return CountingHub(outcomes=[Outcome.COUNTED, Outcome.COUNTED, Outcome.TOO_FEW] * 5)


@pytest.mark.parametrize("language", ["en", "sv"])
@pytest.mark.parametrize("asked", ASKED, ids=lambda one: "-".join(one.values())[:30])
def test_every_kind_is_shown(hub: CountingHub, asked: dict[str, str], language: str) -> None:
    page = _shown(Browser(hub), "/statistics", language, q="cancer = breast", **asked)
    assert 'data-complete="yes"' in page
    assert ("Without these" if language == "en" else "Utan dessa") in page  # those with too few
    if asked["kind"] == "survival":
        assert page.count('class="site"') == (4 if "by" in asked else 1)
        few = (
            "Too few patients for a curve" if language == "en" else "För få patienter för en kurva"
        )
        assert (few in page) == ("by" in asked)  # those of unknown stage
        assert ('class="interval"' in page) == ("by" not in asked)
    if asked["kind"] == "linear":
        assert ("Difference" if language == "en" else "Skillnad") in page


@pytest.mark.parametrize("language", ["en", "sv"])
def test_patients_like_mine_are_evidence_and_not_advice(hub: CountingHub, language: str) -> None:
    described = {"cancer": "breast", "stage": "II", "age_at_diagnosis": "60", "sex": "female"}
    page = _shown(Browser(hub), "/similar", language, **described)
    assert ("Evidence, not advice" if language == "en" else "Underlag, inte råd") in page
    assert "age_at_diagnosis between 55 and 65) and sex = female" in page
    assert ("surgery" if language == "en" else "kirurgi") in page.lower()
    assert ("unknown" if language == "en" else "okänt") in page
    assert page.count('class="rounds survival"') == 2


@pytest.mark.parametrize("described", [{"age_at_diagnosis": "old"}, {"stage": "V"}])
def test_a_description_that_cannot_be_is_said_so(
    hub: CountingHub, described: dict[str, str]
) -> None:
    reply = Browser(hub).get("/similar", {"cancer": "breast", **described})
    assert reply.status_code == 400
    assert faults(reply.text) == []
    assert next(iter(described.values())) in reply.text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"q": "cancer = lunge", "kind": "table", "by": "stage"}, "lung"),
        ({"q": "cancer = lung", "kind": "table", "by": ""}, "by 1 to 3 fields"),
        ({"q": "cancer = lung", "kind": "table", "by": "modality"}, "modality"),
        ({"q": "cancer = lung", "kind": "", "by": ""}, "none of"),
        ({"q": "<script>", "kind": "table", "by": "<script>"}, "&lt;script&gt;"),
    ],
)
def test_a_faulty_question_keeps_what_was_written(
    hub: CountingHub, asked: dict[str, str], said: str
) -> None:
    reply = Browser(hub).get("/statistics", asked)
    assert reply.status_code == 400
    assert faults(reply.text) == []
    assert said in reply.text
    assert "<script>" not in reply.text.split("<main")[1]
