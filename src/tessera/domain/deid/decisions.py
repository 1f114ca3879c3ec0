"""What a profile does with one attribute, and why: the rules of PS3.15 and of this project. Pure.

The order: what the engine writes itself, the site's override, an option's column of Table E.1-1,
its Basic column with the attribute's Type, then, for what the table does not list, pixels, dates,
the two allow-lists, and the VR.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tessera.domain.deid.actions import (
    AGE,
    BAND,
    BULK,
    BY_VR,
    CHARSET,
    CLEAN,
    CLEANABLE,
    CODED,
    DATES,
    DESCEND,
    DUMMY,
    EMPTY,
    KEEP,
    KEEP_CODE,
    KEEP_NUMBER,
    KEEP_TEXT,
    REMOVE,
    ROUND,
    SCHEME,
    SHIFT,
    UID,
    kept,
)
from tessera.domain.deid.crowd import SEX, SIZE, WEIGHT
from tessera.domain.deid.iod_types import NEEDED
from tessera.domain.deid.overrides import override_action
from tessera.domain.deid.profile import OPTIONS, Profile
from tessera.domain.imaging.encoding import DICTIONARY_VR, PIXEL_TAGS

_PATIENT: Final = "written anew: the pseudonym"
_OURS: Final = "written anew: what this de-identification did, never what the input says"
_CHECKED: Final = "written anew, and only when the pixels were looked at"
_ALWAYS: Final[Mapping[int, tuple[int, str]]] = {
    0x00080005: (CHARSET, "every reader needs it"),
    0x00080001: (REMOVE, "retired"),
    0x00100010: (REMOVE, _PATIENT),
    0x00100020: (REMOVE, _PATIENT),
    0x00120062: (REMOVE, _OURS),
    0x00120063: (REMOVE, _OURS),
    0x00120064: (REMOVE, _OURS),
    0x00280301: (REMOVE, _CHECKED),
    0x00280302: (REMOVE, _CHECKED),
    0x00280303: (REMOVE, _OURS),
    0x00080100: (CODED, "codes of local schemes are free text"),
    0x00080102: (SCHEME, "codes of local schemes are free text"),
    0x00080104: (CODED, "codes of local schemes are free text"),
    0x00080119: (CODED, "codes of local schemes are free text"),
    0x00080120: (CODED, "codes of local schemes are free text"),
    0x00880200: (REMOVE, "a small copy of pixels that nobody checked"),
    0x00081110: (DESCEND, "with new UIDs it leads to nobody, and still to the study"),
    0x04000500: (REMOVE, "sealed content that nobody can look into"),
}
_SHARED: Final = "made coarse, so that many share it"
_FEW: Final = "too few patients share it"
_CONTENT: Final = 0x0040A730
_SEQUENCES: Final[dict[int, int]] = {
    0x00080082: REMOVE,  # institution codes: Type 3, may not be empty
    0x00081111: DESCEND,  # referenced procedure steps: Type 2 in reports, Type 3 in images
    0x00401101: DESCEND,  # codes of a person: Type 1; codes of local schemes become dummies
    0x0040A073: DESCEND,  # verifying observers: Type 1C; the names inside become dummies
}
"""Sequences listed X/Z, X/Z/D or D in a class that is not known. Source: PS3.3 C.7, C.17.2."""
NESTED_SUBJECT: Final = frozenset((0x00100010, 0x00100020))
"""Inside a sequence these become the pseudonym in place."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of the package, read."""

    listed: Mapping[int, Mapping[str, str]]
    """Tag → its row of Table E.1-1."""
    unlisted_text: Mapping[int, tuple[str, str]]
    """Tag → keep, clean or dummy, and why."""
    unlisted_bulk: Mapping[int, str]
    """Tag → why it stays."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An action and where it comes from."""

    action: int
    source: str
    """always, override, option, basic, pixels, left-out, date, allow-list, vr or crowd."""
    detail: str
    """Option, cell of the table, or reason."""


def read_tables(table: str, unlisted_text: str, unlisted_binary: str) -> Tables:
    """Read the three tables that decide about single attributes."""
    return Tables(
        {
            int(row["tag"], 16): row
            for row in table_rows(table)
            if "X" not in row["tag"] and row["tag"] != "PRIVATE"
        },
        {
            int(row["tag"], 16): (row["decision"], row["reason"])
            for row in table_rows(unlisted_text)
        },
        {int(row["tag"], 16): row["reason"] for row in table_rows(unlisted_binary)},
    )


def table_rows(text: str) -> list[dict[str, str]]:
    """Read a data file: CSV with `#` lines before its heading."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return list(csv.DictReader(lines))


def decide(tag: int, kind: str, profile: Profile, tables: Tables) -> Decision:
    """Return what becomes of a standard attribute.

    `kind` is its Type in the class of the instance (1, 1C, 2, 2C, 3), or nothing when the class
    is not known: then the choice that is valid in all classes is taken.
    """
    found = _decided(tag, kind, profile, tables)
    if profile.crowd is None or found.source == "override":
        return found
    if found.action in (REMOVE, EMPTY, DUMMY):
        return found
    if profile.crowd.leaves_out(tag):
        return Decision(EMPTY if tag == SEX else REMOVE, "crowd", _FEW)
    if tag in (WEIGHT, SIZE):
        return Decision(ROUND, "crowd", _SHARED)
    return Decision(BAND, "crowd", _SHARED) if found.action == AGE else found


def _decided(tag: int, kind: str, profile: Profile, tables: Tables) -> Decision:
    vr = DICTIONARY_VR[tag]
    if tag in profile.overrides:
        word = profile.overrides[tag]
        return Decision(override_action(tag, word), "override", word)
    if tag in _ALWAYS:
        action, reason = _ALWAYS[tag]
        if reason is _CHECKED and kind in NEEDED:
            return Decision(KEEP_CODE, "always", "the class needs it")
        return Decision(action, "always", reason)
    row = tables.listed.get(tag)
    if row is not None:
        return _listed(row, tag, vr, kind, profile)
    return _unlisted(tag, vr, profile, tables)


def date_action(profile: Profile) -> int:
    """Return what the profile does with dates that no table lists."""
    if profile.has("retain-longitudinal-modified-dates"):
        return SHIFT
    return KEEP_NUMBER if profile.has("retain-longitudinal-full-dates") else DUMMY


def _unlisted(tag: int, vr: bytes, profile: Profile, tables: Tables) -> Decision:
    if tag in PIXEL_TAGS:
        return Decision(KEEP, "pixels", "as they are, or as the pixel stage made them")
    if _is_left_out(tag):
        return Decision(REMOVE, "left-out", "group length, command, directory, overlay or curve")
    if vr in DATES:
        return Decision(date_action(profile), "date", "like the dates that the table lists")
    if tag in tables.unlisted_text:
        word, reason = tables.unlisted_text[tag]
        if word == "keep":
            return Decision(KEEP_TEXT, "allow-list", reason)
        if word == "clean" and profile.has("clean-descriptors"):
            return Decision(CLEAN, "allow-list", reason)
        return Decision(DUMMY, "allow-list", reason)
    if tag in tables.unlisted_bulk:
        return Decision(KEEP, "allow-list", tables.unlisted_bulk[tag])
    return Decision(BY_VR.get(vr, REMOVE), "vr", vr.decode())


def _is_left_out(tag: int) -> bool:
    group, element = tag >> 16, tag & 0xFFFF
    overlay_or_curve = 0x5000 <= group < 0x5100 or 0x6000 <= group < 0x6100
    return overlay_or_curve or group < 0x0008 or group >= 0xFFFA or element == 0


def _listed(row: Mapping[str, str], tag: int, vr: bytes, kind: str, profile: Profile) -> Decision:
    for option, column in OPTIONS.items():
        cell = row[column] if column and profile.has(option) else ""
        action = None
        if cell == "K":
            action = kept(vr)
        elif cell == "C":
            action = _cleaned(vr, column)
        if action is not None:
            return Decision(action, "option", option)
    return Decision(_basic(row["basic"], tag, vr, kind), "basic", row["basic"])


def _cleaned(vr: bytes, column: str) -> int | None:
    """Return the action of a C in a column; None when there is no cleaning of such a value."""
    if vr == b"SQ":
        return DESCEND
    if column == "retain_modified_dates":
        return SHIFT if vr in DATES else None if vr in BULK else kept(vr)
    if vr in CLEANABLE or vr == b"AE":
        return CLEAN
    return KEEP_CODE if vr == b"CS" else None


def _basic(cell: str, tag: int, vr: bytes, kind: str) -> int:
    if cell in ("U", "X/Z/U*"):
        return DESCEND if vr == b"SQ" else UID
    if vr == b"UI":
        return REMOVE if cell == "X" and kind not in NEEDED else UID
    if vr == b"SQ":
        return _sequence(cell, tag, kind)
    return _of_type(cell, kind)


def _sequence(cell: str, tag: int, kind: str) -> int:
    """A dummy of a sequence is the sequence with the rules applied inside."""
    if tag == _CONTENT:
        return DESCEND if kind == "1" else REMOVE  # Type 1C elsewhere: absent when there is none
    if not kind and tag in _SEQUENCES:
        return _SEQUENCES[tag]
    action = _of_type(cell, kind)
    return DESCEND if action == DUMMY else action


def _of_type(cell: str, kind: str) -> int:
    """Return DUMMY, EMPTY or REMOVE for a cell and a Type. Source: PS3.15 E.3, Table E.1-1a."""
    letters = cell.split("/")
    if not kind:
        return DUMMY if "D" in letters else EMPTY if "Z" in letters else REMOVE
    if kind in NEEDED or letters == ["D"]:
        return DUMMY
    if kind in ("2", "2C"):
        return EMPTY if "Z" in letters or letters == ["X"] else DUMMY
    return REMOVE if "X" in letters else EMPTY
