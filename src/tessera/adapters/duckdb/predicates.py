"""From a cohort query to SQL text and its parameters.

Only names that this project defines get into the SQL text; every value of a query is a
parameter. Each predicate is TRUE or FALSE, never NULL, so that NOT means what it says.
"""

from collections.abc import Callable

from tessera.adapters.duckdb.events import Events
from tessera.domain.cohort.fields import Field, Kind, Level, Match, Value, vendor_patterns
from tessera.domain.cohort.query import (
    And,
    Comparison,
    Expression,
    InOne,
    Not,
    Operator,
    Or,
    Related,
    Repeated,
    UnknownField,
    study_conditions,
)

_ALIAS = {
    Level.PATIENT: "p",
    Level.CONDITION: "c",
    Level.STUDY: "t",
    Level.SERIES: "s",
    Level.TREATMENT: "r",
}


def column_of(field: Field) -> str:
    """Return the name a field's normalised value has in the tables below."""
    return f"f_{field.name}"


def normalised(field: Field) -> str:
    """Return SQL that gives the stored value in the form it is compared in, NULL if unknown."""
    column = f'"{field.column}"'
    text = f"nullif(trim(CAST({column} AS VARCHAR)), '')"
    match field.match:
        case Match.FLAG:
            flag = f"TRY_CAST({column} AS BOOLEAN)"
            return f"CASE WHEN {flag} THEN 'yes' WHEN NOT {flag} THEN 'no' END"
        case Match.ANY_OF_LIST if field.kind is Kind.CONCEPT:
            kept = f"list_filter({column}, lambda e: nullif(trim(e), '') IS NOT NULL)"
            trimmed = f"list_transform({kept}, lambda e: trim(e))"
            return f"CASE WHEN len({kept}) > 0 THEN {trimmed} END"
        case Match.ANY_OF_LIST:
            numbers = f"list_transform({column}, lambda e: TRY_CAST(e AS DOUBLE))"
            kept = f"list_filter({numbers}, lambda e: {_is_number('e')})"
            return f"CASE WHEN len({kept}) > 0 THEN {kept} END"
        case Match.IGNORING_CASE | Match.PREFIX:
            return f"upper(regexp_replace({text}, '\\s+', ' ', 'g'))"
        case Match.VENDOR:
            words = f"trim(regexp_replace(lower({text}), '[^a-z0-9]+', ' ', 'g'))"
            return f"' ' || nullif({words}, '') || ' '"
    if field.kind is Kind.NUMBER:
        number = f"TRY_CAST({column} AS DOUBLE)"
        return f"CASE WHEN {_is_number(number)} THEN {number} END"
    return text


def _is_number(value: str) -> str:
    # Not isnan(): as a filter it is answered from the file's minimum and maximum, in which
    # Parquet leaves NaN out, so that NaN would pass for a number.
    return f"coalesce(CAST({value} AS VARCHAR) NOT IN ('nan', '-nan'), FALSE)"


class Predicates:
    """Compiles parts of one query; `parameters` holds the values of all of them."""

    def __init__(self) -> None:
        self.parameters: dict[str, object] = {}
        self._events = Events(self._of_row, self._comparison)

    def of_subject(self, where: Expression) -> str:
        """Return a predicate over a row `p` of patient."""
        match where:
            case And() | Or() | Not():
                return self._joined(where, self.of_subject)
            case InOne(level, child):
                alias = _ALIAS[level]
                inside = self._of_row(child, level)
                return _exists(level, f"{alias}.subject = p.subject", inside)
            case Comparison():
                level = where.about.level
                if level is Level.PATIENT:
                    return self._comparison(where)
                link = f"{_ALIAS[level]}.subject = p.subject"
                return _exists(level, link, self._comparison(where))
            case Related() | Repeated():
                return self._events.of_subject(where)
            case UnknownField(field):
                raise ValueError(f"{field} is not supported and cannot be compiled")

    def of_counted_study(self, where: Expression) -> str:
        """Return a predicate over a row `t` of study: whether it is one of those counted."""
        parts = [self._of_row(part, Level.STUDY) for part in study_conditions(where)]
        return f"({' OR '.join(parts)})" if parts else "TRUE"

    def _of_row(self, where: Expression, level: Level) -> str:
        """Return a predicate over one row at `level`."""
        match where:
            case And() | Or() | Not():
                return self._joined(where, lambda child: self._of_row(child, level))
            case InOne(inner, child):
                inside = self._of_row(child, inner)
                if inner is level:
                    return inside
                return _exists(inner, "s.study_uid = t.study_uid", inside)
            case Comparison():
                inside = self._comparison(where)
                if where.about.level is level:
                    return inside
                return _exists(Level.SERIES, "s.study_uid = t.study_uid", inside)
            case Related():
                return self._events.of_study(where)
            case Repeated():
                raise ValueError("events that are counted are no condition on one row")
            case UnknownField(field):
                raise ValueError(f"{field} is not supported and cannot be compiled")

    def _joined(self, where: And | Or | Not, rule: Callable[[Expression], str]) -> str:
        if isinstance(where, Not):
            return f"(NOT {rule(where.child)})"
        word = " AND " if isinstance(where, And) else " OR "
        return f"({word.join(rule(child) for child in where.children)})"

    def _comparison(self, condition: Comparison) -> str:
        field = condition.about
        stored = f"{_ALIAS[field.level]}.{column_of(field)}"
        if condition.operator is Operator.KNOWN:
            return self._known(field, stored)
        if condition.operator is Operator.UNKNOWN:
            return f"(NOT {self._known(field, stored)})"
        if field.match is Match.ANY_OF_LIST:
            test = self._test(field, condition, "e")
            return f"coalesce(len(list_filter({stored}, lambda e: {test})) > 0, FALSE)"
        test = f"coalesce({self._test(field, condition, stored)}, FALSE)"
        if condition.operator in (Operator.NE, Operator.NOT_IN):
            return f"({self._known(field, stored)} AND {test})"
        return test

    def _known(self, field: Field, stored: str) -> str:
        if not field.unknown_value:
            return f"({stored} IS NOT NULL)"
        return f"coalesce({stored} <> {self._parameter(field.unknown_value)}, FALSE)"

    def _test(self, field: Field, condition: Comparison, stored: str) -> str:
        match condition.operator:
            case Operator.EQ | Operator.IN:
                return self._any_of(field, condition.values, stored)
            case Operator.NE | Operator.NOT_IN:
                return f"(NOT {self._any_of(field, condition.values, stored)})"
        if field.ordered:
            limits = condition.values
            order = condition.operator.value
            names = [c.name for c in field.values if field.is_within(c.name, order, limits)]
            return self._is_in(stored, tuple(names)) if names else "FALSE"
        numbers = [self._parameter(value) for value in condition.values]
        if condition.operator is Operator.BETWEEN:
            return f"({stored} BETWEEN {numbers[0]} AND {numbers[1]})"
        return f"({stored} {condition.operator.value} {numbers[0]})"

    def _any_of(self, field: Field, values: tuple[Value, ...], stored: str) -> str:
        if field.match is Match.PREFIX:
            tests = [f"starts_with({stored}, {self._parameter(value)})" for value in values]
        elif field.match is Match.VENDOR:
            patterns = [pattern for value in values for pattern in vendor_patterns(value)]
            tests = [f"contains({stored}, {self._parameter(pattern)})" for pattern in patterns]
        else:
            wanted = dict.fromkeys(v for value in values for v in field.expand(value))
            return self._is_in(stored, tuple(wanted))
        return f"({' OR '.join(tests)})"

    def _is_in(self, stored: str, values: tuple[Value, ...]) -> str:
        return f"({stored} IN ({', '.join(self._parameter(value) for value in values)}))"

    def _parameter(self, value: object) -> str:
        name = f"v{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"


def _exists(level: Level, link: str, inside: str) -> str:
    rows = f"{level.value}_rows {_ALIAS[level]}"
    return f"EXISTS (SELECT 1 FROM {rows} WHERE {link} AND {inside})"  # noqa: S608  # our names
