"""When two ways of writing a patient identifier mean one person. Pure.

Case, spaces and separators never matter (`pseudonyms.same_person`). Some national numbers are
also written with and without a part that can be worked out: a Swedish number's century, a Spanish
one's leading zero, a French one's key. These are brought to one form only when the check digit is
right, so that a hospital's own numbers are not taken for them.
"""

import re
import unicodedata
from datetime import date
from typing import Final

_SPACE: Final = re.compile(r"\s+")
_DASHES: Final = re.compile("[\u2010-\u2015\u2212]")
_SWEDISH: Final = re.compile(r"(1[89]|20)?(\d{2})(\d{4})([-+]?)(\d{4})")
_FINNISH: Final = re.compile(r"(\d{6})([-+a-fu-y])(\d{3})([0-9a-fhj-npr-y])")
_DNI: Final = re.compile(r"\d{7,8}[a-z]")
_NIR: Final = re.compile(r"([1278]\d{4}(?:\d\d|2[ab])\d{6})(\d\d)")
_PIVOT: Final = 30
"""Swedish years below this without century or "+" are of the 2000s. It is part of the pseudonym and
never changes. The law puts "+" for "-" in the year in which a person becomes 100."""
_HETU_CHECK: Final = "0123456789abcdefhjklmnprstuvwxy"
_DNI_CHECK: Final = "trwagmyfpdxbnjzsqvhlcke"


def national_number(identifier: str) -> str | None:
    """Return the one form of a national number; None when the identifier is none of those below.

    Numbers whose check digit is wrong are not national numbers.
    """
    plain = _SPACE.sub("", _plain(identifier))
    for scheme in (_swedish, _finnish, _spanish, _french):
        if (number := scheme(plain)) is not None:
            return number
    return None


def luhn(number: str) -> bool:
    """Say whether the last digit is the check digit of the others (ISO/IEC 7812-1 Annex B)."""
    total = 0
    for place, char in enumerate(reversed(number)):
        value = int(char) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c) and c.isprintable())
    return _DASHES.sub("-", plain)


def _swedish(text: str) -> str | None:
    """Twelve digits of a personnummer or samordningsnummer (SKV 704, SKV 707)."""
    match = _SWEDISH.fullmatch(text.replace(".", ""))
    if match is None:
        return None
    century, year, rest, sign, serial = match.groups()
    if not luhn(year + rest + serial):
        return None
    if century is None:
        century = "20" if int(year) < _PIVOT else "19"
        if sign == "+":
            century = str(int(century) - 1)
    month, day = int(rest[:2]), int(rest[2:])
    try:
        date(int(century + year), month, day - 60 if day > 60 else day)
    except ValueError:
        return None
    return century + year + rest + serial


def _finnish(text: str) -> str | None:
    match = _FINNISH.fullmatch(text)
    if match is None:
        return None
    day, sign, serial, check = match.groups()
    # "-" and "+" say a century: another sign is another person (decree 690/2022).
    if _HETU_CHECK[int(day + serial) % 31] != check:
        return None
    return f"{day}{sign}{serial}{check}"


def _spanish(text: str) -> str | None:
    """DNI with its leading zero."""
    tight = re.sub(r"[-.]", "", text)
    if not _DNI.fullmatch(tight) or _DNI_CHECK[int(tight[:-1]) % 23] != tight[-1]:
        return None
    return tight.zfill(9)


def _french(text: str) -> str | None:
    """NIR without its key."""
    match = _NIR.fullmatch(re.sub(r"[-.]", "", text))
    if match is None:
        return None
    body, key = match.groups()
    number = int(body.replace("2a", "19").replace("2b", "18"))
    return body if 97 - number % 97 == int(key) else None
