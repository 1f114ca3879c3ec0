"""The tree of conditions of a cohort query, and what it means. Pure.

A condition holds for a subject when *some* of the subject's rows at the field's level
satisfies it. So `modality = MR and modality = PT` finds subjects who have both;
`modality != MR` means some series that is not MR, and `not (modality = MR)` that no
series is MR. `InOne` asks for one study, series or condition in which its whole content
holds. Null satisfies no comparison but `is unknown`.

`Related` and `Repeated` are about the days between two events (temporal.py). An event without
a known day stands in no relation.

The studies a query counts are the studies of the matching subjects in which some study or
series condition, or some `in one study` or `in one series` group, that stands under no
`not` holds, or which take part in a relation in time; all their studies when the query has none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tessera.domain.cohort.fields import Field, Level, Value, field_named
from tessera.domain.cohort.temporal import MAX_REPEATED, Direction, Moment, Span
from tessera.domain.errors import InvalidQuery

KEYWORDS = frozenset("and or not in between is known unknown one".split())
_NOT_AS_VALUE = KEYWORDS - {"known", "unknown", "one"}
_BARE_WORD = re.compile(r"[A-Za-z0-9_+./:-]+")


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


@dataclass(frozen=True, slots=True)
class Related:
    """Some `event` lies at such a distance before, after or of some `other`.

    Never one and the same row: a study stands in no relation to itself.
    """

    event: "Event"
    span: Span
    direction: Direction
    other: "Event"

    def __post_init__(self) -> None:
        _check_event(self.event)
        _check_event(self.other)
        if isinstance(self.event, Moment) and self.event is self.other:
            raise InvalidQuery(
                f"{self.event} stands on both sides", mend="relate it to another event"
            )

    @property
    def levels(self) -> tuple[Level, Level]:
        """Of which tables the event and the other one are rows."""
        return _level_of(self.event), _level_of(self.other)

    @property
    def on_day_zero(self) -> Comparison | None:
        """What must hold of a subject for its days to be comparable; None for studies alone.

        Treatments and death may be counted from a diagnosis that has no date; the studies of
        such a subject are counted from the first study.
        """
        return _day_zero(*self.levels)

    def __str__(self) -> str:
        event, other = _event_text(self.event), _event_text(self.other)
        return f"{event} {self.span}{self.direction} {other}"


@dataclass(frozen=True, slots=True)
class Repeated:
    """`n` rows at the event's level, each two of them at such a distance from another."""

    n: int
    event: InOne
    span: Span

    def __post_init__(self) -> None:
        _check_event(self.event)
        if not 2 <= self.n <= MAX_REPEATED:
            raise InvalidQuery(
                f"`at least {self.n} … apart` counts no events",
                mend=f"write a number from 2 to {MAX_REPEATED}",
            )
        if self.span == Span():
            raise InvalidQuery(
                "`apart` needs a number of days", mend="write `more than 180 days apart`"
            )

    @property
    def on_day_zero(self) -> Comparison | None:
        """As that of `Related`."""
        return _day_zero(self.event.level)

    def __str__(self) -> str:
        return f"at least {self.n} ({self.event.child}) {self.span}apart"


Event = InOne | Moment
"""One study or treatment for which something holds, or what a subject has once."""
Expression = Comparison | UnknownField | And | Or | Not | InOne | Related | Repeated


def compare(field: str, operator: Operator, *values: str, position: int = 0) -> Comparison:
    """Return the condition in canonical form. Raises InvalidQuery."""
    known = field_named(field, position)
    _check_operator(known, operator, values, position)
    parsed = tuple(known.parse_value(value, position) for value in values)
    if operator in (Operator.IN, Operator.NOT_IN):
        parsed = tuple(dict.fromkeys(parsed))
    if operator in ORDERING and (beside := sorted(known.apart.intersection(parsed), key=str)):
        raise InvalidQuery(
            f"{value_text(beside[0])} has no place in the order of {known.name}",
            position=position,
            mend="use =, !=, in (…), not in (…), is known or is unknown",
        )
    if operator is Operator.BETWEEN and known.rank(parsed[0]) > known.rank(parsed[1]):
        low, high = (value_text(value) for value in reversed(parsed))
        raise InvalidQuery(
            "the first value of `between` is the greater one",
            position=position,
            mend=f"write `{known.name} between {low} and {high}`",
        )
    return Comparison(known.name, operator, parsed)


def conditions(where: Expression) -> Iterator[Comparison | UnknownField]:
    """Yield every condition, from left to right, those included that a relation in time implies.

    Such a one is that the events have a day: a dataset without the days supports no relation.
    """
    match where:
        case And(children) | Or(children):
            for child in children:
                yield from conditions(child)
        case Not(child) | InOne(_, child):
            yield from conditions(child)
        case Related(event, _, _, other):
            for one in (event, other):
                if isinstance(one, InOne):
                    yield from conditions(one)
                yield from dated(one)
            if where.on_day_zero:
                yield where.on_day_zero
        case Repeated(_, event, _):
            yield from conditions(event)
            yield from dated(event)
            if where.on_day_zero:
                yield where.on_day_zero
        case _:
            yield where


def dated(event: Event) -> tuple[Comparison, ...]:
    """Return what must hold of a row for it to be the event on a known day, the last its day."""
    match event:
        case Moment.DIAGNOSIS:
            return ()
        case Moment.DEATH:
            return _DEATH
        case InOne(Level.STUDY):
            return (_STUDY_DAY,)
    return (_TREATMENT_DAY,)


def study_conditions(
    where: Expression, *, negated: bool = False
) -> Iterator[Comparison | InOne | Related]:
    """Yield what decides which studies of a matching subject are counted (see above)."""
    match where:
        case And(children) | Or(children):
            for child in children:
                yield from study_conditions(child, negated=negated)
        case Not(child):
            yield from study_conditions(child, negated=not negated)
        case InOne(Level.STUDY | Level.SERIES) if not negated:
            yield where
        case Comparison() if where.about.level in (Level.STUDY, Level.SERIES) and not negated:
            yield where
        case Related() if Level.STUDY in where.levels and not negated:
            yield where
        case Repeated(_, event, _):
            yield from study_conditions(event, negated=negated)
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


def _day_zero(*levels: Level) -> Comparison | None:
    return _FROM_DIAGNOSIS if set(levels) != {Level.STUDY} else None


def _level_of(event: Event) -> Level:
    return Level.PATIENT if isinstance(event, Moment) else event.level


def _event_text(event: Event) -> str:
    if isinstance(event, InOne) and event.level is Level.TREATMENT:
        return str(event.child if isinstance(event.child, Comparison) else event)
    return str(event)


def _check_event(event: Event) -> None:
    if isinstance(event, InOne) and event.level not in (Level.STUDY, Level.TREATMENT):
        raise InvalidQuery(
            f"one {event.level} is no event with a date",
            mend="use a study, a treatment, `diagnosis` or `death`",
        )


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


_STUDY_DAY = compare("study_day", Operator.KNOWN)
_TREATMENT_DAY = compare("treatment_day", Operator.KNOWN)
_FROM_DIAGNOSIS = compare("day_zero", Operator.EQ, "diagnosis")
_DEATH = (
    compare("deceased", Operator.EQ, "yes"),
    compare("survival_days", Operator.KNOWN),
)
