"""One query over the columns of one version: sets of subjects, of studies, rows of series."""

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tessera.adapters.columns.relations import Relations
from tessera.adapters.columns.sets import Bits, bits_of, booleans_of, size
from tessera.adapters.columns.values import Column, Stored
from tessera.adapters.columns.version import Rows, Version
from tessera.domain.cohort.exact import ExactCells, ExactCounts, Matching, NotSupported
from tessera.domain.cohort.fields import FIELDS, Field, Kind, Level, Match, Value, vendor_patterns
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
    conditions,
    study_conditions,
)

Wanted = NDArray[np.bool_]
"""For each code of a column whether the condition holds, shape (n_values + 1,)."""
_NUMERIC: Final[dict[Operator, Callable[[NDArray[np.float64], float], Wanted]]] = {
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
}


def not_supported(version: Version, where: Expression, least_subjects: int) -> NotSupported | None:
    """Return the fields that the version cannot evaluate, or None; see the port."""
    every = list(conditions(where))
    lacking = {one.field for one in every if isinstance(one, UnknownField)}
    if version.tables[Level.STUDY].names is None:
        lacking |= _inside_study_groups(where)
    fields = {one.about.name: one.about for one in every if isinstance(one, Comparison)}
    lacking |= {name for name, one in fields.items() if not has_field(version, one, least_subjects)}
    return NotSupported(tuple(sorted(lacking))) if lacking else None


def has_field(version: Version, field: Field, least_subjects: int) -> bool:
    """Say whether the version supports the field; see the port."""
    names = version.tables[field.level].names
    if names is None or field.column not in names:
        return False
    is_small = least_subjects > 1 and version.n_patients < least_subjects
    return is_small or version.n_filled(field) >= least_subjects


class Evaluation:
    """Evaluates parts of queries; what it found for a condition it keeps."""

    def __init__(self, version: Version) -> None:
        self._version = version
        self._found: dict[tuple[Expression, Level], Bits] = {}
        self._relations = Relations(version, self.subjects, self._studies, self._rows)

    def counts(self, where: Expression, among: Bits) -> ExactCounts:
        """Count those of `among`, a set of subjects, for whom it holds, and their studies."""
        return self._counted(where, self.subjects(where) & among)

    def _counted(self, where: Expression, matching: Bits) -> ExactCounts:
        whose = self.study_owners(where, matching)
        has = self._marked(whose, self._version.n_subjects)
        return ExactCounts(size(matching), len(whose), size(has))

    def matching(self, where: Expression, among: Bits) -> Matching:
        """Return the names of those that `counts` counts."""
        found = self.subjects(where) & among
        studies = self._version.named_studies(self._counted_studies(where, found))
        return Matching(self._version.named(booleans_of(found, self._version.n_subjects)), studies)

    def study_owners(self, where: Expression, matching: Bits) -> Rows:
        """Return the subject of each study of those matching in which a condition holds."""
        counted = self._counted_studies(where, matching)
        return self._version.tables[Level.STUDY].subject[counted]

    def _counted_studies(self, where: Expression, matching: Bits) -> NDArray[np.bool_]:
        of = self._version.tables[Level.STUDY].subject
        theirs = booleans_of(matching, self._version.n_subjects)[of]
        parts = [self._studies(part) for part in study_conditions(where)]
        if parts:
            theirs &= booleans_of(reduce(operator.or_, parts), self._version.n_studies)
        return theirs

    def cells(
        self, where: Expression, among: Bits, by: Sequence[str], least_subjects: int
    ) -> ExactCells:
        """Count as `counts` does, and the same subjects by the values of the fields."""
        matching = self.subjects(where) & among
        found: dict[str, dict[str, int]] = {}
        for name in by:
            field = FIELDS[name]
            if has_field(self._version, field, least_subjects):
                labels, owners = self._version.distributed(field)
                sizes = owners.sizes(matching)[1:]
                found[name] = dict(zip(labels, sizes, strict=True))
        return ExactCells(self._counted(where, matching), found)

    def subjects(self, where: Expression) -> Bits:
        """Return the set of subjects for whom it holds."""
        match where:
            case And() | Or() | Not():
                return self._joined(where, self.subjects, self._version.n_subjects)
            case InOne(Level.STUDY, child):
                is_in = booleans_of(self._studies(child), self._version.n_studies)
                of = self._version.tables[Level.STUDY].subject
                return self._marked(of[is_in], self._version.n_subjects)
            case InOne(level, child):
                return self._of_rows(level, child, Level.PATIENT)
            case Comparison():
                return self._having(where, Level.PATIENT)
            case Related() | Repeated():
                return self._in_time(where, Level.PATIENT)
            case UnknownField(field):
                raise ValueError(f"{field} is not supported and cannot be evaluated")

    def _studies(self, where: Expression) -> Bits:
        match where:
            case And() | Or() | Not():
                return self._joined(where, self._studies, self._version.n_studies)
            case InOne(Level.STUDY, child):
                return self._studies(child)
            case InOne(level, child):
                return self._of_rows(level, child, Level.STUDY)
            case Comparison():
                return self._having(where, Level.STUDY)
            case Related() | Repeated():
                return self._in_time(where, Level.STUDY)
            case UnknownField(field):
                raise ValueError(f"{field} is not supported and cannot be evaluated")

    def _in_time(self, where: Related | Repeated, of: Level) -> Bits:
        if (where, of) not in self._found:
            self._keep((where, of), self._relations.having(where, of))
        return self._found[where, of]

    def _joined(
        self, where: And | Or | Not, rule: Callable[[Expression], Bits], n_owners: int
    ) -> Bits:
        if isinstance(where, Not):
            return bits_of(np.ones(n_owners, np.bool_)) & ~rule(where.child)
        join = operator.and_ if isinstance(where, And) else operator.or_
        return reduce(join, (rule(child) for child in where.children))

    def _having(self, condition: Comparison, of: Level) -> Bits:
        key = condition, of
        found = self._found.get(key)
        if found is None:
            field = condition.about
            wanted = holds(field, condition, self._version.column(field))
            found = self._version.owners(field, of).having(wanted)
            self._keep(key, found)
        return found

    def _of_rows(self, level: Level, where: Expression, of: Level) -> Bits:
        """Return whose are the rows of the level in which it holds."""
        if isinstance(where, Comparison):
            return self._having(where, of)
        key = where, of
        if key not in self._found:
            table, version = self._version.tables[level], self._version
            whose, n_owners = (
                (table.subject, version.n_subjects)
                if of is Level.PATIENT
                else (table.study, version.n_studies)
            )
            is_in = np.zeros(n_owners + 1, np.bool_)  # the last is nobody: -1
            spans, rest = self._spans(level, where, len(whose))
            for first, end in spans:
                chosen = whose[first:end]
                if rest is not None:
                    chosen = chosen[np.flatnonzero(self._rows(rest, first, end))]
                is_in[chosen] = True
            self._keep(key, bits_of(is_in[:-1]))
        return self._found[key]

    def _keep(self, key: tuple[Expression, Level], found: Bits) -> None:
        if len(self._found) >= _MOST_KEPT:
            self._found.clear()
        self._found[key] = found

    def forget(self) -> None:
        """Drop what was found for conditions."""
        self._found.clear()

    def _spans(
        self, level: Level, where: Expression, n_rows: int
    ) -> tuple[list[tuple[int, int]], Expression | None]:
        """Return the stretches of rows that can hold it, and what is still to be looked at."""
        leading = self._version.leading if level is Level.SERIES else []
        names = {field.name for field, _ in leading}
        children = where.children if isinstance(where, And) else ()
        used = [one for one in children if isinstance(one, Comparison) and one.field in names]
        if not used:
            return [(0, n_rows)], where
        wanted = np.ones(1, np.bool_)
        for field, n_codes in leading:
            of_field = np.ones(n_codes, np.bool_)
            for one in used:
                if one.field == field.name:
                    of_field &= holds(field, one, self._version.column(field))
            wanted = np.logical_and.outer(wanted, of_field).ravel()
        edges = np.flatnonzero(np.diff(wanted, prepend=False, append=False))
        found = self._version.starts[edges].reshape(-1, 2).tolist()
        spans = [(first, end) for first, end in found]
        others = tuple(one for one in children if one not in used)
        rest = And(others) if len(others) > 1 else others[0] if others else None
        return spans, rest

    def _rows(self, where: Expression, first: int, end: int) -> Wanted:
        """Return for each row from `first` to `end` of the level whether it holds."""
        match where:
            case And(children):
                return reduce(operator.and_, (self._rows(one, first, end) for one in children))
            case Or(children):
                return reduce(operator.or_, (self._rows(one, first, end) for one in children))
            case Not(child):
                return ~self._rows(child, first, end)
            case Comparison():
                column = self._version.column(where.about)
                found: Wanted = holds(where.about, where, column)[column.codes[first:end]]
                return found
            case _:
                raise ValueError("a group within one row holds conditions of that row alone")

    @staticmethod
    def _marked(places: NDArray[np.intp], n_owners: int) -> Bits:
        is_in = np.zeros(n_owners, np.bool_)
        is_in[places] = True
        return bits_of(is_in)


_MOST_KEPT: Final = 500
"""Sets of conditions, of 12 to 40 KB at 100,000 subjects."""


def holds(field: Field, condition: Comparison, column: Column) -> Wanted:
    """Return for which codes of the column the condition holds."""
    known = np.ones(len(column.values) + 1, np.bool_)
    known[0] = False
    if field.unknown_value and field.unknown_value in column.values:
        known[1 + column.values.index(field.unknown_value)] = False
    if condition.operator is Operator.KNOWN:
        return known
    if condition.operator is Operator.UNKNOWN:
        return ~known
    found = np.zeros(len(column.values) + 1, np.bool_)
    if field.match is Match.ANY_OF_LIST and field.kind is Kind.CONCEPT:
        found[1:] = [
            any(_test_text(field, condition, word) for word in words)
            for words in column.values
            if isinstance(words, tuple)
        ]
        return found
    if field.match is Match.ANY_OF_LIST:
        found[1:] = [_test_numbers(condition, np.array(one)).any() for one in column.values]
        return found
    if field.kind is Kind.NUMBER:
        found[1:] = _test_numbers(condition, np.array(column.values, np.float64))
    else:
        found[1:] = [_test_text(field, condition, one) for one in column.values]
    return found & known if condition.operator in (Operator.NE, Operator.NOT_IN) else found


def _test_numbers(condition: Comparison, stored: NDArray[np.float64]) -> Wanted:
    values = [float(value) for value in condition.values]
    match condition.operator:
        case Operator.EQ | Operator.IN:
            return np.isin(stored, values)
        case Operator.NE | Operator.NOT_IN:
            return ~np.isin(stored, values)
        case Operator.BETWEEN:
            return (stored >= values[0]) & (stored <= values[1])
    return _NUMERIC[condition.operator](stored, values[0])


def _test_text(field: Field, condition: Comparison, stored: Stored) -> bool:
    text = str(stored)
    match condition.operator:
        case Operator.EQ | Operator.IN:
            return _is_any_of(field, condition.values, text)
        case Operator.NE | Operator.NOT_IN:
            return not _is_any_of(field, condition.values, text)
    if text not in (one.name for one in field.values):
        return False
    return field.is_within(text, condition.operator.value, condition.values)


def _is_any_of(field: Field, values: tuple[Value, ...], text: str) -> bool:
    if field.match is Match.PREFIX:
        return text.startswith(tuple(map(str, values)))
    if field.match is Match.VENDOR:
        return any(pattern in text for value in values for pattern in vendor_patterns(value))
    return text in {wanted for value in values for wanted in field.expand(value)}


def _inside_study_groups(where: Expression) -> set[str]:
    match where:
        case And(children) | Or(children):
            return {name for child in children for name in _inside_study_groups(child)}
        case Not(child):
            return _inside_study_groups(child)
        case InOne(Level.STUDY, child):
            return {condition.field for condition in conditions(child)}
        case _:
            return set()
