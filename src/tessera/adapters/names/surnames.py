"""Surnames that are spelled like the words that the cleaner derives: "maxwell" is no max + well.

A word that no list has, and that only can be put together from words or codes, is a surname when
the census list has it, or when its letter runs are those of surnames. A listed word, and a listed
word with an ending, is never one: the model can only remove, and no word of the vocabulary.
"""

import math
from functools import lru_cache
from typing import Final
from zlib import crc32

from tessera.adapters.names import DATA
from tessera.domain.deid.text.tokens import camel_parts, folded, tokens_of
from tessera.domain.deid.text.vocabulary import Vocabulary, Word

BUCKETS: Final = 1 << 15
SCALE: Final = 16
"""Of a weight: one byte each."""
RUNS: Final = (2, 3, 4, 5)
LEAST_LETTERS: Final = 5
THRESHOLD: Final = 1.0
"""Log odds from which a word counts as a surname. Chosen on the lines of tests/unseen_lines, where
it takes one word of 500: on other text it may take more, see docs/reference/deid-profiles.md."""
_REMEMBERED: Final = 1 << 14


class SurnameFinder:
    """Finds surnames among the words that `vocabulary` derives."""

    reads_short: Final = True

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._names = b"\n" + (DATA / "surnames.txt").read_bytes()
        raw = (DATA / "surname_runs.bin").read_bytes()
        self._bias = int.from_bytes(raw[:2], "little", signed=True) / 256
        self._weights = memoryview(raw)[2:].cast("b")
        self._is_name = lru_cache(_REMEMBERED)(self._judge)

    def names_in(self, text: str) -> tuple[tuple[int, int], ...]:
        """Return (start, end) of words that are surnames."""
        found = []
        for token in tokens_of(text):
            if token.digits or len(token.text) < LEAST_LETTERS:
                continue
            at = token.start
            for piece in camel_parts(token.text):
                if len(piece) >= LEAST_LETTERS and self._is_name(folded(piece)):
                    found.append((at, at + len(piece)))
                at += len(piece)
        return tuple(found)

    def log_odds(self, word: str) -> float:
        """Return how much rather a folded word is spelled like surnames than like words."""
        buckets = buckets_of(word)
        total = sum(self._weights[bucket] for bucket in buckets) / SCALE
        return total / math.sqrt(len(buckets)) + self._bias

    def is_listed(self, word: str) -> bool:
        """Say whether the census list has a folded word."""
        return b"\n%s\n" % word.encode("ascii", "replace") in self._names

    def _judge(self, word: str) -> bool:
        if not (word.isascii() and word.isalpha()) or self._is_word(word):
            return False
        return self.log_odds(word) > THRESHOLD or self.is_listed(word)

    def _is_word(self, word: str) -> bool:
        """Say whether the vocabulary lists it, as it is or without an ending, or as an eponym."""
        if word in self._vocabulary.eponyms:
            return True  # the cleaner reads what stands around it
        look = self._vocabulary.look
        bare = [word, *(word[:-n] for n in (1, 2) if len(word) - n >= 4)]
        if word.endswith("ing"):
            bare += [word[:-3], word[:-3] + "e"]
        return any(look(one) is Word.LISTED for one in bare)


def buckets_of(word: str) -> list[int]:
    """Return the places of a word's letter runs in the table of weights, each once."""
    marked = f"^{word}$"
    return sorted(
        {
            crc32(marked[at : at + size].encode()) % BUCKETS
            for size in RUNS
            for at in range(len(marked) - size + 1)
        }
    )
