"""In which unit a column of numbers is: written in its name, or plausible alone. Pure."""

from dataclasses import dataclass
from functools import cache
from pkgutil import get_data
from typing import Final

from tessera.domain.clinical.column_names import in_brackets, unit_words, words_of_name
from tessera.domain.clinical.profile import ColumnProfile
from tessera.domain.clinical.units import factor_to_own_unit
from tessera.domain.clinical.variables import Variable
from tessera.domain.errors import TesseraError
from tessera.domain.terms.units import ucum_of

_TRIED: Final = (
    "ng/mL ug/L ng/dL ug/dL pg/mL mg/L mg/dL g/L g/dL mmol/L umol/L nmol/L pmol/L U/L kU/L U/mL"
    " [arb'U]/mL [IU]/L [IU]/mL mm cm m kg g [lb_av] [in_i] d wk mo a Gy cGy % 1 kg/m2 10*9/L"
    " 10*12/L 10*6/L mL mm3 cm3 mm2 cm2 fmol/mg"
).split()


def factor_to(variable: Variable, unit: str) -> float | None:
    """Return what a number in `unit` is multiplied by to be in the variable's unit; None: never."""
    try:
        return factor_to_own_unit(variable.name, unit) if variable.unit else None
    except TesseraError:  # what is measured has no molar mass, and would need one
        return None


@cache
def known_units(variable: Variable) -> tuple[str, ...]:
    """Return units that convert to the variable's own, which comes first."""
    found = [unit for unit in _TRIED if factor_to(variable, unit) is not None]
    return tuple(dict.fromkeys([variable.unit, *found])) if variable.unit else ()


def written_unit(column: ColumnProfile) -> str:
    """Return the unit that stands in the column's name, as written, or ""."""
    for name in (column.note.label, column.name):
        _, inside = in_brackets(name)
        if inside and ucum_of(inside):
            return inside
        words = words_of_name(name)
        if length := unit_words(words):
            return "/".join(words[-length:])
        if name.rstrip().endswith("%"):
            return "%"
    return ""


def plausible_units(column: ColumnProfile, variable: Variable) -> list[str]:
    """Return the units in which the column's numbers lie where the variable's usually do."""
    known, numbers = ranges().get(variable.name), column.numbers
    if known is None or numbers is None:
        return []
    found = []
    is_marker = variable.family == "marker" or variable.name == "psa_ng_ml"
    for unit in known_units(variable):
        times = factor_to(variable, unit)
        if times is None or (is_marker and "mol" in unit):  # nobody reports a marker in moles
            continue
        inside = known.median_low <= numbers.median * times <= known.median_high
        if inside and known.low <= numbers.low * times and numbers.high * times <= known.high:
            found.append(unit)
    return found


@dataclass(frozen=True, slots=True)
class Range:
    """Where the numbers of a variable usually lie, in its unit."""

    unit: str
    median_low: float
    median_high: float
    low: float
    high: float


@cache
def ranges() -> dict[str, Range]:
    """Return variable → where its numbers usually lie."""
    text = (get_data("tessera.domain.clinical", "data/typical_ranges.txt") or b"").decode()
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, unit, median, single = (part.strip() for part in line.split("|"))
            pair, edges = (tuple(map(float, part.split())) for part in (median, single))
            found[name] = Range(unit, pair[0], pair[1], edges[0], edges[1])
    return found
