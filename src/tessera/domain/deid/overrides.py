"""A site's own decisions about single attributes. Pure; contradictions are refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tessera.domain.deid.actions import (
    BINARY_NUMBERS,
    BULK,
    CLEAN,
    CLEANABLE,
    DATES,
    DESCEND,
    DUMMY,
    EMPTY,
    REMOVE,
    SHIFT,
    UID,
    kept,
)
from tessera.domain.deid.private_rules import VRS, PrivateKey, private_key
from tessera.domain.errors import InvalidSettings
from tessera.domain.imaging.encoding import DICTIONARY_VR, PIXEL_TAGS, text_of

WORDS: Final = ("keep", "remove", "empty", "dummy", "clean", "shift", "uid")
_OURS: Final = frozenset(
    int(tag, 16)
    for tag in (
        "00080005 00080016 00080018 0020000D 0020000E 00100010 00100020 00120062 00120063 00120064"
        " 00280301 00280302 00280303"
    ).split()
)
"""Written by the engine itself: identity, provenance, what names the class and the characters."""
_NEVER_KEPT: Final = frozenset(
    int(tag, 16)
    for tag in (
        "00100021 00100030 00100032 00100034 00101000 00101002 00101040 00102154 00102155 00101050"
        " 00380010 00080050 00880200"
    ).split()
)
"""Direct identifiers, and the small picture: keeping these is no de-identification."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """Decisions by tag and by private element."""

    standard: Mapping[int, str]
    private: Mapping[PrivateKey, tuple[str, str]]

    def words(self) -> frozenset[str]:
        return frozenset(self.standard.values()) | {word for word, _ in self.private.values()}


def read_overrides(raw: object) -> Overrides:
    """Read the table `overrides` of a profile. Raises InvalidSettings naming the attribute."""
    if not isinstance(raw, dict):
        raise InvalidSettings('overrides: a table, such as [overrides] "(0008,103E)" = "keep"')
    standard: dict[int, str] = {}
    private: dict[PrivateKey, tuple[str, str]] = {}
    for key, given in raw.items():
        words = str(given).split()
        word, vr = [*words, "", ""][:2]
        if word not in WORDS or len(words) > 2:
            raise InvalidSettings(f"overrides: {key} = {given!r}; use one of {', '.join(WORDS)}")
        own = private_key(key)
        if own is not None:
            if vr and vr.encode() not in VRS:
                raise InvalidSettings(f"overrides: {key}: {vr!r} is no VR")
            private[own] = (word, vr)
            continue
        tag = standard_tag(key)
        if tag is None:
            raise InvalidSettings(
                f"overrides: {key!r} is no attribute of the standard such as (0008,103E) or"
                ' SeriesDescription, and no private one such as (0019,"MAKER",0A)'
            )
        if vr:
            raise InvalidSettings(f"overrides: {key}: the standard says its VR; write only a word")
        if tag in standard:
            raise InvalidSettings(f"overrides: {key} is there twice, by number and by keyword")
        _require_sense(tag, word, key)
        standard[tag] = word
    return Overrides(standard, private)


def standard_tag(text: str) -> int | None:
    """Return the tag of (0008,103E), 0008103E or SeriesDescription; None when there is none."""
    digits = text.strip("() ").replace(",", "").replace(" ", "")
    if len(digits) == 8:
        try:
            tag = int(digits, 16)
        except ValueError:
            pass
        else:
            return tag if tag in DICTIONARY_VR else None
    from pydicom.datadict import tag_for_keyword  # large: only for a site's own words

    tag_or_none = tag_for_keyword(text.strip())
    return tag_or_none if tag_or_none in DICTIONARY_VR else None


def override_action(tag: int, word: str) -> int:
    """Return the action of a word for an attribute; `read_overrides` has seen that it fits."""
    vr = DICTIONARY_VR[tag]
    if word == "keep" or (word == "clean" and vr == b"SQ"):
        return DESCEND if vr == b"SQ" else kept(vr)
    return {
        "remove": REMOVE,
        "empty": EMPTY,
        "dummy": DUMMY,
        "clean": CLEAN,
        "shift": SHIFT,
        "uid": UID,
    }[word]


def _require_sense(tag: int, word: str, key: str) -> None:
    vr = DICTIONARY_VR[tag]
    if tag in _OURS or tag in PIXEL_TAGS or tag >> 16 < 8:
        raise InvalidSettings(f"overrides: {key} is written by Tessera itself, or must stay")
    if word == "keep" and (tag in _NEVER_KEPT or vr == b"PN"):
        raise InvalidSettings(
            f"overrides: {key} = 'keep' would leave who it is; use empty, dummy or remove"
        )
    if word == "shift" and vr not in DATES:
        raise InvalidSettings(f"overrides: {key} is no date; 'shift' is for DA and DT")
    if word == "uid" and vr != b"UI":
        raise InvalidSettings(f"overrides: {key} is no UID; 'uid' is for UI")
    if word == "clean" and vr not in CLEANABLE and vr != b"SQ":
        raise InvalidSettings(f"overrides: {key} is no text of words; 'clean' is for LO to UC")
    if word == "dummy" and vr in (b"SQ", b"UI"):
        raise InvalidSettings(
            f"overrides: {key}: no dummy of a {vr.decode()}; use keep, empty or remove"
        )
    if word == "keep" and vr in BULK - BINARY_NUMBERS and tag in (0x00420011,):
        raise InvalidSettings(f"overrides: {key}: a document stays only when it was cleaned")


def described(tag: int, word: str) -> str:
    """Return an override as it stands in a profile."""
    return f'"{text_of(tag)}" = "{word}"'
