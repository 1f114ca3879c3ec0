"""What a cohort query means, condition by condition, in plain English. Pure."""

from tessera.domain.cohort.fields import Field, Level, Match
from tessera.domain.cohort.query import (
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
    UnknownField,
    value_text,
)
from tessera.domain.cohort.result import ConditionExplained
from tessera.domain.cohort.temporal import Direction, Moment, Span

_ROWS = {
    Level.PATIENT: "the subject",
    Level.CONDITION: "some cancer of the subject",
    Level.STUDY: "some study of the subject",
    Level.SERIES: "some series of the subject",
    Level.TREATMENT: "some treatment of the subject",
}
_NO_ROWS = {
    Level.PATIENT: "the subject is not one",
    Level.CONDITION: "no cancer of the subject is one",
    Level.STUDY: "no study of the subject is one",
    Level.SERIES: "no series of the subject is one",
    Level.TREATMENT: "no treatment of the subject is one",
}
_ONE = {
    Level.PATIENT: "the subject",
    Level.CONDITION: "one and the same cancer of the subject",
    Level.STUDY: "one and the same study of the subject",
    Level.SERIES: "one and the same series of the subject",
    Level.TREATMENT: "one and the same treatment of the subject",
}
_MANY = {Level.STUDY: "studies of the subject", Level.TREATMENT: "treatments of the subject"}
_WORDS = {
    Operator.LT: "less than",
    Operator.LE: "at most",
    Operator.GT: "more than",
    Operator.GE: "at least",
}


def explain(query: Query) -> tuple[ConditionExplained, ...]:
    """Return one item per condition and per `in one …` group, from left to right."""
    return tuple(_items(query.where, denied=False))


def _items(where: Expression, *, denied: bool) -> list[ConditionExplained]:
    match where:
        case And(children) | Or(children):
            return [item for child in children for item in _items(child, denied=denied)]
        case Not(Comparison() as condition):
            return [_denial(condition, denied=denied)]
        case Not(child):
            return _items(child, denied=not denied)
        case InOne(level, child):
            text = f"{_ONE[level]}: {_phrase(child, level)}"
            return [_item(str(where), level.value, text, denied=denied)]
        case Related(event, span, direction, other):
            sides = f"{_event(event)} lies {_distance(span, direction)} {_event(other)}"
            return [_item(str(where), _levels(event, other), sides, denied=denied)]
        case Repeated(n, event, span):
            text = (
                f"at least {n} {_MANY[event.level]} ({_phrase(event.child, event.level)}), "
                f"any two of them {_days(span)} apart"
            )
            return [_item(str(where), event.level.value, text, denied=denied)]
        case UnknownField(field):
            text = f"this program does not know {field}, so datasets answer that it is unsupported"
            return [_item(str(where), "", text, denied=False)]
        case Comparison():
            level = where.about.level
            text = f"{_ROWS[level]} {_predicate(where)}"
            return [_item(str(where), level.value, text, denied=denied)]


def _item(text: str, level: str, meaning: str, *, denied: bool) -> ConditionExplained:
    whole = f"{meaning[0].upper()}{meaning[1:]}."
    if denied:
        whole += " It stands inside a `not`, which turns the whole bracket round."
    return ConditionExplained(text=text, level=level, meaning=whole)


def _denial(condition: Comparison, *, denied: bool) -> ConditionExplained:
    level = condition.about.level
    text = f"{_NO_ROWS[level]} that {_predicate(condition)}"
    return _item(f"not ({condition})", level.value, text, denied=denied)


def _phrase(where: Expression, level: Level) -> str:
    """Say what must hold of the row at `level`."""
    match where:
        case And(children):
            return ", and ".join(_phrase(child, level) for child in children)
        case Or(children):
            return "either " + ", or ".join(_phrase(child, level) for child in children)
        case Not(child):
            return f"it is not so that {_phrase(child, level)}"
        case InOne(inner, child):
            return f"one and the same {inner} of it: {_phrase(child, inner)}"
        case Related() | Repeated():
            raise ValueError("a relation in time is no condition on one row")
        case UnknownField(field):
            return f"{field}, which this program does not know"
        case Comparison():
            row = "it" if where.about.level is level else f"some {where.about.level} of it"
            return f"{row} {_predicate(where)}"


def _event(event: Event) -> str:
    match event:
        case Moment.DIAGNOSIS:
            return "the first diagnosis"
        case Moment.DEATH:
            return "death"
        case InOne(level, child):
            return f"some {level} ({_phrase(child, level)})"


def _levels(event: Event, other: Event) -> str:
    """Return the level under which a relation is listed: that of its first dated rows."""
    for one in (event, other):
        if isinstance(one, InOne):
            return one.level.value
    return Level.PATIENT.value


def _distance(span: Span, direction: Direction) -> str:
    """Say where an event lies, as seen from another that is named next."""
    if span == Span():
        return {
            Direction.BEFORE: "on the day of, or before,",
            Direction.AFTER: "on the day of, or after,",
            Direction.OF: "at any time before or after",
        }[direction]
    if span.most == 0:
        return "on the day of"
    side = "before or after" if direction is Direction.OF else direction.value
    return f"{_days(span)} {side}"


def _days(span: Span) -> str:
    if span.most is None:
        return f"at least {_count(span.least)}"
    return f"{span.least} to {_count(span.most)}"


def _count(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


def _predicate(condition: Comparison) -> str:
    field, operator = condition.about, condition.operator
    values = [_value(field, value_text(v)) for v in condition.values]
    if operator is Operator.KNOWN:
        return f"has a known {field.label}"
    if operator is Operator.UNKNOWN:
        return f"has no known {field.label}"
    if operator in (Operator.EQ, Operator.IN):
        return f"has {field.label} {_kind_of(field)}{' or '.join(values)}"
    if operator in (Operator.NE, Operator.NOT_IN):
        return f"has a known {field.label} other than {' or '.join(values)}"
    if operator is Operator.BETWEEN:
        return f"has {field.label} from {values[0]} to {values[1]}, both included"
    return f"has {field.label} {_WORDS[operator]} {values[0]}"


def _kind_of(field: Field) -> str:
    return "that begins with " if field.match is Match.PREFIX else ""


def _value(field: Field, text: str) -> str:
    for concept in field.values:
        if concept.name == text:
            inside = f": {' or '.join(concept.includes)}" if concept.includes else ""
            told = concept.meaning and concept.meaning.lower() != text.lower()
            return f"{text} ({concept.meaning}{inside})" if told or inside else text
    return f"{text} {field.unit}" if field.unit else text
