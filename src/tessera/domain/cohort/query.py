"""A cohort query: a tree of conditions, what it means, and its two written forms. Pure.

A condition holds for a subject when *some* of the subject's rows at the field's level
satisfies it. So `modality = MR and modality = PT` finds subjects who have both;
`modality != MR` means some series that is not MR, and `not (modality = MR)` that no
series is MR. `InOne` asks for one study, series or condition in which its whole content
holds. Null satisfies no comparison but `is unknown`.

The studies a query counts are the studies of the matching subjects in which some study or
series condition, or some `in one study` or `in one series` group, that stands under no
`not` holds; all their studies when the query has none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tessera.domain.cohort.fields import Field, Level, Value, field_named
from tessera.domain.errors import InvalidQuery

__all__ = [
    "And",
    "Comparison",
    "Expression",
    "InOne",
    "Not",
    "Operator",
    "Or",
    "Query",
    "UnknownField",
    "Value",
    "compare",
    "conditions",
    "study_conditions",
    "value_text",
]

MAX_LENGTH = 2000
"""Characters of the text, as given and written out in full."""
MAX_DEPTH = 20
"""Levels of the tree; a single condition is one level."""
MAX_CONDITIONS = 50
KEYWORDS = frozenset("and or not in between is known unknown one".split())
_NOT_AS_VALUE = KEYWORDS - {"known", "unknown", "one"}
_BARE_WORD = re.compile(r"[A-Za-z0-9_+./:-]+")
_GROUPS: dict[Level, frozenset[Level]] = {
    Level.CONDITION: frozenset({Level.CONDITION}),
    Level.STUDY: frozenset({Level.STUDY, Level.SERIES}),
    Level.SERIES: frozenset({Level.SERIES}),
}
"""Level of `in one …` → the levels its conditions may have."""


class Operator(StrEnum):
    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    IN = "in"
    NOT_IN = "not in"
    BETWEEN = "between"
    """Both ends included."""
    KNOWN = "is known"
    UNKNOWN = "is unknown"


ORDERING = frozenset({Operator.LT, Operator.LE, Operator.GT, Operator.GE, Operator.BETWEEN})
_ARITY = {Operator.BETWEEN: 2, Operator.KNOWN: 0, Operator.UNKNOWN: 0}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition. `field` and `values` are in canonical form (`compare` makes them so)."""

    field: str
    operator: Operator
    values: tuple[Value, ...] = ()

    def __post_init__(self) -> None:
        field = field_named(self.field)
        if field.name != self.field or any(
            field.parse_value(value_text(v)) != v for v in self.values
        ):
            raise InvalidQuery(
                f"the condition on {self.field!r} is not in canonical form", mend="use compare()"
            )
        _check_operator(field, self.operator, self.values)

    @property
    def about(self) -> Field:
        return field_named(self.field)

    def __str__(self) -> str:
        words = [quoted(value_text(v)) for v in self.values]
        if self.operator in (Operator.IN, Operator.NOT_IN):
            return f"{self.field} {self.operator} ({', '.join(words)})"
        if self.operator is Operator.BETWEEN:
            return f"{self.field} between {words[0]} and {words[1]}"
        return " ".join((self.field, self.operator, *words))


@dataclass(frozen=True, slots=True)
class UnknownField:
    """A condition this program's version does not know; a dataset cannot support it."""

    field: str
    json: str
    """The condition as it came, so that it can be passed on."""

    def __str__(self) -> str:
        return f"{self.field} ?"


@dataclass(frozen=True, slots=True)
class And:
    children: tuple["Expression", ...]

    def __post_init__(self) -> None:
        _check_children(self.children, "and")

    def __str__(self) -> str:
        return " and ".join(_bracketed(child) for child in self.children)


@dataclass(frozen=True, slots=True)
class Or:
    children: tuple["Expression", ...]

    def __post_init__(self) -> None:
        _check_children(self.children, "or")

    def __str__(self) -> str:
        return " or ".join(_bracketed(child) for child in self.children)


@dataclass(frozen=True, slots=True)
class Not:
    """No row satisfies the condition; the group does not hold."""

    child: "Expression"

    def __str__(self) -> str:
        return f"not ({self.child})"


@dataclass(frozen=True, slots=True)
class InOne:
    """One and the same row at `level` for which `child` holds.

    In a study, a series condition holds when some series of that study satisfies it.
    """

    level: Level
    child: "Expression"

    def __str__(self) -> str:
        return f"in one {self.level} ({self.child})"


Expression = Comparison | UnknownField | And | Or | Not | InOne


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query, within the limits. Raises InvalidQuery when it is not."""

    where: Expression

    def __post_init__(self) -> None:
        depth = _depth(self.where)
        if depth > MAX_DEPTH:
            raise InvalidQuery(
                f"the query is {depth} levels deep", mend=f"use at most {MAX_DEPTH} levels"
            )
        n_conditions = sum(1 for _ in conditions(self.where))
        if n_conditions > MAX_CONDITIONS:
            raise InvalidQuery(
                f"the query has {n_conditions} conditions",
                mend=f"use at most {MAX_CONDITIONS}; `in (…)` takes many values in one",
            )
        length = len(str(self.where))
        if length > MAX_LENGTH:
            raise InvalidQuery(
                f"the query, written out in full, has {length} characters",
                mend=f"use at most {MAX_LENGTH}",
            )
        _check_groups(self.where, None)

    def __str__(self) -> str:
        """Return the canonical text, which `syntax.parse` reads back to an equal query."""
        return str(self.where)

    def to_json(self) -> dict[str, object]:
        """Return the versioned JSON form (json_form.py)."""
        from tessera.domain.cohort.json_form import query_to_json  # it builds on this module

        return query_to_json(self)

    @classmethod
    def from_json(cls, body: object) -> "Query":
        """Read what `to_json` wrote, of this or a later version. Raises InvalidQuery."""
        from tessera.domain.cohort.json_form import query_from_json  # it builds on this module

        return query_from_json(body)


def compare(field: str, operator: Operator, *values: str, position: int = 0) -> Comparison:
    """Return the condition in canonical form. Raises InvalidQuery."""
    known = field_named(field, position)
    _check_operator(known, operator, values, position)
    parsed = tuple(known.parse_value(value, position) for value in values)
    if operator in (Operator.IN, Operator.NOT_IN):
        parsed = tuple(dict.fromkeys(parsed))
    if operator is Operator.BETWEEN and known.rank(parsed[0]) > known.rank(parsed[1]):
        low, high = (value_text(value) for value in reversed(parsed))
        raise InvalidQuery(
            "the first value of `between` is the greater one",
            position=position,
            mend=f"write `{known.name} between {low} and {high}`",
        )
    return Comparison(known.name, operator, parsed)


def conditions(where: Expression) -> Iterator[Comparison | UnknownField]:
    """Yield every condition, from left to right."""
    match where:
        case And(children) | Or(children):
            for child in children:
                yield from conditions(child)
        case Not(child) | InOne(_, child):
            yield from conditions(child)
        case _:
            yield where


def study_conditions(where: Expression, *, negated: bool = False) -> Iterator[Comparison | InOne]:
    """Yield what decides which studies of a matching subject are counted (see above)."""
    match where:
        case And(children) | Or(children):
            for child in children:
                yield from study_conditions(child, negated=negated)
        case Not(child):
            yield from study_conditions(child, negated=not negated)
        case InOne(level, _) if level is not Level.CONDITION and not negated:
            yield where
        case Comparison() if where.about.level in (Level.STUDY, Level.SERIES) and not negated:
            yield where
        case _:
            return


def value_text(value: Value) -> str:
    """Return a value as it is written: 2.5, 50 (never 50.0 or 5e1), MR."""
    if isinstance(value, str):
        return value
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def quoted(text: str) -> str:
    """Return `text` as a word of the language, in quotes where it needs them."""
    if _BARE_WORD.fullmatch(text) and text.lower() not in _NOT_AS_VALUE:
        return text
    return '"' + text.replace('"', '""') + '"'


def _bracketed(where: Expression) -> str:
    return f"({where})" if isinstance(where, And | Or) else str(where)


def _depth(where: Expression) -> int:
    match where:
        case And(children) | Or(children):
            return 1 + max(_depth(child) for child in children)
        case Not(child) | InOne(_, child):
            return 1 + _depth(child)
        case _:
            return 1


def _check_children(children: tuple[Expression, ...], word: str) -> None:
    if len(children) < 2:
        raise InvalidQuery(f"`{word}` joins at least two conditions")


def _check_operator(
    field: Field, operator: Operator, values: tuple[Value, ...], position: int = 0
) -> None:
    if operator in ORDERING and not field.is_comparable:
        raise InvalidQuery(
            f"{field.name} has no order, so `{operator}` has no meaning",
            position=position,
            mend="use =, !=, in (…), not in (…), is known or is unknown",
        )
    wanted = _ARITY.get(operator, 1)
    many = operator in (Operator.IN, Operator.NOT_IN)
    if len(values) < 1 if many else len(values) != wanted:
        raise InvalidQuery(f"`{operator}` has the wrong number of values", position=position)


def _check_groups(where: Expression, group: Level | None) -> None:
    match where:
        case And(children) | Or(children):
            for child in children:
                _check_groups(child, group)
        case Not(child):
            _check_groups(child, group)
        case InOne(level, child):
            if level not in _GROUPS:
                raise InvalidQuery(f"there is no `in one {level}`", mend=_GROUP_MEND)
            if group is not None and (group, level) != (Level.STUDY, Level.SERIES):
                raise InvalidQuery(
                    f"`in one {level}` cannot stand inside `in one {group}`", mend=_GROUP_MEND
                )
            _check_groups(child, level)
        case Comparison(field):
            level = where.about.level
            if group is not None and level not in _GROUPS[group]:
                raise InvalidQuery(
                    f"{field} is a {level} field and cannot stand inside `in one {group}`",
                    mend="move it outside and join it with `and`",
                )
        case _:
            return


_GROUP_MEND = (
    "use `in one study (…)`, `in one series (…)` or `in one condition (…)`; "
    "only a series group may stand inside a study group"
)
