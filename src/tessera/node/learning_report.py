"""What a node says of a training beside the model: training.json. Pure."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tessera.domain.cohort.disclosure import CountPolicy, released_count

if TYPE_CHECKING:
    from tessera.domain.learning.update_gate import Given

TRAINING: Final = "training.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundDone:
    """What left in one round."""

    round: int
    n_samples: int
    metrics: Mapping[str, float]


def training_json(final: "Given", done: Sequence[RoundDone], policy: CountPolicy) -> bytes:
    """Return what goes with the model; counts and metrics as they may leave.

    Raises UpdateRefused for a metric that may not.
    """
    from tessera.domain.learning.update_gate import told_metrics  # loads numpy

    enough = final.n_subjects >= policy.minimum
    told = {
        "rounds": done[-1].round,
        "n_subjects": released_count(final.n_subjects, policy),
        "counts": f"rounded down to a multiple of {policy.step}; below {policy.minimum}: none",
        "metrics": told_metrics(final.metrics) if enough else {},
        "by_round": [{"round": one.round, "metrics": dict(one.metrics)} for one in done],
    }
    return json.dumps(told, indent=2).encode() + b"\n"


def membership_auc(content: bytes) -> float:
    """Return how well the model tells who was in the training; NaN when it is not said."""
    try:
        found = json.loads(content)["metrics"]["membership_auc"]
        return float(found)
    except (ValueError, TypeError, KeyError):
        return math.nan
