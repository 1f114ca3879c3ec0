"""Text values of elements through the text cleaner: decoded, cleaned, written back. Pure."""

import re
import unicodedata
from collections.abc import Callable
from typing import Final, Protocol

from tessera.domain.deid.identities import Identities
from tessera.domain.deid.text.patterns import find_patterns
from tessera.domain.deid.values import padded
from tessera.domain.imaging import charsets

_MANY: Final = frozenset(b"AE CS LO SH UC".split())
"""VRs in which a backslash stands between values."""
_SURE: Final = frozenset(("name", "date", "place"))
_NOT_SURE: Final = frozenset(("url", "ip-address", "long-digits", "announced-number"))
"""Patterns that a device's own values have, too: addresses of programs, long versions."""
_LONGEST: Final = {b"SH": 16, b"LO": 64, b"AE": 16, b"CS": 16, b"ST": 1024, b"LT": 10240}
_NOT_WORDS: Final = re.compile(r"[\W_]+")
_SEVEN_DIGITS: Final = re.compile(rb"\d{7}")
_NOT_DIGITS: Final = b" .+-\0"
_LEAST = 5
"""Digits from which a number that equals an identifier is taken for it."""


class RemovedText(Protocol):
    """A run of text that the cleaner took out."""

    @property
    def kind(self) -> str: ...

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


class CleanedText(Protocol):
    """What the cleaner made of a text."""

    @property
    def text(self) -> str: ...

    @property
    def removed(self) -> tuple[RemovedText, ...]: ...


class Cleaner(Protocol):
    """The text cleaner of one instance's identities."""

    def clean(self, text: str) -> CleanedText: ...


class TextValues:
    """Cleans values for one set of identities. `make` gives the cleaner when one is needed."""

    def __init__(self, make: Callable[[], Cleaner], people: Identities) -> None:
        self._make = make
        self._cleaner: Cleaner | None = None
        self._numbers = frozenset(
            number for number in map(_bare, people.identifiers) if len(number) >= _LEAST
        )
        self._digits = frozenset(number.encode() for number in self._numbers if number.isascii())
        self._words = self._numbers | frozenset(
            word
            for name in people.names
            for word in map(_bare, re.split(r"[\^=\s,]+", name))
            if len(word) >= _LEAST
        )

    def cleaned(self, vr: bytes, old: bytes, charset: bytes) -> bytes:
        """Return the value with only what is known to be harmless."""
        return self._each(vr, old, charset, strict=True)

    def guarded(self, vr: bytes, old: bytes, charset: bytes, *, coded: bool = False) -> bytes:
        """Return a value that may stay, cleaned only if it surely holds an identity.

        A run of seven digits is one, unless the value is `coded` by a public scheme.
        """
        if not coded and _SEVEN_DIGITS.search(old):
            return self._each(vr, old, charset, strict=True)
        return self._each(vr, old, charset, strict=False)

    def _each(self, vr: bytes, old: bytes, charset: bytes, *, strict: bool) -> bytes:
        text = charsets.decoded(old, charset).rstrip(" \0")
        parts = text.split("\\") if vr in _MANY else [text]
        new = [self._clean(part, strict=strict) for part in parts]
        if new == parts:
            return old
        longest = _LONGEST.get(vr, 1 << 32)
        joined = "\\".join(part[:longest] for part in new) if any(new) else ""
        raw = charsets.encoded(joined, charset)
        return padded(raw) if raw is not None else b""

    def _clean(self, text: str, *, strict: bool) -> str:
        if not text.strip():
            return ""
        if self._cleaner is None:
            self._cleaner = self._make()
        done = self._cleaner.clean(text)
        if strict or any(self._is_sure(one, text) for one in done.removed):
            return done.text
        return text

    def _is_sure(self, removed: RemovedText, text: str) -> bool:
        """Say whether a run that was taken out is surely a person's, by itself."""
        if removed.kind in _SURE:
            return True
        run = text[removed.start : removed.end]
        if _bare(run) in self._words:
            return True
        return any(
            found.name not in _NOT_SURE
            for found in find_patterns(run)
            if found.kind in ("identifier", "contact")
        )

    def is_number_of(self, value: bytes) -> bool:
        """Say whether one of the numbers of a DS or IS value is an identifier of these people.

        The value has that form; the answer is that of `is_identifier`, sooner.
        """
        if not self._digits:
            return False
        bare = value.translate(None, _NOT_DIGITS).lower()
        return not self._digits.isdisjoint(part.lstrip(b"0") for part in bare.split(b"\\"))

    def is_identifier(self, old: bytes, *, names: bool = True) -> bool:
        """Say whether one of the numbers or codes of a value is an identifier of these people.

        Without `names` it may be a word that is a name too.
        """
        words = self._words if names else self._numbers
        return bool(words) and any(
            _bare(part) in words for part in old.decode("latin-1").split("\\")
        )


def _bare(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    word = _NOT_WORDS.sub("", "".join(c for c in plain if not unicodedata.combining(c)))
    return word.lstrip("0") or word
