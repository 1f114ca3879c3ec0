"""A whole series judged: probability at each pixel, and the region with the most evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tessera.toolbox.lesion_classifier import network, patches, study_data, task
else:
    import network
    import patches
    import study_data
    import task

_LEAST_VOXELS = 3


@dataclass(frozen=True)
class Judged:
    """`mask` has the shape of the series; `probability` is the highest mean over 6 mm squares."""

    mask: patches.Mask
    probability: float
    region_probability: float
    """Mean over the marked region; 0 when nothing is marked."""


def judge(volume: study_data.Volume, weights: network.Weights, spec: network.Spec) -> Judged:
    """Mark the connected region over the spec's threshold with the highest sum of probability."""
    values, body = task.prepared(volume)
    chance = _probability(values, body, weights, spec)
    region = strongest_region(chance, chance > float(spec["threshold"]))
    smoothed = patches.box_mean(chance, 3)
    mask = patches.resampled(region.astype(np.float32), volume.values.shape[1:]) > 0.5
    return Judged(
        mask=mask,
        probability=float(smoothed.max(initial=0)),
        region_probability=float(chance[region].mean()) if region.any() else 0.0,
    )


def _probability(
    values: patches.Float, body: patches.Mask, weights: network.Weights, spec: network.Spec
) -> patches.Float:
    chance = np.zeros(values.shape, dtype=np.float32)
    judge_of = task.network_for(spec)
    # Slice by slice where patches are large; features need the slices beside.
    if spec["backend"] == "torch":
        for index in range(len(values)):
            places = np.argwhere(body[index : index + 1])
            if len(places):
                seen = task.seen_at(values[index : index + 1], places, spec)
                chance[index][body[index]] = judge_of.probability(weights, seen)
    elif body.any():
        chance[body] = judge_of.probability(weights, patches.feature_maps(values)[body])
    return chance


def strongest_region(chance: patches.Float, wanted: patches.Mask) -> patches.Mask:
    """Return the six-connected region of `wanted` with the highest sum, or nothing."""
    # A border of nothing, so that a step never wraps round.
    padded = np.pad(wanted, 1)
    _, rows, columns = padded.shape
    steps = (rows * columns, -rows * columns, columns, -columns, 1, -1)
    weight = np.pad(chance, 1).ravel()
    left = set(np.flatnonzero(padded.ravel()).tolist())
    best: list[int] = []
    most = 0.0
    while left:
        region = [left.pop()]
        for voxel in region:
            for step in steps:
                if voxel + step in left:
                    left.remove(voxel + step)
                    region.append(voxel + step)
        total = float(weight[region].sum())
        if len(region) >= _LEAST_VOXELS and total > most:
            best, most = region, total
    marked = np.zeros(padded.size, dtype=np.bool_)
    marked[best] = True
    inner: patches.Mask = marked.reshape(padded.shape)[1:-1, 1:-1, 1:-1]
    return inner


def dice(one: patches.Mask, other: patches.Mask) -> float:
    """Return the overlap of two masks, 0 to 1. Source: Dice, Ecology 26 (1945) 297-302."""
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else float("nan")


def described(spec: Mapping[str, object]) -> dict[str, object]:
    """Return what a result says of the model that made it."""
    return {key: spec[key] for key in ("format", "backend", "modality", "threshold")}
