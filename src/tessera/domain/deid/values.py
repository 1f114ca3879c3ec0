"""Replacement values, as bytes of a VR. Pure; source PS3.5 table 6.2-1."""

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from tessera.domain.imaging.charsets import CODECS
from tessera.domain.imaging.encoding import IMPLICIT_HEADER, LONG_VRS, SHORT_HEADER

ITEM_HEADER: Final = b"\xfe\xff\x00\xe0"
REMOVED: Final = b"REMOVED "
BULK_VRS: Final = frozenset(b"OB OW OF OD OL OV".split())
BINARY_SIZE: Final = {
    **dict.fromkeys((b"US", b"SS"), 2),
    **dict.fromkeys((b"UL", b"SL", b"FL", b"AT"), 4),
    **dict.fromkeys((b"UV", b"SV", b"FD"), 8),
}
"""VR of binary numbers → bytes of one."""
_DUMMIES: Final[dict[bytes, bytes]] = {
    **dict.fromkeys(b"AE CS LO SH ST LT UT UC UR PN".split(), REMOVED),
    b"AS": b"000Y",
    b"DA": b"19000101",
    b"DT": b"19000101000000",
    b"TM": b"000000",
    b"DS": b"0 ",
    b"IS": b"0 ",
    b"US": bytes(2),
    b"SS": bytes(2),
    b"UL": bytes(4),
    b"SL": bytes(4),
    b"FL": bytes(4),
    b"AT": bytes(4),
    b"FD": bytes(8),
    b"UV": bytes(8),
    b"SV": bytes(8),
    b"OB": bytes(2),
    b"OW": bytes(2),
    b"OF": bytes(4),
    b"OL": bytes(4),
    b"OD": bytes(8),
    b"OV": bytes(8),
}
_HOUR = rb"(?:[01]\d|2[0-3])"
_SECOND = rb"(?:[0-5]\d|60)(?:\.\d{1,6})?"
_DATE: Final = re.compile(
    rb"(\d{4})(?:\.?(\d\d)(?:\.?(\d\d)"
    rb"((?:" + _HOUR + rb"(?:[0-5]\d(?:" + _SECOND + rb")?)?)?"
    rb"(?:[+-](?:0\d|1[0-4])[0-5]\d)?))?)?"
)
"""One DA or DT value: year, month, day, the rest. What follows a date and is no time could be
another date, or a birth number."""
_FORMS: Final[dict[bytes, re.Pattern[bytes]]] = {
    b"DS": re.compile(rb"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|"),
    b"IS": re.compile(rb"[+-]?\d{1,10}(?:\.0*)?|"),
    b"TM": re.compile(_HOUR + rb"(?::?[0-5]\d(?::?" + _SECOND + rb")?)?|"),
    b"CS": re.compile(rb"(?!.*\d{6})[A-Z0-9 _]{0,16}"),
    b"DA": _DATE,
    b"DT": _DATE,
    b"UI": re.compile(rb"[0-9.]*"),
}
"""VR → the form of one value. A code string of six digits in a row is a date or a number."""
_NOT_IN_TEXT = bytes(c for c in (*range(32), 127) if c not in b"\t\n\f\r\x1b")
CHARACTER_SETS: Final = frozenset(name.encode() for name in CODECS)
"""Defined terms of SpecificCharacterSet (PS3.3 C.12.1.1.2)."""


_DECIMALS = re.compile(rb"(?:%s)(?:\\\\(?:%s))*" % ((_FORMS[b"DS"].pattern,) * 2))
"""Many DS values at once, without padding: contours have tens of thousands."""
_SHORT: Final = 64
"""Values up to this length come again in every instance of a series, and are remembered."""


def fits(value: bytes, vr: bytes) -> bool:
    """Say whether each value has the form of its VR, where the VR has one."""
    return _fits_short(value, vr) if len(value) <= _SHORT else _fits(value, vr)


def _fits(value: bytes, vr: bytes) -> bool:
    form = _FORMS.get(vr)
    if form is None or (vr == b"DS" and _DECIMALS.fullmatch(value.rstrip(b" "))):
        return True
    return all(form.fullmatch(v.strip(b" \0")) for v in value.split(b"\\"))


_fits_short = lru_cache(1 << 12)(_fits)


def is_text(value: bytes) -> bool:
    """Say whether a value has no byte that text has not; encoded elements always have one."""
    text = value.rstrip(b" \0")
    return len(text.translate(None, _NOT_IN_TEXT)) == len(text)


def code_strings(value: bytes) -> bytes:
    """Return a CS value in which what is no code string is a dummy."""
    if fits(value, b"CS"):
        return value
    parts = (v if fits(v, b"CS") else REMOVED.strip() for v in value.split(b"\\"))
    return padded(b"\\".join(parts))


def character_set(value: bytes) -> bytes:
    """Return a SpecificCharacterSet, empty when it is none."""
    return value if all(v.strip(b" \0") in CHARACTER_SETS for v in value.split(b"\\")) else b""


def dummy(vr: bytes) -> bytes:
    """Return a value of this VR that says nothing."""
    return _DUMMIES.get(vr, b"")


def padded(value: bytes) -> bytes:
    """Return text of even length."""
    return value + b" " if len(value) & 1 else value


def padded_uid(uid: str) -> bytes:
    raw = uid.encode("ascii")
    return raw + b"\0" if len(raw) & 1 else raw


def element(tag: int, vr: bytes, value: bytes, *, explicit: bool) -> bytes:
    """Encode one element, little endian."""
    group, number = tag >> 16, tag & 0xFFFF
    if not explicit:
        return IMPLICIT_HEADER.pack(group, number, len(value)) + value
    if vr in LONG_VRS:
        header = SHORT_HEADER.pack(group, number, vr, 0)
        return header + len(value).to_bytes(4, "little") + value
    if len(value) > 0xFFFF:  # longer than its VR can tell: as UN, PS3.5 6.2.2
        return element(tag, b"UN", value, explicit=True)
    return SHORT_HEADER.pack(group, number, vr, len(value)) + value


def shifted(value: bytes, days: int) -> bytes:
    """Move the dates of a DA or DT value back by whole days.

    Times, fractions and zones stay; a partial date keeps its precision; what is not
    a date becomes an empty value.
    """
    parts = [_shifted_one(part.strip(b" \0"), days) for part in value.split(b"\\")]
    return padded(b"\\".join(parts))


def _shifted_one(text: bytes, days: int) -> bytes:
    found = _DATE.fullmatch(text)
    if found is None:
        return b""
    year, month, day, rest = found.groups()
    try:
        # A partial date moves from the middle of its year or month.
        moved = _back(int(year), int(month or 7), int(day or (15 if month else 1)), days)
    except ValueError:
        return b""
    if day:
        return b"%04d%02d%02d" % (moved.year, moved.month, moved.day) + rest
    return b"%04d%02d" % (moved.year, moved.month) if month else b"%04d" % moved.year


def _back(year: int, month: int, day: int, days: int) -> date:
    start = date(year, month, day)
    return date.min if start.toordinal() <= days else start - timedelta(days=days)


def capped_age(value: bytes) -> bytes:
    """Return an AS value; ages above 89 years become 90, what is no age becomes empty."""
    text = value.strip(b" \0")
    if len(text) != 4 or not text[:3].isdigit() or text[3:] not in (b"D", b"W", b"M", b"Y"):
        return b""
    return b"090Y" if text[3:] == b"Y" and int(text[:3]) > 89 else text
