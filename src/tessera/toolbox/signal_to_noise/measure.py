"""Signal and noise of one series, from a few of its slices. NumPy and pydicom only."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom import dcmread
from pydicom.dataset import Dataset as DicomDataset

Float = npt.NDArray[np.float64]
_NORMAL_MEDIAN = 0.6745
"""Median of the absolute value of a standard normal."""
_KERNEL = 6.0
"""Root of the sum of squares of the kernel 1 -2 1, -2 4 -2, 1 -2 1."""
_AIR = {"CT": -1000.0}
"""What no tissue measures as; 0 where not named."""
_T2_ECHO_MS, _T1_REPETITION_MS = 60.0, 1000.0


class NoImage(Exception):
    """An instance of the series cannot be measured."""


@dataclass(frozen=True)
class Measured:
    """One series. `snr` is None when there is no noise in it."""

    sequence: str
    manufacturer: str
    snr: float | None


def measure(paths: Sequence[Path], modality: str, slices: int) -> Measured | None:
    """Return the ratio of a series, the mean over at most `slices` slices; None when derived.

    Mean of the body above air, over the noise in the body. The noise is what is left after a
    difference of two Laplacians, by its median, so that edges count little: it needs no air in
    the image. Where a scanner interpolates, noise is correlated and the ratio too high: compare
    only what was made alike. Of a diffusion series the images with the lowest b-value count.
    Source: Immerkaer, Computer Vision and Image Understanding 64 (1996) 300-302; median: Donoho,
    IEEE Transactions on Information Theory 41 (1995) 613-627.
    """
    wanted = np.unique(np.linspace(0, len(paths) - 1, min(3 * slices, len(paths))).round())
    images: list[DicomDataset] = [dcmread(paths[int(i)]) for i in wanted]
    if any("DERIVED" in (ds.get("ImageType") or ()) for ds in images):
        return None
    if any("PixelData" not in ds or ds.get("SamplesPerPixel") != 1 for ds in images):
        raise NoImage("an instance without pixels, or in colour")
    weakest = min(_b_value(ds) for ds in images)
    images = [ds for ds in images if _b_value(ds) == weakest]
    middle = images[len(images) // 4 : max(len(images) // 4 + 1, -(-3 * len(images) // 4))]
    air = _AIR.get(modality, 0.0)
    ratios = [r for ds in middle[:slices] if (r := _ratio(_pixels(ds), air)) is not None]
    return Measured(
        sequence=_sequence(images[0], modality),
        manufacturer=str(images[0].get("Manufacturer") or "").strip() or "unknown",
        snr=float(np.mean(ratios)) if ratios else None,
    )


def _ratio(pixels: Float, air: float) -> float | None:
    """The ratio in one slice; None where there is no body, or no noise in it."""
    if pixels.ndim != 2 or min(pixels.shape) < 8:
        return None
    low, high = np.percentile(pixels, (1, 99.5))
    body = pixels > low + 0.12 * (high - low)
    if body.mean() < 0.02:
        return None
    across = pixels[:, 2:] - 2 * pixels[:, 1:-1] + pixels[:, :-2]
    residual = across[2:] - 2 * across[1:-1] + across[:-2]
    inside = np.abs(residual[_whole(body)])
    noise = float(np.median(inside)) / _NORMAL_MEDIAN / _KERNEL if inside.size else 0.0
    return (float(pixels[body].mean()) - air) / noise if noise > 0 else None


def _whole(body: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Where the body holds a pixel and all eight around it: no edge of it in the kernel."""
    down = body[:-2] & body[1:-1] & body[2:]
    return down[:, :-2] & down[:, 1:-1] & down[:, 2:]


def _pixels(ds: DicomDataset) -> Float:
    slope, intercept = float(ds.get("RescaleSlope") or 1), float(ds.get("RescaleIntercept") or 0)
    pixels: Float = ds.pixel_array.astype(np.float64) * slope + intercept
    return pixels


def _b_value(ds: DicomDataset) -> float:
    value = ds.get("DiffusionBValue")
    return -1.0 if value is None else float(value)


def _sequence(ds: DicomDataset, modality: str) -> str:
    """Name the kind of sequence from what every scanner writes, not from its description."""
    if modality != "MR":
        return modality
    echo_ms, repetition_ms = (float(ds.get(k) or 0) for k in ("EchoTime", "RepetitionTime"))
    if _b_value(ds) >= 0:
        return "diffusion"
    if int(ds.get("NumberOfTemporalPositions") or 1) > 1:
        return "dynamic"
    if echo_ms >= _T2_ECHO_MS:
        return "T2-weighted"
    if 0 < repetition_ms <= _T1_REPETITION_MS:
        return "T1-weighted"
    return "other"
