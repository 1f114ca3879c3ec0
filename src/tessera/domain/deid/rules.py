"""From the tables of PS3.15 and a profile to one action per attribute. Pure; text in, rules out.

Where Table E.1-1 leaves a choice (X/Z, X/D, X/Z/D, Z/D) the later one is taken for plain
attributes: an empty value or a dummy is valid whatever the attribute's Type is. What the
table does not list is decided by VR and two allow-lists, never let through unseen.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from tessera.domain.deid.profile import OPTIONS, Profile
from tessera.domain.errors import InvalidSettings
from tessera.domain.imaging.encoding import DICTIONARY_VR, PIXEL_TAGS, text_of

KEEP: Final = 0
"""Kept when the VR in the file is bulk or binary numbers, else emptied."""
REMOVE: Final = 1
EMPTY: Final = 2
DUMMY: Final = 3
UID: Final = 4
SHIFT: Final = 5
KEEP_TEXT: Final = 6
"""Kept when the VR in the file is a text and the value has only bytes of text, else emptied."""
DESCEND: Final = 7
AGE: Final = 8
KEEP_CODE: Final = 9
"""Each value kept when it is a code string, else a dummy."""
KEEP_NUMBER: Final = 10
"""Kept when it has the form of its VR (number, time, date, UID), else emptied."""
KEEP_BINARY: Final = 11
"""Kept when the VR in the file is a binary number, of as many values as it has, else emptied."""
CODED: Final = 12
"""Code value or meaning: kept when the item's coding scheme is a published one."""
SCHEME: Final = 13
CHARSET: Final = 14
"""Kept when it is a defined term, else emptied."""

ACTION_WORDS: Final = {
    KEEP: "kept",
    REMOVE: "removed",
    EMPTY: "emptied",
    DUMMY: "replaced by a dummy",
    UID: "replaced by a keyed UID",
    KEEP_TEXT: "kept if text",
    SHIFT: "shifted by the subject's days",
    DESCEND: "kept, the rules applied inside",
    AGE: "kept, above 89 years written as 90",
    KEEP_CODE: "kept if a code string",
    KEEP_NUMBER: "kept if a number, time, date or UID",
    KEEP_BINARY: "kept if a binary number",
    CODED: "kept if of a published coding scheme",
    SCHEME: "kept if a coding scheme designator",
    CHARSET: "kept if a character set",
}

_MEANING = "2"
"""What the actions mean; raised when one comes to do otherwise, so that no home mixes the two."""
_BINARY_NUMBERS = frozenset(b"US SS UL SL UV SV FL FD AT".split())
_BULK = frozenset(b"OB OW OF OD OL OV UN".split())
_TEXTS = tuple(b"LO SH ST LT UT UC UR PN AE".split())
_BY_VR: Final[dict[bytes, int]] = {
    **dict.fromkeys(_BINARY_NUMBERS, KEEP_BINARY),
    **dict.fromkeys(_BULK, REMOVE),
    **dict.fromkeys(_TEXTS, DUMMY),
    b"CS": KEEP_CODE,
    b"DS": KEEP_NUMBER,
    b"IS": KEEP_NUMBER,
    b"TM": KEEP_NUMBER,
    b"AS": AGE,
    b"UI": UID,
    b"SQ": DESCEND,
}
"""What happens to a standard attribute that Table E.1-1 does not list, but for dates."""

_ALWAYS: Final[dict[int, int]] = {
    0x00080005: CHARSET,
    0x00080001: REMOVE,  # retired length to end
    0x00100010: REMOVE,  # written anew: the pseudonym
    0x00100020: REMOVE,
    0x00120062: REMOVE,  # provenance is ours, never the input's
    0x00120063: REMOVE,
    0x00120064: REMOVE,
    0x00280303: REMOVE,
    0x00080100: CODED,
    0x00080102: SCHEME,
    0x00080104: CODED,
    0x00080119: CODED,
    0x00080120: CODED,
    0x00880200: REMOVE,  # icon: a small copy of pixels nobody checked
}
_SEQUENCES: Final[dict[int, int]] = {
    0x00080082: REMOVE,  # institution codes: Type 3, may not be empty
    0x00081110: REMOVE,  # referenced studies: Type 3, may not be empty
    0x00081111: DESCEND,  # referenced procedure steps: Type 2 in reports, Type 3 in images
    0x00401101: DESCEND,  # codes of a person: Type 1; codes of local schemes become dummies
    0x0040A730: REMOVE,  # report's content: Type 1C, absent when there is none
    0x0040A073: DESCEND,  # verifying observers: Type 1C; the names inside become dummies
}
"""Sequences listed X/Z, X/Z/D or D: what is valid in every class. Source: PS3.3 C.7, C.17.2."""
NESTED_SUBJECT: Final = frozenset((0x00100010, 0x00100020))
"""Inside a sequence these become the pseudonym in place."""


@dataclass(frozen=True, slots=True)
class RuleTexts:
    """The data files of this package, as text."""

    table: str
    """`e1_1.csv`: Table E.1-1."""
    safe_private: str
    """`safe_private.csv`: Table E.3.10-1."""
    unlisted_text: str
    """`unlisted_text.csv`: text attributes outside the table that may stay."""
    unlisted_binary: str
    """`unlisted_binary.csv`: bulk attributes outside the table that may stay."""
    coding_schemes: str
    """`coding_schemes.csv`: published coding schemes."""
    storage_classes: str
    """`storage_classes.csv`: which SOP classes pass and which are held."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A compiled profile."""

    profile: Profile
    actions: Mapping[int, int]
    """Tag → action for every attribute of the standard dictionary."""
    private: Mapping[tuple[str, int], Mapping[int, bytes]]
    """(creator, group) → low element byte → VR; empty when safe private is not retained."""
    schemes: frozenset[bytes]
    """Published coding schemes: their codes and meanings stay; all others are local."""
    public_uids: frozenset[str]
    """UIDs of published coding schemes and of storage classes: they name no instance and stay."""
    fingerprint: str
    """First 16 hex digits of the SHA-256 of the profile, its tables and what the actions mean."""

    @property
    def label(self) -> str:
        """Name, version and fingerprint, at most 64 characters (an LO value)."""
        return f"{self.profile.name} {self.profile.version} {self.fingerprint}"[:64]


def compile_rules(profile: Profile, texts: RuleTexts) -> RuleSet:
    """Return the action of every attribute under `profile`. Raises InvalidSettings."""
    keep_text = _allowed(texts.unlisted_text)
    keep_bulk = _allowed(texts.unlisted_binary)
    actions: dict[int, int] = {}
    for tag, vr in DICTIONARY_VR.items():
        if tag in PIXEL_TAGS:
            actions[tag] = KEEP
        elif _is_left_out(tag):
            actions[tag] = REMOVE
        elif vr in (b"DA", b"DT"):
            actions[tag] = _date_action(profile)
        elif tag in keep_text:
            actions[tag] = KEEP_TEXT
        elif tag in keep_bulk:
            actions[tag] = KEEP
        else:
            actions[tag] = _BY_VR.get(vr, REMOVE)
    for row in table_rows(texts.table):
        if "X" not in row["tag"] and row["tag"] != "PRIVATE":
            tag = int(row["tag"], 16)
            actions[tag] = _listed(row, tag, profile)
    actions.update(_ALWAYS)
    for tag, word in profile.overrides.items():
        actions[tag] = _override(tag, word)
    private = _safe_private(texts.safe_private) if profile.has("retain-safe-private") else {}
    published = table_rows(texts.coding_schemes)
    schemes = frozenset(row["designator"].encode() for row in published)
    classes = table_rows(texts.storage_classes)
    public_uids = frozenset(row["uid"] for row in (*published, *classes) if row["uid"])
    fingerprint = _fingerprint(profile, texts)
    return RuleSet(profile, actions, private, schemes, public_uids, fingerprint)


def _fingerprint(profile: Profile, texts: RuleTexts) -> str:
    parts = (_MEANING, repr(profile), *(getattr(texts, name) for name in RuleTexts.__slots__))
    return sha256("\x00".join(parts).encode()).hexdigest()[:16]


def _is_left_out(tag: int) -> bool:
    group, element = tag >> 16, tag & 0xFFFF
    overlay_or_curve = 0x5000 <= group < 0x5100 or 0x6000 <= group < 0x6100
    return overlay_or_curve or group < 0x0008 or group >= 0xFFFA or element == 0


def _date_action(profile: Profile) -> int:
    if profile.has("retain-longitudinal-modified-dates"):
        return SHIFT
    return KEEP_NUMBER if profile.has("retain-longitudinal-full-dates") else DUMMY


def _listed(row: Mapping[str, str], tag: int, profile: Profile) -> int:
    vr = DICTIONARY_VR.get(tag, b"UN")
    for option, column in OPTIONS.items():
        cell = row[column] if profile.has(option) else ""
        if cell == "K":
            return _kept(tag, vr)
        if cell == "C" and column == "retain_modified_dates":
            return SHIFT if vr in (b"DA", b"DT") else _kept(tag, vr)
        if cell == "C" and column == "clean_structured_content":
            return DESCEND
    basic = row["basic"]
    if tag in _SEQUENCES:
        return _SEQUENCES[tag]
    if vr == b"UI":
        return REMOVE if basic == "X" else UID
    if basic == "U":
        return DESCEND
    if basic == "X/Z/U*":
        return DESCEND
    if vr == b"SQ":
        return EMPTY if "Z" in basic else REMOVE if "X" in basic else DUMMY
    return DUMMY if "D" in basic else EMPTY if "Z" in basic else REMOVE


def _kept(tag: int, vr: bytes) -> int:
    if vr in (b"DA", b"DT", b"UI"):
        return KEEP_NUMBER
    return KEEP_TEXT if vr in _TEXTS else _BY_VR.get(vr, REMOVE)


def _override(tag: int, word: str) -> int:
    words = {"keep": KEEP, "remove": REMOVE, "empty": EMPTY, "dummy": DUMMY}
    if word not in words:
        raise InvalidSettings(f"overrides.{text_of(tag)} = {word!r}; use one of {', '.join(words)}")
    if word == "keep" and DICTIONARY_VR.get(tag) == b"SQ":
        return DESCEND
    if word == "keep" and DICTIONARY_VR.get(tag, b"UN") not in _BULK | _BINARY_NUMBERS:
        return KEEP_TEXT
    return words[word]


def _allowed(text: str) -> frozenset[int]:
    return frozenset(
        int(row["tag"], 16) for row in table_rows(text) if row.get("decision", "keep") == "keep"
    )


def _safe_private(text: str) -> dict[tuple[str, int], dict[int, bytes]]:
    safe: dict[tuple[str, int], dict[int, bytes]] = {}
    for row in table_rows(text):
        block = safe.setdefault((row["creator"].strip(), int(row["group"], 16)), {})
        block[int(row["element"], 16)] = row["vr"].encode()
    return safe


def table_rows(text: str) -> list[dict[str, str]]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return list(csv.DictReader(lines))
