"""Read UCUM units and convert between them. Pure.

Source: The Unified Code for Units of Measure, version 2.2: grammar of section 2, prefixes of
table 1, units of the tables that clinical and imaging values use. A year is 365.25 days
and a month a twelfth of it, as UCUM defines `a` and `mo`.
"""

from dataclasses import dataclass
from functools import cache
from math import pi
from typing import Final

from tessera.domain.errors import InvalidInput
from tessera.domain.terms.errors import UnknownConcept
from tessera.domain.terms.load import read_group
from tessera.domain.terms.terminology import named


class UnknownUnit(InvalidInput):
    """A text is no UCUM unit that is known here."""

    code = "unknown-ucum-unit"
    public = "The unit is not known."


class NotConvertible(InvalidInput):
    """Two units measure different things, and nothing fixes how they go together."""

    code = "unit-not-convertible"
    public = "The units cannot be converted into each other."


Powers = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """How many of the base units it is, and their powers, for example (("g", 1), ("m", -3))."""

    factor: float
    powers: Powers


_PREFIXES: Final = {
    "Y": 1e24, "Z": 1e21, "E": 1e18, "P": 1e15, "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3,
    "h": 1e2, "da": 1e1, "d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12,
    "f": 1e-15, "a": 1e-18,
}  # fmt: skip
_DAY: Final = 86400.0
_METRIC: Final[dict[str, tuple[float, dict[str, int]]]] = {
    "m": (1, {"m": 1}),
    "g": (1, {"g": 1}),
    "s": (1, {"s": 1}),
    "A": (1, {"A": 1}),
    "K": (1, {"K": 1}),
    "mol": (1, {"mol": 1}),
    "L": (1e-3, {"m": 3}),
    "l": (1e-3, {"m": 3}),
    "U": (1 / 60 * 1e-6, {"mol": 1, "s": -1}),
    "kat": (1, {"mol": 1, "s": -1}),
    "[IU]": (1, {"[IU]": 1}),
    "[iU]": (1, {"[IU]": 1}),
    "Pa": (1e3, {"g": 1, "m": -1, "s": -2}),
    "bar": (1e8, {"g": 1, "m": -1, "s": -2}),
    "m[Hg]": (133322e3, {"g": 1, "m": -1, "s": -2}),
    "N": (1e3, {"g": 1, "m": 1, "s": -2}),
    "J": (1e3, {"g": 1, "m": 2, "s": -2}),
    "V": (1e3, {"g": 1, "m": 2, "s": -3, "A": -1}),
    "eV": (1.60217733e-16, {"g": 1, "m": 2, "s": -2}),
    "T": (1e3, {"g": 1, "s": -2, "A": -1}),
    "Hz": (1, {"s": -1}),
    "Bq": (1, {"Bq": 1}),
    "Ci": (3.7e10, {"Bq": 1}),
    "Gy": (1, {"Gy": 1}),
    "Sv": (1, {"Sv": 1}),
    "osm": (1, {"mol": 1}),
    "eq": (1, {"mol": 1}),
}
"""Symbol → (factor, powers of the base units) of units that take prefixes. Litre: 1 dm3."""
_PLAIN: Final[dict[str, tuple[float, dict[str, int]]]] = {
    "min": (60, {"s": 1}),
    "h": (3600, {"s": 1}),
    "d": (_DAY, {"s": 1}),
    "wk": (7 * _DAY, {"s": 1}),
    "mo": (365.25 / 12 * _DAY, {"s": 1}),
    "a": (365.25 * _DAY, {"s": 1}),
    "deg": (pi / 180, {}),
    "rad": (1, {}),
    "%": (0.01, {}),
    "[ppm]": (1e-6, {}),
    "10*": (10, {}),
    "10^": (10, {}),
    "[in_i]": (0.0254, {"m": 1}),
    "[lb_av]": (453.59237, {"g": 1}),
    "[arb'U]": (1, {"[arb'U]": 1}),
    "[hnsf'U]": (1, {"[hnsf'U]": 1}),
    "[pH]": (1, {"[pH]": 1}),
    "Cel": (1, {"Cel": 1}),
    "B": (1, {"B": 1}),
}


def factor(from_ucum: str, to_ucum: str, marker: str = "") -> float:
    """Return what a value in `from_ucum` is multiplied by to be in `to_ucum`.

    `marker` names what is measured (groups lab_test and marker), so that moles and grams of it
    convert through its molar mass.

    Raises:
        UnknownUnit: one of them is no unit.
        NotConvertible: they measure different things.
    """
    source, goal = parse(from_ucum), parse(to_ucum)
    ratio = source.factor / goal.factor
    if source.powers == goal.powers:
        return round_trip(ratio)
    mass = molar_mass(marker) if marker else 0.0
    if mass:
        if _times(source.powers, "mol", "g") == goal.powers:
            return round_trip(ratio * mass)
        if _times(goal.powers, "mol", "g") == source.powers:
            return round_trip(ratio / mass)
    raise NotConvertible(f"no factor from {from_ucum} to {to_ucum}")


def molar_mass(marker: str) -> float:
    """Return grams per mole of a laboratory test or marker; 0 when the terminology says none.

    Raises:
        UnknownConcept: it is neither.
    """
    for group in ("lab_test", "marker"):
        entry = read_group(group).get(marker)
        if entry is not None:
            return float(entry.facts.get("molar", 0))
    raise UnknownConcept(f"neither lab_test nor marker has {marker!r}")


def ucum_of(text: str) -> str | None:
    """Return the UCUM code that a unit as people write it means; None when it is not known."""
    known = named("unit", text)
    if known is not None:
        return known.name
    try:
        parse(text.strip())
    except UnknownUnit:
        return None
    return text.strip()


def round_trip(number: float) -> float:
    """Return the number without the noise of binary fractions in its last places."""
    return float(f"{number:.12g}")


@cache
def parse(text: str) -> Unit:
    """Return the unit that a UCUM code means.

    Raises:
        UnknownUnit: it is no UCUM code, or of a unit that is not known here.
    """
    total, powers, divide, rest = 1.0, dict[str, int](), False, text
    if not rest:
        raise UnknownUnit("an empty text is no unit")
    if rest.startswith("/"):
        divide, rest = True, rest[1:]
    while True:
        symbol, mark, rest = _first(rest)
        value, own = _component(symbol, text)
        sign = -1 if divide else 1
        total *= value**sign
        for base, power in own.items():
            powers[base] = powers.get(base, 0) + sign * power
        if not mark:
            break
        divide = mark == "/"
    return Unit(total, tuple(sorted((base, power) for base, power in powers.items() if power)))


def _first(text: str) -> tuple[str, str, str]:
    """Split at the first . or / that is in no bracket: (component, the mark, the rest)."""
    depth = 0
    for place, sign in enumerate(text):
        if sign in "[{":
            depth += 1
        elif sign in "]}":
            depth -= 1
        elif sign in "./" and not depth:
            return text[:place], sign, text[place + 1 :]
    return text, "", ""


def _component(symbol: str, whole: str) -> tuple[float, dict[str, int]]:
    bare, brace, remark = symbol.partition("{")
    if (brace and not (remark.endswith("}") and remark.isascii())) or not symbol:
        raise UnknownUnit(f"{whole!r} is no unit")
    if not bare:
        return 1.0, {}
    if bare.isdigit():
        return float(bare), {}
    name, power = _exponent(bare)
    value, own = _atom(name, whole)
    return value**power, {base: times * power for base, times in own.items()}


def _exponent(text: str) -> tuple[str, int]:
    digits = len(text) - len(text.rstrip("0123456789"))
    if not digits:
        return text, 1
    name, power = text[:-digits], int(text[-digits:])
    if name[-1:] in {"-", "+"}:
        return name[:-1], -power if name[-1] == "-" else power
    return name, power


def _atom(name: str, whole: str) -> tuple[float, dict[str, int]]:
    known = _PLAIN.get(name) or _METRIC.get(name)
    if known is not None:
        return known
    for length in (1, 2):
        times, rest = _PREFIXES.get(name[:length]), _METRIC.get(name[length:])
        if times is not None and rest is not None:
            return times * rest[0], rest[1]
    raise UnknownUnit(f"{whole!r} is no unit that is known")


def _times(powers: Powers, old: str, new: str) -> Powers:
    """Return the powers with one base put for another."""
    exchanged = dict(powers)
    moved = exchanged.pop(old, 0)
    exchanged[new] = exchanged.get(new, 0) + moved
    return tuple(sorted((base, power) for base, power in exchanged.items() if power))
