"""Describe the numbers of a column: decimal sign, units, range, a small histogram. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from tessera.domain.clinical.values import read_number

_BINS: Final = 10
_LIMIT: Final = re.compile(r"[<>≤≥]=?\s*[0-9.,]+\s*\D*")
_COMMA: Final = re.compile(r"[-+]?(?:0,[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,}))(?![0-9.,])")
_POINT: Final = re.compile(r"[-+]?(?:0\.[0-9]+|[0-9]+\.(?:[0-9]{1,2}|[0-9]{4,}))(?![0-9.,])")
_CODES: Final = frozenset(
    float(sign + digit * n) for sign in ("", "-") for digit in "789" for n in (1, 2, 3, 4)
) | {-1.0}
"""Numbers that people write for "no value"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberProfile:
    n_read: int
    low: float
    median: float
    high: float
    is_whole: bool
    bins: tuple[int, ...]
    """Cells in each tenth of the range."""
    n_limits: int
    """Cells such as `<0.1`."""
    units: tuple[tuple[str, int], ...]
    """Unit written after the number, and how often."""
    comma: int
    """Cells that only a decimal comma explains."""
    point: int
    codes: tuple[tuple[str, int], ...] = ()
    """Values such as 999 that lie far from all others and may mean "no value"."""

    @property
    def decimal(self) -> str:
        return "," if self.comma > self.point else "."


def profile_numbers(values: Mapping[str, int], decimal: str = "") -> NumberProfile | None:
    """Return what the numbers among `values` (cell → how often) are; None when there is none.

    `decimal`: the table's sign; "" to take the column's own.
    """
    comma = sum(n for text, n in values.items() if _COMMA.match(text))
    point = sum(n for text, n in values.items() if _POINT.match(text))
    sign = decimal or ("," if comma > point else ".")
    numbers: dict[str, float] = {}
    units: dict[str, int] = {}
    for text, n in values.items():
        read = read_number(text, sign)
        if read is None:
            continue
        numbers[text] = read[0]
        if read[1]:
            units[read[1]] = units.get(read[1], 0) + n
    if not numbers:
        return None
    codes = _codes(numbers, values)
    kept = {text: number for text, number in numbers.items() if text not in codes} or numbers
    every = np.repeat(list(kept.values()), [values[text] for text in kept])
    low, high = float(every.min()), float(every.max())
    counts, _ = np.histogram(every, bins=_BINS, range=(low, high if high > low else low + 1))
    return NumberProfile(
        n_read=int(sum(values[text] for text in numbers)),
        low=low,
        median=float(np.median(every)),
        high=high,
        is_whole=all(number.is_integer() for number in numbers.values()),
        bins=tuple(int(n) for n in counts),
        n_limits=sum(n for text, n in values.items() if _LIMIT.fullmatch(text)),
        units=tuple(sorted(units.items(), key=lambda pair: (-pair[1], pair[0]))),
        comma=comma,
        point=point,
        codes=tuple((text, values[text]) for text in codes),
    )


def _codes(numbers: Mapping[str, float], values: Mapping[str, int]) -> list[str]:
    """Return the texts of extremes such as 999 or -9 that lie apart from everything else."""
    found: list[str] = []
    for text in sorted(numbers, key=lambda t: -abs(numbers[t])):
        number = numbers[text]
        others = [one for other, one in numbers.items() if other != text and other not in found]
        if number not in _CODES or len(others) < 3:
            break
        top, bottom = max(others), min(others)
        is_apart = number > 2 * top and number >= 9 if number > 0 else bottom >= 0
        if not is_apart or (abs(number) < 10 and top > 3 and number > 0):
            break
        found.append(text)
    return found
