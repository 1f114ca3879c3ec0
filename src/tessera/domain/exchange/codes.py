"""Names of our terminology as codes of another system, and back. Pure.

A code is written only where it leads back to the same name within its group; what has none is
written as `TESSERA:<name>`, so that nothing is lost and nothing is invented.
"""

from functools import cache
from typing import Final

from tessera.domain.terms.concept import Concept
from tessera.domain.terms.errors import UnknownGroup
from tessera.domain.terms.terminology import group, named

LOCAL: Final = "TESSERA:"
"""Starts what another system has no code for."""


@cache
def concepts(name: str) -> dict[str, Concept]:
    """Return the concepts of a group by name; none when there is no such group."""
    try:
        return {one.name: one for one in group(name)}
    except UnknownGroup:
        return {}


def concept_of(group_name: str, name: str) -> Concept | None:
    """Return one concept, or None."""
    return concepts(group_name).get(name)


@cache
def _codes(group_name: str, system: str) -> tuple[dict[str, str], dict[str, str]]:
    out: dict[str, str] = {}
    back: dict[str, str] = {}
    for name, one in concepts(group_name).items():
        code = one.codes.get(system)
        if code and back.setdefault(code, name) == name:
            out[name] = code
    for name, one in concepts(group_name).items():
        for pair in one.same_as:
            known, _, code = pair.partition(":")
            if known == system:
                back.setdefault(code, name)
    return out, back


def code_of(group_name: str, name: str, system: str) -> str:
    """Return the code of a concept in `system`, else `TESSERA:<name>`."""
    return _codes(group_name, system)[0].get(name) or LOCAL + name


def own_code(group_name: str, name: str, system: str) -> str | None:
    """Return the code of a concept in `system`, or None, also where two concepts share it."""
    found = concept_of(group_name, name)
    return found.codes.get(system) if found else None


def twin_code(group_name: str, name: str, system: str) -> str | None:
    """Return the code in `system` of the concept's duplicate there, or None."""
    found = concept_of(group_name, name)
    pairs = (one.partition(":") for one in (found.same_as if found else ()))
    codes = (code for known, _, code in pairs if known == system)
    return next((code for code in codes if _codes(group_name, system)[1].get(code) == name), None)


def name_of(group_name: str, text: str, system: str) -> str | None:
    """Return the name that a code of `system`, `TESSERA:<name>` or a word means; None when none."""
    if not text:
        return None
    if text.startswith(LOCAL):
        bare = text.removeprefix(LOCAL)
        return bare if bare in concepts(group_name) else None
    known = _codes(group_name, system)[1].get(text)
    if known:
        return known
    try:
        found = named(group_name, text)
    except UnknownGroup:
        return None
    return found.name if found else None


def label_of(group_name: str, name: str) -> str:
    """Return the English label of a concept, or the name itself."""
    found = concept_of(group_name, name)
    return found.label_en if found else name


@cache
def _units() -> tuple[dict[str, str], dict[str, str]]:
    """Return UCUM → name of the concept, and name → UCUM."""
    pairs = [(one.codes.get("UCUM", name), name) for name, one in concepts("unit").items()]
    return dict(reversed(pairs)), {name: ucum for ucum, name in pairs}


def unit_code(ucum: str, system: str) -> str:
    """Return the code of a unit in `system`, else `TESSERA:<UCUM>`."""
    name = _units()[0].get(ucum)
    code = _codes("unit", system)[0].get(name) if name else None
    return code or LOCAL + ucum


def unit_of(text: str, system: str) -> str | None:
    """Return the UCUM unit that a code of `system` or a word means; None when none."""
    if text.startswith(LOCAL):
        return text.removeprefix(LOCAL) or None
    name = name_of("unit", text, system)
    return _units()[1].get(name) if name else None
