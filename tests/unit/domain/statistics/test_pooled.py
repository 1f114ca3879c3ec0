"""What is computed of the cells of three datasets is what statsmodels makes of their pooled rows.

Times and numbers of the pooled rows are rounded down to the steps, as the cells hold them.
"""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from tessera.domain.statistics.computed import computed
from tessera.domain.statistics.cut import Steps
from tessera.domain.statistics.models import Model
from tessera.domain.statistics.probability import chi_squared_above, two_sided
from tessera.domain.statistics.statistic import Statistic, statistic
from tessera.domain.statistics.survival import Survival
from tessera.domain.statistics.tables import Histogram, Table
from tests.unit.domain.statistics.people import people, told_of

_ROWS = people()
_CLOSE = 1e-6


def _computed(asked: Statistic) -> object:
    return computed(asked, told_of(_ROWS, asked.cuts), np.random.default_rng(0))


def _down(column: pd.Series, steps: Steps | None) -> pd.Series:
    assert steps is not None
    return pd.Series([max(e for e in steps.edges if e <= value) for value in column])


def _timed(steps: Steps | None) -> tuple[pd.Series, pd.Series]:
    """Return times in steps and whether the event came, not followed beyond the last edge."""
    time = _down(_ROWS["survival_days"], steps)
    assert steps is not None
    event = (_ROWS["deceased"] == "yes") & (time < steps.edges[-1])
    return time, event.astype(int)


def _dummies(found: Model, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of the model's terms, in its order."""
    columns = {}
    for term in found.terms:
        if not term.field:
            columns["1"] = pd.Series(1.0, rows.index)
        elif term.field == "age_at_diagnosis":
            age = rows[term.field]
            bands = {"<55": age < 55, "55-<70": (age >= 55) & (age < 70), ">=70": age >= 70}
            columns[term.value] = bands[term.value].astype(float)
        else:
            columns[term.value] = (rows[term.field] == term.value).astype(float)
    return pd.DataFrame(columns)


def _equal(found: Model, parameters: object, errors: object) -> None:
    assert not found.lacking
    assert [one.estimate for one in found.terms] == pytest.approx(list(parameters), abs=_CLOSE)
    assert [one.error for one in found.terms] == pytest.approx(list(errors), abs=_CLOSE)
    assert max(one.noise for one in found.terms) < 1e-9


def test_curves_are_kaplan_and_meiers() -> None:
    asked = statistic("survival", ("stage",))
    found = _computed(asked)
    assert isinstance(found, Survival)
    time, event = _timed(asked.steps)
    for curve in found.curves:
        if curve.group == "?":
            continue
        of_group = _ROWS["stage"] == curve.group
        pooled = SurvfuncRight(time[of_group], event[of_group])
        # An event in the step from t is counted at its end.
        ends = dict(zip(asked.steps.edges, asked.steps.edges[1:], strict=False))
        after = {
            ends[t]: (s, e)
            for t, s, e in zip(
                pooled.surv_times, pooled.surv_prob, pooled.surv_prob_se, strict=True
            )
            if t in ends
        }
        compared = 0
        for point in curve.points:
            if point.time in after:
                survival, error = after[point.time]
                assert point.survival == pytest.approx(survival, abs=_CLOSE)
                spread = 1.959963984540054 * error / (survival * abs(np.log(survival)))
                assert point.low == pytest.approx(survival ** np.exp(spread), abs=_CLOSE)
                assert point.high == pytest.approx(survival ** np.exp(-spread), abs=_CLOSE)
                compared += 1
        assert compared > 10


def test_the_log_rank_test_is_that_of_pooled_rows() -> None:
    asked = statistic("survival", ("stage",))
    found = _computed(asked)
    assert isinstance(found, Survival)
    assert found.log_rank is not None
    time, event = _timed(asked.steps)
    known = _ROWS["stage"].notna()
    chi, p = survdiff(time[known], event[known], _ROWS["stage"][known])
    assert found.log_rank.df == 3
    assert found.log_rank.chi_squared == pytest.approx(chi, abs=_CLOSE)
    assert found.log_rank.p == pytest.approx(p, abs=_CLOSE)
    assert found.log_rank.p_low == found.log_rank.p == found.log_rank.p_high


def test_coxs_model_is_that_of_pooled_rows() -> None:
    asked = statistic("cox", ("stage", "sex", "age_at_diagnosis(55, 70)"))
    found = _computed(asked)
    assert isinstance(found, Model)
    time, event = _timed(asked.steps)
    whole = _ROWS[["stage", "sex"]].notna().all(axis=1)
    pooled = PHReg(
        time[whole], _dummies(found, _ROWS[whole]), status=event[whole], ties="efron"
    ).fit(tol=1e-12, disp=0)
    _equal(found, pooled.params, pooled.bse)
    assert found.n_subjects == whole.sum()
    assert found.n_events == event[whole].sum()


def test_the_logistic_model_is_that_of_pooled_rows() -> None:
    asked = statistic("logistic", ("stage", "er"), outcome="deceased = yes")
    found = _computed(asked)
    assert isinstance(found, Model)
    whole = _ROWS[["stage", "er"]].notna().all(axis=1)
    event = (_ROWS["deceased"][whole] == "yes").astype(int)
    pooled = sm.Logit(event, _dummies(found, _ROWS[whole])).fit(disp=0, tol=1e-14)
    _equal(found, pooled.params, pooled.bse)
    assert found.n_events == event.sum()


def test_the_linear_model_is_that_of_pooled_rows() -> None:
    asked = statistic("linear", ("stage", "sex"), steps="age_at_diagnosis(20..100/1)")
    found = _computed(asked)
    assert isinstance(found, Model)
    whole = _ROWS[["stage", "sex"]].notna().all(axis=1)
    pooled = sm.OLS(_ROWS["age_at_diagnosis"][whole], _dummies(found, _ROWS[whole])).fit()
    _equal(found, pooled.params, pooled.bse)


def test_tables_and_their_test_are_those_of_pooled_rows() -> None:
    found = _computed(statistic("table", ("stage", "sex")))
    assert isinstance(found, Table)
    pooled = pd.crosstab(_ROWS["stage"].fillna("?"), _ROWS["sex"].fillna("?"))
    for cell in found.cells:
        if cell.n_subjects is not None:
            assert cell.n_subjects == cell.low == cell.high == pooled.loc[cell.group]
    assert sum(cell.n_subjects or 0 for cell in found.cells) == len(_ROWS)
    expected = stats.chi2_contingency(pooled.drop("?").drop(columns="?"), correction=False)
    assert found.test is not None
    assert found.test.chi_squared == pytest.approx(expected.statistic, abs=_CLOSE)
    assert found.test.p == pytest.approx(expected.pvalue, abs=_CLOSE)
    assert found.least_expected == pytest.approx(expected.expected_freq.min())


def test_mean_and_quantiles_are_those_of_pooled_rows() -> None:
    asked = statistic("histogram", steps="age_at_diagnosis(20..100/1)")
    found = _computed(asked)
    assert isinstance(found, Histogram)
    ages = _ROWS["age_at_diagnosis"]
    assert found.mean == pytest.approx(ages.mean(), abs=_CLOSE)
    assert found.mean_low == found.mean == found.mean_high
    shares = [one.share for one in found.quantiles]
    expected = np.quantile(ages, shares, method="inverted_cdf")
    assert [one.low for one in found.quantiles] == list(expected)
    assert [one.high for one in found.quantiles] == list(expected + 1)


@pytest.mark.parametrize("df", [1, 2, 5, 40])
@pytest.mark.parametrize("x", [0.0, 0.01, 0.9, 3.84, 12.0, 60.0, 300.0])
def test_tail_probabilities(x: float, df: int) -> None:
    assert chi_squared_above(x, df) == pytest.approx(stats.chi2.sf(x, df), rel=1e-9)
    assert two_sided(x) == pytest.approx(2 * stats.norm.sf(x), rel=1e-9)
