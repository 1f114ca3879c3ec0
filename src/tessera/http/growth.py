"""Numbers that grow over time, as steps in SVG. Pure; `growth.html` writes it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from tessera.domain.access.activity import Done, Month
from tessera.domain.catalogue.progress import Moment
from tessera.http.formats import day as day_text
from tessera.http.formats import month as month_text

WIDTH, HEIGHT = 360, 130
_LEFT, _TOP, _FLOOR = 4, 22, 108
MEASURES: Final = ("n_subjects", "n_instances", "n_hospitals", "n_countries")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One number over time, as steps."""

    measure: str
    path: str
    """Points for SVG, in a box of WIDTH by HEIGHT."""
    newest: int
    first: str
    last: str
    rows: tuple[tuple[str, int], ...]
    """Days or months in the reader's language."""


def growth(moments: Sequence[Moment], today: date, language: str) -> tuple[Curve, ...]:
    """Lay out each of `MEASURES` up to today; none while nothing was published."""
    return tuple(
        _curve(measure, [(one.day, getattr(one, measure)) for one in moments], today, language)
        for measure in MEASURES
        if moments
    )


def activity(months: Sequence[Month], today: date, language: str) -> tuple[Curve, ...]:
    """Lay out what came of asking for access, month by month; none while nobody has asked."""
    return tuple(
        _curve(
            done.value,
            [(one.day, getattr(one, done.value)) for one in months],
            today,
            language,
            shown=month_text,
        )
        for done in Done
        if months
    )


def _curve(
    measure: str,
    counted: Sequence[tuple[date, int]],
    today: date,
    language: str,
    shown: Callable[[datetime, str], str] = day_text,
) -> Curve:
    first = counted[0][0]
    n_days = max((today - first).days, 1)
    most = max((n for _, n in counted), default=0) or 1

    def x(day: date) -> float:
        return round(_LEFT + (day - first).days / n_days * (WIDTH - 2 * _LEFT), 1)

    def words(day: date) -> str:
        return shown(datetime.combine(day, time(), UTC), language)

    points, before = [f"{_LEFT},{_FLOOR}"], float(_FLOOR)
    for day, n in counted:
        y = round(_FLOOR - n / most * (_FLOOR - _TOP), 1)
        points += [f"{x(day)},{before}", f"{x(day)},{y}"]
        before = y
    points.append(f"{WIDTH - _LEFT},{before}")
    return Curve(
        measure=measure,
        path=" ".join(points),
        newest=counted[-1][1],
        first=words(first),
        last=words(today),
        rows=tuple((words(day), n) for day, n in counted),
    )
