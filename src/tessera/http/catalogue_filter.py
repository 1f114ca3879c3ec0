"""The catalogue page's filter: what a reader asked for and which datasets fit. Pure."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final

from tessera.domain.catalogue.entry import CatalogueEntry
from tessera.domain.catalogue.harvested import HarvestedEntry

SORTS = ("newest", "title", "subjects")
CHOICES = ("cancer", "modality", "population", "country", "node", "origin")
"""The filters that offer a list, in the order of the form."""
HERE: Final = "here"
"""The origin of what nodes of this hub have published; others are sources of harvest."""
PAGE: Final = 24
"""How many datasets a page shows."""
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
    origin: str = ""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One dataset as the catalogue finds it: published here, or harvested."""

    entry: CatalogueEntry | None = None
    harvested: HarvestedEntry | None = None
    title: str
    at: datetime
    n_subjects: int | None
    offers: Mapping[str, tuple[str, ...]]
    """What it has for each of `CHOICES`."""
    words: str
    """All its texts, folded."""


def listed(entry: CatalogueEntry) -> Listed:
    """Return an entry as it is found.

    A value that is listed as too few to tell is perhaps not there at all, so it does not count.
    """
    d = entry.description

    def told(name: str) -> tuple[str, ...]:
        return tuple(f.value for f in d.facets.get(name, ()) if f.n_subjects is not None)

    texts = (*d.title.values(), *d.description.values(), *d.keywords, d.publisher.name)
    return Listed(
        entry=entry,
        title=d.title.get("en", ""),
        at=entry.published_at,
        n_subjects=d.n_subjects,
        offers={
            "cancer": told("cancer"),
            "modality": told("modality"),
            "population": d.population,
            "country": (d.country,),
            "node": (entry.node.node_id,),
            "origin": (HERE,),
        },
        words=folded(" ".join((*texts, d.dataset_id, entry.node.name))),
    )


def listed_from_elsewhere(harvested: HarvestedEntry) -> Listed:
    d = harvested.dataset
    texts = (*d.title.values(), *d.description.values(), *d.keywords, d.publisher, d.custodian)
    return Listed(
        harvested=harvested,
        title=d.title.get("en") or next(iter(d.title.values())),
        at=harvested.first_seen,
        n_subjects=d.n_subjects,
        offers={
            "cancer": d.cancers,
            "modality": d.modalities,
            "population": (),
            "country": (d.country,) if d.country else (),
            "node": (),
            "origin": (harvested.source_id,),
        },
        words=folded(" ".join((*texts, d.identifier))),
    )


def matching(
    items: Sequence[Listed],
    wanted: CatalogueFilter,
    *,
    term: Callable[[str, str], str],
) -> list[Listed]:
    """Return the datasets that satisfy every filter, sorted as asked.

    `term` gives the word for a coded value, so that a text search for "prostatacancer"
    finds what is coded `prostate`.
    """
    words = folded(wanted.text).split()
    kept = [
        item
        for item in items
        if all(value in item.offers[name] for name in CHOICES if (value := getattr(wanted, name)))
        and (not words or _has_words(item, words, term))
    ]
    if wanted.sort == "title":
        kept.sort(key=lambda item: folded(item.title))
    elif wanted.sort == "subjects":
        kept.sort(key=lambda item: item.n_subjects or 0, reverse=True)
    else:
        kept.sort(key=lambda item: item.at, reverse=True)
    return kept


def choices(items: Sequence[Listed], name: str) -> list[tuple[str, int]]:
    """Return each value of one of `CHOICES` and the number of datasets that have it."""
    return sorted(Counter(value for item in items for value in set(item.offers[name])).items())


def folded(text: str) -> str:
    """Return text without case and accents: "València" is found by "valencia"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _has_words(item: Listed, words: Sequence[str], term: Callable[[str, str], str]) -> bool:
    if all(word in item.words for word in words):
        return True
    terms = [
        text
        for name in ("cancer", "modality", "population", "country")
        for value in item.offers[name]
        for text in (value, term(name, value))
    ]
    haystack = f"{item.words} {folded(' '.join(terms))}"
    return all(word in haystack for word in words)
