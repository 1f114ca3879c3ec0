"""The text form of a cohort query: its parser, written by hand. Pure.

Grammar: docs/reference/cohort-language.md. Every fault is an InvalidQuery with the
position of the fault and a mend; no text makes it raise anything else.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from tessera.domain.cohort.fields import FIELDS, Field, Kind, Level, field_named
from tessera.domain.cohort.query import (
    MAX_DEPTH,
    MAX_LENGTH,
    And,
    Comparison,
    Event,
    Expression,
    InOne,
    Not,
    Operator,
    Or,
    Query,
    Related,
    Repeated,
    compare,
    conditions,
)
from tessera.domain.cohort.temporal import Direction, Moment, Span
from tessera.domain.cohort.tokens import EXAMPLE, Token, tokens_of
from tessera.domain.errors import InvalidQuery

_COMPARATORS = {
    "=": Operator.EQ,
    "==": Operator.EQ,
    "!=": Operator.NE,
    "<>": Operator.NE,
    "≠": Operator.NE,
    "<": Operator.LT,
    "<=": Operator.LE,
    "≤": Operator.LE,
    ">": Operator.GT,
    ">=": Operator.GE,
    "≥": Operator.GE,
}
_MAX_NESTING = 2 * MAX_DEPTH
"""Of brackets and `not` in the text: `not (…)` is two of them and one level of the tree."""
_RELATION_WORDS = frozenset({"within", "more", "at", "between", *Direction})
_RELATION_EXAMPLE = "for example `modality = MR within 90 days before treatment = surgery`"
_Made = TypeVar("_Made", InOne, Related, Repeated, Span)


def parse(text: str) -> Query:
    """Return the query that `text` means. Raises InvalidQuery."""
    if len(text) > MAX_LENGTH:
        raise InvalidQuery(
            f"the query has {len(text)} characters",
            position=MAX_LENGTH,
            mend=f"use at most {MAX_LENGTH}",
        )
    tokens = tokens_of(text)
    if len(tokens) == 1:
        raise InvalidQuery("the query is empty", mend=EXAMPLE)
    parser = _Parser(tokens)
    where = parser.alternatives()
    parser.end()
    return Query(where)


class _Parser:
    """Recursive descent; one method per rule of the grammar."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._nesting = 0

    def alternatives(self) -> Expression:
        parts = self._joined("or", self._all_of)
        return parts[0] if len(parts) == 1 else Or(parts)

    def end(self) -> None:
        token = self._next()
        if token.kind == "end":
            return
        mend = "join conditions with `and` or `or`"
        if token.text == ")":
            mend = "this bracket closes nothing; take it away"
        elif token.kind == "symbol" and token.text == ",":
            mend = "lists stand in brackets: `modality in (MR, PT)`"
        elif token.kind in ("word", "quoted"):
            mend += "; put a value of more than one word in quotes"
        raise InvalidQuery(f"{token} was not expected here", position=token.position, mend=mend)

    def _all_of(self) -> Expression:
        parts = self._joined("and", self._part)
        return parts[0] if len(parts) == 1 else And(parts)

    def _joined(self, word: str, rule: Callable[[], Expression]) -> tuple[Expression, ...]:
        parts = [rule()]
        while self._take(word):
            parts.append(rule())
        return tuple(parts)

    def _part(self) -> Expression:
        token = self._peek()
        if token.keyword == "not":
            self._next()
            return Not(self._nested(token, self._part))
        if self._ahead("at", "least"):
            return self._repeated()
        if self._moment_ahead() and self._relation_begins(self._at + 1):
            return self._related(self._moment(), token)
        found = self._event_or_part()
        if self._relation_begins(self._at):
            return self._related(self._event_of(found, token), token)
        return found

    def _event_or_part(self) -> Expression:
        token = self._peek()
        if token.kind == "symbol" and token.text == "(":
            return self._bracketed()
        if token.keyword != "in":
            return self._condition()
        self._next()
        return self._group(token)

    def _moment_ahead(self) -> bool:
        token = self._peek()
        return token.kind == "word" and token.text.lower() in set(Moment)

    def _moment(self) -> Moment:
        return Moment(self._next().text.lower())

    def _relation_begins(self, at: int) -> bool:
        """Say whether words follow that can only stand between two events."""
        token = self._tokens[min(at, len(self._tokens) - 1)]
        return token.kind == "word" and token.text.lower() in _RELATION_WORDS

    def _related(self, event: Event, start: Token) -> Related:
        span = self._span()
        token = self._next()
        if token.kind != "word" or token.text.lower() not in set(Direction):
            raise InvalidQuery(
                f"`before`, `after` or `of` must stand here, not {token}",
                position=token.position,
                mend=_RELATION_EXAMPLE,
            )
        direction = Direction(token.text.lower())
        other_start = self._peek()
        if self._moment_ahead():
            other: Event = self._moment()
        else:
            other = self._event_of(self._event_or_part(), other_start)
        return self._placed(lambda: Related(event, span, direction, other), start)

    def _repeated(self) -> Repeated:
        start = self._next()
        self._next()
        n = self._whole_number()
        opening = self._peek()
        event = self._event_of(self._event_or_part(), opening)
        span = self._span()
        if not self._take("apart"):
            token = self._peek()
            raise InvalidQuery(
                f"`apart` must stand here, not {token}",
                position=token.position,
                mend="for example `at least 2 (modality = CT) more than 180 days apart`",
            )
        return self._placed(lambda: Repeated(n, event, span), start)

    def _event_of(self, where: Expression, start: Token) -> InOne:
        """Return the study or the treatment for which it holds."""
        if isinstance(where, InOne) and where.level in (Level.STUDY, Level.TREATMENT):
            return where
        inside = list(conditions(where))
        levels = {one.about.level for one in inside if isinstance(one, Comparison)}
        if levels == {Level.TREATMENT}:
            return InOne(Level.TREATMENT, where)
        if levels <= {Level.STUDY, Level.SERIES}:
            return InOne(Level.STUDY, where)
        raise InvalidQuery(
            "this has no date that a relation in time could be about",
            position=start.position,
            mend="use a study, a treatment, `diagnosis` or `death`: " + _RELATION_EXAMPLE,
        )

    def _span(self) -> Span:
        """Read `within 90 days`, `more than 180 days` and the like, or nothing."""
        start = self._peek()
        if self._take("within"):
            numbers: tuple[int, int | None] = (0, self._whole_number())
        elif self._take("more", "than"):
            numbers = (self._whole_number() + 1, None)
        elif self._take("at", "least"):
            numbers = (self._whole_number(), None)
        elif self._take("between"):
            least = self._whole_number()
            if not self._take("and"):
                token = self._peek()
                raise InvalidQuery(
                    f"`between` needs two values joined by `and`, and here is {token}",
                    position=token.position,
                    mend=f"write `between {least} and … days`",
                )
            numbers = (least, self._whole_number())
        else:
            return Span()
        if not (self._take("days") or self._take("day")):
            token = self._peek()
            raise InvalidQuery(
                f"`days` must stand here, not {token}",
                position=token.position,
                mend=_RELATION_EXAMPLE,
            )
        return self._placed(lambda: Span(*numbers), start)

    def _whole_number(self) -> int:
        token = self._next()
        if token.kind != "word" or not re.fullmatch("[0-9]{1,6}", token.text):
            raise InvalidQuery(
                f"a whole number must stand here, not {token}",
                position=token.position,
                mend=_RELATION_EXAMPLE,
            )
        return int(token.text)

    def _bracketed(self) -> Expression:
        opening = self._symbol("(")
        inside = self._nested(opening, self.alternatives)
        token = self._next()
        if token.text != ")" or token.kind != "symbol":
            raise InvalidQuery(
                f"a bracket is open and {token} was not expected",
                position=token.position,
                mend=f"close the bracket that opens at character {opening.position + 1} with `)`",
            )
        return inside

    def _nested(self, token: Token, rule: Callable[[], Expression]) -> Expression:
        self._nesting += 1
        if self._nesting > _MAX_NESTING:
            raise InvalidQuery(
                "the query is nested too deep",
                position=token.position,
                mend=f"use at most {MAX_DEPTH} levels",
            )
        inside = rule()
        self._nesting -= 1
        return inside

    def _group(self, start: Token) -> InOne:
        mend = (
            "write `in one study (…)`, `in one series (…)`, `in one condition (…)` "
            "or `in one treatment (…)`"
        )
        if not self._take("one"):
            raise InvalidQuery(
                "a field must stand before `in`",
                position=start.position,
                mend=f"write `modality in (MR, PT)`; for one and the same row, {mend}",
            )
        token = self._next()
        allowed = (Level.STUDY, Level.SERIES, Level.CONDITION, Level.TREATMENT)
        if token.kind != "word" or token.text.lower() not in allowed:
            raise InvalidQuery(f"`in one` and then {token}", position=token.position, mend=mend)
        level, inside = Level(token.text.lower()), self._bracketed()
        return self._placed(lambda: InOne(level, inside), start)

    def _placed(self, make: Callable[[], _Made], start: Token) -> _Made:
        """Report a fault of a whole part at its start, where Query alone would know no position."""
        try:
            made = make()
            if not isinstance(made, Span):
                Query(made)
        except InvalidQuery as err:
            raise InvalidQuery(err.message, position=start.position, mend=err.mend) from None
        return made

    def _condition(self) -> Comparison:
        token = self._next()
        if token.kind != "word" or token.keyword:
            raise InvalidQuery(
                f"a field must stand here, not {token}",
                position=token.position,
                mend=f"fields: {', '.join(FIELDS)}",
            )
        field = field_named(token.text, token.position)
        operator = self._operator(field)
        if operator in (Operator.KNOWN, Operator.UNKNOWN):
            return compare(field.name, operator, position=token.position)
        if operator in (Operator.IN, Operator.NOT_IN):
            return compare(field.name, operator, *self._list(field), position=token.position)
        values = [self._value(field, operator)]
        if operator is Operator.BETWEEN:
            if not self._take("and"):
                raise InvalidQuery(
                    f"`between` needs two values joined by `and`, and here is {self._peek()}",
                    position=self._peek().position,
                    mend=f"write `{field.name} between {values[0]} and …`",
                )
            values.append(self._value(field, operator))
        return compare(field.name, operator, *values, position=token.position)

    def _operator(self, field: Field) -> Operator:
        token = self._next()
        if token.kind == "symbol" and token.text in _COMPARATORS:
            return _COMPARATORS[token.text]
        match token.keyword:
            case "in":
                return Operator.IN
            case "between":
                return Operator.BETWEEN
            case "not" if self._take("in"):
                return Operator.NOT_IN
            case "is" if self._take("known"):
                return Operator.KNOWN
            case "is" if self._take("unknown"):
                return Operator.UNKNOWN
            case "is":
                token = self._peek()
        raise InvalidQuery(
            f"after {field.name} an operator must stand, not {token}",
            position=token.position,
            mend="use =, !=, <, <=, >, >=, in (…), not in (…), between … and …, "
            "is known or is unknown",
        )

    def _list(self, field: Field) -> list[str]:
        self._symbol("(")
        values = [self._value(field, Operator.IN)]
        while self._peek().kind == "symbol" and self._peek().text == ",":
            self._next()
            values.append(self._value(field, Operator.IN))
        self._symbol(")")
        return values

    def _value(self, field: Field, operator: Operator) -> str:
        token = self._next()
        if token.kind not in ("word", "quoted") or token.keyword in ("and", "or", "not", "in"):
            raise InvalidQuery(
                f"a value of {field.name} must stand here, not {token}",
                position=token.position,
                mend=_value_mend(field, operator),
            )
        field.parse_value(token.text, token.position)
        following = self._peek()
        if field.kind is Kind.NUMBER and following.kind == "word" and _is_unit(field, following):
            self._next()
        return token.text

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        if token.kind != "end":
            self._at += 1
        return token

    def _ahead(self, *words: str) -> bool:
        following = self._tokens[self._at : self._at + len(words)]
        return [token.text.lower() if token.kind == "word" else "" for token in following] == [
            *words
        ]

    def _take(self, *words: str) -> bool:
        if not self._ahead(*words):
            return False
        self._at += len(words)
        return True

    def _symbol(self, text: str) -> Token:
        token = self._next()
        if token.kind != "symbol" or token.text != text:
            raise InvalidQuery(
                f"`{text}` must stand here, not {token}",
                position=token.position,
                mend=f"put `{text}` here",
            )
        return token


def _is_unit(field: Field, token: Token) -> bool:
    return bool(field.unit) and token.text.lower() == field.unit.lower()


def _value_mend(field: Field, operator: Operator) -> str:
    if field.values:
        return f"values: {', '.join(value.name for value in field.values)}"
    return f"for example `{field.name} {operator} {field.example}`"
