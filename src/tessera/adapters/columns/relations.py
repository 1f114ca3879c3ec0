"""Relations in time over the columns of one version.

An event is one number: that of its subject and its day in one, so that a search in the sorted
numbers of other events finds those of the same subject within some days.
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tessera.adapters.columns.sets import Bits, bits_of, booleans_of
from tessera.adapters.columns.values import Odd
from tessera.adapters.columns.version import Rows, Version
from tessera.domain.cohort.fields import Field, Level
from tessera.domain.cohort.query import Comparison, Event, Expression, InOne, Related, Repeated
from tessera.domain.cohort.temporal import MAX_DAYS, Moment
from tessera.domain.cohort.tree import dated

_MOST_DAY: Final = 100_000
"""Days from day 0 of an event; a table with more is left to the other engine."""
_STRIDE: Final = 1 << 18
"""Between the numbers of two subjects. More than twice the greatest day and the greatest distance
together, so that no distance that is asked for leads from one subject to another."""
Numbers = NDArray[np.int64]
_Windows = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Dated:
    """Rows with a known day, in the order of subjects and days.

    `numbers` and `rows`, the place of each in its table: shape (n_events,).
    """

    numbers: Numbers
    rows: Rows

    def among(self, is_in: NDArray[np.bool_]) -> "_Dated":
        chosen = is_in[self.rows]
        return _Dated(self.numbers[chosen], self.rows[chosen])


class Relations:
    """Evaluates relations with what the version and the evaluation of their parts give."""

    def __init__(
        self,
        version: Version,
        subjects: Callable[[Expression], Bits],
        studies: Callable[[Expression], Bits],
        rows: Callable[[Expression, int, int], NDArray[np.bool_]],
    ) -> None:
        self._version = version
        self._subjects, self._studies, self._rows = subjects, studies, rows
        self._dated: dict[str, _Dated] = {}
        self._lock = Lock()

    def having(self, where: Related | Repeated, of: Level) -> Bits:
        """Return the subjects (`of` patient) for whom it holds, or the studies that take part.

        Raises Odd when a day is no whole number or far from every other.
        """
        if isinstance(where, Repeated):
            begun = _chains(self._events(where.event, where.on_day_zero), where)
            return self._owners(begun.rows, where.event.level, of)
        event, other = (self._events(one, where.on_day_zero) for one in (where.event, where.other))
        level, other_level = where.levels
        is_same = isinstance(where.event, InOne) and level is other_level
        windows = where.span.windows(where.direction)
        if of is Level.PATIENT:
            if len(event.rows) > len(other.rows):
                event, other, level, windows = other, event, other_level, _turned(windows)
            return self._owners(_near(event, other, windows, is_same=is_same), level, of)
        sides = [
            self._owners(_near(a, b, near, is_same=is_same), Level.STUDY, of)
            for a, b, near, its in (
                (event, other, windows, level),
                (other, event, _turned(windows), other_level),
            )
            if its is Level.STUDY
        ]
        found: Bits = np.bitwise_or.reduce(sides)
        return found

    def _owners(self, rows: Rows, level: Level, of: Level) -> Bits:
        table = self._version.tables[level]
        is_subject = of is Level.PATIENT
        is_in = np.zeros(self._version.n_subjects if is_subject else self._version.n_studies, bool)
        is_in[(table.subject if is_subject else table.study)[rows]] = True
        return bits_of(is_in)

    def _events(self, event: Event, on_day_zero: Comparison | None) -> _Dated:
        """Return the events of a query, with those of other subjects left out."""
        version = self._version
        level = event.level if isinstance(event, InOne) else Level.PATIENT
        owner = version.tables[level].subject
        is_in = np.ones(len(owner), np.bool_)
        needs = dated(event)
        if isinstance(event, InOne):
            is_in = (
                booleans_of(self._studies(event.child), version.n_studies)
                if level is Level.STUDY
                else self._rows(event.child, 0, len(owner))
            )
        else:
            for one in needs:
                is_in &= booleans_of(self._subjects(one), version.n_subjects)[owner]
        if on_day_zero:
            is_in = is_in & booleans_of(self._subjects(on_day_zero), version.n_subjects)[owner]
        return self._all(needs[-1].about if needs else None, level).among(is_in)

    def _all(self, day: Field | None, level: Level) -> _Dated:
        name = day.name if day else Moment.DIAGNOSIS.value
        with self._lock:
            found = self._dated.get(name)
        if found is None:
            owner = self._version.tables[level].subject
            days = np.zeros(len(owner)) if day is None else self._days(day)
            found = _sorted(owner, days)
            with self._lock:
                self._dated[name] = found
        return found

    def _days(self, field: Field) -> NDArray[np.float64]:
        """Return the day of each row, NaN where it is not known."""
        column = self._version.column(field)
        days = np.array([np.nan, *column.values], np.float64)  # numbers, as the field holds them
        return days[column.codes]


def _sorted(owner: Rows, days: NDArray[np.float64]) -> _Dated:
    rows = np.flatnonzero((owner >= 0) & ~np.isnan(days))
    known = days[rows]
    if (np.abs(known) > _MOST_DAY).any() or (known != np.rint(known)).any():
        raise Odd("a day that is no whole number near the others")
    numbers = owner[rows].astype(np.int64) * _STRIDE + known.astype(np.int64)
    order = np.argsort(numbers, kind="stable")
    return _Dated(numbers[order], rows[order])


def _turned(windows: _Windows) -> _Windows:
    return tuple((-most, -least) for least, most in windows)


def _near(event: _Dated, other: _Dated, windows: _Windows, *, is_same: bool) -> Rows:
    """Return the rows of `event` that have an `other` in one of the windows, not itself."""
    has = np.zeros(len(event.rows), np.bool_)
    for least, most in windows:
        first = np.searchsorted(other.numbers, event.numbers + least, "left")
        end = np.searchsorted(other.numbers, event.numbers + most, "right")
        n_found = end - first
        if is_same and least <= 0 <= most:
            n_found = n_found - np.isin(event.rows, other.rows, assume_unique=True, kind="table")
        has |= n_found > 0
    return event.rows[has]


def _chains(events: _Dated, where: Repeated) -> _Dated:
    """Return the rows from which enough others follow, each the first that is far enough."""
    numbers, n_events = events.numbers, len(events.rows)
    first = np.arange(n_events)
    following = first + 1
    if where.span.least:
        following = np.searchsorted(numbers, numbers + where.span.least, "left")
    step = np.append(following, n_events)
    last = first
    for _ in range(where.n - 1):
        last = step[last]
    most = MAX_DAYS if where.span.most is None else where.span.most
    is_there = last < n_events
    is_there[is_there] = numbers[last[is_there]] - numbers[is_there] <= most
    return _Dated(numbers[is_there], events.rows[is_there])
