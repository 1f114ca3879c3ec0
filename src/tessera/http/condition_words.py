"""What a condition of a cohort query means, in the reader's language. Pure.

English comes from the domain. Any other language is composed here from the condition's own
parts: its field, its operator and its values.
"""

from collections.abc import Sequence

from markupsafe import Markup

from tessera.domain.cohort.fields import FIELDS, Level, Match
from tessera.domain.cohort.query import (
    And,
    Comparison,
    Event,
    Expression,
    InOne,
    Not,
    Operator,
    Or,
    Related,
    Repeated,
    UnknownField,
    Value,
    value_text,
)
from tessera.domain.cohort.result import ConditionExplained
from tessera.domain.cohort.syntax import parse
from tessera.domain.cohort.temporal import Moment, Span
from tessera.domain.errors import InvalidQuery
from tessera.http.language import Texts
from tessera.http.policy_words import english

_TERMS = {"er": "receptor", "pr": "receptor", "her2": "receptor", "deceased": "yes_no"}
_TERMS |= {"treatment": "first_treatment"}
"""Fields whose values share their words with others."""
_DENIED = "It stands inside a `not`"
"""How the domain's English says that the condition's bracket is turned round."""


def condition_meaning(condition: ConditionExplained, words: Texts) -> Markup:
    """Return the meaning in words. A text that is no condition keeps its English meaning."""
    if words.language == "en":
        return english(condition.meaning, words)
    try:
        where = parse(condition.text).where
    except InvalidQuery:
        return english(condition.meaning, words)
    phrase = _words_of(where, words)
    sentence = words("condition.sentence", what=phrase[:1].upper() + phrase[1:])
    if _DENIED in condition.meaning:
        return sentence + Markup(" ") + words("condition.denied")
    return sentence


def field_label(name: str, words: Texts) -> str:
    """Return what a field is called in the reader's language."""
    key = f"field.{name}"
    return words.messages[key] if words.has(key) else FIELDS[name].label


def value_label(name: str, value: str, words: Texts) -> str:
    """Return what a coded value of a field is called in the reader's language."""
    return words.term(_TERMS.get(name, name), value)


def _words_of(where: Expression, words: Texts, row: Level | None = None) -> Markup:
    """Return the words. `row`: what is said of this level is said of one row named before."""
    match where:
        case Not(Comparison() as denied) if denied.about.level is not row:
            return _comparison(denied, words, f"none.{denied.about.level.value}")
        case And(children):
            return _joined([_words_of(c, words, row) for c in children], words, "and")
        case Or(children):
            return _joined([_words_of(c, words, row) for c in children], words, "or")
        case Not(child):
            return words("condition.not", what=_words_of(child, words, row))
        case InOne(level, child):
            return words(f"condition.one.{level.value}", what=_words_of(child, words, level))
        case Related():
            return _related(where, words)
        case Repeated(n, event, span):
            return words(
                f"relation.apart.{event.level.value}",
                n=n,
                what=_words_of(event.child, words, event.level),
                distance=_distance(span, words),
            )
        case UnknownField():
            return words("condition.unknown_field", field=where.field)
        case Comparison():
            level = where.about.level
            return _comparison(where, words, "own" if level is row else f"some.{level.value}")


def _related(where: Related, words: Texts) -> Markup:
    event, other = _event(where.event, words), _event(where.other, words)
    if where.span == Span():
        return words(f"relation.any.{where.direction.value}", event=event, other=other)
    if where.span.most == 0:
        return words("relation.same_day", event=event, other=other)
    side = words(f"relation.{where.direction.value}")
    distance = _distance(where.span, words)
    return words("relation.sentence", event=event, distance=distance, side=side, other=other)


def _event(event: Event, words: Texts) -> Markup:
    if isinstance(event, Moment):
        return words(f"relation.event.{event.value}")
    what = _words_of(event.child, words, event.level)
    return words(f"relation.event.{event.level.value}", what=what)


def _distance(span: Span, words: Texts) -> Markup:
    if span.most is None:
        return words.count("relation.least", span.least, n=span.least)
    return words.count("relation.from_to", span.most, n=span.most, least=span.least)


def _comparison(where: Comparison, words: Texts, form: str) -> Markup:
    field = where.about
    values = [_value(field.name, value, words) for value in where.values]
    unit = f"\N{NO-BREAK SPACE}{words.term('unit', field.unit)}" if field.unit else ""
    label = field_label(field.name, words)
    if where.operator is Operator.BETWEEN:
        what = words("operator.between", low=values[0], high=values[1], unit=unit)
    elif where.operator in (Operator.KNOWN, Operator.UNKNOWN):
        what = words(f"operator.{where.operator.name.lower()}")
    else:
        listed = _joined([Markup("{}").format(v) for v in values], words, "or")
        prefix = field.match is Match.PREFIX and where.operator in (Operator.EQ, Operator.IN)
        name = "begins" if prefix else where.operator.name.lower()
        what = words(f"operator.{name}", value=listed, unit=unit)
    return words(f"condition.{form}", field=label, what=what)


def _value(name: str, value: Value, words: Texts) -> str:
    if isinstance(value, str):
        return value_label(name, value, words)
    text = value_text(value)
    return text.replace(".", ",") if words.language == "sv" else text


def _joined(parts: Sequence[Markup], words: Texts, how: str) -> Markup:
    if len(parts) == 1:
        return parts[0]
    last = words(f"join.{how}", last=parts[-1])
    return Markup(", ").join(parts[:-1]) + Markup(" ") + last
