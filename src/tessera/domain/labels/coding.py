"""Codes of segments, by code, by word, or written out. Pure.

Source: PS3.16 CID 7150 (category), 7151 and those it includes (type), 244 (laterality), as in
the code dictionary of pydicom (MIT).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple, cast

from tessera.domain.labels.errors import InvalidLabels


class Concept(NamedTuple):
    """A code, the scheme that it is of, and what it means."""

    value: str
    scheme: str
    meaning: str


TISSUE: Final = Concept("85756007", "SCT", "Tissue")
_ANATOMY: Final = Concept("91723000", "SCT", "Anatomical Structure")
_ABNORMAL: Final = Concept("49755003", "SCT", "Morphologically Abnormal Structure")
_SPATIAL: Final = Concept("309825002", "SCT", "Spatial and Relational Concept")
_OBJECT: Final = Concept("260787004", "SCT", "Physical object")
_SUBSTANCE: Final = Concept("91720002", "SCT", "Body Substance")
CATEGORY_OF: Final = {
    7192: _ANATOMY, 7152: _ANATOMY, 7153: _ANATOMY, 7154: _ANATOMY, 7155: _ANATOMY,
    7156: _ANATOMY, 7160: _ANATOMY, 7167: _ANATOMY, 7170: _ANATOMY, 7194: _ABNORMAL,
    7159: _ABNORMAL, 7168: _ABNORMAL, 7169: _ABNORMAL, 7191: TISSUE, 7166: TISSUE,
    7193: _OBJECT, 7157: _OBJECT, 7196: _SPATIAL, 7165: _SPATIAL, 7197: _SUBSTANCE,
}  # fmt: skip
"""Context group of types → the category that goes with it, the surest first."""
LATERALITY: Final = {
    "left": Concept("7771000", "SCT", "Left"),
    "right": Concept("24028007", "SCT", "Right"),
    "both": Concept("51440002", "SCT", "Right and left"),
    "unilateral": Concept("66459002", "SCT", "Unilateral"),
}
_LENGTHS: Final = {"code": 16, "scheme": 16, "meaning": 64}


def concept_of(said: object, where: str) -> Concept:
    """Return the concept that a setting names.

    `said` is a SNOMED CT code or a word of PS3.16 ("10200004", "Liver"), "SCHEME:code:meaning",
    or a table with code, scheme and meaning. Raises InvalidLabels naming `where`.
    """
    if isinstance(said, Mapping):
        if said.keys() != _LENGTHS.keys():
            raise InvalidLabels(f"{where}: expected code, scheme and meaning")
        parts = [str(said[key]).strip() for key in _LENGTHS]
        return _written(parts, where)
    text = str(said).strip()
    if text.count(":") >= 2:
        scheme, code, meaning = text.split(":", 2)
        return _written([code.strip(), scheme.strip(), meaning.strip()], where)
    found = _by_code().get(text) or named(text)
    if found is None:
        raise InvalidLabels(
            f"{where}: {text!r} is no SNOMED CT code or word of DICOM PS3.16; write "
            "{ code = …, scheme = …, meaning = … }"
        )
    return found


def laterality_of(said: object, where: str) -> Concept:
    """Return the code of left, right, both or unilateral. Raises InvalidLabels."""
    found = LATERALITY.get(str(said).lower())
    if found is None:
        raise InvalidLabels(f"{where}: expected one of {', '.join(LATERALITY)}")
    return found


def named(word: str) -> Concept | None:
    """Return the type of segment with this name, whatever its case and spaces; else None."""
    return _by_word().get(_plain(word))


def category_of(kind: Concept) -> Concept:
    """Return the category that goes with a type of segment: Tissue where nothing tells."""
    groups = _groups().get(kind.value, frozenset()) if kind.scheme == "SCT" else frozenset()
    return next((one for group, one in CATEGORY_OF.items() if group in groups), TISSUE)


def _written(parts: list[str], where: str) -> Concept:
    for (key, most), part in zip(_LENGTHS.items(), parts, strict=True):
        if not part or len(part) > most or not part.isprintable() or "\\" in part:
            raise InvalidLabels(f"{where}: {key}: 1 to {most} printable characters")
    return Concept(*parts)


def _plain(word: str) -> str:
    return "".join(c for c in word.casefold() if c.isalnum())


@lru_cache(1)
def _concepts() -> Mapping[str, Mapping[str, tuple[str, list[int]]]]:
    from pydicom.sr._concepts_dict import concepts

    return cast("Mapping[str, Mapping[str, tuple[str, list[int]]]]", concepts["SCT"])


@lru_cache(1)
def _by_code() -> Mapping[str, Concept]:
    """Codes with their meaning; of several the one that most context groups use."""
    found: dict[str, tuple[int, str]] = {}
    for codes in _concepts().values():
        for code, (meaning, groups) in codes.items():
            if code not in found or len(groups) > found[code][0]:
                found[code] = len(groups), meaning[:64]
    return {code: Concept(code, "SCT", meaning) for code, (_, meaning) in found.items()}


@lru_cache(1)
def _groups() -> Mapping[str, frozenset[int]]:
    found: dict[str, frozenset[int]] = {}
    for codes in _concepts().values():
        for code, (_, groups) in codes.items():
            found[code] = found.get(code, frozenset()) | frozenset(groups)
    return found


@lru_cache(1)
def _by_word() -> Mapping[str, Concept]:
    """Types of segments by keyword and by meaning; a word for two codes is none."""
    found: dict[str, Concept] = {}
    unsure: set[str] = set()
    for keyword, codes in _concepts().items():
        for code, (meaning, groups) in codes.items():
            if not set(groups) & ({7151, 7150, *range(7152, 7161), *CATEGORY_OF}):
                continue
            one = _by_code()[code]
            for word in {_plain(keyword), _plain(meaning)}:
                if found.setdefault(word, one).value != code:
                    unsure.add(word)
    return {word: one for word, one in found.items() if word not in unsure}
