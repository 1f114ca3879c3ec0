"""Which private elements stay, and how: the standard's safe list, a larger one, the site's own.

Pure. An element is known by its creator, group and low byte, never by its number alone. Source:
PS3.15 E.3.10, Table E.3.10-1; the larger list has the form of the TCIA private tag knowledge base.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from tessera.domain.deid.actions import (
    BINARY_NUMBERS,
    BULK,
    CLEAN,
    CLEANABLE,
    DATES,
    DESCEND,
    DUMMY,
    EMPTY,
    KEEP,
    KEEP_NUMBER,
    KEEP_TEXT,
    SHIFT,
    TEXTS,
    UID,
)
from tessera.domain.errors import InvalidSettings

PrivateKey = tuple[int, str, int]
"""Group, creator, low byte of the element number."""
VRS: Final = BINARY_NUMBERS | BULK | TEXTS | DATES | frozenset(b"AS CS DS IS TM UI SQ".split())
_SIGNATURE: Final = re.compile(r'\(([0-9A-Fa-f]{4}),"([^"]+)",([0-9A-Fa-f]{2})\)')
_DISPOSITIONS: Final = {"k": "keep", "h": "uid", "o": "shift", "oi": "", "d": "", "": ""}
"""Of the TCIA private tag knowledge base. A date as an integer (oi) cannot be moved: it goes."""


class PrivateRule(NamedTuple):
    """What becomes of one private element."""

    vr: bytes
    """What its list says it is; with another VR in the file it is emptied."""
    action: int


class PrivateRow(NamedTuple):
    """One row of a list of private elements."""

    key: PrivateKey
    vr: bytes
    word: str
    """keep, uid or shift."""
    name: str


def private_key(text: str) -> PrivateKey | None:
    """Read a signature such as (0019,"SIEMENS MR HEADER",0A); None when it is not one."""
    found = _SIGNATURE.fullmatch(text.strip())
    if found is None or not int(found[1], 16) & 1:
        return None
    return int(found[1], 16), found[2].strip(), int(found[3], 16)


def signature(key: PrivateKey) -> str:
    """Return (0019,"SIEMENS MR HEADER",0A)."""
    group, creator, low = key
    return f'({group:04X},"{creator}",{low:02X})'


def read_private_list(text: str, name: str) -> tuple[PrivateRow, ...]:
    """Return the rows of a list in the form of the TCIA private tag knowledge base that stay.

    Rows of elements inside private sequences are passed over: those sequences go. Raises
    InvalidSettings with the file's `name` and the row.
    """
    lines = [line for line in text.lstrip("\ufeff").splitlines() if not line.startswith("#")]
    reader = csv.DictReader(lines)
    columns = {key: key.strip().lower() for key in reader.fieldnames or ()}
    wanted = {}
    for part in ("signature", "vr", "disposition", "name"):
        found = [column for column, low in columns.items() if part in low]
        if not found and part != "name":
            raise InvalidSettings(f"{name}: no column whose heading has the word {part!r}")
        wanted[part] = found[0] if found else ""
    rows = []
    for number, row in enumerate(reader, start=2):
        text_of = {part: (row.get(column) or "").strip() for part, column in wanted.items()}
        if "[" in text_of["signature"]:
            continue
        key = private_key(text_of["signature"])
        if key is None:
            raise InvalidSettings(
                f'{name}, row {number}: the signature is not one such as (0019,"MAKER",0A)'
            )
        letter = text_of["disposition"].lower()
        if letter not in _DISPOSITIONS:
            raise InvalidSettings(f"{name}, row {number}: disposition is none of k, d, h, o, oi")
        vr = text_of["vr"].upper()[:2].encode()
        if _DISPOSITIONS[letter]:
            known = vr if vr in VRS else b"UN"
            rows.append(PrivateRow(key, known, _DISPOSITIONS[letter], text_of["name"]))
    return tuple(rows)


def private_action(vr: bytes, word: str, dates: int) -> int:
    """Return the action for a VR and a word (keep, shift, uid, clean, empty, dummy).

    `dates` is what the profile does with dates. A person's name never stays.
    """
    if word in ("empty", "dummy"):
        return EMPTY if word == "empty" else DUMMY
    if vr == b"PN":
        return DUMMY
    if word == "uid" or (word == "keep" and vr == b"UI"):
        return UID if vr == b"UI" else EMPTY
    if word == "shift" or (word == "keep" and vr in DATES):
        if vr in DATES:
            return dates if dates in (SHIFT, KEEP_NUMBER) else EMPTY
        return CLEAN if vr in CLEANABLE and dates == SHIFT else EMPTY
    if vr == b"SQ":
        return DESCEND
    if word == "clean" and vr in CLEANABLE:
        return CLEAN
    if vr in BULK | BINARY_NUMBERS:
        return KEEP
    return KEEP_TEXT if vr in TEXTS else KEEP_NUMBER


def private_rules(
    safe: Iterable[PrivateRow],
    overrides: Mapping[PrivateKey, tuple[str, str]],
    dates: int,
) -> dict[tuple[str, int], dict[int, PrivateRule]]:
    """Return (creator, group) → low byte → rule. An override's VR, when given, is its own."""
    rules: dict[PrivateKey, PrivateRule] = {}
    for row in safe:
        rules[row.key] = PrivateRule(row.vr, private_action(row.vr, row.word, dates))
    for key, (word, vr) in overrides.items():
        known = vr.encode() if vr else rules[key].vr if key in rules else _dictionary_vr(key)
        if word == "remove":
            rules.pop(key, None)
        elif not known:
            raise InvalidSettings(
                f"overrides: {signature(key)} has no known VR; write one, such as {word + ' LO'!r}"
            )
        else:
            rules[key] = PrivateRule(known, private_action(known, word, dates))
    blocks: dict[tuple[str, int], dict[int, PrivateRule]] = {}
    for (group, creator, low), rule in rules.items():
        blocks.setdefault((creator, group), {})[low] = rule
    return blocks


def _dictionary_vr(key: PrivateKey) -> bytes:
    from pydicom.datadict import private_dictionary_VR  # large: only for a site's own elements

    group, creator, low = key
    try:
        vr = private_dictionary_VR(group << 16 | 0x1000 | low, creator).encode()
    except KeyError:
        return b""
    return vr if vr in VRS else b""
