"""Whom an instance names, made ready for search in text. Pure."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from tessera.domain.deid.identities import Identities
from tessera.domain.deid.text.spellings import declined, name_words, near, spellings
from tessera.domain.deid.text.tokens import Token, folded, is_unspaced, tokens_of
from tessera.domain.deid.text.vocabulary import Vocabulary, Word

_NOBODY: Final = frozenset(
    "unknown none removed phantom test qa qc nn na patient"
    " unbekannt okand deidentified pseudonym dummy".split()
)
_SQUEEZED: Final = re.compile(r"[^\W_]")
_LINE: Final = re.compile(r"[,;\n\r^=]+")
_NUMBERS: Final = re.compile(
    r"(?<!\d)(\d{1,4})[./\-\s,]{1,3}(\d{1,2})[./\-\s,]{1,3}(\d{1,4})(?!\d)"
)
_CONFUSED: Final = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "8": "b", "|": "l"})
_FUZZY: Final = 6
"""Names from this length on are also found with one letter wrong."""


class People:
    """The names, numbers and places of `Identities` in every spelling."""

    def __init__(self, identities: Identities, vocabulary: Vocabulary) -> None:
        words: set[str] = set()
        wide: set[str] = set()
        for name in identities.names:
            for word in name_words(name):
                key = folded(word)
                if (
                    key in _NOBODY
                    or key.startswith("anonym")
                    or key in vocabulary.titles
                    or key in vocabulary.after
                    or (key in vocabulary.particles and len(key) < 4)
                ):
                    continue
                words |= spellings(word)
                if is_unspaced(word):
                    wide.add(unicodedata.normalize("NFKC", word))
        self.words = frozenset(words)
        self._asked: dict[str, bool] = {}
        self._wide = tuple(sorted((w for w in wide if len(w) > 1), key=len, reverse=True))
        self._long = tuple(w for w in words if len(w) >= _FUZZY)
        numbers = {s for i in identities.identifiers for s in _number_forms(i)}
        numbers |= {s for c in identities.contacts for s in _phone_forms(c)}
        self._numbers = tuple(sorted(numbers, key=len, reverse=True))
        self.tiny = frozenset(
            folded(i.strip()) for i in identities.identifiers if 0 < len(i.strip()) < 4
        )
        self._births = identities.dates
        self._phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for kind, values in (("contact", identities.contacts), ("place", identities.places)):
            for value in values:
                self._add_phrases(value, kind, vocabulary)
        self.uids = tuple(identities.uids)

    def names(self, key: str) -> bool:
        """Say whether a folded word is one of the names, also in the genitive."""
        known = self._asked.get(key)
        if known is None:
            if len(self._asked) >= 1 << 14:
                self._asked.clear()
            known = key in self.words or any(k in self.words for k in declined(key))
            self._asked[key] = known
        return known

    def nearly_names(self, key: str) -> bool:
        """Say whether a folded word holds a long name, or is one with a letter wrong."""
        if len(key) < _FUZZY:
            return False
        return any(w in key or (abs(len(w) - len(key)) < 2 and near(w, key, 1)) for w in self._long)

    def spans(self, text: str, tokens: tuple[Token, ...]) -> Iterator[tuple[int, int, str]]:
        """Yield (start, end, kind) of numbers, birth dates, places and unspaced names."""
        if self._wide and not text.isascii():
            for name in self._wide:
                at = text.find(name)
                while at >= 0:
                    yield at, at + len(name), "name"
                    at = text.find(name, at + 1)
        if self._phrases:
            for i, token in enumerate(tokens):
                for phrase, kind in self._phrases.get(token.key, ()):
                    if phrase == tuple(t.key for t in tokens[i : i + len(phrase)]):
                        yield token.start, tokens[i + len(phrase) - 1].end, kind
        if self._numbers:
            yield from self._number_spans(text)
        if self._births:
            yield from self._birth_spans(text)

    def reads_as(self, line: str) -> bool:
        """Say whether a line as a machine read it may be one of the names or numbers."""
        keys = [t.key for t in tokens_of(line)]
        if any(self.names(k) for k in keys):
            return True
        loose = [folded(w).translate(_CONFUSED) for w in re.split(r"[\s^,.;:/_\-=]+", line) if w]
        loose += [a + b for a, b in pairwise(loose)]
        glued = "".join(c for c in folded(line) if c.isalnum()).translate(_CONFUSED)
        for name in self.words:
            key = name.translate(_CONFUSED)
            if len(key) >= 5 and key in glued:
                return True
            most = 0 if len(key) < 4 else (1 if len(key) < 7 else 2)
            if any(near(key, word, most) for word in loose):
                return True
        if any(n.translate(_CONFUSED) in glued for n in self._numbers):
            return True
        return any(True for _ in self.spans(line, tokens_of(line)))

    def _add_phrases(self, value: str, kind: str, vocabulary: Vocabulary) -> None:
        for part in _LINE.split(value):
            keys = tuple(t.key for t in tokens_of(part))
            if len(keys) < 2 or not any(len(k) > 2 and not k[0].isdigit() for k in keys):
                continue
            if kind == "place" and all(vocabulary.look(k) is Word.LISTED for k in keys):
                continue  # "Department of Radiology" is nobody's
            self._phrases.setdefault(keys[0], []).append((keys, kind))

    def _number_spans(self, text: str) -> Iterator[tuple[int, int, str]]:
        places = [m.start() for m in _SQUEEZED.finditer(text)]
        squeezed = "".join(text[p] for p in places)
        folds = squeezed.lower() if squeezed.isascii() else "".join(map(_one, squeezed))
        for number in self._numbers:
            at = folds.find(number)
            while at >= 0:
                start, end = places[at], places[at + len(number) - 1] + 1
                before = text[start - 1 : start]
                after = text[end : end + 1]
                # Part of a longer run of the same kind is another number.
                inside = (before.isdigit() and number[0].isdigit()) or (
                    after.isdigit() and number[-1].isdigit()
                )
                torn = len(number) < 6 and end - start != len(number)
                if not inside and not torn:
                    yield start, end, "identifier"
                at = folds.find(number, at + 1)

    def _birth_spans(self, text: str) -> Iterator[tuple[int, int, str]]:
        for match in _NUMBERS.finditer(text):
            parts = sorted(int(match[i]) for i in (1, 2, 3))
            for day in self._births:
                for year in (day.year, day.year % 100):
                    if parts == sorted((year, day.month, day.day)):
                        yield match.start(), match.end(), "date"


def _one(char: str) -> str:
    key = folded(char)
    return key if len(key) == 1 else char


def _number_forms(value: str) -> set[str]:
    squeezed = "".join(c for c in folded(value) if c.isalnum())
    if len(squeezed) < 4 or not any(c.isdigit() for c in squeezed):
        return {squeezed} if len(squeezed) > 5 else set()
    forms = {squeezed, squeezed.lstrip("0")}
    digits = "".join(c for c in squeezed if c.isdigit())
    if len(digits) >= 6:
        forms.add(digits)
    if squeezed.isdigit() and len(squeezed) == 12 and squeezed[:2] in ("18", "19", "20"):
        forms.add(squeezed[2:])
    if len(squeezed) >= 10 and "-" in value and value.rpartition("-")[2].isdigit():
        tail = value.rpartition("-")[2]
        if len(tail) == 4:
            forms.add(tail)
    return {f for f in forms if len(f) >= 4}


def _phone_forms(value: str) -> set[str]:
    digits = "".join(c for c in value if c.isdigit())
    if len(digits) < 7 or sum(c.isalpha() for c in value) > 4:
        return set()
    bare = digits.lstrip("0")
    forms = {digits, bare}
    if value.strip().startswith(("+", "00")):
        forms |= {bare[2:], "0" + bare[2:]}
    return {f for f in forms if len(f) >= 6}
