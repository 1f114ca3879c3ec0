"""Made-up people in three datasets, and what the datasets tell of them without a gate."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from tessera.adapters.duckdb.crossed import crossed
from tessera.domain.cohort.disclosure import CountPolicy, disclose_sets
from tessera.domain.cohort.exact import ExactCounts, ExactSet, ExactSets
from tessera.domain.cohort.fields import Value
from tessera.domain.cohort.sketch import Marks
from tessera.domain.cohort.sticky import ToldSets, numbers_for
from tessera.domain.statistics.cut import Cut
from tessera.domain.statistics.told import Told

EXACT = CountPolicy(1, 1, 0)
_FIELDS = {
    "stage": ["I", "II", "III", "IV"],
    "sex": ["female", "male"],
    "er": ["positive", "negative"],
    "first_treatment": ["surgery", "surgery", "radiotherapy", "chemotherapy", "hormone"],
}


def people(n: int = 900, seed: int = 7, missing: float = 0.03) -> pd.DataFrame:
    """Return rows with the columns of `_FIELDS`, age, survival and death, and `dataset` 0 to 2."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({name: rng.choice(values, n) for name, values in _FIELDS.items()})
    rows["age_at_diagnosis"] = np.clip(rng.normal(63, 11, n), 20, 99).round()
    worse = rows["stage"].map({"I": 0.0, "II": 0.4, "III": 0.9, "IV": 1.6})
    hazard = np.exp(worse + 0.02 * (rows["age_at_diagnosis"] - 60)) / 2500
    death = rng.exponential(1 / hazard)
    followed = rng.uniform(100, 2500, n)
    rows["survival_days"] = np.minimum(death, followed).round()
    rows["deceased"] = np.where(death <= followed, "yes", "no")
    rows["dataset"] = rng.integers(0, 3, n)
    for name in _FIELDS:
        rows.loc[rng.random(n) < missing, name] = None
    return rows


def told_of(rows: pd.DataFrame, cuts: Sequence[Cut], policy: CountPolicy = EXACT) -> list[Told]:
    """Return what each dataset tells; cells below the policy's minimum are not told."""
    return [_told(part, cuts, policy) for _, part in rows.groupby("dataset")]


def told_through_the_gate(
    rows: pd.DataFrame, cuts: Sequence[Cut], policy: CountPolicy, key: bytes
) -> list[Told]:
    """Return what each dataset tells through the gate; each has a ledger of its own."""
    parts = (part for _, part in rows.groupby("dataset"))
    return [_gated(part, cuts, policy, key + bytes([place])) for place, part in enumerate(parts)]


def _gated(rows: pd.DataFrame, cuts: Sequence[Cut], policy: CountPolicy, key: bytes) -> Told:
    subjects = [f"S{place}" for place in range(len(rows))]
    place_of = {subject: place for place, subject in enumerate(subjects)}
    marks = Marks(key, subjects)

    def exact_set(who: Iterable[str]) -> ExactSet:
        places = np.array(sorted(place_of[one] for one in who), np.intp)
        return ExactSet(len(places), marks.sketch(places))

    named = {f"cut_{place}": cut for place, cut in enumerate(cuts)}
    cells = {}
    for name, cut in named.items():
        values = {field: _values(rows[field], subjects) for field in cut.fields}
        found = crossed(cut, subjects, values)
        cells[name] = {cell: exact_set(who) for cell, who in found.items()}
    everybody = exact_set(subjects)
    exact = ExactSets(
        ExactCounts(len(subjects), len(subjects), len(subjects)),
        subjects=everybody,
        study_subjects=everybody,
        studies=everybody,
        studies_each=1,
        cells=cells,
    )
    ledger = ToldSets()

    def tell(sets: Mapping[str, ExactSet]) -> Mapping[str, int | None]:
        return numbers_for(ledger, sets, policy, key, answer=1)[0]

    counts = disclose_sets(exact, policy, tell, named).value
    return Told(n_subjects=counts.n_subjects or 0, policy=policy, cuts=counts.cuts)


def _told(rows: pd.DataFrame, cuts: Sequence[Cut], policy: CountPolicy) -> Told:
    subjects = [f"S{place}" for place in range(len(rows))]
    found: dict[str, Mapping[str, int]] = {}
    for cut in cuts:
        values = {name: _values(rows[name], subjects) for name in cut.fields}
        cells = crossed(cut, subjects, values)
        found[str(cut)] = {
            cell: len(who) for cell, who in cells.items() if len(who) >= policy.minimum
        }
    return Told(n_subjects=len(rows), policy=policy, cuts=found)


def _values(column: pd.Series, subjects: list[str]) -> list[tuple[Value, str, bool]]:
    pairs = zip(column, subjects, strict=True)
    return [(value, who, True) for value, who in pairs if not pd.isna(value)]
