"""The second look: is anything of these people left in the bytes about to be written? Pure.

Nothing is released on trust. This module shares no code with the rules, the engine or the text
cleaner: it knows no elements and no VRs, only bytes. It spells each identity in the ways and
encodings in which it could stand in a file, and looks for persons by their form. What it finds
holds the instance back.

A byte of every four of the data is looked up in one table of all spellings at once, so that the
cost does not grow with the number of identities.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from tessera.domain.deid.identities import Identities

_ENCODINGS = (
    "utf-8 latin-1 utf-16-le utf-16-be iso8859-2 iso8859-5 iso8859-7 shift_jis iso2022_jp "
    "euc_kr gb18030"
).split()
_SEPARATORS = re.compile(r"[\s\-./_:+()]+")
_ESCAPE = re.compile(rb"^(?:\x1b[$(][()]?[@-~])+|(?:\x1b[$(][()]?[@-~])+$")
_NAME_PARTS = re.compile(r"[\s^=,.\-'’]+")
_LETTERS = frozenset(range(ord("a"), ord("z") + 1)) | frozenset(range(0xC0, 0x100))
_DIGITS = frozenset(b"0123456789")
_LEAST_LETTERS = 4
_LEAST_DIGITS = 6
_FOLD = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "ł": "l", "đ": "d", "ð": "d"})
_SPELL = str.maketrans(
    {"å": "aa", "ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "æ": "ae", "ß": "ss"}
)
_GREEK_PAIRS = (("ου", "ou"), ("μπ", "b"), ("γγ", "ng"), ("αυ", "av"), ("ευ", "ev"))
_GREEK = str.maketrans(
    dict(zip("αβγδεζηικλμνξοπρσςτυφ", "avgdeziiklmnxoprsstyf", strict=True))
    | {"θ": "th", "χ": "ch", "ψ": "ps", "ω": "o"}
)
_ORDINARY = frozenset(
    """
    abdomen agfa arteries axial block body bone bracco brain breast bridge brown canon carestream
    case chest church color colon contrast coronal cross data date dose east elscint field fonar
    frame fuji fujifilm general grant gray green guerbet hand head hill hitachi hologic house
    image iron kidney king kodak konica lake left level line liver long lorad lung male march mark
    mask mean medical minolta model mono normal north other park patient pelvis phase philips plan
    point pope price prostate range real region removed research right rose sage samsung scan
    series short shimadzu side siemens small sonosite south stage station stone street study
    summer system table term tessera test text tissue toshiba true type unit united unknown value
    varian vertebra view volume ward water west white wide winter wood year yes young
    """.split()
)
"""Names' parts that stand in honest headers too: only the whole name is looked for then."""
_PARTICLES = frozenset(
    "af al am an av bin da dal de dei del della den der des di do dos du e el i in la las le los "
    "och op ten ter und van vom von y zu zum zur".split()
)


@dataclass(frozen=True, slots=True)
class Residue:
    """Something in the bytes that names or may name a person. Its text form does not show it."""

    kind: str
    """name, identifier, contact, place, birth-date, uid; or name-form, mail-form, number-form."""
    offset: int
    """Of its first byte."""
    length: int

    def __str__(self) -> str:
        return f"{self.kind} at byte {self.offset}"


def search(data: bytes, identities: Identities) -> tuple[Residue, ...]:
    """Return what `data` (a header as written) still says of these people, by place.

    Cost: about 0.01 ms for each 1,000 bytes, whatever the number of identities.
    """
    if not data:
        return ()
    lowered = data.lower()
    found = [*_known(lowered, identities), *_shaped(lowered)]
    return tuple(sorted(found, key=lambda residue: residue.offset))


_MIX = 2654435761


def _known(data: bytes, identities: Identities) -> Iterator[Residue]:
    table, by_tell = _needles(identities)
    if len(data) < 4 or not by_tell:
        return
    for at in np.flatnonzero(table.take(_hashes(data))).tolist():
        for needle in by_tell.get(data[at : at + 4], ()):
            start = at - needle.tell
            known = start >= 0 and data.startswith(needle.pattern, start)
            if known and _stands(data, start, needle):
                yield Residue(needle.kind, start, len(needle.pattern))


def _hashes(data: bytes) -> NDArray[np.uint32]:
    """Return a 16-bit number for the four bytes at each place."""
    words = np.ndarray((len(data) - 3,), np.uint32, data, 0, (1,))
    mixed: NDArray[np.uint32] = (words * np.uint32(_MIX)) >> np.uint32(16)
    return mixed


@dataclass(frozen=True, slots=True)
class _Needle:
    kind: str
    pattern: bytes
    """ASCII letters in lower case."""
    edge: str
    """What may not stand beside it: "letter", "digit", "digit-before", "uid" or ""."""
    tell: int
    """Where the four bytes lie in it that are looked up: UIDs all begin alike."""


def _stands(data: bytes, at: int, needle: _Needle) -> bool:
    if not needle.edge:
        return True
    after = at + len(needle.pattern)
    before = data[at - 1] if at else 0
    behind = data[after] if after < len(data) else 0
    if needle.edge == "letter":
        if behind == ord("s"):  # a genitive
            behind = data[after + 1] if after + 1 < len(data) else 0
        return before not in _LETTERS and behind not in _LETTERS
    if needle.edge == "uid":
        behind_is_more = behind in _DIGITS or (
            behind == ord(".") and after + 1 < len(data) and data[after + 1] in _DIGITS
        )
        return before not in _DIGITS and before != ord(".") and not behind_is_more
    if needle.edge == "digit-before":
        return before not in _DIGITS
    return before not in _DIGITS and behind not in _DIGITS


@lru_cache(256)
def _needles(
    identities: Identities,
) -> tuple[NDArray[np.bool_], dict[bytes, tuple[_Needle, ...]]]:
    table = np.zeros(1 << 16, np.bool_)
    by_tell: dict[bytes, list[_Needle]] = {}
    seen: set[bytes] = set()
    spellings = ((k, t.lower() if t.isascii() else t) for k, t in _spellings(identities))
    for kind, text in dict.fromkeys(spellings):
        is_ideographic = _is_ideographic(text)
        for pattern in _encoded(text):
            if len(pattern) >= 4 and pattern not in seen:
                seen.add(pattern)
                edge = "" if is_ideographic else _edge(kind, pattern)
                tell = len(pattern) - 4 if kind == "uid" else 0
                four = pattern[tell : tell + 4]
                by_tell.setdefault(four, []).append(_Needle(kind, pattern, edge, tell))
                table[int.from_bytes(four, "little") * _MIX % (1 << 32) >> 16] = True
    return table, {start: tuple(needles) for start, needles in by_tell.items()}


def _edge(kind: str, pattern: bytes) -> str:
    if kind == "uid":
        return "uid"
    if pattern.isdigit():
        return "digit" if len(pattern) < 8 else "digit-before" if len(pattern) < 11 else ""
    return "letter" if len(pattern) < 6 else ""


def _encoded(text: str) -> Iterator[bytes]:
    if text.isascii():  # all encodings but UTF-16 write it in the same way
        yield from (text.encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-16-be"))
        return
    for written in {text, text.lower(), text.upper(), text.title()}:
        for encoding in _ENCODINGS:
            try:
                raw = written.encode(encoding)
            except UnicodeEncodeError:
                continue
            yield _ESCAPE.sub(b"", raw).lower()


def _spellings(identities: Identities) -> Iterator[tuple[str, str]]:
    for name in identities.names:
        yield from (("name", text) for text in _names(name))
    for identifier in identities.identifiers:
        yield from (("identifier", text) for text in _identifiers(identifier))
    for contact in identities.contacts:
        yield from (("contact", text) for text in _identifiers(contact))
    for place in identities.places:
        if len(place) > _LEAST_LETTERS and folded(place) not in _ORDINARY:
            yield "place", place
            yield "place", folded(place)
    for day in identities.dates:
        year, month, number = f"{day.year:04d}", f"{day.month:02d}", f"{day.day:02d}"
        for text in (
            year + month + number,
            number + month + year,
            *(mark.join((year, month, number)) for mark in "-./"),
            *(mark.join((number, month, year)) for mark in "-./"),
            *(mark.join((month, number, year)) for mark in "-./"),
        ):
            yield "birth-date", text
    for uid in identities.uids:
        yield "uid", uid


def _names(name: str) -> Iterator[str]:
    """Yield spellings of one PN value: whole, in other orders, and each part that tells."""
    for group in name.split("="):
        parts = [part for part in _NAME_PARTS.split(group) if part]
        if not parts:
            continue
        telling = [part for part in parts if folded(part) not in _PARTICLES] or parts
        whole = {" ".join(order) for order in permutations(telling[:3], min(len(telling), 2))}
        whole |= {text.replace(" ", mark) for text in whole for mark in ("^", ", ", "_", "")}
        for text in {group, *whole}:
            if _is_long_enough(text) and folded(text) not in _ORDINARY:
                yield from _forms(text)
        for part in parts:
            if _is_long_enough(part) and folded(part) not in _ORDINARY:
                yield from _forms(part)


def _forms(text: str) -> Iterator[str]:
    lower = text.lower()
    yield text
    yield folded(text)
    yield folded(lower.translate(_SPELL))
    latin = folded(text)
    if any("α" <= c <= "ω" for c in latin):
        for greek, letters in _GREEK_PAIRS:
            latin = latin.replace(greek, letters)
        yield latin.translate(_GREEK)


def _is_ideographic(text: str) -> bool:
    return not text.isascii() and any("぀" <= c <= "鿿" or "가" <= c <= "힣" for c in text)


def _is_long_enough(text: str) -> bool:
    if _is_ideographic(text):
        return len(text) >= 2
    return sum(c.isalpha() for c in text) >= _LEAST_LETTERS


def _identifiers(text: str) -> Iterator[str]:
    bare = _SEPARATORS.sub("", text)
    if sum(c.isdigit() for c in bare) < _LEAST_DIGITS and not _is_long_enough(bare):
        return
    yield text
    yield folded(text)
    if len(bare) >= _LEAST_DIGITS:
        yield bare
    stripped = bare.lstrip("0")
    if stripped.isdigit() and len(stripped) >= _LEAST_DIGITS:
        yield stripped
    if re.fullmatch(r"(?:19|20)\d{10}", bare):  # a person number that opens with the birth date
        yield from (bare[2:], f"{bare[2:8]}-{bare[8:]}", f"{bare[2:8]}+{bare[8:]}")
        yield from (f"{bare[:8]}-{bare[8:]}", f"{bare[:8]} {bare[8:]}")


def folded(text: str) -> str:
    """Return the text in lower case without diacritics."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_FOLD))
    return "".join(c for c in plain if not unicodedata.combining(c))


_PERSON_NAME = re.compile(rb"[a-z\xc0-\xff]{3,}\^{1,2}[a-z\xc0-\xff]{3,}")
_MAIL = re.compile(rb"[a-z0-9._%+-]{2,}@[a-z0-9-]{2,}(?:\.[a-z0-9-]+)*\.[a-z]{2,}")
_SWEDISH = re.compile(rb"(?<!\d)(?:19|20)?(\d{6})[-+](\d{4})(?!\d)")
_AROUND = 64
_SHAPES = (
    (b"^", "name-form", _PERSON_NAME),
    (b"@", "mail-form", _MAIL),
    (b"-", "number-form", _SWEDISH),
    (b"+", "number-form", _SWEDISH),
)
"""A byte in the middle of the form, what it would be, and the form."""


def _shaped(data: bytes) -> Iterator[Residue]:
    """Yield what has the form of a person's name, mail address or number, whoever it is."""
    for mark, kind, form in _SHAPES:
        at, last = data.find(mark), -1
        while at >= 0:
            is_near = kind != "number-form" or data[at + 1 : at + 5].isdigit()
            around = (max(0, at - _AROUND), at + _AROUND) if is_near else (0, 0)
            for match in form.finditer(data, *around):
                if match.start() <= at < match.end() and match.start() > last:
                    if kind == "number-form" and not _adds_up(match[1] + match[2]):
                        continue
                    last = match.start()
                    yield Residue(kind, match.start(), len(match[0]))
            at = data.find(mark, at + 1)


def _adds_up(digits: bytes) -> bool:
    """Say whether ten digits are a person number: a month, a day, and the check digit (Luhn)."""
    month, day = int(digits[2:4]), int(digits[4:6])
    if not (1 <= month <= 12 and (1 <= day <= 31 or 61 <= day <= 91)):
        return False
    total = 0
    for index, digit in enumerate(digits):
        n = (digit - 48) * (2 - index % 2)
        total += n // 10 + n % 10
    return total % 10 == 0
