"""Concepts of the common data model: cancers with their codes, and closed value sets. Pure.

All come from the terminology (`domain.terms`); this module gives them the form that records need.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

from tessera.domain.terms.concept import Concept
from tessera.domain.terms.load import read_group
from tessera.domain.terms.terminology import folded, group, version, words_of


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


def vocabulary_version() -> str:
    """Return the version of the terminology."""
    return version()


@cache
def cancers() -> dict[str, CancerConcept]:
    """Return every cancer that a record may say, by name, in the terminology's order.

    Groupings such as `colorectum` are no value of a record; they are a cancer's `parent`.
    """
    return {one.name: _cancer(one) for one in group("cancer") if "abstract" not in one.facts}


def cancer_of_topography(topography: str) -> str | None:
    """Return the cancer that an ICD-O-3 topography such as C61.9 means, or None."""
    return _by_topography().get(topography[:3].upper())


def cancer_of_codes(topography: str, morphology: str = "") -> str | None:
    """Return the cancer that ICD-O-3 topography and morphology (9650/3) mean together, or None.

    The morphology decides for lymphoma, leukaemia, myeloma, melanoma of the skin, sarcoma and
    the like, wherever they lie; a melanoma whose topography is of another organ than skin is
    `other`. Source: ICD-O-3.2.
    """
    number = morphology[:4]
    place = topography[:3].upper()
    if number.isdigit():
        for low, high, name in _by_morphology():
            if low <= int(number) <= high:
                if name == "skin_melanoma" and place not in {"", "C44", "C80"}:
                    return "other"
                return name
        if place == "C44":
            return "skin_other"
    return cancer_of_topography(topography)


def cancer_named(text: str) -> str | None:
    """Return the cancer with this name, label, synonym or code; None when there is none."""
    return _by_word().get(folded(text))


def _cancer(one: Concept) -> CancerConcept:
    return CancerConcept(
        name=one.name,
        label_en=one.label_en,
        label_sv=one.label_sv,
        snomed=one.codes.get("SCT", ""),
        eucaim=one.codes.get("EUCAIM", ""),
        topography=one.covers.get("ICDO3T", ()),
        parent=one.parents[0] if one.parents else "",
    )


@cache
def _by_topography() -> dict[str, str]:
    return {code: name for name, concept in cancers().items() for code in concept.topography}


@cache
def _by_morphology() -> tuple[tuple[int, int, str], ...]:
    found = []
    for one in read_group("cancer").values():
        for span in one.covers.get("ICDO3M", ()):
            low, _, high = span.partition("-")
            found.append((int(low), int(high or low), one.name))
    return tuple(sorted(found, key=lambda span: span[1] - span[0]))


@cache
def _by_word() -> dict[str, str]:
    words: dict[str, str] = {}
    for name in cancers():
        one = read_group("cancer")[name]
        codes = (*one.codes.items(), *(code.split(":", 1) for code in one.same_as))
        said = [*words_of(one), *(code for system, code in codes if system != "ICD10")]
        for word in said:
            words.setdefault(folded(word), name)
    return words
