"""A node's answer, read and checked at the hub. Pure."""

import json
import math
from dataclasses import dataclass

from tessera.domain.errors import InvalidInput
from tessera.domain.learning.aggregate import Weights, check_finite, check_same_model
from tessera.wire.frames import arrays_from


@dataclass(frozen=True, slots=True)
class Answer:
    """As it came: a JSON text, and an npz archive or nothing."""

    header: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Update:
    n_samples: int
    metrics: dict[str, float]
    weights: Weights


def update_of(answer: Answer, expected: Weights) -> Update:
    """Return the update in `answer`. Raises InvalidInput unless it is one of `expected`'s model."""
    try:
        header = json.loads(answer.header)
        n_samples = header["n_samples"]
        metrics = {str(name): float(value) for name, value in header["metrics"].items()}
    except (ValueError, TypeError, KeyError, AttributeError) as err:
        raise InvalidInput("n_samples and metrics are missing or of another form") from err
    if not isinstance(n_samples, int) or isinstance(n_samples, bool) or n_samples < 1:
        raise InvalidInput("n_samples is no whole number of at least 1")
    if not all(math.isfinite(value) for value in metrics.values()):
        raise InvalidInput("a metric is not finite")
    weights = arrays_from(answer.payload)
    check_same_model(expected, weights)
    check_finite(weights)
    return Update(n_samples, metrics, weights)
