"""Find datasets by words and choices, with the number of datasets behind each further choice.

For each value there is one whole number whose bits say which datasets have it: a choice is an
"and" of two numbers, a count is the number of bits that are set. Ten thousand datasets take a
few milliseconds; what their texts say is worked out once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from tessera.domain.catalogue.entry import CatalogueEntry
from tessera.domain.catalogue.harvested import HarvestedEntry
from tessera.http.catalogue_filter import (
    CHOICES,
    CatalogueFilter,
    Listed,
    folded,
    listed,
    listed_from_elsewhere,
)
from tessera.http.language import Texts

_TERMS = ("cancer", "modality", "population", "country")
"""Choices whose values a text search finds by their words in the reader's language."""
Term = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Found:
    """What fits a filter: places in the list, in the order that was asked for."""

    places: tuple[int, ...]
    choices: dict[str, list[tuple[str, int]]]
    """For each choice its values, and how many datasets fit with it and with all other filters."""


class CatalogueIndex:
    """The datasets of one state of the catalogue."""

    def __init__(self, items: Sequence[Listed]) -> None:
        self._items = items
        self._all = (1 << len(items)) - 1
        self._masks = {name: _masks(items, name) for name in CHOICES}
        self._orders = {
            "newest": sorted(range(len(items)), key=lambda i: items[i].at, reverse=True),
            "title": sorted(range(len(items)), key=lambda i: folded(items[i].title)),
            "subjects": sorted(
                range(len(items)), key=lambda i: items[i].n_subjects or 0, reverse=True
            ),
        }
        self._texts: dict[str, list[str]] = {}

    def find(self, wanted: CatalogueFilter, words: Texts) -> Found:
        """Return what satisfies every filter.

        The words of coded values count as text, so that "prostatacancer" finds what is coded
        `prostate`.
        """
        by_text = self._with_words(wanted.text, words)
        asked = {
            name: self._masks[name].get(value, 0)
            for name in CHOICES
            if (value := getattr(wanted, name))
        }
        fits = by_text
        for mask in asked.values():
            fits &= mask
        choices = {}
        for name in CHOICES:
            others = by_text
            for other, mask in asked.items():
                others &= mask if other != name else self._all
            counts = ((v, (m & others).bit_count()) for v, m in self._masks[name].items())
            choices[name] = sorted((value, n) for value, n in counts if n)
        # Bit i is the last but i-th digit.
        digits = format(fits, f"0{len(self._items)}b")[::-1] if self._items else ""
        order = self._orders[wanted.sort]
        return Found(tuple(i for i in order if digits[i] == "1"), choices)

    def _with_words(self, text: str, words: Texts) -> int:
        asked = folded(text).split()
        if not asked:
            return self._all
        texts = self._texts.get(words.language)
        if texts is None:
            texts = self._texts[words.language] = [
                f"{item.words} {_term_words(item, words.term)}" for item in self._items
            ]
        digits = ["1" if all(word in one for word in asked) else "0" for one in texts]
        return int("".join(reversed(digits)) or "0", 2)


class CatalogueFinder:
    """Keeps the index until the catalogue changes. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: tuple[object, CatalogueIndex] | None = None
        self._seen: tuple[object, object, CatalogueIndex] | None = None

    def index(
        self, entries: Sequence[CatalogueEntry], harvested: Sequence[HarvestedEntry]
    ) -> CatalogueIndex:
        """Return the index of `entries` and, behind them, `harvested`."""
        with self._lock:
            if self._seen is not None and self._seen[0] is entries and self._seen[1] == harvested:
                return self._seen[2]
        state = (
            tuple((e.node.name, e.node.node_id, e.description.manifest_sha256) for e in entries),
            tuple((e.description.dataset_id, e.published_at) for e in entries),
            tuple((e.key, e.last_seen) for e in harvested),
        )
        with self._lock:
            if self._kept is None or self._kept[0] != state:
                items = [*map(listed, entries), *map(listed_from_elsewhere, harvested)]
                self._kept = state, CatalogueIndex(items)
            self._seen = entries, harvested, self._kept[1]
            return self._kept[1]


def _masks(items: Sequence[Listed], name: str) -> dict[str, int]:
    members: dict[str, bytearray] = {}
    n_bytes = len(items) // 8 + 1
    for at, item in enumerate(items):
        for value in item.offers[name]:
            members.setdefault(value, bytearray(n_bytes))[at >> 3] |= 1 << (at & 7)
    return {value: int.from_bytes(bits, "little") for value, bits in members.items()}


def _term_words(item: Listed, term: Term) -> str:
    values = ((name, value) for name in _TERMS for value in item.offers[name])
    return " ".join(f"{_folded(value)} {_folded(term(name, value))}" for name, value in values)


_folded = lru_cache(maxsize=10_000)(folded)
