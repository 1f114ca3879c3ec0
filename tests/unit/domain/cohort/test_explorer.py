"""Queries of the EUCAIM explorer mean what they say, or say that they are not supported."""

import json
from pathlib import Path

import pytest

from tessera.domain.cohort.explorer import query_of_ast, query_of_parameters
from tessera.domain.cohort.query import UnknownField, conditions
from tessera.domain.errors import InvalidQuery

QUERIES = Path(__file__).parents[3] / "explorer_queries"


def sent(name: str) -> object:
    return json.loads((QUERIES / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "five",
            "sex = male and cancer = prostate and modality = MR and body_part = BREAST"
            " and manufacturer = philips",
        ),
        (
            "ten",
            "(sex = male or sex = female) and (cancer = prostate or cancer = breast)"
            " and (modality = MR or modality = PT) and (body_part = BREAST or body_part = PROSTATE)"
            " and (manufacturer = philips or manufacturer = toshiba)",
        ),
        ("empty", "sex is known or sex is unknown"),
        (
            "list",
            "sex in (male, unknown) and age_at_diagnosis between 40 and 70 and modality in (MR)",
        ),
        ("newer", "er = positive and her2 = positive and psa >= 4 and gleason = 7"),
    ],
)
def test_a_tree_becomes_the_query_that_it_means(name: str, text: str) -> None:
    assert str(query_of_ast(sent(name))) == text


def test_what_has_no_counterpart_is_not_supported_and_never_left_out() -> None:
    found = list(conditions(query_of_ast(sent("not_here")).where))
    found = [one for one in found if isinstance(one, UnknownField)]
    assert [one.field for one in found] == ["cancer", "year_of_diagnosis", "unknown_key"]


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("CLIN1045913", {"min": 20}, "ki67 >= 20"),
        ("CLIN1037300", "COM1001368", "isup = 4"),
        ("CLIN1033379", "COM1000370", "clinical_t = T2a"),
        ("CLIN1033391", "COM1000810", "pathological_t = T2a"),
        ("CLIN1033391", "COM1001041", "pathological_t = T4"),
        ("CLIN1033358", "COM1000300", "clinical_n = N1"),
        ("CLIN1033368", "COM1000645", "pathological_n = N0"),
        ("CLIN1033341", "COM1000246", "clinical_m = M1"),
        ("CLIN1033349", "COM1000615", "pathological_m = M1c"),
        ("CLIN1045851", "COM1001877", "her2 = negative"),
        ("CLIN1045851", "COM1001879", "her2_ihc = 2+"),
        ("CLIN1045851", ["COM1001879", "COM1001882"], "her2_ihc in (2+, 3+)"),
        ("IMG1005459", "IMG1005465", "bi_rads = 4"),
        ("IMG1005459", "IMG1005475", "pi_rads = 5"),
        ("IMG1005457", "IMG1005479", "pi_rads = 1"),
    ],
)
def test_every_newer_key_is_read_in_both_forms(key: str, value: object, text: str) -> None:
    kind = {dict: "BETWEEN", list: "IN"}.get(type(value), "EQUALS")
    prefix = "EUCAIM_Hyper-Ontology_V1.0."
    for name in (key, prefix + key):
        leaf = {"key": name, "type": kind, "value": value}
        assert str(query_of_ast({"ast": {"operand": "AND", "children": [leaf]}})) == text
        if isinstance(value, str):
            assert str(query_of_parameters([(name, prefix + value)])) == text


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("CLIN1033379", "COM1000810", "clinical_t"),  # the code of the pathological category
        ("CLIN1033341", "COM1000615", "clinical_m"),
        ("CLIN1037300", "COM1001363", "isup"),
        ("IMG1005459", "IMG1005506", "bi_rads"),
        ("IMG1005501", "IMG1005506", "unknown_key"),
    ],
)
def test_a_value_of_another_key_is_not_supported(key: str, value: str, named: str) -> None:
    (found,) = conditions(query_of_parameters([(key, value)]).where)
    assert isinstance(found, UnknownField)
    assert found.field == named


def test_one_unknown_value_of_a_list_makes_the_whole_condition_unknown() -> None:
    values = ["SNOMEDCT254837009", "SNOMEDCT363484005"]
    leaf = {"key": "SNOMEDCT439401001", "type": "IN", "value": values}
    query = query_of_ast({"ast": {"operand": "AND", "children": [leaf]}, "id": "1"})
    assert [type(one) for one in conditions(query.where)] == [UnknownField]


def test_an_address_becomes_the_same_query_as_its_tree() -> None:
    given = [
        *(("gender", "male"), ("diagnosis", "SNOMEDCT399068003"), ("modality", "MR")),
        *(("bodyPart", "breast"), ("manufacturer", "Philips")),
    ]
    assert query_of_parameters(given) == query_of_ast(sent("five"))
    assert str(query_of_parameters([("manufacturer", "General Electric")])) == "manufacturer = ge"
    assert query_of_parameters([]) == query_of_ast(sent("empty"))


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("LOWER_THAN", 50, "age_at_diagnosis < 50"),
        ("GREATER_THAN", "50.5", "age_at_diagnosis > 50.5"),
        ("BETWEEN", {"max": 70}, "age_at_diagnosis <= 70"),
        ("NOT_EQUALS", 50, "age_at_diagnosis != 50"),
    ],
)
def test_every_kind_of_condition_is_read(kind: str, value: object, text: str) -> None:
    leaf = {"key": "SNOMEDCT423493009", "type": kind, "value": value}
    assert str(query_of_ast({"ast": {"operand": "AND", "children": [leaf]}})) == text


_DEEP: dict[str, object] = {"operand": "OR", "children": []}
for _ in range(20):
    _DEEP = {"operand": "OR", "children": [_DEEP]}


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"ast": 1},
        {"ast": {"children": []}},
        {"ast": {"operand": "XOR", "children": []}},
        {"ast": {"operand": "OR", "children": {}}},
        {"ast": {"operand": "OR", "children": [1]}},
        {"ast": {"operand": "OR", "children": [{"key": 1, "type": "EQUALS"}]}},
        {"ast": {"operand": "OR", "children": [{"key": "C25392", "value": "x"}]}},
        {"ast": _DEEP},
        {"ast": {"operand": "OR", "children": [{"operand": "OR", "children": []}] * 300}},
        {"ast": {"key": "C25392", "type": "EQUALS", "value": "x" * 5000}},
    ],
)
def test_what_is_no_such_tree_is_refused(body: object) -> None:
    with pytest.raises(InvalidQuery):
        query_of_ast(body)


@pytest.mark.parametrize("value", [None, True, {}, [], [None], {"min": None}, float("nan")])
def test_odd_values_are_not_supported(value: object) -> None:
    leaf = {"key": "SNOMEDCT423493009", "type": "BETWEEN", "value": value}
    query = query_of_ast({"ast": {"operand": "AND", "children": [leaf]}})
    assert [one.field for one in conditions(query.where)] == ["age_at_diagnosis"]
    assert all(isinstance(one, UnknownField) for one in conditions(query.where))
