"""Replacement values, as bytes of a VR. Pure; source PS3.5 table 6.2-1."""

from datetime import date, timedelta
from typing import Final

from tessera.domain.imaging.encoding import IMPLICIT_HEADER, LONG_VRS, SHORT_HEADER

ITEM_HEADER: Final = b"\xfe\xff\x00\xe0"
REMOVED: Final = b"REMOVED "
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
CODE_CHARACTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _\\\x00"
NUMBER_CHARACTERS: Final = b"0123456789+-.eE: \\\x00"

_CHARACTERS: Final = {
    **dict.fromkeys((b"DS", b"IS", b"TM"), NUMBER_CHARACTERS),
    b"CS": CODE_CHARACTERS,
}


def fits(value: bytes, vr: bytes) -> bool:
    """Say whether a value has only the characters of its VR, where these are few."""
    return vr not in _CHARACTERS or not value.translate(None, _CHARACTERS[vr])


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
    return SHORT_HEADER.pack(group, number, vr, len(value)) + value


def shifted(value: bytes, days: int) -> bytes:
    """Move the dates of a DA or DT value back by whole days.

    Times, fractions and zones stay; a partial date keeps its precision; what is not
    a date becomes an empty value.
    """
    parts = [_shifted_one(part.strip(b" \0"), days) for part in value.split(b"\\")]
    return padded(b"\\".join(parts))


def _shifted_one(text: bytes, days: int) -> bytes:
    digits = text[:10].replace(b".", b"") if text[4:5] == b"." else text
    rest = b"" if digits is not text else text[8:]
    year, month, day = digits[:4], digits[4:6], digits[6:8]
    if not (year.isdigit() and len(year) == 4):
        return b""
    if rest.translate(None, b"0123456789.+-"):
        return b""
    try:
        if not month or not month.isdigit():
            return b"%04d" % (_back(int(year), 7, 1, days).year)
        if not day or not day.isdigit():
            moved = _back(int(year), int(month), 15, days)
            return b"%04d%02d" % (moved.year, moved.month)
        moved = _back(int(year), int(month), int(day), days)
    except ValueError:
        return b""
    return b"%04d%02d%02d" % (moved.year, moved.month, moved.day) + rest


def _back(year: int, month: int, day: int, days: int) -> date:
    start = date(year, month, day)
    return date.min if start.toordinal() <= days else start - timedelta(days=days)


def capped_age(value: bytes) -> bytes:
    """Return an AS value; ages above 89 years become 90, what is no age becomes empty."""
    text = value.strip(b" \0")
    if len(text) != 4 or not text[:3].isdigit() or text[3:] not in (b"D", b"W", b"M", b"Y"):
        return b""
    return b"090Y" if text[3:] == b"Y" and int(text[:3]) > 89 else text
