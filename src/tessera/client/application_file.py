"""An application as a TOML file: an example to fill in, and what is read from it."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tessera.domain.access.application import InvalidApplication
from tessera.domain.access.form import CURRENT, Question, QuestionKind, form
from tessera.domain.ids import DatasetId, NodeId, dataset_id, node_id
from tessera.wire.application_events import answers_from_json, modes_from_json
from tessera.wire.applications import WrittenContents

_KEYS: Final = {
    "form",
    "query",
    "datasets",
    "tools",
    "members",
    "modes",
    "months",
    "answers",
}
_EXAMPLE: Final = {
    "title": "Does texture in MR images tell aggressive prostate cancer apart?",
    "summary": "Many men live with a prostate cancer that never harms them. We want to see from "
    "images who needs treatment.",
    "investigator": "Anna Lindqvist",
    "organisation": "A university",
    "description": "We compare texture in T2-weighted series with the grade in the biopsy.",
    "results": "Tables and figures in an open paper.",
    "safeguards": "Nothing but reviewed numbers leaves the hospitals.",
}
_HEAD: Final = """\
# An application for access: fill it in, then `tessera apply FILE --hub URL --submit`.
form = "{form}"
# All hospitals are asked this, and the answers go along with the application. May be left out.
query = "cancer = prostate and modality = MR"
# As "node/dataset", or "node/dataset/2" for version 2. Empty: every dataset that answered the
# query with a number.
datasets = []
# What you want to do: "download", "run", "learn".
modes = ["run"]
# Names or digests of tools at the hub; needed to run and to learn.
tools = []
# User names of others in the project.
members = []
months = 12

[answers]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationFile:
    query: str
    datasets: tuple[tuple[NodeId, DatasetId, int | None], ...]
    tools: tuple[str, ...]
    """Names or digests."""
    contents: WrittenContents
    """All but what the hub has to be asked for."""


def example(name: str = CURRENT) -> str:
    """Return a file with every question of the form, answered with something."""
    lines = [_HEAD.format(form=name)]
    for section in form(name).sections:
        lines.append(f"# {section.title['en']}\n")
        lines += [_line(question) for question in section.questions]
    return "".join(lines)


def _line(question: Question) -> str:
    told = f"# {question.label['en']}\n" if question.kind is not QuestionKind.LINE else ""
    if question.kind is QuestionKind.AGREE:
        return f"{told}{question.id} = true\n"
    if question.choices:
        told += "".join(
            f"#   {value}: {words['en']}\n" for value, words in question.choices.items()
        )
        first = next(iter(question.choices))
        value = f'["{first}"]' if question.kind is QuestionKind.CHOICES else f'"{first}"'
        return f"{told}{question.id} = {value}\n"
    return f'{told}{question.id} = "{_EXAMPLE.get(question.id, "")}"\n'


def read_application(text: str) -> ApplicationFile:
    """Read a file. Raises InvalidInput that names the key."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise InvalidApplication(f"not TOML: {err}") from err
    if unknown := sorted(raw.keys() - _KEYS):
        raise InvalidApplication(f"unknown keys: {', '.join(unknown)}")
    answers = raw.get("answers", {})
    if not isinstance(answers, Mapping):
        raise InvalidApplication("answers: expected a table")
    months = raw.get("months", 12)
    if not isinstance(months, int) or isinstance(months, bool):
        raise InvalidApplication("months: a whole number")
    query = raw.get("query", "")
    if not isinstance(query, str):
        raise InvalidApplication("query: expected text")
    contents = WrittenContents(
        form=str(raw.get("form", CURRENT)),
        answers=answers_from_json(answers),
        members=_texts(raw, "members"),
        modes=modes_from_json(raw),
        months=months,
    )
    form(contents.form).check(contents.answers)
    return ApplicationFile(
        query=query,
        datasets=tuple(dataset_named(one) for one in _texts(raw, "datasets")),
        tools=_texts(raw, "tools"),
        contents=contents,
    )


def dataset_named(text: str) -> tuple[NodeId, DatasetId, int | None]:
    """Read `node/dataset` or `node/dataset/2`. Raises InvalidInput."""
    parts = text.split("/")
    is_number = len(parts) == 3 and parts[2].isascii() and parts[2].isdecimal()
    if len(parts) not in (2, 3) or (len(parts) == 3 and not is_number):
        raise InvalidApplication(f"dataset {text[:80]!r}: expected node/dataset or node/dataset/2")
    return node_id(parts[0]), dataset_id(parts[1]), int(parts[2]) if is_number else None


def _texts(raw: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = raw.get(key, [])
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidApplication(f"{key}: expected a list")
    if not all(isinstance(one, str) for one in value):
        raise InvalidApplication(f"{key}: expected a list of text")
    return tuple(value)
