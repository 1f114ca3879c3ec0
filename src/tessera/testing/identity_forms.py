"""Every spelling, as bytes, under which an identity could hide in a file.

All byte forms are ASCII-lower-cased, because the search lower-cases the data it looks at.
A form is long enough not to turn up by chance: names have four letters or more (two, when
ideographic), numbers six digits or more.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Literal
from urllib.parse import quote

MIN_LETTERS = 4
MIN_DIGITS = 6

# Words that are parts of names and yet stand in honest files. A name's part that is one of
# these is looked for only together with the rest of the name.
COMMON_WORDS = frozenset(
    """
    abdomen anonymous april august avenue axial bank baseline beam block body bone brain breast
    bridge brown case chest church clinic code colon control coronal cross data date default
    doctor dose east element empty every false field first frame general grant gray green hand
    head hill hospital house image iron item june kidney king lake left level line liver lobe
    long lund lung male mark march mask mean model name node none normal north null other park
    patient pelvis phase plan point pope price prostate radiology real region research right
    rose sage scan series short side site small south stage station stone street study summer
    sunday table term test text tissue true type unit university unknown value vertebra view
    volume ward water west white wide winter wood year young
    """.split()
)

_ENCODINGS = (
    "utf-8 latin-1 utf-16-le utf-16-be iso8859-7 iso8859-2 iso8859-5 shift_jis iso2022_jp "
    "euc_kr gb18030"
).split()
_ESCAPE = re.compile(rb"^(?:\x1b[$(][()]?[@-~])+|(?:\x1b[$(][()]?[@-~])+$")
_DATE = re.compile(r"(\d{4})[-./]?(\d{2})[-./]?(\d{2})")
_SEPARATORS = re.compile(r"[\s\-./_:+()]+")
_UNFOLDED = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
_SPELLED = str.maketrans(
    {"å": "aa", "ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "æ": "ae", "ß": "ss"}
)
# ELOT 743, as passports and hospital systems transliterate Greek.
_GREEK_PAIRS = (("ου", "ou"), ("μπ", "b"), ("γγ", "ng"), ("αυ", "av"), ("ευ", "ev"))
_GREEK = str.maketrans(
    dict(zip("αβγδεζηικλμνξοπρσςτυφ", "avgdeziiklmnxoprsstyf", strict=True))
    | {"θ": "th", "χ": "ch", "ψ": "ps", "ω": "o"}
)


@dataclass(frozen=True, slots=True)
class ByteForm:
    """One byte string to look for.

    Parameters
    ----------
    pattern
        ASCII-lower-cased bytes.
    written
        How the identity is written here, for people: ``"name part, folded, utf-8"``.
    edge
        What a short pattern must not stand next to, or it counts for nothing: ``"word"``, no
        letter before it and none but a genitive s after it; ``"number"``, no digit before it
        and none after it; ``"start"``, no digit before it. Empty for a long pattern.
    """

    pattern: bytes
    written: str
    edge: Literal["", "word", "number", "start"]


def folded(text: str) -> str:
    """Lower-case `text` and take its diacritics away: ``"Ångström"`` is ``"angstrom"``."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_UNFOLDED))
    return "".join(c for c in plain if not unicodedata.combining(c))


def byte_forms(identity: str) -> Iterator[ByteForm]:
    """Yield all byte strings under which `identity` may appear."""
    seen: set[bytes] = set()
    for text, what in _spellings(identity.strip()):
        for raw, encoding in _encoded(text):
            pattern = raw.lower()
            if pattern not in seen:
                seen.add(pattern)
                yield ByteForm(pattern, f"{what}, {encoding}", _edge(pattern))


def _edge(pattern: bytes) -> Literal["", "word", "number", "start"]:
    if pattern.isdigit():
        # UIDs are long runs of digits; a date may have a time behind it, or open an identifier.
        return "number" if len(pattern) < 8 else "start" if len(pattern) < 11 else ""
    return "word" if len(pattern) < 6 else ""


def _spellings(identity: str) -> Iterator[tuple[str, str]]:
    date = _DATE.fullmatch(identity)
    if date and 1 <= int(date[2]) <= 12 and 1 <= int(date[3]) <= 31:
        yield from _date_spellings(*date.groups())
        return
    if _is_name(identity):
        yield from _name_spellings(identity)
        return
    if _searchable(identity):
        yield identity, "whole"
        yield folded(identity), "folded"
    bare = _SEPARATORS.sub("", identity)
    if bare != identity and _searchable(bare):
        yield bare, "without separators"
    # National numbers that open with the birth date are also written with a two-digit year.
    if re.fullmatch(r"(?:19|20)\d{6}[-+]?\d{4}", identity):
        yield bare[2:], "short year, without separators"
        yield f"{bare[2:8]}-{bare[8:]}", "short year"
        yield f"{bare[:8]}-{bare[8:]}", "with dash"
        yield f"{bare[:8]} {bare[8:]}", "with space"


def _is_name(identity: str) -> bool:
    return "^" in identity or not re.search(r"[\d@/:]", identity)


def _searchable(text: str) -> bool:
    if any(_is_ideographic(c) for c in text):
        return len(text) >= 2
    if any(c.isalpha() for c in text):
        return len(text) >= MIN_LETTERS
    return sum(c.isdigit() for c in text) >= MIN_DIGITS


def _is_ideographic(char: str) -> bool:
    return "぀" <= char <= "鿿" or "가" <= char <= "힣"


def _date_spellings(year: str, month: str, day: str) -> Iterator[tuple[str, str]]:
    yield year + month + day, "date YYYYMMDD"
    for mark in "-/.":
        yield mark.join((year, month, day)), f"date YYYY{mark}MM{mark}DD"
        yield mark.join((day, month, year)), f"date DD{mark}MM{mark}YYYY"
        if not (mark == "." and f"{month}.{day}".endswith("2.25")):
            # 02.25.1950 is how a UID under the root 2.25 may begin after any other digit.
            yield mark.join((month, day, year)), f"date MM{mark}DD{mark}YYYY"
        if (day + month).count("0") and (day[0] == "0" or month[0] == "0"):
            yield mark.join((day.lstrip("0"), month.lstrip("0"), year)), f"date D{mark}M{mark}YYYY"


def _name_spellings(name: str) -> Iterator[tuple[str, str]]:
    """Whole, by component, in other orders, folded and transliterated (PS3.5 6.2.1, PN)."""
    yield from _variants(name, "name") if _searchable(name) else ()
    for group in name.split("="):
        parts = [p for p in re.split(r"[\^\s,]+", group) if p]
        words = [w for part in parts for w in {part, *re.split(r"[-'’]", part)} if _searchable(w)]
        for word in words:
            if folded(word) not in COMMON_WORDS:
                yield from _variants(word, "name part")
        for first, second in permutations(parts[:3], 2):
            for mark in (" ", ", ", "^", "", "_", "-", "."):
                both = first + mark + second
                if len(both) >= 6 or any(_is_ideographic(c) for c in both):
                    yield from _variants(both, "name parts joined")


def _variants(text: str, what: str) -> Iterator[tuple[str, str]]:
    # Upper case differs from lower case in more than ASCII, and the data is only lowered there.
    composed = unicodedata.normalize("NFC", text)
    for cased in (composed.lower(), composed.upper(), composed.title(), composed):
        yield cased, what
    yield unicodedata.normalize("NFD", composed.lower()), f"{what}, decomposed"
    plain = folded(text)
    if _searchable(plain):
        yield plain, f"{what}, folded"
        yield plain.upper(), f"{what}, folded"
        latin = plain
        for pair, letters in _GREEK_PAIRS:
            latin = latin.replace(pair, letters)
        yield latin.translate(_GREEK), f"{what}, in Latin letters"
    spelled = composed.lower().translate(_SPELLED)
    if spelled != composed.lower():
        yield spelled, f"{what}, umlauts spelled out"


def _encoded(text: str) -> Iterator[tuple[bytes, str]]:
    for encoding in _ENCODINGS if not text.isascii() else ("utf-8", "utf-16-le", "utf-16-be"):
        try:
            raw = text.encode(encoding)
        except UnicodeEncodeError:
            continue
        raw = _ESCAPE.sub(b"", raw) if encoding == "iso2022_jp" else raw
        if len(raw) >= (6 if any(_is_ideographic(c) for c in text) else MIN_LETTERS):
            yield raw, encoding
    if not text.isascii():
        yield json.dumps(text)[1:-1].encode(), "JSON escapes"
        yield text.encode("ascii", "xmlcharrefreplace"), "character references"
    if quote(text) != text:
        yield quote(text).encode(), "URL escapes"
