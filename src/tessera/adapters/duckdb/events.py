"""SQL for relations in time: the events of a query with their days, and which are near which."""

from collections.abc import Callable, Collection
from itertools import pairwise

from tessera.domain.cohort.fields import Level
from tessera.domain.cohort.query import Comparison, Event, Expression, InOne, Related, Repeated
from tessera.domain.cohort.temporal import MAX_DAYS, Moment
from tessera.domain.cohort.tree import dated

_ALIAS = {Level.STUDY: "t", Level.TREATMENT: "r"}
_KEY = {Level.STUDY: "t.study_uid", Level.TREATMENT: "r.row"}


def row_columns(level: Level) -> tuple[str, ...]:
    """Return what the table of a level holds beside its keys and fields."""
    return ("row_number() OVER () AS row",) if level is Level.TREATMENT else ()


def row_filter(level: Level, columns: Collection[str]) -> str:
    """Return the WHERE clause that leaves out treatments that were not given."""
    if level is not Level.TREATMENT or "given" not in columns:
        return ""
    return " WHERE TRY_CAST(given AS BOOLEAN) IS DISTINCT FROM FALSE"


class Events:
    """Compiles relations. `of_row` and `comparison` compile what stands within an event."""

    def __init__(
        self,
        of_row: Callable[[Expression, Level], str],
        comparison: Callable[[Comparison], str],
    ) -> None:
        self._of_row = of_row
        self._comparison = comparison

    def of_subject(self, where: Related | Repeated) -> str:
        """Return a predicate over a row `p` of patient."""
        found = self._pairs(where) if isinstance(where, Related) else self._chain(where)
        return f"coalesce(p.subject IN (SELECT a.subject {found}), FALSE)"

    def of_study(self, where: Related) -> str:
        """Return a predicate over a row `t` of study: whether it takes part."""
        sides = []
        for name, level in zip("ab", where.levels, strict=True):
            if level is Level.STUDY:
                found = f"SELECT {name}.key {self._pairs(where)} AND {name}.key IS NOT NULL"
                sides.append(f"coalesce(t.study_uid IN ({found}), FALSE)")
        return f"({' OR '.join(sides)})"

    def _pairs(self, where: Related) -> str:
        event = self._rows_of(where.event, where.on_day_zero)
        other = self._rows_of(where.other, where.on_day_zero)
        near = " OR ".join(
            f"b.day - a.day BETWEEN {least} AND {most}"
            for least, most in where.span.windows(where.direction)
        )
        apart = " AND a.key <> b.key" if len(set(where.levels)) == 1 else ""
        apart = apart if isinstance(where.event, InOne) else ""
        return (
            f"FROM ({event}) a JOIN ({other}) b ON a.subject = b.subject "
            f"WHERE a.subject IS NOT NULL AND ({near}){apart}"
        )

    def _chain(self, where: Repeated) -> str:
        """Return rows in the order of their days, each two next to one another far enough apart."""
        names = [chr(ord("a") + i) for i in range(where.n)]
        rows = self._rows_of(where.event, where.on_day_zero)
        tables = ", ".join(f"({rows}) {name}" for name in names)
        least = where.span.least
        tests = [f"{name}.subject = a.subject" for name in names[1:]]
        for one, following in pairwise(names):
            tests.append(f"{following}.day - {one}.day >= {least}")
            tests.append(f"(({following}.day, {following}.key) > ({one}.day, {one}.key))")
        most = MAX_DAYS if where.span.most is None else where.span.most
        tests.append(f"{names[-1]}.day - a.day <= {most}")
        return f"FROM {tables} WHERE a.subject IS NOT NULL AND {' AND '.join(tests)}"

    def _rows_of(self, event: Event, on_day_zero: Comparison | None) -> str:
        """Return the events with their key, subject and day."""
        needs = dated(event)
        tests = [self._comparison(one) for one in needs]
        match event:
            case InOne(level, child):
                alias, key = _ALIAS[level], _KEY[level]
                tests.append(self._of_row(child, level))
            case _:
                level, alias, key = Level.PATIENT, "p", "p.subject"
        day = "0" if event is Moment.DIAGNOSIS else f"{alias}.f_{needs[-1].field}"
        if on_day_zero:
            same = self._comparison(on_day_zero)
            subjects = f"SELECT p.subject FROM patient_rows p WHERE {same}"  # noqa: S608  # ours
            tests.append(
                f"coalesce({alias}.subject IN ({subjects} AND p.subject IS NOT NULL), FALSE)"
            )
        return (
            f"SELECT {key} AS key, {alias}.subject, {day} AS day "  # noqa: S608  # names of ours
            f"FROM {level.value}_rows {alias} WHERE {' AND '.join(tests) or 'TRUE'}"
        )
