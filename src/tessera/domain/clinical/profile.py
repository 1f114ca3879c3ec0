"""Describe a hospital's table column by column: type, values, units, dates, who it may name. Pure.

Identified zone. Values of a column that may identify a person are counted and never shown.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tessera.domain.clinical.column_names import is_missing_word, language_of, legend
from tessera.domain.clinical.profile_dates import (
    DateProfile,
    joined,
    may_be_date,
    profile_dates,
)
from tessera.domain.clinical.profile_identity import identity_of, is_free_text
from tessera.domain.clinical.profile_numbers import NumberProfile, profile_numbers
from tessera.domain.clinical.source_table import ColumnNote, SourceTable
from tessera.domain.zones import Identified

MOST_SHOWN: Final = 12
"""Values of a column that are shown with their counts."""
_FORMS: Final = {
    "icdo-morphology": re.compile(r"M?-?[89][0-9]{3}/?[012369]", re.I),
    "tnm": re.compile(
        r"[acrypm]{0,3}T(?:[0-4xX]|is|a)[0-9a-e()mi]*[ ,/]*[cp]?N[0-3xX][0-9a-c()mi+-]*"
        r"(?:[ ,/]*[cp]?M[01xX][a-d]?)?", re.I),
    "icd10": re.compile(r"[A-Z][0-9]{2}(?:[.,]?[0-9]{1,2}[A-Z]?|[.][X-])?", re.I),
    "gleason": re.compile(
        r"[1-5]\s*\+\s*[1-5](?:\s*=\s*[0-9]{1,2})?|[0-9]{1,2}\s*\([1-5]\s*\+\s*[1-5]\)"),
    "loinc": re.compile(r"[0-9]{3,5}-[0-9]"),
    "atc": re.compile(r"[A-DGHJLMNPRSV][0-9]{2}[A-Z]{2}[0-9]{2}"),
    "snomed": re.compile(r"[1-9][0-9]{5,17}"),
}  # fmt: skip
"""Kind of code → its form. Source: ICD-10 vol. 2, ICD-O-3.2, UICC TNM 8, LOINC, WHO ATC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """`kind`: empty, date, number, flag, code, category, text or free-text."""

    name: str
    kind: str
    n_rows: int
    n_filled: int
    """Cells with something that is not a word for "no value"."""
    n_distinct: int
    identifying: str = ""
    """Why its values are not shown; "" when they may be."""
    identifier: str = ""
    """Kind of national person number whose check digits are right, for example amka-gr."""
    code_form: str = ""
    missing: tuple[tuple[str, int], ...] = ()
    """Words for "no value" that stand in cells."""
    numbers: NumberProfile | None = None
    dates: DateProfile | None = None
    n_strange: int = 0
    """Filled cells that are not of the column's kind."""
    note: ColumnNote = field(default_factory=ColumnNote)
    values: Identified[Mapping[str, int]]
    """Every filled value and how often it occurs."""

    @property
    def top(self) -> tuple[tuple[str, int], ...]:
        """Return the most frequent values; none when they may identify a person."""
        if self.identifying or self.kind in ("date", "free-text", "empty"):
            return ()
        pairs = sorted(self.values.value.items(), key=lambda pair: (-pair[1], pair[0]))
        return tuple(pairs[:MOST_SHOWN])

    @property
    def filled_share(self) -> float:
        return self.n_filled / self.n_rows if self.n_rows else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProfile:
    table: SourceTable
    columns: tuple[ColumnProfile, ...]
    language: str
    language_share: float
    decimal: str
    decimals: tuple[int, int]
    """Cells that only a decimal comma, and only a decimal point, explains."""
    month_first: bool | None
    """Which comes first in dates such as 03/04/2020; None when nothing tells."""
    missing: tuple[str, ...]

    def column(self, name: str) -> ColumnProfile:
        return next(one for one in self.columns if one.name == name)


def profile_table(table: SourceTable) -> TableProfile:
    """Return the profile of every column, and what holds for the whole table."""
    counts = _counts(table)
    sums = [0, 0]
    for values in counts.values():
        if (numbers := profile_numbers(values)) is not None:
            sums[0] += numbers.comma
            sums[1] += numbers.point
    decimal = "," if sums[0] > sums[1] else "."
    dated = [
        profile_dates(values)
        for values in counts.values()
        if sum(n for text, n in values.items() if may_be_date(text)) > 0.5 * values.total() > 0
    ]
    day_votes, month_votes, either = joined(dated)
    month_first = None
    if bool(day_votes) != bool(month_votes) or not either:
        month_first = month_votes > day_votes
    columns = tuple(
        _column(name, counts[place], table, decimal, month_first)
        for place, name in enumerate(table.header)
    )
    language, share = language_of([one.note.label or one.name for one in columns])
    words = Counter[str]()
    for one in columns:
        if one.kind not in ("text", "free-text"):
            words.update(dict(one.missing))
    return TableProfile(
        table=table,
        columns=columns,
        language=language,
        language_share=share,
        decimal=decimal,
        decimals=(sums[0], sums[1]),
        month_first=month_first,
        missing=tuple(sorted(words, key=lambda word: (-words[word], word))),
    )


def _counts(table: SourceTable) -> dict[int, Counter[str]]:
    counts: dict[int, Counter[str]] = {place: Counter() for place in range(len(table.header))}
    for place, cells in enumerate(zip(*table.rows.value, strict=True)):
        counts[place] = Counter(cell.strip() for cell in cells)
    return counts


def _column(
    name: str,
    cells: Counter[str],
    table: SourceTable,
    decimal: str,
    month_first: bool | None,
) -> ColumnProfile:
    missing = {text: n for text, n in cells.items() if text and is_missing_word(text)}
    values = {text: n for text, n in cells.items() if text and text not in missing}
    n_filled = sum(values.values())
    note = table.notes.get(name, ColumnNote(choices=legend(name)[1]))
    made = ColumnProfile(
        name=name,
        kind="empty",
        n_rows=cells.total(),
        n_filled=n_filled,
        n_distinct=len(values),
        missing=tuple(sorted(missing.items(), key=lambda pair: (-pair[1], pair[0]))),
        note=note,
        values=Identified(values),
    )
    if not values:
        return made
    dates = profile_dates(values, month_first=month_first)
    numbers = profile_numbers(values, decimal)
    form = code_form(values)
    n_numbers = numbers.n_read if numbers else 0
    if dates.n_read >= 0.6 * n_filled or (
        dates.n_partial + dates.n_read >= 0.9 * n_filled and dates.n_read
    ):
        made = replace(made, kind="date", dates=dates, n_strange=dates.n_unread)
    elif form and form != "snomed":
        kept = sum(n for text, n in values.items() if _FORMS[form].fullmatch(text))
        made = replace(made, kind="code", code_form=form, numbers=numbers)
        made = replace(made, n_strange=n_filled - kept if form != "gleason" else 0)
    elif n_numbers >= 0.6 * n_filled and numbers is not None:
        is_flag = set(values) <= {"0", "1"}
        kind = "flag" if is_flag else "number"
        made = replace(made, kind=kind, numbers=numbers, n_strange=n_filled - n_numbers)
    elif is_free_text(values):
        made = replace(made, kind="free-text")
    elif _is_flag(values):
        made = replace(made, kind="flag")
    elif _is_category(values, n_filled):
        made = replace(made, kind="category", numbers=numbers)
    else:
        made = replace(made, kind="text")
    why, scheme = identity_of(name, note, made.kind, values, table.form.format)
    return replace(made, identifying=why, identifier=scheme)


def code_form(values: Mapping[str, int]) -> str:
    """Return the kind of code that at least eight in ten cells have the form of, or ""."""
    total = sum(values.values())
    for name, form in _FORMS.items():
        read = sum(n for text, n in values.items() if form.fullmatch(text))
        share = 0.4 if name == "gleason" else 0.8
        if read >= share * total:
            return name
    return ""


_YES_NO: Final = frozenset(
    "yes no y n true false t f ja nej nein j si sí s sì oui non o ναι οχι όχι 0 1 + -".split()
)


def _is_flag(values: Mapping[str, int]) -> bool:
    return len(values) <= 3 and all(text.casefold() in _YES_NO for text in values)


def _is_category(values: Mapping[str, int], n_filled: int) -> bool:
    repeated = sum(n for n in values.values() if n > 1)
    return (
        len(values) <= max(12, min(200, 0.5 * n_filled))
        and repeated >= 0.5 * n_filled
        and max(map(len, values)) <= 60
    ) or len(values) <= 2


def shown_rows(profile: TableProfile, rows: Sequence[int]) -> str:
    """Return row numbers as text, the first few of many."""
    first = ", ".join(str(n) for n in rows[:5])
    return first + (" …" if len(rows) > 5 else "")
