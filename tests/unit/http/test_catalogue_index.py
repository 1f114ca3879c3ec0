"""The index finds and counts what a look at each dataset one by one would."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tessera.http.catalogue_filter import CHOICES, CatalogueFilter, Listed, folded
from tessera.http.catalogue_index import CatalogueFinder, CatalogueIndex
from tessera.http.language import texts
from tests.pages.fake_hub import ENTRIES, harvested

VALUES = ("prostate", "breast", "lung", "MR")
SOME = st.lists(st.sampled_from(VALUES), max_size=3, unique=True).map(tuple)
ITEMS = st.lists(
    st.builds(
        Listed,
        title=st.text("abÅ", max_size=3),
        at=st.integers(0, 5).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=n)),
        n_subjects=st.none() | st.integers(0, 3),
        offers=st.fixed_dictionaries(dict.fromkeys(CHOICES, SOME)),
        words=st.text("ab ", max_size=5),
    ),
    max_size=20,
)
WANTED = st.builds(
    CatalogueFilter,
    text=st.sampled_from(["", "a", "b a", "lungcancer", "Å"]),
    sort=st.sampled_from(["newest", "title", "subjects"]),
    **dict.fromkeys(CHOICES, st.sampled_from(["", "", "", *VALUES])),
)
SWEDISH = texts("sv")


def one_by_one(item: Listed, wanted: CatalogueFilter, besides: str = "") -> bool:
    names = ("cancer", "modality", "population", "country")
    said = [folded(f"{v} {SWEDISH.term(n, v)}") for n in names for v in item.offers[n]]
    haystack = f"{item.words} {' '.join(said)}"
    chosen = {name: getattr(wanted, name) for name in CHOICES if name != besides}
    return all(not value or value in item.offers[name] for name, value in chosen.items()) and all(
        word in haystack for word in folded(wanted.text).split()
    )


@given(ITEMS, WANTED)
def test_the_index_finds_and_counts_as_a_look_at_each(
    items: list[Listed], wanted: CatalogueFilter
) -> None:
    found = CatalogueIndex(items).find(wanted, SWEDISH)
    assert sorted(found.places) == [i for i, one in enumerate(items) if one_by_one(one, wanted)]
    for name in CHOICES:
        fits = [one for one in items if one_by_one(one, wanted, besides=name)]
        counts = {v: sum(v in one.offers[name] for one in fits) for v in VALUES}
        assert dict(found.choices[name]) == {v: n for v, n in counts.items() if n}
    shown = [items[place] for place in found.places]
    if wanted.sort == "newest":
        assert [one.at for one in shown] == sorted((one.at for one in shown), reverse=True)
    elif wanted.sort == "subjects":
        numbers = [one.n_subjects or 0 for one in shown]
        assert numbers == sorted(numbers, reverse=True)
    else:
        assert [folded(o.title) for o in shown] == sorted(folded(o.title) for o in shown)


def test_the_index_is_kept_until_the_catalogue_changes() -> None:
    finder, other = CatalogueFinder(), [harvested("a")]
    first = finder.index(ENTRIES, other)
    assert finder.index(list(ENTRIES), list(other)) is first
    assert finder.index(ENTRIES[1:], other) is not first
    assert finder.index(ENTRIES, [harvested("b")]) is not first
