"""Faces: on a made head whose face, brain and air are known."""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from tessera.domain.deid.pixels.faces import NoFaceFound, Orientation, face_mask

STRAIGHT = Orientation((0, 1, 2), (False, False, False))
SPACING = (2.0, 1.5, 1.5)
AIR, TISSUE, BRAIN = -1000.0, 40.0, 80.0


@dataclass(frozen=True)
class Head:
    volume: NDArray[np.float32]
    brain: NDArray[np.bool_]
    nose: NDArray[np.bool_]
    eyes: NDArray[np.bool_]


def head(*, has_nose: bool = True, scale: float = 1.0) -> Head:
    """A head from vertex to neck in Hounsfield units; axes down, to the back, to the left."""
    shape = (120, 160, 134)
    down, back, across = (
        axis * size / scale
        for axis, size in zip(np.indices(shape, np.float32), SPACING, strict=True)
    )
    beside = across - 100
    skull = ((down - 100) / 90) ** 2 + ((back - 130) / 95) ** 2 + (beside / 75) ** 2 <= 1
    brain = ((down - 75) / 58) ** 2 + ((back - 130) / 78) ** 2 + (beside / 62) ** 2 <= 1
    jaw = ((down - 170) / 55) ** 2 + ((back - 92) / 52) ** 2 + (beside / 55) ** 2 <= 1
    neck = (down > 160) & (((back - 150) / 60) ** 2 + (beside / 58) ** 2 <= 1)
    slope = np.clip((down - 100) / 38, 0, 1) * (down <= 144)
    nose = (
        (np.abs(beside) <= 4 + 10 * slope) & (back >= 44 - 24 * slope) & (back < 46) & (slope > 0)
    )
    eyes = (np.hypot(np.abs(beside) - 32, down - 102) <= 13) & (back > 40) & (back < 50)
    tissue = skull | jaw | neck | (nose if has_nose else np.zeros(shape, np.bool_))
    volume = np.where(brain, BRAIN, np.where(tissue, TISSUE, AIR)).astype(np.float32)
    return Head(volume, brain, nose & ~skull & ~jaw, eyes & tissue)


def test_the_face_goes_and_the_brain_stays() -> None:
    made = head()
    mask = face_mask(made.volume, STRAIGHT, SPACING, is_ct=True)
    assert mask[made.nose].all()
    assert mask[made.eyes].mean() > 0.95
    assert mask[made.brain].mean() < 0.005
    assert mask.mean() < 0.35
    behind = mask[:, 110:, :]
    assert not behind.any()


def test_an_mr_volume_has_no_hounsfield_units() -> None:
    made = head()
    noise = np.random.default_rng(3).normal(0, 8, made.volume.shape)
    signal = (np.where(made.volume > AIR, made.volume + 300, 0) + np.abs(noise)).astype(np.float32)
    mask = face_mask(signal, STRAIGHT, SPACING, is_ct=False)
    assert mask[made.nose].mean() > 0.99
    assert mask[made.brain].mean() < 0.01


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_way_the_slices_lie_does_not_matter(order: tuple[int, int, int]) -> None:
    made = head()
    flips = (True, False, True)
    towards = np.array([(0, 0, -1), (0, 1, 0), (1, 0, 0)], np.float64)
    signs = np.where(flips, -1, 1)
    directions = (towards * signs[:, None])[list(order)]
    turned = tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)
    volume = np.transpose(made.volume[turned], order)
    spacing = tuple(SPACING[axis] for axis in order)
    mask = face_mask(volume, Orientation.of(directions), spacing, is_ct=True)  # type: ignore[arg-type]
    assert np.array_equal(
        mask, np.transpose(face_mask(made.volume, STRAIGHT, SPACING, is_ct=True)[turned], order)
    )


@pytest.mark.parametrize(
    ("volume", "spacing"),
    [
        (head(has_nose=False).volume, SPACING),
        (head(scale=2.2).volume, SPACING),
        (np.full((60, 80, 80), AIR, np.float32), (3.0, 3.0, 3.0)),
        (head().volume[:20], SPACING),
        (np.random.default_rng(1).normal(0, 400, (60, 80, 80)).astype(np.float32), (3.0, 3.0, 3.0)),
    ],
    ids=["no nose", "a body", "air", "too small", "noise"],
)
def test_what_is_no_face_is_not_claimed(
    volume: NDArray[np.float32], spacing: tuple[float, float, float]
) -> None:
    with pytest.raises(NoFaceFound):
        face_mask(volume, STRAIGHT, spacing, is_ct=True)


def test_a_face_that_is_gone_is_not_looked_for_in_the_brain() -> None:
    made = head()
    once = np.where(face_mask(made.volume, STRAIGHT, SPACING, is_ct=True), AIR, made.volume)
    with pytest.raises(NoFaceFound):
        face_mask(once.astype(np.float32), STRAIGHT, SPACING, is_ct=True)


def test_oblique_slices_are_not_guessed() -> None:
    with pytest.raises(NoFaceFound, match="oblique"):
        Orientation.of(np.array([(0.6, 0.6, 0.53), (0.7, -0.7, 0), (0.4, 0.4, -0.8)]))
