"""Charts draw the numbers they are given."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera.domain.catalogue.description import Facet
from tessera.http.charts import MANY, PLOT_PX, STUB_PERCENT, STUB_PX, TOP_PX, Chart, chart


def drawn(name: str, cells: dict[str, int | None]) -> Chart:
    return chart(name, [Facet(v, n) for v, n in cells.items()], lambda value: value.upper())


def test_bars_are_as_long_as_their_numbers_and_the_largest_comes_first() -> None:
    found = drawn("modality", {"pt": 50, "mr": 200, "ct": 100})

    assert [(b.value, b.label, b.width_percent) for b in found.bars] == [
        ("mr", "MR", 100.0),
        ("ct", "CT", 50.0),
        ("pt", "PT", 25.0),
    ]
    assert [b.top_px for b in found.bars] == sorted(b.top_px for b in found.bars)
    assert found.height_px > found.bars[-1].top_px + found.bars[-1].height_px


def test_a_suppressed_value_is_a_stub_at_the_end_and_has_no_number() -> None:
    found = drawn("sex", {"female": None, "male": 40})

    assert [(b.value, b.n_subjects, b.width_percent) for b in found.bars] == [
        ("male", 40, 100.0),
        ("female", None, STUB_PERCENT),
    ]
    assert found.suppressed
    assert found.largest is not None
    assert found.largest.value == "male"


def test_many_suppressed_values_share_one_bar_and_keep_their_names() -> None:
    cells: dict[str, int | None] = {f"c{i}": None for i in range(MANY + 1)} | {"lung": 30}
    found = drawn("cancer", cells)

    assert [(b.label, b.n_subjects) for b in found.bars] == [("LUNG", 30), ("", None)]
    assert found.unnamed == ("C0", "C1", "C2")


def test_ages_stand_at_their_place_and_a_missing_band_leaves_a_gap() -> None:
    found = drawn("age_at_diagnosis", {"70-79": 20, "40-49": 10, "60-69": 40})

    assert [b.value for b in found.bars] == ["40-49", "60-69", "70-79"]
    assert [t.text for t in found.ticks] == ["40", "50", "60", "70", "80"]
    assert [t.percent for t in found.ticks] == [0, 25, 50, 75, 100]
    assert [b.middle_percent for b in found.bars] == [12.5, 62.5, 87.5]
    assert [b.height_px for b in found.bars] == [PLOT_PX / 4, PLOT_PX, PLOT_PX / 2]
    assert all(b.top_px + b.height_px == TOP_PX + PLOT_PX for b in found.bars)


def test_an_open_last_band_has_no_end_and_unknown_ages_stand_outside_the_axis() -> None:
    found = drawn("age_at_diagnosis", {"unknown": 5, "80–89": 20, "90+": None})

    assert [t.text for t in found.ticks] == ["80", "90"]
    assert [b.value for b in found.bars] == ["80–89", "90+", "unknown"]
    assert [b.height_px for b in found.bars] == [PLOT_PX, STUB_PX, PLOT_PX / 4]
    assert found.n_bands == 2


def test_ages_that_are_not_bands_become_bars() -> None:
    found = drawn("age_at_diagnosis", {"young": 10, "old": 20})

    assert found.kind == "bars"


def test_stages_keep_their_order_whatever_their_numbers() -> None:
    found = drawn("stage", {"IV": 100, "0": None, "II": 10, "I": 40, "III": 60, "unknown": 7})

    assert [b.value for b in found.bars] == ["0", "I", "II", "III", "IV", "unknown"]
    assert not found.ticks


@pytest.mark.parametrize("name", ["sex", "stage", "age_at_diagnosis"])
def test_a_distribution_without_a_number_is_one_hatched_bar_for_all_values(name: str) -> None:
    found = drawn(name, {"0": None, "I": None})

    assert [(b.label, b.n_subjects) for b in found.bars] == [("", None)]
    assert found.unnamed == ("0", "I")
    assert found.largest is None


@pytest.mark.parametrize("name", ["sex", "stage", "age_at_diagnosis"])
def test_an_empty_distribution_draws_nothing(name: str) -> None:
    assert drawn(name, {}).bars == ()


@settings(deadline=None, max_examples=200)
@given(
    name=st.sampled_from(["age_at_diagnosis", "stage", "modality"]),
    cells=st.dictionaries(
        st.sampled_from(["0-9", "10-19", "50-59", "90+", "unknown", "I", "MR", "", "9-3", "1-2"]),
        st.none() | st.integers(0, 10**9),
    ),
)
def test_nothing_is_drawn_outside_the_chart(name: str, cells: dict[str, int | None]) -> None:
    found = drawn(name, cells)

    for bar in found.bars:
        assert 0 <= bar.left_percent <= bar.left_percent + bar.width_percent <= 100.001
        assert 0 <= bar.top_px <= bar.top_px + bar.height_px <= found.height_px
    told = {bar.value: bar.n_subjects for bar in found.bars if bar.n_subjects is not None}
    assert told == {value: n for value, n in cells.items() if n is not None}
