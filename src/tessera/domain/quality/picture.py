"""Figures of one decoded picture: how it looks coarsely, noise, ghosts, edges. Pure numpy.

Computed once, where the picture is decoded; the checks then need no pixels. Shapes are (row,
column); values are as rescaled (HU for CT).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]

SIDE: Final = 16
"""Cells of the coarse look, each way."""
DETAIL: Final = 48
"""Cells of the finer look, each way."""
METAL_HU: Final = 2800.0
_BODY_HU: Final = -300.0
"""Between lung or air and soft tissue."""
_LAPLACE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_BORDER: Final = 2
"""Pixels of the frame that count as its edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Figures of one picture. NaN where a figure has no meaning for it."""

    instance_uid: str
    rows: int
    columns: int
    low: float
    high: float
    look: bytes = b""
    """SIDE x SIDE, uint8: brightness by rank, in a square frame; b"" when constant."""
    detail: bytes = b""
    """DETAIL x DETAIL, int8: what is left when the coarse shape is taken away."""
    noise: float = float("nan")
    """Standard deviation of the noise in the foreground, in the unit of the values."""
    signal: float = float("nan")
    """Median of the foreground."""
    ghost: float = float("nan")
    """How much brighter the background is along one axis than along the other, over the signal."""
    at_edge: float = float("nan")
    """Part of the frame's edge that the body touches."""
    at_top: float = float("nan")
    """Part of the foreground that has the highest value of the picture."""
    metal_pixels: int = 0

    @property
    def is_constant(self) -> bool:
        return self.low == self.high

    @property
    def snr(self) -> float:
        return self.signal / self.noise if self.noise > 0 else float("nan")


def figures(
    values: npt.NDArray[np.generic], *, instance_uid: str, modality: str, inverted: bool = False
) -> Picture:
    """Return the figures of one picture.

    `values`: shape (row, column) or (row, column, colour). `inverted`: MONOCHROME1.
    """
    plane = np.asarray(values, np.float32)
    if plane.ndim == 3:
        plane = plane.mean(axis=-1)
    plane = np.nan_to_num(plane, posinf=0.0, neginf=0.0)
    low, high = float(plane.min(initial=np.inf)), float(plane.max(initial=-np.inf))
    rows, columns = plane.shape
    if not plane.size or low == high:
        level = low if plane.size else 0.0
        return Picture(instance_uid=instance_uid, rows=rows, columns=columns, low=level, high=level)
    if inverted:
        plane = low + high - plane
    square = _square(plane)
    ranks = _ranks(square)
    body = _foreground(plane, modality)
    edge, ghost = float("nan"), float("nan")
    if modality in ("CT", "PT"):
        edge = _edge(plane, body)
    if modality == "MR":
        ghost = _ghost(plane, body)
    inside = plane[body]
    return Picture(
        instance_uid=instance_uid,
        rows=rows,
        columns=columns,
        low=low,
        high=high,
        look=_cells(ranks, SIDE).round().astype(np.uint8).tobytes(),
        detail=_detail(ranks),
        noise=_noise(plane, body),
        signal=float(np.median(inside)) if inside.size else float("nan"),
        ghost=ghost,
        at_edge=edge,
        at_top=_at_top(inside),
        metal_pixels=int((plane >= METAL_HU).sum()) if modality == "CT" else 0,
    )


def _at_top(inside: Plane) -> float:
    """Return the part at the highest value; NaN where there is no other, as in a mask."""
    part = float((inside == inside.max()).mean()) if inside.size else 1.0
    return part if part < 1.0 else float("nan")


def _square(plane: Plane) -> Plane:
    """Put the picture into a square frame of its longer side, so that a crop only shifts it."""
    side = max(plane.shape)
    if plane.shape == (side, side):
        return plane
    out: Plane = np.full((side, side), plane.min(), np.float32)
    out[: plane.shape[0], : plane.shape[1]] = plane
    return out


def _ranks(plane: Plane) -> Plane:
    """Return brightness as rank, 0 to 255: a window or another scale leaves it as it is."""
    low, high = float(plane.min()), float(plane.max())
    levels = ((plane - low) * (1023.0 / (high - low))).astype(np.int32)
    counts = np.bincount(levels.ravel(), minlength=1024).astype(np.float64)
    counts[0] = 0  # what lies outside the body must not push all else together
    below = np.cumsum(counts) - counts / 2
    scale = 255.0 / max(float(counts.sum()), 1.0)
    ranks: Plane = (below * scale).astype(np.float32)[levels]
    return ranks


def _cells(plane: Plane, n: int) -> Plane:
    """Return the means of n x n cells; a picture smaller than that is repeated first."""
    side = plane.shape[0]
    if side < n:
        times = -(-n // side)
        plane = plane.repeat(times, axis=0).repeat(times, axis=1)
        side = plane.shape[0]
    bounds = np.linspace(0, side, n + 1).round().astype(int)[:-1]
    widths = np.diff(np.append(bounds, side)).astype(np.float32)
    sums = np.add.reduceat(np.add.reduceat(plane, bounds, axis=0), bounds, axis=1)
    means: Plane = (sums / np.outer(widths, widths)).astype(np.float32)
    return means


def _detail(ranks: Plane) -> bytes:
    """Take the neighbourhood's mean (5 x 5 cells) away from each cell."""
    fine = _cells(ranks, DETAIL)
    left = fine - _smoothed(fine, 2)
    clipped: npt.NDArray[np.int8] = np.clip(left.round(), -127, 127).astype(np.int8)
    return clipped.tobytes()


def _smoothed(plane: Plane, reach: int) -> Plane:
    """Return the mean over (2 reach + 1) squared cells, edges repeated."""
    width = 2 * reach + 1
    padded = np.pad(plane, reach, mode="edge")
    sums = np.lib.stride_tricks.sliding_window_view(padded, (width, width))
    mean: Plane = sums.mean(axis=(-1, -2), dtype=np.float32)
    return mean


def _foreground(plane: Plane, modality: str) -> npt.NDArray[np.bool_]:
    if modality == "CT" and plane.min() < _BODY_HU:
        return np.asarray(plane > _BODY_HU)
    return np.asarray(plane > _otsu(plane))


def _otsu(plane: Plane) -> float:
    """Return the value that parts dark from bright. Source: Otsu 1979, on 128 levels."""
    top = float(np.percentile(plane[::2, ::2], 99.5))
    bottom = float(plane.min())
    if top <= bottom:
        top = float(plane.max())
    counts, bounds = np.histogram(plane[::2, ::2], 128, (bottom, top))
    middles = (bounds[1:] + bounds[:-1]) / 2
    weight = np.cumsum(counts)
    total = weight[-1]
    sums = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (sums[-1] * weight / total - sums) ** 2 / (weight * (total - weight))
    return float(bounds[1:][int(np.nanargmax(np.where(np.isfinite(between), between, 0.0)))])


def _noise(plane: Plane, body: npt.NDArray[np.bool_]) -> float:
    """Return the noise where the picture is even. Source: Immerkaer 1996; robust by the median."""
    if min(plane.shape) < 8:
        return float("nan")
    answer = np.zeros((plane.shape[0] - 2, plane.shape[1] - 2), np.float32)
    for row in range(3):
        for column in range(3):
            part = plane[row : row + answer.shape[0], column : column + answer.shape[1]]
            answer += _LAPLACE[row, column] * part
    inside = body[1:-1, 1:-1]
    found = np.abs(answer[inside])
    return float(np.median(found)) / 0.6745 / 6 if found.size > 64 else float("nan")


def _edge(plane: Plane, body: npt.NDArray[np.bool_]) -> float:
    """Return how much of the frame's edge is body.

    CT is reconstructed in a circle: where the corners are padding, the circle's edge is judged.
    """
    rows, columns = plane.shape
    down, across = np.ogrid[:rows, :columns]
    radius = np.hypot(
        (down - (rows - 1) / 2) * 2 / rows, (across - (columns - 1) / 2) * 2 / columns
    )
    corners = plane[radius > 1.05]
    if corners.size and float(np.ptp(corners)) == 0.0:
        ring = (radius > 0.965) & (radius < 0.99)
    else:
        ring = np.zeros(plane.shape, bool)
        ring[:_BORDER] = ring[-_BORDER:] = True
        ring[:, :_BORDER] = ring[:, -_BORDER:] = True
    return float(body[ring].mean()) if ring.any() else float("nan")


def _ghost(plane: Plane, body: npt.NDArray[np.bool_]) -> float:
    """Return the ghosting ratio: background above and below against background at the sides.

    NaN when a side has no background of at least 4 % of the frame, or when the background was set
    to one value. Source: ACR MRI quality control manual, percent signal ghosting.
    """
    down = np.flatnonzero(body.mean(axis=1) > 0.02)
    across = np.flatnonzero(body.mean(axis=0) > 0.02)
    if not down.size or not across.size:
        return float("nan")
    rows, columns = plane.shape
    margin = max(2, round(0.04 * min(rows, columns)))
    top, bottom, left, right = down[0], down[-1] + 1, across[0], across[-1] + 1
    if min(top, rows - bottom, left, columns - right) < 2 * margin:
        return float("nan")
    along = (
        plane[margin : top - margin // 2, left:right],
        plane[bottom + margin // 2 : -margin, left:right],
    )
    beside = (
        plane[top:bottom, margin : left - margin // 2],
        plane[top:bottom, right + margin // 2 : -margin],
    )
    parts = [float(part.mean()) for part in (*along, *beside) if part.size]
    signal = float(plane[body].mean()) - float(plane.min())
    if len(parts) < 4 or signal <= 0 or max(parts) == min(parts):
        return float("nan")
    return abs((parts[0] + parts[1]) - (parts[2] + parts[3])) / (2 * signal)
