"""What the variables are called in English and Swedish, and their families. Pure."""

from functools import cache
from typing import Final

from tessera.domain.clinical.column_names import phrases
from tessera.domain.clinical.suggest_score import GROUPS
from tessera.domain.clinical.variables import variable, variables
from tessera.domain.terms import terminology as terms

_FIRST: Final = "main"


def variable_label(name: str, language: str) -> str:
    """Return the variable's label in Swedish for `sv`, else in English."""
    family, _, concept = name.partition(".")
    if concept:
        return terms.concept(GROUPS[family], concept).label(language)
    if language == "sv" and (said := _said("sv").get(name)):
        return said[:1].upper() + said[1:]
    return _said("en").get(name, name.replace("_", " ")).capitalize()


def families() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return (family, names): first the plain variables, then those of each group of concepts."""
    found: dict[str, list[str]] = {_FIRST: []}
    for one in variables():
        family, _, concept = one.name.partition(".")
        found.setdefault(family if concept else _FIRST, []).append(variable(one.name).name)
    return tuple((family, tuple(names)) for family, names in found.items())


@cache
def _said(language: str) -> dict[str, str]:
    """Return variable → its first name in a language."""
    found: dict[str, str] = {}
    for phrase in phrases():
        if phrase.language == language and not phrase.is_weak:
            found.setdefault(phrase.target, phrase.text)
    return found
