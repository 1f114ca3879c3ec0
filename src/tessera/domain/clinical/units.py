"""Units of clinical values: what converts to the unit of the common data model. Pure.

Factors are exact by definition (SI prefixes) or calendar means. Source: UCUM, table of
units; days per month and year are the Gregorian means, 30.436875 and 365.2425.
"""

import unicodedata
from typing import Final

_DAYS_PER_YEAR = 365.2425
CONVERSIONS: Final[dict[str, dict[str, float]]] = {
    "psa_ng_ml": {
        "ng/ml": 1.0,
        "ug/l": 1.0,
        "mcg/l": 1.0,
        "ng/dl": 0.01,
        "pg/ml": 0.001,
        "ng/l": 0.001,
        "ug/ml": 1000.0,
        "mg/l": 1000.0,
        "ug/dl": 10.0,
    },
    "age_at_diagnosis": {
        "years": 1.0,
        "year": 1.0,
        "y": 1.0,
        "a": 1.0,
        "months": 1 / 12,
        "month": 1 / 12,
        "mo": 1 / 12,
        "days": 1 / _DAYS_PER_YEAR,
        "d": 1 / _DAYS_PER_YEAR,
    },
    "survival_days": {
        "days": 1.0,
        "day": 1.0,
        "d": 1.0,
        "weeks": 7.0,
        "wk": 7.0,
        "months": _DAYS_PER_YEAR / 12,
        "mo": _DAYS_PER_YEAR / 12,
        "years": _DAYS_PER_YEAR,
        "a": _DAYS_PER_YEAR,
    },
}
CONVERSIONS["treatment_offset_days"] = CONVERSIONS["survival_days"]
"""Column → spelling of a unit, folded → factor to the column's own unit."""

OWN_UNIT: Final[dict[str, str]] = {
    "psa_ng_ml": "ng/mL",
    "age_at_diagnosis": "years",
    "survival_days": "days",
    "treatment_offset_days": "days",
}


def folded_unit(text: str) -> str:
    """Return a unit's spelling with case, spaces and the two micro signs made one."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(plain.split()).replace("μ", "u").replace("\N{MICRO SIGN}", "u")


def factor_to_own_unit(column: str, unit: str) -> float | None:
    """Return what to multiply a value in `unit` by, or None when the unit is not known."""
    return CONVERSIONS.get(column, {}).get(folded_unit(unit))
