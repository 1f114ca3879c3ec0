"""Is any identity of the key in the bytes of a file, whatever element it stands in? Pure.

It knows no elements, and it shares no code with the rules, the cleaner or the second look: what
those overlook must not be overlooked here for the same reason. Each identity is spelt in the
ways and encodings in which it may stand, and one pass looks for all.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import permutations

import ahocorasick

_ENCODINGS = (
    *("utf-8", "latin-1", "utf-16-le", "utf-16-be", "iso8859-2", "iso8859-5", "iso8859-7"),
    *("iso2022_jp", "euc_jp", "shift_jis", "gb18030"),
)
_PARTS = re.compile(r"[\s^=,]+")
_NAMES = ("name", "person", "patient", "physician", "staff", "operator", "relative")
_LEAST = 4
_LEAST_IN_NOISE = 8
_JAPANESE_SHIFT = re.compile(rb"^\x1b\$B|\x1b\([BJ]$")
_PIXELS = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")


@dataclass(frozen=True, slots=True)
class Hit:
    """One identity found. The identity is only for a report that stays in the hospital."""

    kind: str
    identity: str = field(repr=False)
    offset: int
    encoding: str


def spellings(kind: str, identity: str) -> Iterator[str]:
    """Yield the ways in which an identity may be written, itself first."""
    text = " ".join(identity.split())
    yield text
    folded = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    yield folded
    day = _day(text)
    if day:
        for form in ("%Y%m%d", "%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y.%m.%d"):
            yield day.strftime(form)
    elif any(char.isdigit() for char in text):
        bare = re.sub(r"[\s\-./+]", "", text)
        if len(bare) >= 6:
            yield bare
    elif "^" in text or any(word in kind.lower() for word in _NAMES):
        for one in {text, folded}:
            parts = [part for part in _PARTS.split(one) if part]
            yield from (part for part in parts if len(part) >= _LEAST or not part.isascii())
            for two in permutations(parts[:3], 2):
                yield from (separator.join(two) for separator in (" ", "^", ", ", "_", "", "-"))


def _day(text: str) -> date | None:
    digits = re.sub(r"[-./]", "", text)
    if re.fullmatch(r"(?:18|19|20)\d{6}", digits):
        try:
            return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
        except ValueError:
            return None
    return None


class ByteSearch:
    """Looks for identities in bytes. To be made once for each set of identities.

    Args:
        identities: (kind, value).
        keep: words in lower case that the key itself wants kept, such as a disease that bears
            the patient's name: they are not looked for alone.
    """

    def __init__(
        self, identities: Iterable[tuple[str, str]], keep: frozenset[str] = frozenset()
    ) -> None:
        forms: dict[str, tuple[str, str, str]] = {}
        for kind, identity in identities:
            for text in spellings(kind, identity):
                if text.lower() in keep:
                    continue
                for case in {text, text.lower(), text.upper(), text.title()}:
                    for encoding, form in _encoded(case):
                        if len(form) >= _LEAST:
                            forms.setdefault(form, (kind, identity, encoding))
        self._automaton = ahocorasick.Automaton()
        for form, of in forms.items():
            self._automaton.add_word(form, (form, of))
        if forms:
            self._automaton.make_automaton()
        self._is_empty = not forms

    def find(self, data: bytes, pixels: tuple[int, int] = (0, 0)) -> tuple[Hit, ...]:
        """Return the first place of each identity found.

        `pixels` is (start, end) of noise in which short strings stand by chance: there only
        forms of eight bytes and more count.
        """
        if self._is_empty:
            return ()
        start, end = pixels
        hits: dict[str, Hit] = {}
        for offset, part in ((0, data[:start]), (end, data[end:])):
            text = part.lower().decode("latin-1")
            for last, (form, (kind, identity, encoding)) in self._automaton.iter(text):
                at = last - len(form) + 1
                if identity not in hits and _stands(text, at, last + 1, form):
                    hits[identity] = Hit(kind, identity, offset + at, encoding)
        if end > start:
            noise = data[start:end].lower().decode("latin-1")
            for last, (form, (kind, identity, encoding)) in self._automaton.iter(noise):
                least = 16 if encoding.startswith("utf-16") else _LEAST_IN_NOISE
                if len(form) >= least and identity not in hits:
                    hits[identity] = Hit(kind, identity, start + last - len(form) + 1, encoding)
        return tuple(hits.values())


@lru_cache(maxsize=4096)
def _encoded(text: str) -> tuple[tuple[str, str], ...]:
    """Return (encoding, bytes as Latin-1 text with ASCII in lower case) for each that can."""
    found: dict[str, str] = {}
    for encoding in _ENCODINGS:
        try:
            data = text.encode(encoding)
        except UnicodeEncodeError:
            continue
        form = _JAPANESE_SHIFT.sub(b"", data).lower().decode("latin-1")
        found.setdefault(form, encoding)
    return tuple((encoding, form) for form, encoding in found.items())


def _stands(text: str, start: int, end: int, form: str) -> bool:
    """Say whether a short form stands as a word, and a number as a number of its own."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if text[max(start - 3, 0) : start] == "\x1b$b":
        before = ""  # the shift to Japanese that ISO 2022 puts before a word
    if form.isascii() and form.isdigit():
        return not (before.isascii() and before.isdigit()) and not (
            after.isascii() and after.isdigit()
        )
    if len(form) < 6:
        return not (before.isascii() and before.isalnum()) and not (
            after.isascii() and after.isalpha() and after != "s"
        )
    return True


def pixel_region(data: bytes, length: int) -> tuple[int, int]:
    """Return (start, end) of PixelData's value of about `length` bytes in a file, or (0, 0)."""
    if length < 64:
        return (0, 0)
    for tag in _PIXELS:
        at = data.find(tag)
        while at >= 0:
            if len(data) - at >= length:
                following = data[at + 4 : at + 6]
                if following in (b"OB", b"OW") or len(data) - at - length < 1 << 20:
                    return (at + 12, min(at + 12 + length, len(data)))
            at = data.find(tag, at + 1)
    return (0, 0)
