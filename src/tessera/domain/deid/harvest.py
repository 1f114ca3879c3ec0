"""What an instance says of the people in it: the identities that text must not show. Pure.

Names are those of every person-name value at any depth, whatever its role; identifiers, contacts
and places are those of the attributes that hold them (PS3.3 C.2, C.3, C.4, C.7). What says
nothing ("ANONYMOUS", "1") is left out: looking for it would only hurt the text.
"""

import re
from collections.abc import Iterable
from datetime import date
from typing import Final

from tessera.domain.deid.identities import Identities
from tessera.domain.deid.split import Unit
from tessera.domain.imaging.charsets import decoded
from tessera.domain.imaging.encoding import (
    ITEM,
    MAX_DEPTH,
    SEQUENCE_END,
    UNDEFINED,
    OddEncoding,
    WindowTooShort,
    element_at,
    skip_undefined,
    too_deep,
)


def _tags(text: str) -> frozenset[int]:
    return frozenset(int(tag, 16) for tag in text.split())


PERSON_NUMBERS: Final = _tags("00100020 00101000 00101090")
IDENTIFIERS: Final = PERSON_NUMBERS | _tags("""
    00080050 00101050 00120040 00120042 00200010 00380010 00380060 00400009 00400253 0040050A
    00400512 00400551 00401001 00401006 00401007 00402006 00402007 00402016 00402017
    """)
"""Accession, insurance, trial subject, study, admission, step, specimen and order numbers."""
CONTACTS: Final = _tags("""
    00080081 00080092 00080094 00101040 00102154 00102155 00380400 00401102 00401103 00401104
    00402010 00402011 0040A353 0040A354
    """)
PLACES: Final = _tags("00080080 00081010 00081040 00380300")
BIRTH: Final = _tags("00100030 00100033")
UIDS: Final = _tags("00080018 0020000D 0020000E 00200052")
_ALL: Final = IDENTIFIERS | CONTACTS | PLACES | BIRTH
_SAYS_NOTHING: Final = frozenset(
    """
    anon unknown unkown none null nil na nn xx xxx xxxx
    test patient phantom removed deleted deidentified pseudonymous pseudonym noname name
    notavailable notapplicable unspecified other empty dummy subject person doctor physician
    operator technologist technician dr md self clinic hospital hospitalname radiology radiologie
    radiologi rontgen radiologia imaging mri mrt ct pet nuclear medicine nuclearmedicine oncology
    onkologi onkologie cardiology diagnosticimaging diagnosticradiology xray department
    """.split()
)
_WITH_PEOPLE: Final = frozenset((b"PN", b"SQ"))
_REMEMBERED = 20_000
_LONGEST_REMEMBERED = 1 << 14
_NOT_WORDS = re.compile(r"[\W_]+")
Found = tuple[str, str]
"""Kind (a field of Identities) and value."""


def harvest(
    tag: int, vr: bytes, raw: bytes, start: int, charset: bytes, *, explicit: bool
) -> frozenset[Found]:
    """Return what one element says, at any depth. `start` is where its value begins in `raw`.

    Raises OddEncoding and InvalidDicom for nesting that cannot be followed.
    """
    found: set[Found] = set()
    if vr == b"SQ":
        _items(raw, start, len(raw), charset, found, explicit=explicit, depth=1)
    else:
        _value(tag, vr, raw[start:], charset, found)
    return frozenset(found)


class Harvester:
    """Harvests elements and remembers what they said: in a series most say it again."""

    def __init__(self) -> None:
        self._memo: dict[tuple[bytes, bytes, bool], frozenset[Found]] = {}

    def said(self, units: Iterable[Unit], charset: bytes, *, explicit: bool) -> frozenset[Found]:
        """Return what elements of the top level say of people."""
        said: frozenset[Found] = frozenset()
        for tag, vr, start, raw in units:
            if raw and (vr in _WITH_PEOPLE or tag in _ALL):
                key = (raw, charset, explicit)
                found = self._memo.get(key)
                if found is None:
                    found = harvest(tag, vr, raw, start, charset, explicit=explicit)
                    if len(self._memo) > _REMEMBERED:
                        self._memo.clear()
                    if len(raw) < _LONGEST_REMEMBERED:
                        self._memo[key] = found
                said |= found
        return said


def identities(found: Iterable[Found]) -> Identities:
    """Return what was found as one value."""
    kinds: dict[str, set[str]] = {}
    for kind, value in found:
        kinds.setdefault(kind, set()).add(value)
    return Identities(
        names=frozenset(kinds.get("names", ())),
        identifiers=frozenset(kinds.get("identifiers", ())),
        contacts=frozenset(kinds.get("contacts", ())),
        places=frozenset(kinds.get("places", ())),
        dates=frozenset(date.fromisoformat(text) for text in kinds.get("dates", ())),
        uids=frozenset(kinds.get("uids", ())),
    )


def _items(
    buf: bytes,
    pos: int,
    end: int,
    charset: bytes,
    found: set[Found],
    *,
    explicit: bool,
    depth: int,
) -> None:
    if depth > MAX_DEPTH:
        raise too_deep()
    try:
        while pos + 8 <= end:
            tag, _, inner, length = element_at(buf, pos, end, explicit=False)
            if tag == SEQUENCE_END:
                return
            if tag != ITEM:
                raise OddEncoding
            stop = end if length == UNDEFINED else inner + length
            pos = _item(buf, inner, stop, charset, found, explicit=explicit, depth=depth)
    except WindowTooShort:
        raise OddEncoding from None


def _item(
    buf: bytes,
    pos: int,
    end: int,
    charset: bytes,
    found: set[Found],
    *,
    explicit: bool,
    depth: int,
) -> int:
    while pos < end:
        tag, vr, start, length = element_at(buf, pos, end, explicit=explicit)
        if not vr:
            return start
        if length == UNDEFINED:
            after = skip_undefined(buf, start, end, explicit=explicit and vr != b"UN")
        else:
            after = start + length
        if after > end:
            raise WindowTooShort
        if vr == b"SQ":
            _items(buf, start, after, charset, found, explicit=explicit, depth=depth + 1)
        elif tag == 0x00080005:
            charset = buf[start:after]
        elif vr == b"PN" or tag in _ALL:
            _value(tag, vr, buf[start:after], charset, found)
        pos = after
    return pos


def _value(tag: int, vr: bytes, raw: bytes, charset: bytes, found: set[Found]) -> None:
    if not raw:
        return
    text = decoded(raw, charset)
    if tag in BIRTH:
        day = _day(text)
        if day:
            found.add(("dates", day.isoformat()))
        return
    kind = (
        "names"
        if vr == b"PN"
        else "contacts"
        if tag in CONTACTS
        else "places"
        if tag in PLACES
        else "identifiers"
    )
    for part in (text,) if vr in (b"ST", b"LT", b"UT") else text.split("\\"):
        value = part.strip(" \0\r\n\t")
        is_word = kind == "identifiers" and not any(c.isdigit() for c in value)
        if value and says_something(value, kind) and not (is_word and tag not in PERSON_NUMBERS):
            found.add((kind, value))


def says_something(value: str, kind: str) -> bool:
    """Say whether a value of a kind tells one person or place from another."""
    plain = _NOT_WORDS.sub("", value).casefold()
    if (
        plain in _SAYS_NOTHING
        or plain.startswith("anonym")
        or len(plain) < (2 if kind == "names" else 3)
    ):
        return not plain.isascii() and len(plain) >= 2
    if kind == "identifiers":
        return len(set(plain)) > 1 and not (plain.isdigit() and len(plain) < 4)
    if kind in ("places", "contacts"):
        return len(plain) >= 4
    return len(set(plain)) > 1 or not plain.isascii()


def _day(text: str) -> date | None:
    digits = text.strip().replace(".", "").replace("-", "")[:8]
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None
