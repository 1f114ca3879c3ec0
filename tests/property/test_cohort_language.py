"""The query language: what is written is read back, and nothing else than InvalidQuery escapes."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tessera.domain.cohort.explain import explain
from tessera.domain.cohort.fields import FIELDS
from tessera.domain.cohort.query import KEYWORDS, Comparison, Query, conditions
from tessera.domain.cohort.syntax import parse
from tessera.domain.errors import InvalidQuery
from tests.property.cohort_model import queries

_CONCEPTS = sorted({c.name for field in FIELDS.values() for c in field.values})
_WORDS = st.sampled_from([*FIELDS, *KEYWORDS, *_CONCEPTS, "study", "series", "C61.9", "50", "-1e9"])
_TIME = st.sampled_from(
    "within 9 days before/more than/at least/between 1 and 2/days/death/apart/of/after diagnosis"
    "/(modality = CT)/treatment = surgery".split("/")
)
_SIGNS = st.sampled_from(["(", ")", ",", "=", "!=", "<", "<=", "'", '"', "''", "≥", "&", "\0", ";"])
_PARTS = st.one_of(_WORDS, _TIME, _SIGNS, st.text(max_size=3))
_NEARLY = st.lists(_PARTS, max_size=40).map(" ".join)
_IMPLIED = {"study_day is known", "treatment_day is known", "survival_days is known"}
_IMPLIED |= {"deceased = yes", "day_zero = diagnosis"}
"""What a relation in time asks of its events without saying it."""
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), _WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                "and or not in_one where field op values event other days at_least".split()
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(queries())
def test_the_text_of_a_query_is_read_back_as_the_same_query(query: Query) -> None:
    assert parse(str(query)) == query


@settings(deadline=None)
@given(queries())
def test_the_json_of_a_query_is_read_back_as_the_same_query(query: Query) -> None:
    assert Query.from_json(json.loads(json.dumps(query.to_json()))) == query


@settings(deadline=None)
@given(queries())
def test_every_condition_is_explained_once(query: Query) -> None:
    explained = explain(query)
    assert explained
    assert all(item.level and item.meaning.endswith(".") for item in explained)
    texts = [item.text for item in explained]
    for condition in conditions(query.where):
        assert isinstance(condition, Comparison)
        assert str(condition) in _IMPLIED or any(str(condition) in text for text in texts)


@settings(deadline=None, max_examples=400)
@given(st.one_of(st.text(), _NEARLY))
def test_no_text_raises_anything_but_an_invalid_query_with_a_place_in_the_text(text: str) -> None:
    try:
        query = parse(text)
    except InvalidQuery as err:
        assert 0 <= err.position <= len(text)
        assert err.message
    else:
        assert parse(str(query)) == query


@settings(deadline=None, max_examples=400)
@given(_JSON)
def test_no_json_raises_anything_but_an_invalid_query(body: object) -> None:
    relation = {"field": "temporal_relation", "op": "apart", "days": [0, 3], "at_least": 2}
    parts = body if isinstance(body, dict) else {"event": body, "other": body, "op": "of"}
    for where in (body, relation | {"event": body}, relation | parts):
        whole = {"version": 1, "where": where}
        try:
            query = Query.from_json(whole)
        except InvalidQuery:
            continue
        assert Query.from_json(query.to_json()) == query
