"""The text form of a cohort query: tokenizer and parser, written by hand. Pure.

Grammar: docs/reference/cohort-language.md. Every fault is an InvalidQuery with the
position of the fault and a mend; no text makes it raise anything else.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tessera.domain.cohort.fields import FIELDS, Field, Kind, Level, field_named
from tessera.domain.cohort.query import (
    KEYWORDS,
    MAX_DEPTH,
    MAX_LENGTH,
    And,
    Comparison,
    Expression,
    InOne,
    Not,
    Operator,
    Or,
    Query,
    compare,
)
from tessera.domain.errors import InvalidQuery

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<symbol>!=|<>|<=|>=|==|[=<>≠≤≥(),])
      | (?P<quoted>"(?:[^"]|"")*"|'(?:[^']|'')*')
      | (?P<word>[^\s=!<>≠≤≥(),"']+)""",
    re.VERBOSE,
)
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
_EXAMPLE = "for example `cancer = prostate and modality in (MR, PT)`"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    """symbol, quoted, word, or end."""
    text: str
    position: int

    @property
    def keyword(self) -> str:
        folded = self.text.lower()
        return folded if self.kind == "word" and folded in KEYWORDS else ""

    def __str__(self) -> str:
        return "the end of the query" if self.kind == "end" else f"`{self.text[:40]}`"


def parse(text: str) -> Query:
    """Return the query that `text` means. Raises InvalidQuery."""
    if len(text) > MAX_LENGTH:
        raise InvalidQuery(
            f"the query has {len(text)} characters",
            position=MAX_LENGTH,
            mend=f"use at most {MAX_LENGTH}",
        )
    tokens = _tokens(text)
    if len(tokens) == 1:
        raise InvalidQuery("the query is empty", mend=_EXAMPLE)
    parser = _Parser(tokens)
    where = parser.alternatives()
    parser.end()
    return Query(where)


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            if text[at] in "\"'":
                raise InvalidQuery(
                    "a quotation mark is not closed", position=at, mend=f"close it with {text[at]}"
                )
            raise InvalidQuery(f"{text[at]!r} has no meaning here", position=at, mend=_EXAMPLE)
        kind, part = str(found.lastgroup), found.group()
        if kind == "quoted":
            part = part[1:-1].replace(part[0] * 2, part[0])
        if kind != "space":
            tokens.append(_Token(kind, part, at))
        at = found.end()
    return [*tokens, _Token("end", "", len(text))]


class _Parser:
    """Recursive descent; one method per rule of the grammar."""

    def __init__(self, tokens: list[_Token]) -> None:
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
        if token.keyword == "in":
            self._next()
            return self._group(token)
        if token.kind == "symbol" and token.text == "(":
            return self._bracketed()
        return self._condition()

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

    def _nested(self, token: _Token, rule: Callable[[], Expression]) -> Expression:
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

    def _group(self, start: _Token) -> Expression:
        mend = "write `in one study (…)`, `in one series (…)` or `in one condition (…)`"
        if not self._take("one"):
            raise InvalidQuery(
                "a field must stand before `in`",
                position=start.position,
                mend=f"write `modality in (MR, PT)`; for one and the same row, {mend}",
            )
        token = self._next()
        allowed = (Level.STUDY, Level.SERIES, Level.CONDITION)
        if token.kind != "word" or token.text.lower() not in allowed:
            raise InvalidQuery(f"`in one` and then {token}", position=token.position, mend=mend)
        group = InOne(Level(token.text.lower()), self._bracketed())
        return self._placed(group, start)

    def _placed(self, group: InOne, start: _Token) -> Expression:
        """Report a misplaced field at the group, where Query alone would know no position."""
        try:
            Query(group)
        except InvalidQuery as err:
            raise InvalidQuery(err.message, position=start.position, mend=err.mend) from None
        return group

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

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        if token.kind != "end":
            self._at += 1
        return token

    def _take(self, keyword: str) -> bool:
        if self._peek().keyword != keyword:
            return False
        self._at += 1
        return True

    def _symbol(self, text: str) -> _Token:
        token = self._next()
        if token.kind != "symbol" or token.text != text:
            raise InvalidQuery(
                f"`{text}` must stand here, not {token}",
                position=token.position,
                mend=f"put `{text}` here",
            )
        return token


def _is_unit(field: Field, token: _Token) -> bool:
    return bool(field.unit) and token.text.lower() == field.unit.lower()


def _value_mend(field: Field, operator: Operator) -> str:
    if field.values:
        return f"values: {', '.join(value.name for value in field.values)}"
    return f"for example `{field.name} {operator} {field.example}`"
