"""One model from the updates of several nodes: the mean, weighted by samples. Pure."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tessera.domain.errors import InvalidInput

Weights = Mapping[str, npt.NDArray[np.generic]]
"""Arrays of a model by name; any shapes, real numbers."""


def weighted_mean(updates: Sequence[tuple[int, Weights]]) -> dict[str, npt.NDArray[np.generic]]:
    """Return the mean of the updates, each weighted by its number of samples.

    Parameters
    ----------
    updates
        `(n_samples, weights)` of each node, n_samples >= 1, at least one; all with the same
        names, shapes and types. Summed in the given order, in double precision: the same order
        gives the same bytes.

    Returns
    -------
    dict
        By name, in the type of the updates; whole numbers are rounded to the nearest.

    Raises
    ------
    InvalidInput
        No update, a number of samples below 1, another model, or a value that is not finite.

    Source: McMahan et al. 2017, "Communication-efficient learning of deep networks from
    decentralized data", algorithm 1 (FederatedAveraging).
    """
    if not updates:
        raise InvalidInput("no update to take the mean of")
    first = updates[0][1]
    for n_samples, weights in updates:
        if n_samples < 1:
            raise InvalidInput(f"an update of {n_samples} samples")
        check_same_model(first, weights)
        check_finite(weights)
    total = float(sum(n_samples for n_samples, _ in updates))
    return {name: _mean(name, updates, total) for name in first}


def check_same_model(expected: Weights, found: Weights) -> None:
    """Raise InvalidInput, naming the array, unless names, shapes and types agree."""
    differing = sorted(expected.keys() ^ found.keys())
    if differing:
        raise InvalidInput(f"another model: {differing[0]!r} is in one and not in the other")
    for name, array in expected.items():
        other = found[name]
        if array.shape != other.shape or array.dtype != other.dtype:
            raise InvalidInput(
                f"another model: {name!r} is {other.dtype}{list(other.shape)}, "
                f"expected {array.dtype}{list(array.shape)}"
            )


def check_finite(weights: Weights) -> None:
    """Raise InvalidInput, naming the array, unless every value is a finite real number."""
    for name, array in weights.items():
        if array.dtype.kind not in "fiu":
            raise InvalidInput(f"{name!r} holds {array.dtype}; weights are real numbers")
        if not np.isfinite(array).all():
            raise InvalidInput(f"{name!r} has a value that is not finite")


def _mean(
    name: str, updates: Sequence[tuple[int, Weights]], total: float
) -> npt.NDArray[np.generic]:
    summed = np.zeros(updates[0][1][name].shape, np.float64)
    for n_samples, weights in updates:
        summed += weights[name].astype(np.float64) * n_samples
    summed /= total
    kind = updates[0][1][name].dtype
    return (np.rint(summed) if kind.kind in "iu" else summed).astype(kind)
