"""How a column is read once its variable is known, and what must be asked first. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from tessera.domain.clinical.profile import ColumnProfile, TableProfile
from tessera.domain.clinical.suggest_score import Fit
from tessera.domain.clinical.suggest_types import (
    ERROR,
    NOTHING,
    Choice,
    Evidence,
    Proposal,
    Question,
    State,
    ValueRule,
)
from tessera.domain.clinical.suggest_units import (
    factor_to,
    known_units,
    plausible_units,
    written_unit,
)
from tessera.domain.clinical.suggest_values import SURE, ValueMatch, match_values
from tessera.domain.clinical.values import read_gleason, read_stage
from tessera.domain.clinical.variables import Variable, variable
from tessera.domain.terms import terminology as terms

_MOST_CHOICES: Final = 40
_MOST_RARE: Final = 3
"""Values that occur once in a column and are asked for; the rest are left and said."""


def read_by(
    profile: TableProfile,
    column: ColumnProfile,
    fit: Fit,
    state: State,
    *,
    unit_column: str,
    answers: Mapping[str, str],
    beside: Mapping[str, str],
) -> tuple[Proposal | None, list[Question]]:
    """Return the proposal, None when it cannot be read without an answer, and the questions.

    `beside`: value → concept that the codes in the same rows say.
    """
    kind = variable(fit.variable)
    made = Proposal(
        column=column.name,
        variable=fit.variable,
        confidence=fit.confidence,
        state=state,
        evidence=fit.evidence,
        kind=kind.kind,
    )
    if kind.kind == "date":
        return _dates(profile, column, made, answers)
    if kind.kind == "number":
        return _number(column, made, kind, unit_column, answers)
    if kind.kind in ("concept", "flag"):
        return _values(profile, column, made, kind, fit, answers, beside)
    unread = tuple((t, n) for t, n in column.values.value.items() if not _is_code(kind, t))
    return replace(made, unread=unread), []


def _is_code(kind: Variable, text: str) -> bool:
    return read_gleason(text) is not None if kind.name == "gleason" else True


def _dates(
    profile: TableProfile, column: ColumnProfile, made: Proposal, answers: Mapping[str, str]
) -> tuple[Proposal | None, list[Question]]:
    dates = column.dates
    if dates is None:
        return None, []
    if profile.month_first is None and dates.n_either and "dates" not in answers:
        example = "03/04/2020"
        question = Question(
            id="dates",
            kind="dates",
            column=column.name,
            facts={"example": example},
            choices=(
                Choice(key="day", label="day first (3 April 2020)"),
                Choice(key="month", label="month first (4 March 2020)"),
            ),
            default="day",
            gain=2.0 * dates.n_read,
        )
        return None, [question]
    return replace(made, dates=tuple(form for form, _ in dates.forms)), []


def _number(
    column: ColumnProfile,
    made: Proposal,
    kind: Variable,
    unit_column: str,
    answers: Mapping[str, str],
) -> tuple[Proposal | None, list[Question]]:
    numbers = column.numbers
    if numbers is None:
        return None, []
    unread = tuple((text, n) for text, n in column.values.value.items() if not _has_digit(text))
    made = replace(made, unread=unread)
    questions: list[Question] = []
    rules: list[ValueRule] = []
    for text, n in numbers.codes:
        key = f"code:{column.name}:{text}"
        said = answers.get(key)
        if said is None:
            questions.append(_code_question(key, column, text, n))
        if said in (None, "yes", NOTHING):
            rules.append(ValueRule(value=text, n=n, target="", sure=0.9, why="code"))
    made = replace(made, values=tuple(rules))
    if unit_column:
        found = Evidence("unit-column", {"column": unit_column})
        return replace(made, unit_column=unit_column, evidence=(*made.evidence, found)), questions
    unit, why = _unit(column, kind)
    key = f"unit:{column.name}"
    if answers.get(key):
        if answers[key] == NOTHING:
            return None, questions
        unit, why = answers[key], Evidence("answer")
        made = replace(made, state="answered")
    if unit:
        return replace(made, unit=unit, evidence=(*made.evidence, why)), questions
    if numbers.units and sum(n for _, n in numbers.units) >= 0.9 * numbers.n_read:
        return replace(made, evidence=(*made.evidence, Evidence("unit-cell"))), questions
    return None, [*questions, _unit_question(key, column, kind)]


def _has_digit(text: str) -> bool:
    return any(c.isdigit() for c in text)


def _code_question(key: str, column: ColumnProfile, text: str, n: int) -> Question:
    return Question(
        id=key,
        kind="code",
        column=column.name,
        facts={"value": text, "column": column.name, "n": str(n)},
        choices=(Choice(key="yes", label="no value"), Choice(key="no", label="a number")),
        default="yes",
        gain=float(n),
    )


def _unit(column: ColumnProfile, kind: Variable) -> tuple[str, Evidence]:
    """Return the unit that a number column surely has, or ""."""
    written = written_unit(column)
    if written and factor_to(kind, written) is not None:
        return written, Evidence("unit-name", {"unit": written})
    if kind.unit in ("1", ""):
        return "1", Evidence("unit-none")
    if written:
        return "", Evidence("answer")
    fitting = plausible_units(column, kind)
    if len({factor_to(kind, unit) for unit in fitting}) == 1:
        facts = {"unit": fitting[0], "median": _median(column)}
        return fitting[0], Evidence("unit-range", facts)
    return "", Evidence("answer")


def _median(column: ColumnProfile) -> str:
    return f"{column.numbers.median:g}" if column.numbers else ""


def _unit_question(key: str, column: ColumnProfile, kind: Variable) -> Question:
    units = known_units(kind)[:_MOST_CHOICES]
    plausible = plausible_units(column, kind)
    return Question(
        id=key,
        kind="unit",
        column=column.name,
        facts={"column": column.name, "median": _median(column)},
        choices=(
            *(Choice(key=unit, label=unit) for unit in units),
            Choice(key=NOTHING, label="do not read this column"),
        ),
        default=plausible[0] if plausible else (units[0] if units else NOTHING),
        gain=float(column.n_filled),
    )


def _values(
    profile: TableProfile,
    column: ColumnProfile,
    made: Proposal,
    kind: Variable,
    fit: Fit,
    answers: Mapping[str, str],
    beside: Mapping[str, str],
) -> tuple[Proposal | None, list[Question]]:
    values = column.values.value
    matches = dict(fit.matches)
    group = group_of(kind)
    if column.note.is_checkbox and kind.kind == "flag":  # a tick says yes; none says nothing
        matches = {"1": ValueMatch("yes", 1.0, "word"), "0": ValueMatch("unknown", 1.0, "word")}
    if group and not matches and not column.note.choices:
        matches = match_values(group, values, language=profile.language, variable=kind.name)
    rules: list[ValueRule] = []
    unread: list[tuple[str, int]] = []
    questions: list[Question] = []
    rare = 0
    for text, n in sorted(values.items(), key=lambda pair: (-pair[1], pair[0])):
        key = f"value:{column.name}:{text}"
        match = _judged(kind, text, matches.get(text), beside.get(text, ""))
        if answers.get(key) == ERROR:
            unread.append((text, n))
        elif key in answers:
            target = "" if answers[key] == NOTHING else answers[key]
            rules.append(ValueRule(value=text, n=n, target=target, sure=1.0, why="answer"))
        elif match is not None and match.sure >= SURE:
            target = _target(kind, match.concept)
            rules.append(ValueRule(value=text, n=n, target=target, sure=match.sure, why=match.why))
        elif kind.name == "stage" and read_stage(text):
            continue
        elif match is not None or n > 1 or rare < _MOST_RARE:
            rare += match is None and n == 1
            questions.append(_value_question(key, column, kind, group, text, n, match))
            unread.append((text, n))
        else:
            unread.append((text, n))
    return replace(made, values=tuple(rules), unread=tuple(unread)), questions


def group_of(kind: Variable) -> str:
    """Return the group of the terminology that a variable's words are of."""
    if kind.kind == "flag":
        return "vital_status" if kind.name == "deceased" else "yes_no"
    return kind.group


def _judged(kind: Variable, text: str, match: ValueMatch | None, beside: str) -> ValueMatch | None:
    """Join what the word says and what the codes in its rows say."""
    if not beside:
        return match
    if match is None:
        return ValueMatch(beside, 0.92, "beside")
    if match.concept == beside or beside in terms.narrower(kind.group, match.concept):
        return ValueMatch(
            beside, max(match.sure, 0.95), "beside" if match.concept != beside else match.why
        )
    return match if match.sure >= SURE else ValueMatch(beside, 0.6, "beside")


_FLAGS: Final = {"yes": "true", "no": "false", "dead": "true", "alive": "false"}


def _target(kind: Variable, concept: str) -> str:
    if kind.kind == "flag":
        return _FLAGS.get(concept, "")
    if kind.group in ("receptor", "population") and concept == "unknown":
        return ""
    return concept


def _value_question(
    key: str,
    column: ColumnProfile,
    kind: Variable,
    group: str,
    text: str,
    n: int,
    match: ValueMatch | None,
) -> Question:
    if kind.kind == "flag":
        choices = [Choice(key="true", label="yes"), Choice(key="false", label="no")]
        if kind.name == "deceased":
            choices = [Choice(key="true", label="dead"), Choice(key="false", label="alive")]
        default = (_target(kind, match.concept) or NOTHING) if match else ERROR
    else:
        known = [one for one in terms.group(group) if "abstract" not in one.facts] if group else []
        choices = [Choice(key=word, label=word) for word in kind.words]
        choices += [Choice(key=one.name, label=one.label_en) for one in known]
        keys = {choice.key for choice in choices}
        default = match.concept if match and match.concept in keys else ERROR
    return Question(
        id=key,
        kind="value",
        column=column.name,
        facts={"column": column.name, "value": text, "n": str(n)},
        choices=(
            *choices,
            Choice(key=NOTHING, label="no value"),
            Choice(key=ERROR, label="a mistake: name its rows"),
        ),
        default=default,
        gain=float(n),
    )


def codes_beside(
    profile: TableProfile, column: str, code_columns: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """Return value of `column` → the one cancer that the codes in its rows say.

    `code_columns`: (name of a column, system of its codes). A value in one row only, or with
    codes of two cancers, says nothing.
    """
    table = profile.table
    words = table.column(column).value
    votes: dict[str, Counter[str]] = {}
    for name, system in code_columns:
        for word, code in zip(words, table.column(name).value, strict=True):
            cancer = cancer_of(system, code)
            if word and cancer:
                votes.setdefault(word, Counter())[cancer] += 1
    return {
        word: next(iter(found))
        for word, found in votes.items()
        if len(found) == 1 and found.total() >= 2
    }


def cancer_of(system: str, code: str) -> str:
    """Return the cancer that an ICD-10 or ICD-O-3 topography code means, or ""."""
    head = code.strip().upper()[:3]
    for one in terms.group("cancer"):
        if "abstract" not in one.facts and (
            head == one.codes.get(system, "")[:3] != "" or head in one.covers.get(system, ())
        ):
            return one.name
    return ""
