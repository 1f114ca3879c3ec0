"""Text as tokens: runs of letters, runs of digits, and what stands between. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_PLAIN: Final = str.maketrans(
    {"ß": "ss", "ẞ": "ss", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "œ": "oe", "ς": "σ"}
)
_WIDE: Final = r"々\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")
_UNSPACED: Final = re.compile(f"[{_WIDE}]")
_TOKEN: Final = re.compile(
    rf"(?:(?=[^\W\d_])[{_WIDE}])+|(?![{_WIDE}])[^\W\d_](?:(?![{_WIDE}])[^\W\d_]|[\u0300-\u036f])*|\d+"
)
_CAMEL: Final = re.compile(
    r"(?<=[a-zà-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ][a-zà-öø-ÿ]|[A-Z]{2,}$)|(?<=[A-Z])(?=[A-Z][a-z]{3})"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A run of letters or of digits. `start` and `end` are characters of the text."""

    text: str
    start: int
    end: int
    key: str
    """The folded form, see `folded`."""
    digits: bool
    joined: bool
    """No blank or punctuation stands before it: "b" and "800" of b800."""

    @property
    def capital(self) -> bool:
        """Whether it begins with a capital."""
        return self.text[0].isupper()

    @property
    def title(self) -> bool:
        """Whether only the first letter is a capital."""
        return self.text.istitle()


@lru_cache(1 << 15)
def folded(word: str) -> str:
    """Return a word as the vocabulary knows it: lower case, without accents, ß as ss.

    Marks of kana stay, since they are other sounds; half-width kana and full-width Latin
    letters become the usual ones. Source: Unicode NFKC and NFD.
    """
    if word.isascii():
        return word.lower()
    return folded_text(word)


def folded_text(text: str) -> str:
    """Return `folded` of many words at once; blanks stay."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_PLAIN)
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", plain))
    return unicodedata.normalize("NFC", bare)


def tokens_of(text: str) -> tuple[Token, ...]:
    """Return the tokens of a text in order. Signs, blanks and underscores are not tokens."""
    found = []
    last = -1
    for match in _TOKEN.finditer(text):
        word, start, end = match.group(), match.start(), match.end()
        found.append(Token(word, start, end, folded(word), word[0].isdigit(), start == last))
        last = end
    return tuple(found)


def is_unspaced(word: str) -> bool:
    """Say whether a word is written in a script that puts no blanks between words."""
    return _UNSPACED.search(word) is not None


def camel_parts(word: str) -> list[str]:
    """Return the parts of AxialFlair or SAGFlair; a plain word is its only part."""
    return _CAMEL.split(word)
