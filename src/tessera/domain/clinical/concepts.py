"""Concepts of the common data model: cancers with their codes, and closed value sets. Pure.

The codes are data with a version (`data/concepts.toml`), not code.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pkgutil import get_data
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class CancerConcept:
    """One cancer. Empty text where the code system has no concept that is known here."""

    name: str
    label_en: str
    label_sv: str
    snomed: str
    eucaim: str
    topography: tuple[str, ...]
    """ICD-O-3 topography categories, for example C61."""
    parent: str = ""


VALUE_SETS: Final[dict[str, tuple[str, ...]]] = {
    "sex": ("female", "male", "other", "unknown"),
    "population": ("cancer", "control", "benign", "screening"),
    "stage": ("0", "I", "II", "III", "IV"),
    "er": ("positive", "negative"),
    "pr": ("positive", "negative"),
    "her2": ("positive", "negative"),
    "first_treatment": (
        "surgery",
        "radiotherapy",
        "chemotherapy",
        "hormone",
        "immunotherapy",
        "targeted",
        "surveillance",
    ),
}
"""Column of the common data model → the values it may hold."""


@cache
def vocabulary_version() -> str:
    """Return the version of the concept data file."""
    return str(_document()["version"])


@cache
def cancers() -> dict[str, CancerConcept]:
    """Return every cancer by name, in the data file's order."""
    return {
        name: CancerConcept(
            name=name,
            label_en=entry["en"],
            label_sv=entry["sv"],
            snomed=entry.get("snomed", ""),
            eucaim=entry.get("eucaim", ""),
            topography=tuple(entry.get("topography", ())),
            parent=entry.get("parent", ""),
        )
        for name, entry in _document()["cancers"].items()
    }


def cancer_of_topography(topography: str) -> str | None:
    """Return the cancer that an ICD-O-3 topography such as C61.9 means, or None."""
    return _by_topography().get(topography[:3].upper())


def cancer_named(text: str) -> str | None:
    """Return the cancer with this name, label or code; None when there is none."""
    return _by_word().get(text.strip().casefold())


@cache
def _by_topography() -> dict[str, str]:
    return {code: name for name, concept in cancers().items() for code in concept.topography}


@cache
def _by_word() -> dict[str, str]:
    words: dict[str, str] = {}
    for name, concept in cancers().items():
        for word in (name, concept.label_en, concept.label_sv, concept.snomed, concept.eucaim):
            if word:
                words[word.casefold()] = name
    return words


@cache
def _document() -> dict[str, dict[str, dict[str, str]]]:
    text = (get_data("tessera.domain.clinical", "data/concepts.toml") or b"").decode()
    return tomllib.loads(text)
