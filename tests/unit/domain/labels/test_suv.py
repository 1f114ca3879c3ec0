"""Activity to SUV, against numbers worked out by hand."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tessera.domain.errors import InvalidInput
from tessera.domain.labels.suv import PetFacts, suv_factor

FACTS = PetFacts(
    units="BQML",
    corrected=frozenset(("ATTN", "DECY")),
    decay_correction="START",
    weight_kg=70.0,
    dose_bq=350e6,
    half_life_s=6586.2,
    injected=datetime(2020, 1, 1, 10, 0, tzinfo=UTC),
    scanned=datetime(2020, 1, 1, 11, 49, 46, 200000, tzinfo=UTC),
)
"""F-18, scanned exactly one half life after the injection."""


def test_one_half_life_doubles_the_factor() -> None:
    assert suv_factor(FACTS) == pytest.approx(70_000 / 350e6 * 2)
    assert suv_factor(replace(FACTS, decay_correction="ADMIN")) == pytest.approx(70_000 / 350e6)
    assert suv_factor(PetFacts(units="GML", suv_type="BW")) == 1.0


@pytest.mark.parametrize(
    "lacking",
    [
        {"units": "CNTS"},
        {"units": "GML", "suv_type": "LBM"},
        {"corrected": frozenset(("DECY",))},
        {"decay_correction": "NONE"},
        {"weight_kg": None},
        {"dose_bq": 0.0},
        {"half_life_s": None},
        {"injected": None},
        {"injected": datetime(2020, 1, 1, 12, 0, tzinfo=UTC)},
    ],
)
def test_what_is_not_told_gives_no_number(lacking: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="no SUV"):
        suv_factor(replace(FACTS, **lacking))  # type: ignore[arg-type]
