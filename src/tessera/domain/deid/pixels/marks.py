"""Marks in pictures that name nobody: laterality, view, scale, dose, machine settings. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_NUMBER = r"[-+±]?\d{1,5}(?:[.,]\d{1,4})?"
_BARE = re.compile(r"[-+±]?(?:\d{1,3}(?:[.,]\d{1,3})?|[.,]\d{1,3})[°%]?")
"""A number of a scale. Four digits alone may be a year or part of a number that names."""
_TIMES = re.compile(r"(?<!\d)\d{1,2}\s?[:;]\s?\d{2}(?:\s?[:;]\s?\d{2})?(?!\d)")
_SECTIONS = ("words", "settings", "units", "labels")
_SPLIT = re.compile(r"[\s/|,;()\[\]<>*=:_-]+")


@dataclass(frozen=True, slots=True)
class HarmlessMarks:
    """The closed list, folded."""

    words: frozenset[str]
    settings: frozenset[str]
    """Names that stand before a number: MI, TI, FR, GAIN."""
    units: frozenset[str]
    labels: frozenset[str] = frozenset()
    """Words that announce a person's data: NAME, DOB, ID. Harmless alone, not beside a value."""

    def announces(self, text: str) -> bool:
        """True when a line consists of nothing but labels: "Name:", "Patient ID"."""
        parts = [part.strip(".,'\"#") for part in _SPLIT.split(folded(text))]
        return any(parts) and all(part in self.labels for part in parts if part)

    def explain(self, text: str) -> bool:
        """True when every part of a line is a mark, a number of a scale, or a setting.

        Spaces may be lost (LCC for L CC). A time of day is never a mark.
        """
        line = folded(text)
        if not line or _TIMES.search(line):
            return False
        if re.sub(r"[^a-z0-9]", "", line) in self.words:
            return True
        return all(self._part(part) for part in _parts(line)) and bool(_SPLIT.sub("", line))

    def _part(self, part: str) -> bool:
        if part in self.words or part in self.units or part in self.settings:
            return True
        if _doubled(part, self.words) or _doubled(part, self.settings):
            return True
        if _alike(part, self.words) or _alike(part, self.settings):
            return True
        if _BARE.fullmatch(part):
            return True
        number = re.fullmatch(rf"([a-zµ]*)\.?({_NUMBER})([a-zµ%°/²³0-9]*)", part)
        if number is None:
            return False
        name, value, unit = number.groups()
        long = len(re.sub(r"\D", "", value)) > 3
        if unit and unit not in self.units:
            return False
        known = name in self.settings or _doubled(name, self.settings)
        if name and not known and not _alike(name, self.settings):
            return False
        return bool(unit) if long else bool(name or unit)


def _doubled(word: str, known: frozenset[str]) -> bool:
    """True for a long mark in which one sign was read twice or too many (CTDIlvol)."""
    return len(word) >= 7 and any(word[:i] + word[i + 1 :] in known for i in range(len(word)))


_LOOKS = str.maketrans("l1|0", "iiio")
"""Signs that look alike in many fonts: a reader takes one for the other."""


def _alike(word: str, known: frozenset[str]) -> bool:
    """True for a mark of five signs or more that differs in signs that look alike (CTDlvol)."""
    return len(word) >= 5 and word.translate(_LOOKS) in _looks(known)


@lru_cache(8)
def _looks(known: frozenset[str]) -> frozenset[str]:
    return frozenset(word.translate(_LOOKS) for word in known if len(word) >= 5)


def has_time(text: str) -> bool:
    """True when a time of day, or a counter of that form, stands in the text."""
    return _TIMES.search(folded(text)) is not None


def folded(text: str) -> str:
    """Return the text in small letters without accents; μ is µ."""
    plain = unicodedata.normalize("NFKD", text).casefold().replace("μ", "µ")
    return "".join(c for c in plain if not unicodedata.combining(c)).strip()


def _parts(line: str) -> list[str]:
    """Split at blanks and separators, but not inside -5, cm/s or 0.5."""
    parts = []
    for word in line.split():
        if re.fullmatch(r"[-+±]?[\d.,]+[a-zµ%°/²³]*", word):
            parts.append(word.strip(".,") or word)
        elif "/" in word and re.search(r"\d", word) is None:
            parts += [word] if word.count("/") == 1 and len(word) <= 6 else word.split("/")
        else:
            parts += [p.strip(".,'\"") for p in _SPLIT.split(word)]
    return [p for p in parts if p]


def parse_marks(text: str) -> HarmlessMarks:
    """Read the closed list: sections [words], [settings], [units], [labels]; # begins a comment."""
    found: dict[str, set[str]] = {name: set() for name in _SECTIONS}
    section = "words"
    for raw in text.splitlines():
        line = raw.split("#", 1)[0].strip()
        if line.startswith("["):
            section = line.strip("[]")
        else:
            found[section].update(folded(word) for word in line.split())
    return HarmlessMarks(*(frozenset(found[name]) for name in _SECTIONS))
