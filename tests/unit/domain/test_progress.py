"""How far the hospitals have come: sums over the newest versions, and what lacks."""

from dataclasses import replace
from datetime import UTC, datetime

from tessera.domain.catalogue.description import DatasetDescription, Facet
from tessera.domain.catalogue.progress import MEMBER_STATES, Published, progress
from tessera.domain.ids import DatasetId
from tests.hub_trial import exact_description


def described(name: str, version: int, n: int | None, **facets: int | None) -> DatasetDescription:
    cells = tuple(Facet(value, told) for value, told in facets.items())
    return replace(
        exact_description(name, version=version),
        dataset_id=DatasetId(name),
        n_subjects=n,
        n_instances=None if n is None else 100 * n,
        facets={"cancer": cells},
    )


def published(day: int, node: str, country: str, what: DatasetDescription) -> Published:
    at = datetime(2026, 3, day, 12, tzinfo=UTC)
    return Published(at=at, node_id=node, country=country, description=what)


def test_a_later_version_takes_the_place_of_an_earlier_in_any_order() -> None:
    found = progress(
        [
            published(9, "b", "ES", described("x", 1, 30, breast=20)),
            published(3, "a", "SE", described("x", 1, 40, prostate=40)),
            published(9, "a", "SE", described("x", 2, 60, prostate=50, breast=None)),
            published(12, "a", "SE", described("y", 1, None, lung=None)),
        ]
    )
    rows = [
        (m.day.day, m.n_hospitals, m.n_countries, m.n_datasets, m.n_subjects, m.n_instances)
        for m in found.moments
    ]
    assert rows == [(3, 1, 1, 1, 40, 4000), (9, 2, 2, 2, 90, 9000), (12, 2, 2, 3, 90, 9000)]
    cancers = {cell.value: cell.n_subjects for cell in found.facets["cancer"]}
    assert cancers == {"prostate": 50, "breast": 20, "lung": None}
    assert [(c.country, c.n_hospitals, c.n_datasets, c.n_subjects) for c in found.countries] == [
        ("ES", 1, 1, 30),
        ("SE", 1, 2, 60),
    ]
    assert {"lung", "colon"} <= set(found.cancers_without)
    assert not {"prostate", "breast"} & set(found.cancers_without)
    assert "FR" in found.countries_without
    assert len(found.countries_without) == len(MEMBER_STATES) - 2 == 25


def test_before_anything_is_published_everything_lacks() -> None:
    found = progress([])
    assert (found.moments, found.facets, found.countries) == ((), {}, ())
    assert len(found.countries_without) == 27


def test_a_country_in_which_all_is_too_few_has_no_number() -> None:
    found = progress([published(3, "a", "SE", described("x", 1, None))])
    assert [one.n_subjects for one in found.countries] == [None]
