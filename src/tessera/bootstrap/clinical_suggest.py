"""Wire the profile of a hospital's tables and the proposal of a mapping for them."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from tessera.adapters.tables.sources import open_tables
from tessera.domain.clinical.profile import TableProfile, profile_table
from tessera.domain.clinical.suggest import suggest_for
from tessera.domain.clinical.suggest_file import (
    answers_text,
    check_answers,
    check_proposal,
    mapping_text,
    parse_answers,
    questions_text,
)
from tessera.domain.clinical.suggest_types import MOST_QUESTIONS, Question, Suggestion
from tessera.domain.clinical.variables import variables
from tessera.domain.errors import InvalidInput, NotFound

Answers = dict[str, dict[str, str]]
"""Table → question's id → answer; table "" for any."""


def profile_files(paths: Sequence[Path]) -> tuple[TableProfile, ...]:
    """Return the profile of every table in the files. Raises NotFound, InvalidInput."""
    return tuple(profile_table(table) for table in open_tables(paths))


def read_answers(path: Path | None) -> Answers:
    """Return the answers of a file; none without one. Raises NotFound, InvalidInput."""
    if path is None:
        return {}
    if not path.is_file():
        raise NotFound(f"{path}: no such file")
    try:
        return parse_answers(path.read_text("utf-8"), path.name)
    except UnicodeDecodeError as cause:
        raise InvalidInput(f"{path.name}: not UTF-8") from cause


def suggest_profiles(profiles: Sequence[TableProfile], answers: Answers) -> tuple[Suggestion, ...]:
    """Return the proposal for each table. Raises InvalidInput for an answer that is no choice."""
    names = frozenset(one.name for one in variables())
    made = []
    for profile in profiles:
        said = {**answers.get("", {}), **answers.get(profile.table.name, {})}
        open_questions = suggest_for(profile, {}).questions
        check_answers(open_questions, said, names)
        made.append(suggest_for(profile, said))
        check_proposal(made[-1])
    return tuple(made)


def ask_all(
    profiles: Sequence[TableProfile],
    answers: Answers,
    ask: Callable[[TableProfile, Question], str],
) -> Answers:
    """Return the answers with those of a person: each question once, ten at most per table.

    `ask` returns a choice's key, or "" to leave the question open.
    """
    found = {table: dict(said) for table, said in answers.items()}
    for profile in profiles:
        said = {**answers.get("", {}), **found.get(profile.table.name, {})}
        seen = set(said)
        for _ in range(MOST_QUESTIONS):
            waiting = [q for q in suggest_for(profile, said).questions if q.id not in seen]
            if not waiting:
                break
            seen.add(waiting[0].id)
            if answer := ask(profile, waiting[0]):
                said[waiting[0].id] = answer
        found[profile.table.name] = said
    return found


def write_mapping(
    path: Path, made: Sequence[Suggestion], *, name: str, site: str, issuer: str
) -> None:
    """Write the mapping file."""
    path.write_text(mapping_text(made, name=name, site=site, issuer=issuer), "utf-8")


def write_questions(path: Path, made: Sequence[Suggestion]) -> None:
    """Write the questions, for the owner alone: they hold values of the table."""
    write_private(path, questions_text(made))


def write_answers(path: Path, answers: Answers) -> None:
    """Write answers beside the mapping `path`, for the owner alone: the same words do it again."""
    write_private(path.with_suffix(".answers.toml"), answers_text(answers))


def write_profile(path: Path, profiles: Sequence[TableProfile], *, language: str) -> None:
    """Write the profile as one HTML file, for the owner alone."""
    from tessera.adapters.report.profile import render_profile

    write_private(path, render_profile(profiles, language=language))


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def name_of(paths: Sequence[Path], site: str) -> str:
    """Return a name for the mapping: the site's, or the first file's."""
    said = site or paths[0].stem
    plain = "".join(c if c.isalnum() else "-" for c in said.casefold())
    return "-".join(part for part in plain.split("-") if part) or "mapping"
