"""Each condition says at which level it holds and what it means."""

import pytest

from tessera.domain.cohort.explain import explain
from tessera.domain.cohort.syntax import parse


@pytest.mark.parametrize(
    ("text", "level", "meaning"),
    [
        ("sex = female", "patient", "The subject has birth sex female."),
        (
            "modality = MR",
            "series",
            "Some series of the subject has modality MR (magnetic resonance).",
        ),
        (
            "modality != MR",
            "series",
            "Some series of the subject has a known modality other than MR (magnetic resonance).",
        ),
        (
            "not (modality = MR)",
            "series",
            "No series of the subject is one that has modality MR (magnetic resonance).",
        ),
        (
            "age_at_diagnosis between 50 and 70",
            "condition",
            "Some cancer of the subject has age at diagnosis from 50 years to 70 years, "
            "both included.",
        ),
        (
            "psa >= 10",
            "condition",
            "Some cancer of the subject has PSA at diagnosis at least 10 ng/mL.",
        ),
        (
            "cancer = colorectum",
            "condition",
            "Some cancer of the subject has cancer colorectum "
            "(cancer of the colon or rectum: colon or rectum).",
        ),
        (
            "topography = C61",
            "condition",
            "Some cancer of the subject has ICD-O-3 topography that begins with C61.",
        ),
        (
            "days_from_diagnosis is unknown",
            "study",
            "Some study of the subject has no known time from diagnosis.",
        ),
        (
            "in one study (modality = CT and days_from_diagnosis < 0)",
            "study",
            "One and the same study of the subject: some series of it has modality CT "
            "(computed tomography), and it has time from diagnosis less than 0 days.",
        ),
    ],
)
def test_a_condition_is_explained(text: str, level: str, meaning: str) -> None:
    (item,) = explain(parse(text))
    assert (item.text, item.level, item.meaning) == (text, level, meaning)


def test_conditions_inside_a_negated_bracket_say_so() -> None:
    items = explain(parse("cancer = lung and not (modality = MR and sex = male)"))
    assert [item.text for item in items] == ["cancer = lung", "modality = MR", "sex = male"]
    assert "turns the whole bracket round" not in items[0].meaning
    assert all("turns the whole bracket round" in item.meaning for item in items[1:])
