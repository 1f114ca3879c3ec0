"""The form, the text and the JSON of a query are one tree; the form loses nothing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tessera.domain.cohort.form import ConditionLine, Form, TextLine, form_of, query_of_form
from tessera.domain.cohort.query import And, Comparison, Or, Query
from tessera.domain.cohort.syntax import parse
from tests.property.cohort_model import comparisons, queries


@settings(deadline=None, max_examples=200)
@given(query=queries())
def test_every_query_comes_back_from_its_form(query: Query) -> None:
    form = form_of(parse(str(query)))
    back = query_of_form(form)
    assert back == query
    assert Query.from_json(back.to_json()) == query
    parts = query.where.children if isinstance(query.where, And | Or) else (query.where,)
    assert len(form.lines) == len(parts)
    for line, part in zip(form.lines, parts, strict=True):
        if isinstance(part, Comparison):
            assert isinstance(line, ConditionLine)
        else:  # it is shown, as what the text form calls it
            assert isinstance(line, TextLine)
            assert parse(line.text).where == part


@settings(deadline=None, max_examples=100)
@given(parts=st.lists(comparisons(), min_size=2, max_size=5), is_any=st.booleans())
def test_conditions_alone_need_no_text(parts: list[Comparison], is_any: bool) -> None:
    query = Query(Or(tuple(parts)) if is_any else And(tuple(parts)))
    form = form_of(query)
    assert form.is_any == is_any
    assert not any(isinstance(line, TextLine) for line in form.lines)
    assert form_of(query_of_form(form)) == form


@settings(deadline=None, max_examples=200)
@given(
    field=st.sampled_from(["sex", "body_part", "age_at_diagnosis", "clinical_t", "bi_rads"]),
    operator=st.sampled_from(["=", "in", "not in", "between", "is known"]),
    value=st.text("ab1 ,\"()=and'", max_size=20),
)
def test_no_value_of_a_line_becomes_another_condition(
    field: str, operator: str, value: str
) -> None:
    try:
        where = query_of_form(Form((ConditionLine(field, operator, value),))).where
    except ValueError:
        return
    assert isinstance(where, Comparison)
    assert (where.field, where.operator.value) == (field, operator)
