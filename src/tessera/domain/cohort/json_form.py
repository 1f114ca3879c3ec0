"""The JSON form of a cohort query, as it travels from hub to node. Versioned. Pure.

    {"version": 1, "where": {"and": [
        {"field": "cancer", "op": "=", "values": ["prostate"]},
        {"in_one": "study", "where": {"field": "modality", "op": "in", "values": ["MR", "PT"]}}]}}

A relation in time has the shape of a condition on the field `temporal_relation`, with parts that
a reader of before it does not look at; to that one it is a condition on a field it does not know:

    {"field": "temporal_relation", "op": "before", "days": [0, 90], "other": "death",
     "event": {"in_one": "study", "where": {"field": "modality", "op": "=", "values": ["MR"]}}}
    {"field": "temporal_relation", "op": "apart", "days": [181, null], "at_least": 2, "event": …}

Within a version, fields, operators and concepts may be added: a condition that a reader
does not know becomes `UnknownField`, which every dataset answers with "not supported".
"""

import json
import math
import re
from collections.abc import Mapping

from tessera.domain.cohort.fields import FIELDS, Kind, Level
from tessera.domain.cohort.query import (
    MAX_CONDITIONS,
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
    UnknownField,
    compare,
    value_text,
)
from tessera.domain.cohort.temporal import Direction, Moment, Span
from tessera.domain.errors import InvalidQuery

VERSION = 1
RELATION = "temporal_relation"
"""No field has this name."""
_RELATION_KEYS = frozenset({"field", "op", "days", "at_least", "event", "other"})
_MAX_CHARACTERS = 40 * MAX_LENGTH
"""More than any query within the limits needs: what is longer is not even looked at."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def query_to_json(query: Query) -> dict[str, object]:
    """Return the JSON form; `query_from_json` reads it back to an equal query."""
    return {"version": VERSION, "where": _expression_to_json(query.where)}


def query_from_json(body: object) -> Query:
    """Read a query. Raises InvalidQuery."""
    if not isinstance(body, dict) or body.get("version") != VERSION:
        raise InvalidQuery(
            "not a cohort query of a version this program reads",
            mend=f"this program reads version {VERSION}; update it, or send that version",
        )
    try:
        n_characters = len(json.dumps(body))
    except (TypeError, ValueError, RecursionError):
        raise InvalidQuery("the query is not JSON") from None
    if n_characters > _MAX_CHARACTERS:
        raise InvalidQuery(f"the query has {n_characters} characters of JSON")
    return Query(_expression(body.get("where"), 1))


def _expression_to_json(where: Expression) -> dict[str, object]:
    match where:
        case And(children):
            return {"and": [_expression_to_json(child) for child in children]}
        case Or(children):
            return {"or": [_expression_to_json(child) for child in children]}
        case Not(child):
            return {"not": _expression_to_json(child)}
        case InOne(level, child):
            return {"in_one": level.value, "where": _expression_to_json(child)}
        case Related(event, span, direction, other):
            return {
                "field": RELATION,
                "op": direction.value,
                "days": [span.least, span.most],
                "event": _event_to_json(event),
                "other": _event_to_json(other),
            }
        case Repeated(n, event, span):
            return {
                "field": RELATION,
                "op": "apart",
                "days": [span.least, span.most],
                "at_least": n,
                "event": _event_to_json(event),
            }
        case UnknownField():
            known: dict[str, object] = json.loads(where.json)
            return known
        case Comparison(field, operator, values):
            return {"field": field, "op": operator.value, "values": list(values)}


def _event_to_json(event: Event) -> object:
    return event.value if isinstance(event, Moment) else _expression_to_json(event)


def _expression(body: object, depth: int) -> Expression:
    if depth > MAX_DEPTH:
        raise InvalidQuery(
            f"the query is more than {MAX_DEPTH} levels deep", mend="use fewer levels"
        )
    if not isinstance(body, dict):
        raise InvalidQuery("a part of the query is not a JSON object")
    if body.get("field") == RELATION:
        return _relation(body, depth)
    if "field" in body:
        return _condition(body)
    if "in_one" in body:
        try:
            level = Level(str(body["in_one"]))
        except ValueError:
            raise InvalidQuery("`in_one` names no level") from None
        return InOne(level, _expression(body.get("where"), depth + 1))
    if "not" in body:
        return Not(_expression(body["not"], depth + 1))
    for key, joined in (("and", And), ("or", Or)):
        if key in body:
            return joined(_children(body[key], key, depth))
    raise InvalidQuery(
        "a part of the query has none of the keys field, and, or, not, in_one",
        mend="update this program if the query was made by a later version",
    )


def _relation(body: dict[object, object], depth: int) -> Related | Repeated | UnknownField:
    operator, days = body.get("op"), body.get("days")
    if not isinstance(operator, str):
        raise InvalidQuery(f"the condition on {RELATION} needs `op`")
    sides = [body[name] for name in ("event", "other") if name in body]
    if (
        not (operator == "apart" or operator in set(Direction))
        or not sides  # as a program of before relations passes it on
        or not all(map(_is_known_side, sides))
        or not _RELATION_KEYS.issuperset(body)
    ):
        return _unknown(RELATION, body)
    if not isinstance(days, list) or len(days) != 2 or not _is_days(days[0]) or days[0] is None:
        raise InvalidQuery(f"`days` of {RELATION} is not a pair of whole numbers")
    if not _is_days(days[1]):
        raise InvalidQuery(f"`days` of {RELATION} is not a pair of whole numbers")
    span = Span(days[0], days[1])
    event = _event(body.get("event"), depth)
    if operator == "apart":
        n = body.get("at_least")
        if not isinstance(n, int) or isinstance(n, bool) or not isinstance(event, InOne):
            raise InvalidQuery(f"`apart` of {RELATION} needs `at_least` and an `event`")
        return Repeated(n, event, span)
    return Related(event, span, Direction(operator), _event(body.get("other"), depth))


def _event(body: object, depth: int) -> Event:
    if isinstance(body, str):
        return Moment(body)
    found = _expression(body, depth + 1)
    if not isinstance(found, InOne):
        raise InvalidQuery(f"an event of {RELATION} is not an `in_one` group")
    return found


def _is_known_side(event: object) -> bool:
    if isinstance(event, str):
        return event in set(Moment)
    level = event.get("in_one") if isinstance(event, dict) else None
    return not isinstance(level, str) or level in set(Level)


def _is_days(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _children(body: object, key: str, depth: int) -> tuple[Expression, ...]:
    if not isinstance(body, list) or len(body) > MAX_CONDITIONS:
        raise InvalidQuery(f"`{key}` needs a list of at most {MAX_CONDITIONS} parts")
    return tuple(_expression(child, depth + 1) for child in body)


def _condition(body: dict[object, object]) -> Comparison | UnknownField:
    field, operator, values = body["field"], body.get("op"), body.get("values", [])
    if not isinstance(field, str) or not _NAME.fullmatch(field):
        raise InvalidQuery("`field` is not a field name", mend="use a-z, 0-9 and _")
    if not isinstance(operator, str) or not isinstance(values, list):
        raise InvalidQuery(f"the condition on {field} needs `op` and a list `values`")
    if len(values) > MAX_LENGTH or not all(_is_plain(value) for value in values):
        raise InvalidQuery(f"the values of the condition on {field} are not text or numbers")
    known = FIELDS.get(field)
    if known is not None and operator in set(Operator):
        number = known.kind is Kind.NUMBER
        if all(isinstance(value, str) is not number for value in values):
            try:
                return compare(field, Operator(operator), *(_text(value) for value in values))
            except InvalidQuery:
                pass  # a concept of a later version, or an operator this field has since gained
    return _unknown(field, {"field": field, "op": operator, "values": values})


def _unknown(field: str, body: Mapping[object, object]) -> UnknownField:
    raw = json.dumps(body, sort_keys=True)
    if len(raw) > 4 * MAX_LENGTH:
        raise InvalidQuery(f"the condition on {field} is too long")
    return UnknownField(field, raw)


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_LENGTH
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and abs(value) < 1e15
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else value_text(float(str(value)))
