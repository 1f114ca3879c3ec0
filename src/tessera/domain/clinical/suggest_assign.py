"""Give each column at most one variable and each variable at most one column, best in all. Pure.

Source: the Hungarian method as shortest augmenting paths (R. Jonker, A. Volgenant, 1987).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt


def assign(scores: Sequence[Mapping[str, float]]) -> list[str]:
    """Return the variable of each column, or "", so that the sum of the scores is greatest.

    `scores`: for each column, variable → score above 0. Ties go to the earlier column.
    """
    names = sorted({name for one in scores for name in one})
    if not names:
        return [""] * len(scores)
    at = {name: place for place, name in enumerate(names)}
    n_columns, n_names = len(scores), len(names)
    gains = np.zeros((n_columns, n_names + n_columns))
    for row, one in enumerate(scores):
        for name, score in one.items():
            gains[row, at[name]] = score + 1e-9 * (n_columns - row)
    chosen = _matching(gains.max() - gains)
    return [names[c] if c < n_names and names[c] in scores[r] else "" for r, c in enumerate(chosen)]


def _matching(cost: npt.NDArray[np.float64]) -> list[int]:
    """Return the column of each row of the cheapest matching; there are as many columns or more."""
    n_rows, n_columns = cost.shape
    u, v = np.zeros(n_rows + 1), np.zeros(n_columns + 1)
    row_of = np.zeros(n_columns + 1, dtype=int)
    for row in range(1, n_rows + 1):
        row_of[0] = row
        column = 0
        least = np.full(n_columns + 1, np.inf)
        before = np.zeros(n_columns + 1, dtype=int)
        used = np.zeros(n_columns + 1, dtype=bool)
        while row_of[column]:
            used[column] = True
            current = row_of[column]
            reduced = cost[current - 1] - u[current] - v[1:]
            better = ~used[1:] & (reduced < least[1:])
            least[1:][better] = reduced[better]
            before[1:][better] = column
            free = np.where(used[1:], np.inf, least[1:])
            following = int(free.argmin()) + 1
            delta = free[following - 1]
            u[row_of[used]] += delta
            v[used] -= delta
            least[1:][~used[1:]] -= delta
            column = following
        while column:
            row_of[column] = row_of[before[column]]
            column = int(before[column])
    found = [0] * n_rows
    for column in range(1, n_columns + 1):
        if row_of[column]:
            found[row_of[column] - 1] = column - 1
    return found
