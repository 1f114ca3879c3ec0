"""What is typed into the form means a query, or its line is named."""

import pytest

from tessera.domain.cohort.form import (
    ConditionLine,
    Form,
    Line,
    TextLine,
    form_of,
    query_of_form,
)
from tessera.domain.cohort.syntax import parse
from tessera.domain.errors import InvalidQuery


def test_the_form_of_a_query_has_a_line_for_each_part() -> None:
    text = (
        "cancer in (breast, colon) and not (sex = male)"
        " and age_at_diagnosis between 50 and 70 and in one series (modality = MR)"
    )
    assert form_of(parse(text)) == Form(
        (
            ConditionLine("cancer", "in", "breast, colon"),
            TextLine("not (sex = male)"),
            ConditionLine("age_at_diagnosis", "between", "50 and 70"),
            TextLine("in one series (modality = MR)"),
        )
    )


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (ConditionLine("psa", ">", " 10 ng/mL "), "psa > 10"),
        (ConditionLine("vendor", "=", "GE Medical Systems"), "manufacturer = ge"),
        (ConditionLine("ct", "in", 'T2, "T3a"'), "clinical_t in (T2, T3a)"),
        (
            ConditionLine("body_part", "=", "CHEST, ABDOMEN"),
            'body_part = "CHEST, ABDOMEN"',
        ),
        (ConditionLine("sex", "is known"), "sex is known"),
        (TextLine("in one study (modality = CT)"), "in one study (modality = CT)"),
    ],
)
def test_a_line_means_what_it_says(line: Line, text: str) -> None:
    assert str(query_of_form(Form((line,)))) == text


@pytest.mark.parametrize(
    "line",
    [
        ConditionLine("sex", "=", ""),
        ConditionLine("sex", "is known", "male"),
        ConditionLine("sex", "near", "male"),
        ConditionLine("sex", "in", "male,"),
        ConditionLine("nothing", "=", "1"),
        ConditionLine("age", "between", "50"),
        ConditionLine("sex", "<", "male"),
        ConditionLine("body_part", "in", "'CHEST"),
        TextLine("sex ="),
    ],
)
def test_a_line_that_cannot_be_understood_is_named(line: Line) -> None:
    with pytest.raises(InvalidQuery) as caught:
        query_of_form(Form((ConditionLine("sex", "=", "male"), line)))
    assert caught.value.line == 1


def test_a_form_without_lines_and_one_of_too_many_are_no_query() -> None:
    for n in (0, 51):
        with pytest.raises(InvalidQuery):
            query_of_form(Form((ConditionLine("sex", "=", "male"),) * n))
