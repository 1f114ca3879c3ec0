"""Entry `run`: tests a released model on data it has not seen; numbers with intervals.

Reads /data and /inputs/model.npz. Writes /out/metrics.json and /out/roc.svg.
"""

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tessera.toolbox.lesion_classifier import (
        figure,
        metrics,
        network,
        segment,
        study_data,
        task,
    )
else:
    import figure
    import metrics
    import network
    import segment
    import study_data
    import task

Told = dict[str, float | None]
"""An interval: value, low and high; None where it cannot be told."""


def main() -> int:
    asked = task.test_arguments(task.arguments_from_environment())
    minimum = task.smallest_group()
    weights, spec = task.read_model(study_data.folder("inputs") / "model.npz")
    data = study_data.folder("data")
    marked = task.load(data, str(spec["modality"]), minimum)
    found = task.samples(marked, spec, asked.seed, asked.places)
    chance = task.network_for(spec).probability(weights, found.seen)
    told = tested(found, chance, asked, minimum, float(spec["threshold"]))
    told["by_manufacturer"] = by_group(found, chance, manufacturers(marked), asked, minimum)
    if asked.segments:
        told["dice"] = dice_of(marked, weights, spec, asked)
    told["model"] = segment.described(spec)
    told["smallest_group"] = minimum
    out = study_data.folder("out")
    (out / "metrics.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    curve = metrics.roc_points(found.labels, chance)
    area = told["auc"]
    title = f"AUC {area['value']} ({area['low']} to {area['high']})"
    (out / "roc.svg").write_text(figure.roc(curve, title), encoding="utf-8")
    return 0


def tested(
    found: task.Samples,
    chance: network.Float,
    asked: task.TestArguments,
    minimum: int,
    threshold: float,
) -> dict[str, Any]:
    """Return the numbers over all subjects, with intervals over resampled subjects."""
    called = (chance > threshold).astype(np.int8)
    draws = _draws(found.n_subjects, asked)

    def interval(metric: metrics.Metric, scores: metrics.Samples) -> Told:
        return _rounded(
            metrics.by_subject(metric, found.labels, scores, found.subjects, draws, asked.level)
        )

    bins = metrics.calibration(found.labels, chance, found.subjects)
    return {
        "n_subjects": found.n_subjects - found.n_subjects % minimum,
        "counts": f"rounded down to a multiple of {minimum}",
        "level": asked.level,
        "intervals": f"percentiles of {asked.repeats} samples of subjects",
        "auc": interval(metrics.auc, chance),
        "threshold": threshold,
        "sensitivity": interval(metrics.sensitivity, called),
        "specificity": interval(metrics.specificity, called),
        "brier": interval(metrics.brier, chance),
        "calibration_error": _or_none(metrics.calibration_error(bins)),
        "calibration": [
            {"predicted": round(b.predicted, 3), "observed": round(b.observed, 3)}
            for b in bins
            if b.n_subjects >= minimum
        ],
    }


def by_group(
    found: task.Samples,
    chance: network.Float,
    group_of: Mapping[str, str],
    asked: task.TestArguments,
    minimum: int,
) -> dict[str, Any]:
    """Return the AUC of each group of subjects that is large enough, the small ones together."""
    names = [group_of.get(pseudonym, "unknown") for pseudonym in found.pseudonyms]
    told = {}
    for name, members in told_groups(names, minimum).items():
        rows = np.isin(found.subjects, members)
        told[name] = _rounded(
            metrics.by_subject(
                metrics.auc,
                found.labels[rows],
                chance[rows],
                found.subjects[rows],
                _draws(len(members), asked),
                asked.level,
            )
        )
    return told


def told_groups(names: list[str], minimum: int) -> dict[str, list[int]]:
    """Return the members of each group that may be told of, by number.

    Groups under `minimum` go together as "others", with the smallest of the rest while those
    are too few as well: else they could be had by subtracting from the whole. Nothing is left
    when no group is large enough by itself.
    """
    groups: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        groups.setdefault(name, []).append(number)
    by_size = sorted(groups, key=lambda name: (len(groups[name]), name))
    others: list[int] = []
    while by_size and (len(groups[by_size[0]]) < minimum or 0 < len(others) < minimum):
        others += groups.pop(by_size.pop(0))
    if groups and others:
        groups["others"] = others
    return groups


def manufacturers(marked: list[study_data.Marked]) -> dict[str, str]:
    """Return the maker of each subject's scanner; "several" where there is more than one."""
    found: dict[str, set[str]] = {}
    for one in marked:
        found.setdefault(one.volume.subject, set()).add(one.volume.manufacturer or "unknown")
    return {s: next(iter(names)) if len(names) == 1 else "several" for s, names in found.items()}


def dice_of(
    marked: list[study_data.Marked],
    weights: network.Weights,
    spec: network.Spec,
    asked: task.TestArguments,
) -> Told:
    """Return the mean overlap with what a person drew, over series."""
    overlap = np.array(
        [segment.dice(segment.judge(m.volume, weights, spec).mask, m.mask) for m in marked]
    )
    subjects = np.unique([m.volume.subject for m in marked], return_inverse=True)[1]
    draws = _draws(int(subjects.max()) + 1, asked)
    return _rounded(
        metrics.by_subject(
            lambda values, _: float(values.mean()), overlap, overlap, subjects, draws, asked.level
        )
    )


def _draws(n_subjects: int, asked: task.TestArguments) -> np.ndarray[Any, np.dtype[np.intp]]:
    rng = np.random.default_rng(asked.seed)
    return rng.integers(0, n_subjects, (asked.repeats, n_subjects), dtype=np.intp)


def _rounded(interval: metrics.Interval) -> Told:
    return {
        "value": _or_none(interval.value),
        "low": _or_none(interval.low),
        "high": _or_none(interval.high),
    }


def _or_none(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (study_data.UnusableData, task.BadArguments, network.WrongModel) as err:
        sys.exit(f"lesion-classifier: {err}")
