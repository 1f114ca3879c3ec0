"""The catalogue page's filter: what a reader asked for and which datasets fit. Pure."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from tessera.domain.catalogue.entry import CatalogueEntry

SORTS = ("newest", "title", "subjects")
CHOICES = ("cancer", "modality", "population", "country", "node")
"""The filters that offer a list, in the order of the form."""
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueFilter:
    """Everything is a word from the address; an empty one does not restrict."""

    text: str = ""
    cancer: str = ""
    modality: str = ""
    population: str = ""
    country: str = ""
    node: str = ""
    sort: str = SORTS[0]

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "CatalogueFilter":
        """Read GET parameters. An unknown sort becomes the first; nothing else is refused."""
        wishes = {name: query.get(name, "").strip()[:_LONGEST] for name in ("text", *CHOICES)}
        sort = query.get("sort", "")
        return cls(**wishes, sort=sort if sort in SORTS else SORTS[0])

    def active(self) -> dict[str, str]:
        """Return the filters that restrict, by name."""
        return {k: v for k, v in asdict(self).items() if v and k != "sort"}

    def without(self, name: str) -> dict[str, str]:
        """Return the address parameters with one filter taken away."""
        left = replace(self, **{name: ""})
        return left.parameters()

    def parameters(self) -> dict[str, str]:
        """Return the address parameters that give this filter again."""
        return self.active() | ({"sort": self.sort} if self.sort != SORTS[0] else {})


def values(entry: CatalogueEntry, name: str) -> tuple[str, ...]:
    """Return what a dataset has to offer to one of `CHOICES`.

    A value that is listed as too few to tell is perhaps not there at all, so it does not count.
    """
    description = entry.description
    if name == "node":
        return (entry.node.node_id,)
    if name == "country":
        return (description.country,)
    if name == "population":
        return description.population
    facets = description.facets.get(name, ())
    return tuple(facet.value for facet in facets if facet.n_subjects is not None)


def matching(
    entries: Sequence[CatalogueEntry],
    wanted: CatalogueFilter,
    *,
    term: Callable[[str, str], str],
) -> list[CatalogueEntry]:
    """Return the datasets that satisfy every filter, sorted as asked.

    `term` gives the word for a coded value, so that a text search for "prostatacancer"
    finds what is coded `prostate`.
    """
    words = folded(wanted.text).split()
    kept = [
        entry
        for entry in entries
        if all(value in values(entry, name) for name in CHOICES if (value := getattr(wanted, name)))
        and (not words or _has_words(entry, words, term))
    ]
    if wanted.sort == "title":
        kept.sort(key=lambda e: folded(e.description.title.get("en", "")))
    elif wanted.sort == "subjects":
        kept.sort(key=lambda e: e.description.n_subjects or 0, reverse=True)
    else:
        kept.sort(key=lambda e: e.published_at, reverse=True)
    return kept


def choices(entries: Sequence[CatalogueEntry], name: str) -> list[tuple[str, int]]:
    """Return each value of one of `CHOICES` and the number of datasets that have it."""
    return sorted(Counter(value for e in entries for value in set(values(e, name))).items())


def folded(text: str) -> str:
    """Return text without case and accents: "València" is found by "valencia"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _has_words(
    entry: CatalogueEntry, words: Sequence[str], term: Callable[[str, str], str]
) -> bool:
    description = entry.description
    terms = [
        text
        for name in ("cancer", "modality", "population")
        for value in values(entry, name)
        for text in (value, term(name, value))
    ]
    haystack = folded(
        " ".join(
            (
                *description.title.values(),
                *description.description.values(),
                *description.keywords,
                description.publisher.name,
                description.dataset_id,
                entry.node.name,
                term("country", description.country),
                *terms,
            )
        )
    )
    return all(word in haystack for word in words)
