"""How one date was written, and another day in the same form. Pure.

A date is read by a regular expression with named groups; here each group is turned into a
number and back. Groups: y, m, d; mw (month in words); d0 (first day of a range); s (separator);
w (Japanese week day); e (era); q (quarter). A week day before the date is a match of its own.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from tessera.domain.deid.text.expression import Expression
from tessera.domain.deid.text.months import (
    JA_WEEKDAYS,
    MONTH_WORDS,
    WEEKDAY_WORDS,
    Name,
    best,
    folded,
    month_like,
    weekday_like,
)

_KANJI: Final = "〇一二三四五六七八九"
_WIDE: Final = str.maketrans("0123456789", "０１２３４５６７８９")
_ERAS: Final = (
    ("令和", "R", date(2019, 5, 1)),
    ("平成", "H", date(1989, 1, 8)),
    ("昭和", "S", date(1926, 12, 25)),
    ("大正", "T", date(1912, 7, 30)),
    ("明治", "M", date(1868, 1, 25)),
)
"""Japanese eras: name, letter, first day."""
_BEFORE_WEEKDAY: Final = Expression(
    r"(?<![^\W_])([^\W\d_]{2,13}(?:-feira)?)\.?,?[ ](?:den |d\. |der |the |el |le |στις )?$"
)
_PIVOT: Final = 50
"""Two-digit years below this are of the 2000s, the others of the 1900s."""


def number(text: str) -> int:
    """Return the value of digits (also full-width) or of kanji numerals below ten thousand."""
    if text == "元":
        return 1
    if text.isdecimal():
        return int(text)
    if "十" in text:
        tens, _, ones = text.partition("十")
        return (number(tens) if tens else 1) * 10 + (number(ones) if ones else 0)
    return int("".join(str(_KANJI.index(c)) for c in text))


def _like(value: int, old: str, *, width: int, pad: bool = False) -> str:
    """Write a number as the old one was: zero-padded or not, wide or narrow, kanji or digits.

    A number that fills its width does not show whether it would be padded: then `pad` says.
    """
    if old == "元" or (old and not old.isdecimal()):
        return _kanji(value, positional="十" not in old and len(old) > 2)
    padded = len(old) == width and (pad or old[0] in "0０")
    text = f"{value:0{width}d}" if padded else str(value)
    return text.translate(_WIDE) if old[:1] > "\x7f" else text


def _kanji(value: int, *, positional: bool) -> str:
    if positional or value > 99:
        return "".join(_KANJI[int(c)] for c in str(value))
    tens, ones = divmod(value, 10)
    return (("" if tens == 1 else _KANJI[tens]) + "十" if tens else "") + (
        _KANJI[ones] if ones or not tens else ""
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """One match of a date pattern, as pieces of text and their meaning."""

    match: re.Match[str]
    day: date
    precision: str
    """day, month, quarter or dayless (a day and month without a year)."""
    month_name: Name | None
    weekday: tuple[re.Match[str], Name] | None
    month_first: bool = False

    @classmethod
    def of(cls, match: re.Match[str], *, month_first: bool = False) -> "Reading | None":
        """Return what a match means, or None where no such day is."""
        groups = match.groupdict()
        month_name = None
        text = match.string
        if word := groups.get("mw"):
            names = MONTH_WORDS.get(folded(word))
            if names is None:
                return None
            month_name = best(names, text, folded(match.group()))
        month = month_name.number + 1 if month_name else number(groups.get("m") or "0")
        day = number(groups.get("d") or "0")
        if month_first:
            month, day = day, month
        precision = "day" if day else "month"
        year_text = groups.get("y")
        if quarter := groups.get("q"):
            month, day, precision = 3 * number(quarter) - 1, 15, "quarter"
        if year_text is None:
            year, precision = 2024, "dayless"
        else:
            year = _year(year_text, groups.get("e"))
        if not 1850 <= year <= 2100:
            return None
        if not day and groups.get("d") is None:
            day = 15
        try:
            meant = date(year, month, day)
        except ValueError:
            return None
        if (first := groups.get("d0")) and not 1 <= number(first) <= 31:
            return None
        weekday = _weekday_before(match, month_name)
        return cls(match, meant, precision, month_name, weekday, month_first)

    @property
    def start(self) -> int:
        """First character, with the week day."""
        return self.weekday[0].start(1) if self.weekday else self.match.start()

    @property
    def _pads(self) -> bool:
        """Whether numbers below ten are written with a zero, as far as the match shows."""
        groups = self.match.groupdict()
        if self.month_name is not None:
            return self.match.end("d") == self.match.start("mw")
        if groups.get("e") or "年" in self.match.group():
            return False
        return all(len(groups.get(g) or "  ") == 2 for g in ("d", "m"))

    def written(self, new: date) -> str:
        """Return `new` in the form of the match."""
        match = self.match
        pieces: list[tuple[int, int, str]] = []

        def put(group: str, text: str) -> None:
            if match.re.groupindex.get(group) and match.group(group) is not None:
                pieces.append((*match.span(group), text))

        groups = match.groupdict()
        era = groups.get("e")
        if (old_year := groups.get("y")) is not None:
            new_era, year = _in_era(new, era, old_year)
            put("y", year)
            if era is not None:
                put("e", new_era)
        if self.month_name is not None:
            put("mw", month_like(self.month_name, new.month, groups["mw"] or ""))
        first, second = (new.month, new.day) if self.month_first else (new.day, new.month)
        if (old := groups.get("d")) is not None:
            put("d", _like(first, old, width=2, pad=self._pads))
        if (old := groups.get("o")) and old.lower() in ("st", "nd", "rd", "th"):
            suffix = {1: "st", 2: "nd", 3: "rd"}.get(first % 10 if first // 10 != 1 else 0, "th")
            put("o", suffix.upper() if old.isupper() else suffix)
        if (old := groups.get("m")) is not None:
            put("m", _like(second, old, width=2, pad=self._pads))
        if (old := groups.get("q")) is not None:
            put("q", _like((new.month + 2) // 3, old, width=1))
        if (old := groups.get("w")) is not None:
            put("w", JA_WEEKDAYS[new.weekday()])
        if self.weekday:
            before, name = self.weekday
            pieces.append((*before.span(1), weekday_like(name, new.weekday(), before[1])))
        if groups.get("d0") is not None:
            put("d0", self._first_day(new, groups))
        out, at = list[str](), self.start
        for start, end, text in sorted(pieces):
            out += match.string[at:start], text
            at = end
        out.append(match.string[at : match.end()])
        return "".join(out)

    def _first_day(self, new: date, groups: dict[str, str | None]) -> str:
        """Return the first day of a range, with its month when that is now another one."""
        old = groups["d0"] or ""
        try:
            start = min(self.day, self.day.replace(day=number(old)))
        except ValueError:
            start = self.day
        day = new - min(self.day - start, timedelta(days=new.toordinal() - 1))
        text = _like(day.day, old, width=2, pad=self._pads)
        if day.month == new.month:
            return text
        if self.month_name is not None:
            joint = " de " if self.month_name.language in ("es", "pt") else " "
            return f"{text}{joint}{month_like(self.month_name, day.month, groups['mw'] or '')}"
        between = groups.get("s") or "."
        return f"{text}{between}{_like(day.month, groups.get('m') or '', width=2, pad=self._pads)}"


def _weekday_before(match: re.Match[str], month: Name | None) -> tuple[re.Match[str], Name] | None:
    """Return the week day that stands before a date: "Freitag, den 12.3.2021"."""
    start = match.start()
    before = _BEFORE_WEEKDAY.search(match.string, max(0, start - 24), start)
    names = WEEKDAY_WORDS.get(folded(before[1])) if before else None
    if before is None or names is None:
        return None
    same = tuple(n for n in names if month is not None and n.language == month.language)
    return before, best(same or names, match.string)


def _year(text: str, era: str | None) -> int:
    year = number(text)
    if era is not None:
        first = next((d for n, letter, d in _ERAS if era.upper() in (n, letter)), None)
        return first.year + year - 1 if first else -1
    if len(text) == 2 and text.isdecimal():
        return year + (2000 if year < _PIVOT else 1900)
    return year


def _in_era(new: date, era: str | None, old_year: str) -> tuple[str, str]:
    if era is None:
        if len(old_year) == 2 and old_year.isdecimal():
            return "", _like(new.year % 100, old_year, width=2, pad=True)
        return "", _like(new.year, old_year, width=4)
    for name, letter, first in _ERAS:
        if new >= first:
            count = new.year - first.year + 1
            kanji = len(era) > 1
            year = "元" if kanji and count == 1 and old_year == "元" else None
            shape = "1" if old_year == "元" else old_year
            return (name if kanji else letter), year or _like(count, shape, width=2)
    return "", str(new.year)
