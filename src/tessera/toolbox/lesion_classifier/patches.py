"""From a volume to what the network sees: normalised slices of one pixel size, features, patches.

Pure NumPy; deterministic from the seed that is handed in.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]
PIXEL_MM = 2.0
"""Every slice is brought to this pixel size."""
FEATURES = (
    "mean 2 mm",
    "mean 6 mm",
    "mean 10 mm",
    "mean 22 mm",
    "mean 42 mm",
    "spread 10 mm",
    "spread 22 mm",
    "slope",
    "mean 10 mm in the slice below",
    "mean 10 mm in the slice above",
    "mean 10 mm at the mirrored place",
)
PATCH = 17
"""Side of the square patch for a convolutional network, pixels."""
_NEAR_MM, _RING_MM = 4.0, 16.0


@dataclass(frozen=True)
class Sampled:
    """Places of one volume with their label, and what the network sees there."""

    features: Float
    patches: Float
    labels: npt.NDArray[np.int8]


def normalised(values: Float) -> tuple[Float, Mask]:
    """Return the volume in robust units (median 0, spread 1 over the body) and the body."""
    bright = float(np.percentile(values, 99.5))
    body: Mask = values > 0.08 * bright
    inside = values[body] if body.any() else values.ravel()
    low, middle, high = np.percentile(inside, (25, 50, 75))
    spread = max(float(high - low) / 1.349, 1e-6)
    return np.clip((values - np.float32(middle)) / np.float32(spread), -4, 4), body


def resampled(volume: npt.NDArray[np.float32], shape: tuple[int, int]) -> Float:
    """Return every slice with another number of rows and columns, bilinear, edges aligned."""
    out = volume
    for axis, size in ((1, shape[0]), (2, shape[1])):
        n = out.shape[axis]
        place = np.clip((np.arange(size) + 0.5) * n / size - 0.5, 0, n - 1)
        low = np.minimum(place.astype(np.intp), max(n - 2, 0))
        weight = (
            (place - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        )
        above = np.minimum(low + 1, n - 1)
        out = np.take(out, low, axis) * (1 - weight) + np.take(out, above, axis) * weight
    return out


def working_shape(shape: tuple[int, ...], pixel_mm: tuple[float, float]) -> tuple[int, int]:
    """Return rows and columns at PIXEL_MM."""
    rows, columns = (
        max(8, round(n * mm / PIXEL_MM)) for n, mm in zip(shape[1:], pixel_mm, strict=True)
    )
    return rows, columns


def feature_maps(volume: Float) -> Float:
    """Return the FEATURES of each pixel of a normalised volume: (slice, row, column, feature)."""
    means = {n: box_mean(volume, n) for n in (1, 3, 5, 11, 21)}
    squares = volume * volume
    spreads = [np.sqrt(np.maximum(box_mean(squares, n) - means[n] ** 2, 0)) for n in (5, 11)]
    down, across = np.gradient(means[3], axis=1), np.gradient(means[3], axis=2)
    below = np.concatenate([means[5][:1], means[5][:-1]])
    above = np.concatenate([means[5][1:], means[5][-1:]])
    mirrored = means[5][:, :, ::-1]
    maps = (*means.values(), *spreads, np.hypot(down, across), below, above, mirrored)
    return np.stack(maps, axis=-1).astype(np.float32)


def box_mean(volume: Float, size: int) -> Float:
    """Return the mean over a square of `size` pixels in the slice, edges repeated."""
    if size == 1:
        return volume
    half = size // 2
    padded = np.pad(volume, ((0, 0), (half, half), (half, half)), mode="edge").astype(np.float64)
    total = np.pad(padded.cumsum(1).cumsum(2), ((0, 0), (1, 0), (1, 0)))
    summed = (
        total[:, size:, size:]
        - total[:, :-size, size:]
        - total[:, size:, :-size]
        + total[:, :-size, :-size]
    )
    mean: Float = (summed / size**2).astype(np.float32)
    return mean


def cut_patches(volume: Float, places: Index) -> Float:
    """Return PATCH × PATCH squares around the places (slice, row, column), with the mirrored one.

    Shape (n, 2, PATCH, PATCH): the place itself and the same place on the other side.
    """
    half = PATCH // 2
    padded = np.pad(volume, ((0, 0), (half, half), (half, half)), mode="edge")
    view = np.lib.stride_tricks.sliding_window_view(padded, (PATCH, PATCH), axis=(1, 2))
    z, y, x = places.T
    other = view[z, y, volume.shape[2] - 1 - x, :, ::-1]
    return np.stack([view[z, y, x], other], axis=1).astype(np.float32)


def sample_places(
    mask: Mask, body: Mask, rng: np.random.Generator, per_series: int
) -> tuple[Index, npt.NDArray[np.int8]]:
    """Return places and labels: in the lesion, close to it, and anywhere else in the body."""
    near = _grown(mask, _NEAR_MM)
    around = near.copy()
    around[1:] |= near[:-1]
    around[:-1] |= near[1:]
    ring = _grown(mask, _RING_MM) & ~around & body
    anywhere = body & ~around
    places, labels = [], []
    for region, label in ((mask, 1), (ring, 0), (anywhere, 0)):
        found = np.argwhere(region)
        take = min(per_series, len(found))
        places.append(found[rng.choice(len(found), take, replace=False)])
        labels.append(np.full(take, label, dtype=np.int8))
    return np.concatenate(places), np.concatenate(labels)


def _grown(mask: Mask, mm: float) -> Mask:
    """The mask and all within `mm` in the slice (a square)."""
    size = 2 * round(mm / PIXEL_MM) + 1
    return box_mean(mask.astype(np.float32), size) > 0.5 / size**2
