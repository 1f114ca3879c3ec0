"""What is told publicly of a trained model. Pure."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tessera.domain.access.permit import PermittedTool
from tessera.domain.ids import DatasetId, NodeId


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedAt:
    """One node in a model: with what, and when it let the model out."""

    node_id: NodeId
    name: str
    datasets: tuple[tuple[DatasetId, int], ...]
    released_at: datetime
    metrics: Mapping[str, float]
    """Of its last round, as they passed the node's gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalTest:
    """A released result of a run that had the model as its input."""

    node_id: NodeId
    name: str
    datasets: tuple[tuple[DatasetId, int], ...]
    at: datetime
    auc: float
    low: float | None
    high: float | None
    n_subjects: int | None
    """As the tool disclosed it."""
    level: float | None
    is_external: bool
    """The model had not learned from any of these dataset versions at this node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A model that every node whose data are in it has released. For research only."""

    model_id: str
    title: str
    purpose: str
    """Of its permit, in plain words."""
    permit_id: str
    sha256: str
    n_bytes: int
    released_at: datetime
    trained_at: datetime
    rounds: int
    tool: PermittedTool
    sites: tuple[TrainedAt, ...]
    tests: tuple[ExternalTest, ...] = ()


@dataclass(frozen=True, slots=True)
class AucTold:
    """What a test of a model told."""

    auc: float
    low: float | None
    high: float | None
    n_subjects: int | None
    level: float | None


def read_test(content: bytes) -> AucTold | None:
    """Return the numbers in a `metrics.json` that a tool wrote; None when it tells no AUC.

    `auc` is a number, or an object with `value`, `low` and `high`. It is somebody else's file:
    what is not a finite number is left out.
    """
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    auc = told.get("auc")
    area = auc if isinstance(auc, dict) else {"value": auc}
    value = _number(area.get("value"))
    if value is None or not 0 <= value <= 1:
        return None
    n_subjects = told.get("n_subjects")
    is_count = isinstance(n_subjects, int) and not isinstance(n_subjects, bool) and n_subjects >= 0
    return AucTold(
        auc=value,
        low=_number(area.get("low")),
        high=_number(area.get("high")),
        n_subjects=n_subjects if is_count else None,
        level=_number(told.get("level")),
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None
