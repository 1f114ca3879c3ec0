"""What an evil or broken node cannot put into a hub's catalogue or answers."""

import pytest

from tessera.domain.errors import InvalidInput
from tessera.wire import fields
from tessera.wire.answers import ReceivedDatasetAnswer
from tessera.wire.messages import PublishDataset, QueryTask, ReceivedDataset
from tessera.wire.refusals import BadMessage
from tessera.wire.text import one_line
from tests.hub_trial import NOW, released

POLICY = released().value.policy


def description(**changes: object) -> dict[str, object]:
    body = PublishDataset(released()).to_json()["description"]
    return {"description": {**body, **changes}}  # type: ignore[dict-item]


def agent(**changes: str) -> dict[str, str]:
    return {"name": "N", "email": "a@example.org", "url": "https://example.org", **changes}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 10**6),
        ("created", "0001-01-01T00:00:00Z"),
        ("title", {"en": "T", 'en" . <x': "broken Turtle"}),
        ("title", {"en": "T\x00"}),
        ("title", {"en": "T\N{RIGHT-TO-LEFT OVERRIDE}"}),
        ("title", {"en": "T" * 301}),
        ("description", {"en": "T" * 10_001}),
        ("language", "sv se"),
        ("keywords", ["k" * 101]),
        ("publisher", agent(url="javascript:alert(1)")),
        ("publisher", agent(url="https://example.org/ <x>")),
        ("contact", agent(email="a@example.org> <x")),
        ("access_conditions", ["remote processing <x>"]),
        ("data_use", ["DUO_1> <x"]),
        ("n_subjects", 37),
        ("n_subjects", 10**4000),
        ("n_studies", 0),
        ("n_instances", 10**13),
        ("n_bytes", 10**30),
        ("facets", {"age_at_diagnosis": [{"value": "old", "n_subjects": 10}]}),
        ("facets", {"sex": [{"value": "male", "n_subjects": 40}]}),
        ("facets", {"sex": [{"value": "male", "n_subjects": 7}]}),
        ("facets", {"sex": [{"value": "m", "n_subjects": None}] * 501}),
        ("quality", {"<b>": 1}),
        ("quality", {"error": -1}),
        ("interoperability_tier", 10**30),
    ],
)
def test_a_description_that_would_spoil_the_catalogue_is_refused(key: str, value: object) -> None:
    with pytest.raises(BadMessage) as refused:
        ReceivedDataset.from_json(description(**{key: value}))
    assert refused.value.key.startswith(key)


def test_words_in_another_script_and_another_policy_are_taken() -> None:
    changes = {"title": {"en": "A\N{NO-BREAK SPACE}B", "uk": "Дані"}, "n_subjects": 37}
    body = description(**changes, policy="Noise is added.")
    assert ReceivedDataset.from_json(body).description.n_subjects == 37


def answer(**changes: object) -> dict[str, object]:
    return {
        "dataset_id": "prostate-mr",
        "version": 1,
        "created": NOW.isoformat(),
        "outcome": "counted",
        "n_subjects": 30,
        "n_studies": None,
        "not_supported": [],
        "policy": POLICY,
        **changes,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"n_subjects": 0},
        {"n_subjects": -10},
        {"n_subjects": 7},
        {"n_subjects": 31},
        {"n_subjects": 10**18},
        {"n_subjects": 30.0},
        {"n_subjects": True},
        {"n_studies": 0},
        {"n_studies": 33},
        {"not_supported": ["her2"]},
        {"outcome": "not_supported", "n_subjects": None},
        {"outcome": "not_supported", "n_subjects": None, "not_supported": ["<b>"]},
        {"outcome": "too_few"},
        {"outcome": "too_few", "n_subjects": None, "n_studies": 10},
        {"policy": "P" * 501},
        {"outcome": "no_answer", "n_subjects": None, "problem": "x\x1b[31m"},
    ],
)
def test_an_answer_with_an_absurd_number_or_text_is_refused(changes: dict[str, object]) -> None:
    assert ReceivedDatasetAnswer.from_json(answer()).n_subjects == 30
    with pytest.raises(BadMessage):
        ReceivedDatasetAnswer.from_json(answer(**changes))


@pytest.mark.parametrize(
    "text", ['{"a": "\\ud800"}', '{"a": NaN}', '{"a": -Infinity}', b'{"a": "\xed\xa0\x80"}']
)
def test_what_looks_like_json_and_can_be_written_nowhere_is_refused(text: str | bytes) -> None:
    with pytest.raises(BadMessage):
        fields.decode(text)
    assert fields.decode('{"a": "\\ud83d\\ude00"}') == {"a": "😀"}


def test_a_hub_cannot_write_lines_into_a_nodes_log() -> None:
    assert one_line("a\nERROR b\x1b[31m") == "a\\x0aERROR b\\x1b[31m"
    task = {"query": {}, "datasets": [], "deadline": NOW.isoformat()}
    with pytest.raises(InvalidInput):
        QueryTask.from_json({**task, "search_id": "a\nERROR forged"})
