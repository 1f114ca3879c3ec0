"""Compute the statistic of a search from what its datasets told."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from tessera.domain.cohort.disclosure import policy_in_words
from tessera.domain.cohort.result import DatasetResult, Outcome, SearchResult
from tessera.domain.errors import NotFound
from tessera.domain.statistics.computed import Computed, computed
from tessera.domain.statistics.statistic import Statistic, statistic_of
from tessera.domain.statistics.told import Told

_SEED: Final = 20231123
"""The same answers give the same numbers at each visit."""


class LeftOut(StrEnum):
    """Why a dataset is in no statistic."""

    NOT_COUNTED = "not_counted"
    """It has no count: its outcome says why."""
    NO_NOISE = "no_noise"
    """Its hospital's count policy has no noise, without which it gives no statistics."""
    NOT_SUPPORTED = "not_supported"
    """It lacks a field, or its node's program is too old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    statistic: Statistic
    computed: Computed
    datasets: tuple[DatasetResult, ...]
    """That are in it."""
    left_out: tuple[tuple[DatasetResult, LeftOut], ...]
    n_subjects: int
    """Sum of what the datasets in it count."""


def result_of(search: SearchResult) -> Result:
    """Return the statistic of the answers so far. Raises NotFound for a search without one."""
    if not search.statistic:
        raise NotFound("no statistic was asked for in this search")
    statistic = statistic_of(search.statistic)
    cuts = tuple(map(str, statistic.cuts))
    told, datasets, left_out = [], [], []
    for row in search.results:
        policy = policy_in_words(row.policy)
        if row.outcome is not Outcome.COUNTED:
            left_out.append((row, LeftOut.NOT_COUNTED))
        elif policy is None or not policy.gives_statistics:
            left_out.append((row, LeftOut.NO_NOISE))
        elif not all(cut in row.cuts for cut in cuts):
            left_out.append((row, LeftOut.NOT_SUPPORTED))
        else:
            datasets.append(row)
            told.append(Told(n_subjects=row.n_subjects or 0, policy=policy, cuts=row.cuts))
    return Result(
        statistic=statistic,
        computed=computed(statistic, told, np.random.default_rng(_SEED)),
        datasets=tuple(datasets),
        left_out=tuple(left_out),
        n_subjects=sum(row.n_subjects or 0 for row in datasets),
    )
