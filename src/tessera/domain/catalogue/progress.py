"""How far the hospitals of a hub have come: over time, by kind of patient, and what lacks. Pure.

Every number is a sum of what hospitals told, each rounded by its own policy; what was too few to
tell is in no sum.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from tessera.domain.catalogue.description import DatasetDescription, Facet
from tessera.domain.cohort.fields import FIELDS

MEMBER_STATES = tuple(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()
)
"""Of the European Union, ISO 3166-1 alpha-2. Source: Publications Office, country list, 2020."""
FACETS = ("cancer", "modality", "age_at_diagnosis", "sex", "stage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One version that came to the hub."""

    at: datetime
    node_id: str
    country: str
    description: DatasetDescription


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the catalogue held at the end of one day, UTC: sums over the newest versions then."""

    day: date
    n_hospitals: int
    n_countries: int
    n_datasets: int
    n_subjects: int
    n_instances: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InCountry:
    country: str
    n_hospitals: int
    n_datasets: int
    n_subjects: int | None
    """None when every dataset has too few to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    moments: tuple[Moment, ...]
    """One for each day on which something was published, ascending."""
    facets: Mapping[str, tuple[Facet, ...]]
    """Of the newest versions, summed; None where no hospital told a number."""
    countries: tuple[InCountry, ...]
    """Countries with a dataset, by code."""
    countries_without: tuple[str, ...]
    """Member states without one."""
    cancers_without: tuple[str, ...]
    """Cancers for which no dataset tells a number."""
    cancers_in: Mapping[str, Mapping[str, int | None]]
    """Country → cancer → patients; None where no hospital there told a number."""


def progress(published: Iterable[Published]) -> Progress:
    """Put together what was published, in any order; a later version takes an earlier's place."""
    ordered = sorted(published, key=lambda one: (one.at, one.description.version))
    newest: dict[tuple[str, str], Published] = {}
    moments: dict[date, Moment] = {}
    for one in ordered:
        newest[one.node_id, one.description.dataset_id] = one
        moments[one.at.date()] = _moment(one.at.date(), newest.values())
    facets = summed_facets([one.description.facets for one in newest.values()])
    kept = {name: facets[name] for name in FACETS if name in facets}
    told = {cell.value for cell in kept.get("cancer", ()) if cell.n_subjects is not None}
    countries = _countries(list(newest.values()))
    return Progress(
        moments=tuple(moments.values()),
        facets=kept,
        countries=countries,
        countries_without=tuple(
            sorted(set(MEMBER_STATES) - {country.country for country in countries})
        ),
        cancers_without=tuple(
            one.name
            for one in FIELDS["cancer"].values
            if not one.is_grouping and one.name not in told
        ),
        cancers_in=_cancers_in(newest.values()),
    )


def summed_facets(
    facets: Iterable[Mapping[str, Sequence[Facet]]],
) -> dict[str, tuple[Facet, ...]]:
    """Return sums by value; None for a value that none of them has a number for."""
    summed: dict[str, dict[str, int | None]] = {}
    for one in facets:
        for name, cells in one.items():
            values = summed.setdefault(name, {})
            for cell in cells:
                before, told = values.get(cell.value), cell.n_subjects
                values[cell.value] = before if told is None else (before or 0) + told
    return {
        name: tuple(Facet(value, n) for value, n in values.items())
        for name, values in summed.items()
    }


def _cancers_in(newest: Iterable[Published]) -> dict[str, dict[str, int | None]]:
    by_country: dict[str, list[Mapping[str, Sequence[Facet]]]] = {}
    for one in newest:
        by_country.setdefault(one.country, []).append(one.description.facets)
    return {
        country: {cell.value: cell.n_subjects for cell in summed_facets(facets).get("cancer", ())}
        for country, facets in sorted(by_country.items())
    }


def _moment(day: date, newest: Iterable[Published]) -> Moment:
    now = list(newest)
    return Moment(
        day=day,
        n_hospitals=len({one.node_id for one in now}),
        n_countries=len({one.country for one in now}),
        n_datasets=len(now),
        n_subjects=sum(one.description.n_subjects or 0 for one in now),
        n_instances=sum(one.description.n_instances or 0 for one in now),
    )


def _countries(newest: Sequence[Published]) -> tuple[InCountry, ...]:
    n_datasets = Counter(one.country for one in newest)
    found = []
    for country in sorted(n_datasets):
        here = [one for one in newest if one.country == country]
        told = [n for one in here if (n := one.description.n_subjects) is not None]
        found.append(
            InCountry(
                country=country,
                n_hospitals=len({one.node_id for one in here}),
                n_datasets=len(here),
                n_subjects=sum(told) if told else None,
            )
        )
    return tuple(found)
