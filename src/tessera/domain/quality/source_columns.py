"""Checks of a clinical table as it was delivered, before any mapping. Pure.

They need no knowledge of the columns: rows twice, cells without a value, words that stand for no
value, numbers and dates out of line with the rest of their column.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from math import isfinite
from statistics import median
from typing import Final

from tessera.domain.quality.finding import Evidence, Finding, Level, Severity, Where, finding
from tessera.domain.quality.inputs import CheckInput
from tessera.domain.quality.registry import Looked
from tessera.domain.quality.source_table import SourceTable

_SPARSE: Final = 0.3
_FEWEST: Final = 12
"""Values below which nothing can be said of what is usual in a column."""
_FAR: Final = 10.0
"""Modified z above which a number is out of line. Source: Iglewicz and Hoaglin 1993 (3.5 there;
laboratory values have long tails, so more is asked here)."""
_NO_VALUE: Final = frozenset(
    word.strip()
    for word in """
    not found|notfound|n/a|na|#n/a|nan|null|none|missing|unknown|undefined|not available|
    not known|not applicable|nd|n.d.|okänt|okand|saknas|uppgift saknas|ej känt|desconocido|
    no consta|sin datos|no disponible|άγνωστο|δεν υπάρχει|unbekannt|inconnu|sconosciuto|?|-|--|.|
    999|9999|99999|-1|-9|-99|-999|1900-01-01|9999-12-31|01/01/1900|#ref!|#value!|#div/0!
    """.split("|")
)
"""Words and numbers that people and programs write where there is no value, folded."""
_NUMBERS_FOR_NONE: Final = frozenset("999 9999 99999 -1 -9 -99 -999".split())
_NUMBER: Final = re.compile(r"^[<>≤≥]?\s*-?\d{1,7}(?:[.,]\d+)?$")
"""Longer ones are identifiers, which a report must not show."""
_DAY: Final = re.compile(
    r"^(?:(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})|(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}))(?:[ T].*)?$"
)
_NO_TABLE: Final = Looked(n_looked=0, n_passed=0, not_looked="no-source-table")


def rows_once(data: CheckInput) -> Looked:
    """No row is there twice. Counts rows."""
    table = data.table
    if table is None:
        return _NO_TABLE
    rows = Counter(zip(*table.columns.values(), strict=True))
    found, n_extra = [], sum(rows.values()) - len(rows)
    if n_extra:
        facts: Evidence = {"n_rows": n_extra, "table": table.name}
        found.append(finding("rows-twice", Severity.WARNING, Where(Level.DATASET, ""), facts))
    return Looked(n_looked=table.n_rows, n_passed=table.n_rows - n_extra, findings=tuple(found))


def cells_filled(data: CheckInput) -> Looked:
    """Each column has values, and no word stands for a missing one. Counts columns."""
    table = data.table
    if table is None:
        return _NO_TABLE
    return _by_column(table, _filled)


def cells_in_line(data: CheckInput) -> Looked:
    """Numbers and dates are in line with the rest of their column. Counts columns."""
    table = data.table
    if table is None:
        return _NO_TABLE

    def judge(name: str, cells: Sequence[str]) -> Iterator[Finding]:
        return _in_line(name, cells, data.checked_on)

    return _by_column(table, judge)


def _by_column(
    table: SourceTable, judge: Callable[[str, Sequence[str]], Iterator[Finding]]
) -> Looked:
    found, failed = list[Finding](), 0
    for name, cells in table.columns.items():
        if name == table.id_column:
            continue
        items = list(judge(name, cells))
        failed += any(item.severity is not Severity.NOTE for item in items)
        found += items
    n = len([name for name in table.columns if name != table.id_column])
    return Looked(n_looked=n, n_passed=n - failed, findings=tuple(found))


def _filled(name: str, cells: Sequence[str]) -> Iterator[Finding]:
    n = len(cells)
    n_empty = sum(not cell for cell in cells)
    where = Where(Level.DATASET, "")
    if n and n_empty > _SPARSE * n:
        facts: Evidence = {
            "column": name,
            "percent": round(100 * n_empty / n, 1),
            "n_missing": n_empty,
            "n_rows": n,
        }
        yield finding("cells-missing", Severity.NOTE, where, facts)
    words = Counter(cell for cell in cells if cell.strip().casefold() in _NO_VALUE)
    numeric = {float(c.replace(",", ".")) for c in cells if _NUMBER.match(c) and c[0] not in "<>≤≥"}
    for word, times in sorted(words.items()):
        if word in _NUMBERS_FOR_NONE and not _stands_alone(float(word), numeric):
            continue
        facts = {"column": name, "value": word, "n_rows": times}
        yield finding("cells-no-value", Severity.WARNING, where, facts)


def _stands_alone(number: float, numbers: set[float]) -> bool:
    """Return whether a number such as 999 lies far from all others of its column."""
    others = sorted(numbers - {number})
    if len(others) < 3:
        return False
    spread = others[-1] - others[0]
    return number < others[0] - spread or number > others[-1] + spread


def _in_line(name: str, cells: Sequence[str], checked_on: date | None) -> Iterator[Finding]:
    where = Where(Level.DATASET, "")
    filled = [
        cell.strip() for cell in cells if cell.strip() and cell.strip().casefold() not in _NO_VALUE
    ]
    days = [(cell, _day_of(cell)) for cell in filled if _DAY.match(cell)]
    if len(days) > 0.8 * len(filled) and len(days) >= 3:
        wrong = [cell for cell, day in days if day is None]
        if wrong:
            facts: Evidence = {"column": name, "value": wrong[0], "n_rows": len(wrong)}
            yield finding("cells-no-date", Severity.ERROR, where, facts)
        late = [cell for cell, day in days if day and checked_on and day > checked_on]
        if late:
            facts = {"column": name, "value": late[0], "n_rows": len(late)}
            yield finding("cells-future", Severity.ERROR, where, facts)
        return
    numbers = [
        (cell, float(cell.replace(",", ".")))
        for cell in filled
        if _NUMBER.match(cell) and cell[0] not in "<>≤≥"
    ]
    if len(numbers) < _FEWEST or len(numbers) < 0.8 * len(filled):
        return
    other = [cell for cell in filled if not _NUMBER.match(cell)]
    if other:
        facts = {"column": name, "n_rows": len(other)}
        yield finding("cells-no-number", Severity.WARNING, where, facts)
    values = [value for _, value in numbers if isfinite(value)]
    middle = median(values)
    spread = median(abs(value - middle) for value in values)
    far = [
        cell for cell, value in numbers if spread and 0.6745 * abs(value - middle) / spread > _FAR
    ]
    if far and len(far) <= 0.02 * len(numbers) + 1:
        facts = {"column": name, "value": ", ".join(far[:4]), "n_rows": len(far), "usual": middle}
        yield finding("cells-out-of-line", Severity.WARNING, where, facts)


def _day_of(cell: str) -> date | None:
    match = _DAY.match(cell)
    if match is None:
        return None
    year, month, day = match[1] or match[6], match[2] or match[5], match[3] or match[4]
    for first, second in ((month, day), (day, month) if match[6] else (month, day)):
        try:
            return date(int(year), int(first), int(second))
        except ValueError:
            continue
    return None
