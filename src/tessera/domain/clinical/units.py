"""Units of clinical values: what converts to the unit that a variable is stored in. Pure.

Source: UCUM by `domain/terms/units.py`; what people write is found in group `unit`. A month is a
twelfth of a year and a year 365.2425 days, the Gregorian means.
"""

import unicodedata
from functools import cache
from typing import Final

from tessera.domain.clinical.variables import Variable, variable
from tessera.domain.errors import TesseraError
from tessera.domain.terms.units import factor, ucum_of

_DAYS_PER_YEAR: Final = 365.2425
_TIMES: Final = {"d": 1.0, "wk": 7.0, "mo": _DAYS_PER_YEAR / 12, "a": _DAYS_PER_YEAR}
_SPELLINGS: Final = {
    "days": "d",
    "day": "d",
    "weeks": "wk",
    "week": "wk",
    "months": "mo",
    "month": "mo",
    "years": "a",
    "year": "a",
    "y": "a",
    "mcg/l": "ug/L",
}
SHOWN: Final = {"a": "years", "d": "days"}
"""UCUM → the word that documents use for it."""


def folded_unit(text: str) -> str:
    """Return a unit's spelling with case, spaces and the two micro signs made one."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(plain.split()).replace("μ", "u").replace("\N{MICRO SIGN}", "u")


@cache
def factor_to_own_unit(name: str, unit: str) -> float | None:
    """Return what to multiply a value of a variable in `unit` by; None when it is not known.

    Raises InvalidMapping for a name that is no variable.
    """
    return factor_of(variable(name), unit)


def factor_of(about: Variable, unit: str) -> float | None:
    """Return the factor from a unit as people write it to a variable's own, or None."""
    return factor_between(unit, about.unit, about.code or _MARKERS.get(about.name, ""))


@cache
def factor_between(unit: str, goal: str, about: str = "") -> float | None:
    """Return the factor from a unit as people write it to a UCUM unit, or None.

    `about`: marker or laboratory test, whose molar mass joins moles and grams.
    """
    written = (
        _SPELLINGS.get(folded_unit(unit)) or ucum_of(unit.strip()) or ucum_of(folded_unit(unit))
    )
    if written is None:
        return None
    if written in _TIMES and goal in _TIMES:
        return _TIMES[written] / _TIMES[goal]
    try:
        return factor(written, goal, about)
    except TesseraError:
        return None


_MARKERS: Final = {"psa_ng_ml": "psa"}
