"""How a word is spelled: like the words of reports, or like names. Pure."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

_LATIN: Final = re.compile(r"[a-z]{4,}")
_LEAST: Final = 0.45
"""Mean log ratio from which a word is ordinary: one name in ten of a large list reaches it."""


class Likeness:
    """Compares the three- and four-letter runs of a word with those of words and of names."""

    def __init__(self, words: Iterable[str], names: Iterable[str]) -> None:
        self._words: Counter[str] = Counter()
        self._names: Counter[str] = Counter()
        for word in words:
            if len(word) > 4 and _LATIN.fullmatch(word):
                self._words.update(set(_runs(word)))
        for name in names:
            if _LATIN.fullmatch(name):
                self._names.update(set(_runs(name)))
        self._all_words = self._words.total() + 10_000
        self._all_names = self._names.total() + 2_000

    def ordinary(self, word: str) -> bool:
        """Say whether a folded word is spelled rather like words than like names."""
        if not _LATIN.fullmatch(word):
            return False
        total = count = 0.0
        for run in _runs(word):
            ours, theirs = self._words[run], self._names[run]
            count += 1
            if ours or theirs:
                total += math.log((ours + 0.5) / self._all_words)
                total -= math.log((theirs + 0.1) / self._all_names)
            else:
                total -= 1
        return total / count >= _LEAST


def _runs(word: str) -> Iterator[str]:
    marked = f"^{word}$"
    for size in (3, 4):
        for start in range(len(marked) - size + 1):
            yield marked[start : start + size]
