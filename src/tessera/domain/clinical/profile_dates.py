"""Find the forms in which a table writes its dates. Pure.

A form is chosen only when it reads what the others do not; day and month are never guessed: where
no day above 12 tells which comes first, that is said.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from tessera.domain.clinical.values import read_date

_MAY_BE: Final = re.compile(
    r"\d{4}([-/. ]?)\d{1,2}\1\d{1,2}(?:[T ].*)?|\d{1,2}([-/. ])\d{1,2}\2(?:\d{4}|\d\d)(?:[T ].*)?"
    r"|\d{1,2}[-/. ]?[A-Za-z]{3}[-/. ,]{0,2}\d{2,4}(?:[T ].*)?"
)
_PART: Final = re.compile(
    r"(?:19|20)\d\d(?:[-/.](?:0?[1-9]|1[0-2]))?|(?:0?[1-9]|1[0-2])[-/.](?:19|20)\d\d"
)
_ISO: Final = "YYYY-MM-DD"
_ORDERED: Final = tuple(
    form.replace("-", sign)
    for sign in "-/. "
    for form in ("DD-MM-YYYY", "MM-DD-YYYY", "D-M-YYYY", "M-D-YYYY", "DD-MM-YY", "MM-DD-YY")
)
_CERTAIN: Final = (
    _ISO, "YYYYMMDD", "YYYY/MM/DD", "YYYY.MM.DD", "YYYY-M-D", "YYYY/M/D",
    "DD MON YYYY", "DD-MON-YYYY", "DDMONYYYY", "D MON YYYY", "D-MON-YYYY", "DD-MON-YY", "DD MON YY",
)  # fmt: skip
_YEARS: Final = range(1880, 2100)


@dataclass(frozen=True, slots=True, kw_only=True)
class DateProfile:
    """The dates of one column, or of all columns of a table."""

    forms: tuple[tuple[str, int], ...]
    """Form and how many cells it reads, the most frequent first."""
    n_read: int
    n_unread: int
    day_first: int
    """Cells that only a form with the day first reads."""
    month_first: int
    n_either: int
    """Cells that both read, as different days."""
    first_year: int | None = None
    last_year: int | None = None
    n_partial: int = 0
    """Cells that give only a year, or a year and a month."""

    @property
    def order(self) -> str:
        """Return `certain`, `mixed` (both orders are proved), or `open` (neither is)."""
        if self.day_first and self.month_first:
            return "mixed"
        return "open" if self.n_either and not (self.day_first or self.month_first) else "certain"


def may_be_date(text: str) -> bool:
    """Say whether a cell has the shape of a whole date."""
    return bool(_MAY_BE.fullmatch(text))


def profile_dates(values: Mapping[str, int], *, month_first: bool | None = None) -> DateProfile:
    """Return the forms that read `values` (cell → how often).

    `month_first` decides between two readings where the values do not; None: the day is first.
    """
    readings = {
        text: {form: day for form in (*_CERTAIN, *_ORDERED) if (day := _day(text, form))}
        for text in values
        if may_be_date(text)
    }
    day_votes = month_votes = either = 0
    for text, found in readings.items():
        if any(form in found for form in _CERTAIN):
            continue
        days = {day for form, day in found.items() if form.startswith("D")}
        months = {day for form, day in found.items() if form.startswith("M")}
        if days and months:
            either += values[text] if days != months else 0
        elif days:
            day_votes += values[text]
        elif months:
            month_votes += values[text]
    first = "M" if (month_first if month_first is not None else month_votes > day_votes) else "D"
    chosen = _cover(readings, values, first)
    read = {t: found for t, found in readings.items() if any(f in found for f in chosen)}
    years = [next(found[f] for f in chosen if f in found).year for found in read.values()]
    n_read = sum(values[text] for text in read)
    return DateProfile(
        forms=tuple(
            sorted(
                ((f, sum(values[t] for t in read if f in read[t])) for f in chosen),
                key=lambda pair: -pair[1],
            )
        ),
        n_read=n_read,
        n_unread=sum(values.values()) - n_read,
        day_first=day_votes,
        month_first=month_votes,
        n_either=either,
        first_year=min(years, default=None),
        last_year=max(years, default=None),
        n_partial=sum(n for text, n in values.items() if _PART.fullmatch(text)),
    )


def joined(profiles: Iterable[DateProfile]) -> tuple[int, int, int]:
    """Return over several columns: day first, month first, either."""
    found = list(profiles)
    return (
        sum(one.day_first for one in found),
        sum(one.month_first for one in found),
        sum(one.n_either for one in found),
    )


def _day(text: str, form: str) -> date | None:
    is_iso = form == _ISO
    if not is_iso and read_date(text, (_ISO,)):
        return None
    day = read_date(text, (form,))
    return day if day and day.year in _YEARS else None


def _cover(
    readings: Mapping[str, Mapping[str, date]], values: Mapping[str, int], first: str
) -> list[str]:
    """Return forms that together read all that can be read, few and certain ones first."""
    chosen: list[str] = []
    left = {text: found for text, found in readings.items() if found}
    while left:
        counts: dict[str, int] = {}
        for text, found in left.items():
            for form in found:
                if form in _CERTAIN or form[0] == first or not form.startswith(("D", "M")):
                    counts[form] = counts.get(form, 0) + values[text]
        if not counts:
            break
        best = max(counts, key=lambda form: (counts[form], len(form), form in _CERTAIN, form))
        chosen.append(best)
        left = {text: found for text, found in left.items() if best not in found}
    return chosen
