"""The catalogue page's filter: what a reader asked for and which datasets fit. Pure."""

import unicodedata
from collections.abc import Mapping
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


def folded(text: str) -> str:
    """Return text without case and accents: "València" is found by "valencia"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))
