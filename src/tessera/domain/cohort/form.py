"""The page form of a cohort query: lines that are joined, each one condition or a text. Pure.

A line says a field, an operator and values. What it cannot say (a group, a `not`, a bracket, a
relation in time) is a line of text in its place, so that nothing of a query is lost in the form:
`query_of_form(form_of(query)) == query`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tessera.domain.cohort.fields import field_named
from tessera.domain.cohort.query import (
    And,
    Comparison,
    Expression,
    Operator,
    Or,
    Query,
    compare,
    value_text,
)
from tessera.domain.cohort.syntax import parse
from tessera.domain.cohort.tokens import Token, tokens_of
from tessera.domain.cohort.tree import quoted
from tessera.domain.errors import InvalidQuery

MAX_LINES: Final = 50
_MANY: Final = (Operator.IN, Operator.NOT_IN)
_WITHOUT: Final = (Operator.KNOWN, Operator.UNKNOWN)


@dataclass(frozen=True, slots=True)
class ConditionLine:
    """One condition. `value`: one as it is; several with commas; the ends of a range with `and`.

    Of several and of ends each may stand in quotes.
    """

    field: str
    operator: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class TextLine:
    """A part of a query in its text form."""

    text: str


Line = ConditionLine | TextLine


@dataclass(frozen=True, slots=True)
class Form:
    """The lines in their order; all hold, or at least one when `is_any`."""

    lines: tuple[Line, ...]
    is_any: bool = False


def form_of(query: Query) -> Form:
    """Return the form that says the query, whatever the query is."""
    match query.where:
        case And(children):
            return Form(tuple(map(_line, children)))
        case Or(children):
            return Form(tuple(map(_line, children)), is_any=True)
        case one:
            return Form((_line(one),))


def query_of_form(form: Form) -> Query:
    """Return the query that a form says. Raises InvalidQuery, with its line."""
    if not form.lines:
        raise InvalidQuery("the query is empty", mend="choose a field")
    if len(form.lines) > MAX_LINES:
        raise InvalidQuery(
            f"the query has {len(form.lines)} conditions", mend=f"use at most {MAX_LINES}"
        )
    parts = tuple(_read(line, place) for place, line in enumerate(form.lines))
    if len(parts) == 1:
        return Query(parts[0])
    return Query(Or(parts) if form.is_any else And(parts))


def _line(where: Expression) -> Line:
    if not isinstance(where, Comparison):
        return TextLine(str(where))
    values = [value_text(value) for value in where.values]
    if where.operator in _MANY:
        value = ", ".join(quoted(one) for one in values)
    elif where.operator is Operator.BETWEEN:
        value = " and ".join(quoted(one) for one in values)
    else:
        value = "".join(values)
    return ConditionLine(where.field, where.operator.value, value)


def _read(line: Line, place: int) -> Expression:
    try:
        if isinstance(line, TextLine):
            return parse(line.text).where
        if line.operator not in list(Operator):
            raise InvalidQuery(
                f"after {line.field[:40]} an operator must stand, not {line.operator[:40]!r}"
            )
        operator = Operator(line.operator)
        return compare(line.field, operator, *_values(line, operator))
    except InvalidQuery as cause:
        raise InvalidQuery(
            cause.message, position=cause.position, mend=cause.mend, line=place
        ) from cause


def _values(line: ConditionLine, operator: Operator) -> Sequence[str]:
    known = field_named(line.field)
    if operator in _WITHOUT:
        if line.value.strip():
            raise InvalidQuery(f"`{operator}` has the wrong number of values")
        return ()
    if operator in _MANY:
        found = _split(tokens_of(line.value), ",")
    elif operator is Operator.BETWEEN:
        found = _split(tokens_of(line.value), "and")
        if len(found) != 2:
            raise InvalidQuery(
                "`between` needs two values joined by `and`, and here is "
                f"{line.value.strip()[:40]!r}",
                mend="for example `50 and 70`",
            )
    else:
        found = [line.value.strip()]
    if known.unit:
        found = [one.removesuffix(known.unit).strip() for one in found]
    if "" in found:
        raise InvalidQuery(f"a value of {known.name} must stand here, not ''")
    return found


def _split(tokens: Sequence[Token], sign: str) -> list[str]:
    """Return the texts between the signs; the words of a text are joined by a space."""
    found: list[list[str]] = [[]]
    for token in tokens:
        if token.kind == "end":
            continue
        if token.kind != "quoted" and token.text.lower() == sign:
            found.append([])
        else:
            found[-1].append(token.text)
    return [" ".join(words) for words in found]
