"""Relations in time: how they are written, read, refused, explained and passed on."""

import pytest

from tessera.domain.cohort.explain import explain
from tessera.domain.cohort.fields import FIELDS
from tessera.domain.cohort.query import Query, UnknownField
from tessera.domain.cohort.syntax import parse
from tessera.domain.errors import InvalidQuery

MR = "in one study (modality = MR)"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (f"{MR} within 90 days before treatment = surgery", ""),
        (
            "MODALITY = MRI Within 90 Days BEFORE treatment = operation",
            f"{MR} within 90 days before treatment = surgery",
        ),
        ("(modality = MR) before death", f"{MR} before death"),
        ("modality = MR at least 0 days before death", f"{MR} before death"),
        ("modality = MR more than 0 days after diagnosis", f"{MR} at least 1 day after diagnosis"),
        (
            "in one series (modality = MR) of death",
            "in one study (in one series (modality = MR)) of death",
        ),
        (f"death between 3 and 9 days after {MR} and sex = male", ""),
        (f"not ({MR} within 1 day of death) or cancer = lung", ""),
        (
            "at least 2 modality = CT more than 180 days apart",
            "at least 2 (modality = CT) at least 181 days apart",
        ),
        ("at least 3 (treatment in (surgery, hormone)) within 30 days apart", ""),
        ("diagnosis = lung", "cancer = lung"),
        ("body_part = BEFORE", ""),
    ],
)
def test_a_relation_is_read_and_written_back(text: str, canonical: str) -> None:
    query = parse(text)
    assert str(query) == (canonical or text)
    assert parse(str(query)) == query
    assert Query.from_json(query.to_json()) == query


@pytest.mark.parametrize(
    ("text", "position", "told"),
    [
        ("cancer = lung before death", 0, "no date"),
        ("modality = MR before sex = male", 21, "no date"),
        ("modality = MR within ten days before death", 21, "whole number"),
        ("modality = MR within 1.5 days before death", 21, "whole number"),
        ("modality = MR within 3 before death", 23, "`days` must stand here"),
        ("modality = MR within 3 days death", 28, "`before`, `after` or `of`"),
        ("modality = MR between 9 and 3 days before death", 14, "the greater one"),
        ("modality = MR within 40000 days before death", 14, "40000 days"),
        ("sex = male and diagnosis before diagnosis", 15, "both sides"),
        ("at least 9 (modality = CT) within 3 days apart", 0, "at least 9"),
        ("at least 2 (modality = CT)", 26, "`apart` must stand here"),
        ("at least 2 (modality = CT) apart", 0, "number of days"),
        ("in one study (modality = MR before death)", 0, "cannot stand inside"),
        ("(modality = MR before death) before death", 0, "no date"),
        ("in one treatment (modality = MR)", 0, "series field"),
    ],
)
def test_a_fault_is_told_with_its_place(text: str, position: int, told: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse(text)
    assert (caught.value.position, told in caught.value.message) == (position, True)
    assert caught.value.mend


@pytest.mark.parametrize(
    "text", [f"{MR} within 90 days before death", "at least 2 (modality = CT) within 9 days apart"]
)
def test_an_earlier_program_takes_a_relation_for_a_field_it_does_not_know(text: str) -> None:
    where = parse(text).to_json()["where"]
    assert isinstance(where, dict)
    assert where["field"] not in FIELDS
    assert not {"in_one", "not", "and", "or"} & set(where)
    passed_on = {"field": where["field"], "op": where["op"], "values": []}  # all that it reads
    query = Query.from_json({"version": 1, "where": passed_on})
    assert isinstance(query.where, UnknownField)
    assert query.where.field == "temporal_relation"


@pytest.mark.parametrize(
    "later",
    [
        {"op": "overlaps"},
        {"other": "relapse"},
        {"event": {"in_one": "procedure", "where": {}}},
        {"hours": True},
    ],
)
def test_a_relation_of_a_later_program_is_kept_and_not_misread(later: dict[str, object]) -> None:
    where = parse(f"{MR} within 90 days before death").to_json()["where"]
    assert isinstance(where, dict)
    body = {"version": 1, "where": where | later}
    query = Query.from_json(body)
    assert isinstance(query.where, UnknownField)
    assert query.to_json() == body


@pytest.mark.parametrize(
    "wrong",
    [
        {"days": [0.5, 3]},
        {"days": [None, 3]},
        {"days": [9, 3]},
        {"days": 3},
        {"op": 3},
        {"event": {"field": "sex", "op": "=", "values": ["male"]}},
        {"event": {"in_one": "series", "where": {"field": "sex", "op": "=", "values": ["male"]}}},
        {"event": "death"},
        {"op": "apart", "at_least": True},
    ],
)
def test_json_that_is_no_relation_is_refused(wrong: dict[str, object]) -> None:
    where = parse(f"{MR} within 90 days before death").to_json()["where"]
    assert isinstance(where, dict)
    with pytest.raises(InvalidQuery):
        Query.from_json({"version": 1, "where": where | wrong})


@pytest.mark.parametrize(
    ("text", "level", "meaning"),
    [
        (
            f"{MR} within 90 days before treatment = surgery",
            "study",
            "Some study (some series of it has modality MR (magnetic resonance)) lies 0 to 90 days "
            "before some treatment (it has treatment surgery).",
        ),
        (
            "at least 2 (study_day is known) at least 181 days apart",
            "study",
            "At least 2 studies of the subject (it has a known time from day 0), "
            "any two of them at least 181 days apart.",
        ),
        (
            "death after diagnosis",
            "patient",
            "Death lies on the day of, or after, the first diagnosis.",
        ),
        (
            "death within 0 days of treatment = hormone",
            "treatment",
            "Death lies on the day of some treatment (it has treatment hormone (hormone therapy)).",
        ),
    ],
)
def test_a_relation_is_explained(text: str, level: str, meaning: str) -> None:
    (item,) = explain(parse(text))
    assert (item.text, item.level, item.meaning) == (text, level, meaning)
