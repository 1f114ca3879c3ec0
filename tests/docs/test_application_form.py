"""docs/reference/application-form.md says what the form and its commands are."""

import re

from tessera.client.application_file import example, read_application
from tessera.domain.access.form import CURRENT, QuestionKind, form
from tessera.wire.applications import COMMANDS
from tests.architecture.source import REPO

PAGE = (REPO / "docs" / "reference" / "application-form.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (yes|no) \| (\d*) \| (.+) \|$", re.MULTILINE)


def test_every_question_is_documented_as_it_is() -> None:
    assert f"`{CURRENT}`" in PAGE
    told = {row[0]: row[1:] for row in ROW.findall(PAGE)}
    assert list(told) == list(form().questions)
    for question in form().questions.values():
        kind, needed, longest, words = told[question.id]
        assert (kind, needed == "yes") == (question.kind.value, question.is_required)
        is_free = question.kind in (QuestionKind.LINE, QuestionKind.TEXT)
        assert longest == (str(question.max_length) if is_free else "")
        assert words.startswith(question.label["en"])
        if question.kind is not QuestionKind.AGREE:
            assert re.findall(r"`([^`]+)`", words) == list(question.choices)


def test_every_command_is_documented() -> None:
    for command in COMMANDS:
        assert re.search(rf"^\| .*`{command}`.* \|", PAGE, re.MULTILINE), command


def test_every_text_of_the_form_is_in_both_languages() -> None:
    for section in form().sections:
        texts = [section.title, *(q.label for q in section.questions)]
        texts += [words for q in section.questions for words in q.choices.values()]
        for words in texts:
            assert words["en"].strip() and words["sv"].strip()
            assert words["en"] != words["sv"] or words["en"] == "Organisation"
        for question in section.questions:
            assert bool(question.help["en"]) == bool(question.help["sv"])


def test_the_printed_example_is_whole_but_for_its_datasets_and_tools() -> None:
    read = read_application(example())
    assert form().faults(read.contents.answers) == ()
    assert read.query
