"""The application form: versioned data in `data/forms`, and what is wrong with answers to it. Pure.

A form that has been published does not change: a new one gets a new name, and an application
keeps the name of the form that it was written on.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pkgutil import get_data
from typing import Any, Final

from tessera.domain.access.application import Answers, InvalidApplication

CURRENT: Final = "application-1"
LONGEST: Final = 20_000
"""Characters of any answer, also of one that is too long for its question."""
_NAME = re.compile(r"[a-z]+-[1-9][0-9]*")
YES: Final = "yes"


class QuestionKind(StrEnum):
    LINE = "line"
    TEXT = "text"
    CHOICE = "choice"
    CHOICES = "choices"
    AGREE = "agree"
    """A promise; the only answer is `yes`."""


class Problem(StrEnum):
    """What keeps an answer from being submitted."""

    MISSING = "missing"
    TOO_LONG = "too-long"


@dataclass(frozen=True, slots=True)
class Fault:
    question: str
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    id: str
    kind: QuestionKind
    is_required: bool
    max_length: int
    """Characters; of one answer."""
    choices: Mapping[str, Mapping[str, str]]
    """Value → language → words."""
    label: Mapping[str, str]
    """Language → words."""
    help: Mapping[str, str]

    def fault(self, given: tuple[str, ...]) -> Problem | None:
        """Return what is wrong with an answer, or None."""
        if self.is_required and not any(text.strip() for text in given):
            return Problem.MISSING
        if any(len(text) > self.max_length for text in given):
            return Problem.TOO_LONG
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    id: str
    title: Mapping[str, str]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    name: str
    sections: tuple[Section, ...]

    @property
    def questions(self) -> Mapping[str, Question]:
        return {one.id: one for section in self.sections for one in section.questions}

    def faults(self, answers: Answers) -> tuple[Fault, ...]:
        """Return what keeps these answers from being submitted, in the form's order."""
        found = ((q.id, q.fault(answers.get(q.id, ()))) for q in self.questions.values())
        return tuple(Fault(question, problem) for question, problem in found if problem)

    def check(self, answers: Answers) -> None:
        """Raise InvalidApplication for an answer that no draft may hold either."""
        for name, given in answers.items():
            question = self.questions.get(name)
            if question is None:
                raise InvalidApplication(f"answers.{name[:60]}: the form has no such question")
            if question.kind is not QuestionKind.CHOICES and len(given) > 1:
                raise InvalidApplication(f"answers.{name}: one answer")
            if len(set(given)) != len(given):
                raise InvalidApplication(f"answers.{name}: each choice once")
            for text in given:
                if len(text) > LONGEST:
                    raise InvalidApplication(f"answers.{name}: at most {LONGEST} characters")
                if question.choices and text and text not in question.choices:
                    raise InvalidApplication(
                        f"answers.{name}: {text[:40]!r}; use {', '.join(question.choices)}"
                    )


@cache
def form(name: str = CURRENT) -> Form:
    """Return a form by name and version. Raises InvalidApplication when there is none."""
    if not _NAME.fullmatch(name):
        raise InvalidApplication(f"form {name[:40]!r}: expected a name such as {CURRENT}")
    try:
        raw = get_data("tessera.domain.access", f"data/forms/{name}.toml") or b""
    except OSError as err:
        raise InvalidApplication(f"form {name!r}: this hub has no such form") from err
    document = tomllib.loads(raw.decode())
    return Form(name=name, sections=tuple(_section(one) for one in document["section"]))


def _section(raw: Mapping[str, Any]) -> Section:
    return Section(
        id=raw["id"],
        title={"en": raw["en"], "sv": raw["sv"]},
        questions=tuple(_question(one) for one in raw["question"]),
    )


def _question(raw: Mapping[str, Any]) -> Question:
    kind = QuestionKind(raw["kind"])
    choices = {one["value"]: {"en": one["en"], "sv": one["sv"]} for one in raw.get("choice", ())}
    if kind is QuestionKind.AGREE:
        choices = {YES: {"en": raw["en"], "sv": raw["sv"]}}
    return Question(
        id=raw["id"],
        kind=kind,
        is_required=raw.get("required", True),
        max_length=raw.get("max_length", 200),
        choices=choices,
        label={"en": raw["en"], "sv": raw["sv"]},
        help={"en": raw.get("help_en", ""), "sv": raw.get("help_sv", "")},
    )
