"""What is computed of numbers through the gate holds the pooled result in its intervals."""

import numpy as np
import pytest

from tessera.domain.cohort.disclosure import CountPolicy
from tessera.domain.statistics.computed import computed
from tessera.domain.statistics.cut import Cut
from tessera.domain.statistics.models import Model
from tessera.domain.statistics.statistic import Statistic, statistic
from tessera.domain.statistics.survival import Survival
from tessera.domain.statistics.tables import Histogram, Table
from tests.unit.domain.statistics.people import people, told_of, told_through_the_gate

_NOISY = CountPolicy(10, 10, 10)
_ROWS = people(6000, seed=3)


def _both(asked: Statistic, n: int = len(_ROWS)) -> tuple[object, object]:
    """Return the pooled result and what is made of the gated numbers."""
    rows, rng = _ROWS[:n], np.random.default_rng(0)
    pooled = computed(asked, told_of(rows, asked.cuts), rng)
    gated = told_through_the_gate(rows, asked.cuts, _NOISY, b"\x07" * 16)
    return pooled, computed(asked, gated, rng)


def test_survival_lies_in_its_intervals() -> None:
    pooled, gated = _both(statistic("survival", ("stage",)))
    assert isinstance(pooled, Survival) and isinstance(gated, Survival)
    exact = {curve.group: curve for curve in pooled.curves}
    shown = [curve for curve in gated.curves if len(curve.points) > 10]
    assert len(shown) >= 3
    for curve in shown:
        for point, true in zip(curve.points, exact[curve.group].points, strict=False):
            assert point.low - 1e-9 <= true.survival <= point.high + 1e-9
            assert abs(point.survival - true.survival) < 0.1


@pytest.mark.parametrize(
    "asked",
    [
        statistic("cox", ("stage",)),
        statistic("logistic", ("stage", "sex"), outcome="deceased = yes"),
        statistic("linear", ("sex",), steps="age_at_diagnosis(20..100/5)"),
    ],
)
def test_estimates_lie_in_their_intervals(asked: Statistic) -> None:
    pooled, gated = _both(asked)
    assert isinstance(pooled, Model) and isinstance(gated, Model)
    assert not gated.lacking
    exact = {(term.field, term.value): term.estimate for term in pooled.terms}
    if gated.references == pooled.references:
        for term in gated.terms:
            assert term.low <= exact[term.field, term.value] <= term.high
            assert term.noise > 0


def test_tables_and_quantiles_hold_the_exact_numbers() -> None:
    pooled, gated = _both(statistic("table", ("stage", "er")))
    assert isinstance(pooled, Table) and isinstance(gated, Table)
    for cell, true in zip(gated.cells, pooled.cells, strict=True):
        assert cell.low <= (true.n_subjects or 0) <= cell.high
    pooled, gated = _both(statistic("histogram", steps="age_at_diagnosis(20..100/5)"))
    assert isinstance(pooled, Histogram) and isinstance(gated, Histogram)
    assert gated.mean_low is not None and pooled.mean is not None and gated.mean_high is not None
    assert gated.mean_low - 1 <= pooled.mean <= gated.mean_high + 1
    for one, exact in zip(gated.quantiles, pooled.quantiles, strict=True):
        assert one.low <= exact.low
        assert one.high is None or (exact.high is not None and exact.high <= one.high)


def test_where_noise_is_larger_than_what_is_told_there_is_no_estimate() -> None:
    _, gated = _both(statistic("cox", ("stage", "age_at_diagnosis(55, 70)")), n=500)
    assert isinstance(gated, Model)
    assert gated.lacking
    assert gated.terms == ()


def test_without_any_dataset_nothing_is_told() -> None:
    rng = np.random.default_rng(0)
    for asked in (
        statistic("survival", ("stage",)),
        statistic("similar"),
        statistic("cox", ("stage",)),
        statistic("linear", ("sex",), steps="psa(0..50/5)"),
        statistic("logistic", ("sex",), outcome="deceased = yes"),
        statistic("histogram", steps="psa(0..50/5)"),
        statistic("table", ("stage", "sex")),
    ):
        found = computed(asked, [], rng)
        if isinstance(found, Model):
            assert found.lacking == "few"
        if isinstance(found, Survival):
            assert found.curves == ()
        if isinstance(found, Table):
            assert {cell.n_subjects for cell in found.cells} == {None}


def test_cells_come_from_the_ends_so_that_the_gate_tells_far_sets_first() -> None:
    asked = statistic("survival", steps="survival_days(0..4/1) until deceased")
    (cut,) = asked.cuts
    assert [cell for cell in cut.cells() if "@" in cell] == ["@0", "@4", "@2", "@1", "@3"]
    assert len(set(cut.cells())) == cut.n_cells
    assert Cut((), asked.steps) == cut
