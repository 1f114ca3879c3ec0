"""The gate through which a trainer's weights leave a node, round by round. Pure.

No person looks at each round, so that nothing here can be overruled: what does not pass ends
the training at this node. What a person decides about is the model at the end, in the airlock.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np

from tessera.domain.access.airlock_models import parts_of_array
from tessera.domain.access.airlock_search import Known, search
from tessera.domain.cohort.disclosure import CountPolicy, released_count
from tessera.domain.errors import InvalidInput, Refused
from tessera.domain.learning.aggregate import Weights, check_finite, check_same_model
from tessera.domain.zones import Released, seal_released

_OF: Final = ("", "train_", "validation_", "local_")
_MEASURES: Final = ("loss", "auc", "accuracy", "dice", "sensitivity", "specificity", "brier")
METRICS: Final = frozenset(
    {f"{of}{measure}" for of in _OF for measure in _MEASURES} | {"membership_auc"}
)
"""The metrics that may leave: each is a mean over all, none a property of one."""
_DIGITS: Final = 3
"""Significant digits of a metric that leaves."""
_LARGEST: Final = 1e6
_MOST_WHOLE: Final = 1000
"""Whole numbers in a model: sizes and a description, not pixels."""
_MOST_ARRAYS: Final = 2000
_MOST_SAMPLES: Final = 100_000_000
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./:-]{0,119}")


class Fault(StrEnum):
    """Why the gate does not open."""

    FORM = "form"
    """Not a message as the protocol has it, or metrics that may not leave."""
    MODEL = "model"
    """Other names, shapes or types than the first weights; or numbers that are not finite."""
    SIZE = "size"
    FEW_SUBJECTS = "few-subjects"
    ROUND = "round"
    """No round that the person signed for, or one that was answered before."""
    SUBJECT = "subject"
    """Something in it names a subject, a study or an instance."""


class UpdateRefused(Refused):
    """An update may not leave the node. `fault` says why."""

    code = "update-refused"
    public = "The update may not leave the node."

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(f"{message} ({fault})")
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """What one node lets out in one training."""

    rounds: int
    """As its person signed."""
    policy: CountPolicy
    max_bytes: int
    """Of all arrays of the model."""
    max_change: float
    """The largest distance (Euclidean, over all arrays) between an update and the weights that
    it began with; a longer one is shortened to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a trainer says of itself. Stays at the node."""

    n_subjects: int
    n_samples: int
    metrics: Mapping[str, float]
    weights: Weights = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What leaves a node in one round; round 0 is the weights that a training begins with."""

    use_id: str
    round: int
    n_samples: int
    """Rounded down as any count that leaves."""
    metrics: Mapping[str, float]
    weights: Weights = field(repr=False)


def given_by(header: Mapping[str, object], weights: Weights) -> Given:
    """Read a trainer's message. Raises UpdateRefused FORM."""
    metrics = header.get("metrics", {})
    if not isinstance(metrics, Mapping):
        raise UpdateRefused(Fault.FORM, "metrics: expected numbers by name")
    return Given(
        n_subjects=_whole(header, "n_subjects"),
        n_samples=_whole(header, "n_samples"),
        metrics={str(name): _number(str(name), value) for name, value in metrics.items()},
        weights=weights,
    )


def release_initial(use_id: str, given: Given, rules: GateRules, known: Known) -> Released[Update]:
    """Return the weights that a training begins with, as they may leave. Raises UpdateRefused."""
    check_model(given.weights, rules)
    _check_subjects(given, rules, known)
    _check_search(given.weights, known)
    return seal_released(
        Update(use_id=use_id, round=0, n_samples=0, metrics={}, weights=_kept(given.weights))
    )


def release_update(
    use_id: str,
    given: Given,
    base: Weights,
    *,
    number: int,
    last: int,
    rules: GateRules,
    known: Known,
) -> Released[Update]:
    """Return the update of a round as it may leave. Raises UpdateRefused.

    Parameters
    ----------
    base
        The weights of the round, as they came and were checked (`check_global`).
    number, last
        The round asked for, and the last one that was answered; 0 when none was.
    """
    check_round(number, last, rules)
    check_global(base, given.weights)
    check_model(given.weights, rules)
    n_samples = _check_subjects(given, rules, known)
    _check_search(given.weights, known)
    weights = shortened(base, given.weights, rules.max_change)
    _check_search(weights, known)  # it may have been chosen so that the shortened one tells
    return seal_released(
        Update(
            use_id=use_id,
            round=number,
            n_samples=n_samples,
            metrics=told_metrics(given.metrics),
            weights=weights,
        )
    )


def check_round(number: int, last: int, rules: GateRules) -> None:
    """Raise UpdateRefused unless a round may be answered: one update each, in order."""
    if not last < number <= rules.rounds:
        raise UpdateRefused(
            Fault.ROUND, f"round {number} after round {last}, of {rules.rounds} signed for"
        )


def check_model(weights: Weights, rules: GateRules) -> None:
    """Raise UpdateRefused unless these are finite real numbers in plain arrays, not too many."""
    if not weights or len(weights) > _MOST_ARRAYS:
        raise UpdateRefused(Fault.MODEL, f"{len(weights)} arrays; from 1 to {_MOST_ARRAYS}")
    if bad := [name for name in weights if not _NAME.fullmatch(name)]:
        raise UpdateRefused(Fault.MODEL, f"{bad[0][:80]!r} is no name of an array")
    n_bytes = sum(array.nbytes for array in weights.values())
    if n_bytes > rules.max_bytes:
        raise UpdateRefused(Fault.SIZE, f"{n_bytes} bytes of weights; at most {rules.max_bytes}")
    try:
        check_finite(weights)
    except InvalidInput as err:
        raise UpdateRefused(Fault.MODEL, str(err)) from err
    n_whole = sum(array.size for array in weights.values() if array.dtype.kind in "iu")
    if n_whole > _MOST_WHOLE:
        raise UpdateRefused(Fault.MODEL, f"{n_whole} whole numbers; at most {_MOST_WHOLE}")


def check_global(declared: Weights, found: Weights) -> None:
    """Raise UpdateRefused unless `found` is of the model `declared`.

    Whole numbers describe a model and are not trained: they must be the same, so that nothing
    can be told by them.
    """
    try:
        check_same_model(declared, found)
        check_finite(found)
    except InvalidInput as err:
        raise UpdateRefused(Fault.MODEL, str(err)) from err
    for name, array in declared.items():
        if array.dtype.kind in "iu" and not np.array_equal(array, found[name]):
            raise UpdateRefused(Fault.MODEL, f"{name!r} holds whole numbers, and they changed")


def shortened(base: Weights, new: Weights, most: float) -> Weights:
    """Return `new`, drawn towards `base` until it is at most `most` from it.

    Source: McMahan et al. 2018, "Learning differentially private recurrent language models",
    section 2.3 (flat clipping).
    """
    with np.errstate(over="ignore"):
        changes = {
            name: array.astype(np.float64) - base[name].astype(np.float64)
            for name, array in new.items()
            if array.dtype.kind == "f"
        }
        distance = math.sqrt(sum(float(np.square(change).sum()) for change in changes.values()))
    if not math.isfinite(distance):
        raise UpdateRefused(Fault.MODEL, "the update is too far away to be measured")
    if distance <= most:
        return _kept(new)
    scale = most / distance
    return _kept(
        {
            name: (base[name].astype(np.float64) + changes[name] * scale).astype(array.dtype)
            if name in changes
            else array
            for name, array in new.items()
        }
    )


def told_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return metrics as they may leave, in 3 significant digits. Raises UpdateRefused FORM."""
    if unknown := sorted(metrics.keys() - METRICS):
        raise UpdateRefused(
            Fault.FORM,
            f"metric {unknown[0][:40]!r} may not leave; there are {', '.join(sorted(METRICS))}",
        )
    return {name: float(f"{value:.{_DIGITS}g}") for name, value in sorted(metrics.items())}


def _check_subjects(given: Given, rules: GateRules, known: Known) -> int:
    """Return the number of samples as it may leave."""
    if given.n_subjects > known.n_subjects:
        raise UpdateRefused(
            Fault.FORM, f"{given.n_subjects} subjects, and the tool saw {known.n_subjects}"
        )
    minimum = rules.policy.minimum
    n_samples = released_count(given.n_samples, rules.policy)
    if given.n_subjects < minimum or n_samples is None:
        raise UpdateRefused(
            Fault.FEW_SUBJECTS,
            f"learned from {given.n_subjects} subjects; at least {minimum} are needed",
        )
    return n_samples


def _check_search(weights: Weights, known: Known) -> None:
    found = [one.text for one in search(_parts(weights), known, is_text=False) if one.is_final]
    if found:
        raise UpdateRefused(Fault.SUBJECT, found[0])


def _parts(weights: Weights) -> Iterator[bytes]:
    for name, array in weights.items():
        yield from parts_of_array(name, array, array.tobytes())


def _kept(weights: Weights) -> Weights:
    """Return copies that nobody can change behind the gate."""
    kept = {name: array.copy() for name, array in weights.items()}
    for array in kept.values():
        array.flags.writeable = False
    return kept


def _whole(header: Mapping[str, object], key: str) -> int:
    value = header.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_SAMPLES:
        raise UpdateRefused(Fault.FORM, f"{key}: expected a whole number")
    return value


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UpdateRefused(Fault.FORM, f"metric {name[:40]!r}: expected a number")
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise UpdateRefused(Fault.FORM, f"metric {name[:40]!r}: expected a finite number")
    return float(value)
