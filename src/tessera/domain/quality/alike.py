"""Find pictures that are the same picture in another form. Pure numpy.

Two steps: pairs whose coarse looks agree, among all; then, for those few, the pictures themselves,
decoded again, by the finest texture, which is noise: no two pictures that were taken have the
same. Both are robust to another encoding (lossy JPEG), a window, another scale of the values, and
a crop of a few rows or columns.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from tessera.domain.quality.picture import DETAIL, Picture

Floats = npt.NDArray[np.float32]

LOOK_AT_LEAST: Final = 0.75
"""Correlation of the coarse looks of a pair that is worth a closer one."""
DETAIL_AT_LEAST: Final = 0.3
"""Correlation of the finer looks, best over small shifts, above which a pair is compared whole."""
_SHIFT: Final = 2
"""Cells of the finer look by which a crop may have moved the picture."""
_BLOCK: Final = 2048


def alike(pictures: Sequence[Picture], groups: Sequence[int]) -> Iterator[tuple[int, int, float]]:
    """Yield (index, index, correlation) of pictures that are alike and of different groups.

    `groups`: one number per picture; pictures of one group are not compared.
    """
    chosen = [index for index, one in enumerate(pictures) if one.look and _has_detail(one)]
    if len(chosen) < 2:
        return
    looks = np.stack([np.frombuffer(pictures[i].look, np.uint8) for i in chosen])
    unit = _normalised(looks.astype(np.float32))
    group = np.asarray([groups[i] for i in chosen])
    spectra: dict[int, npt.NDArray[np.complex64]] = {}

    def spectrum(at: int) -> npt.NDArray[np.complex64]:
        if at not in spectra:
            spectra[at] = _spectrum(pictures[chosen[at]])
        return spectra[at]

    for start in range(0, len(chosen), _BLOCK):
        stop = start + _BLOCK
        close = unit[start:stop] @ unit[start:].T
        close[group[start:stop, None] == group[None, start:]] = 0
        ones, others = np.nonzero(np.triu(close >= LOOK_AT_LEAST, 1))
        for one, other in zip((ones + start).tolist(), (others + start).tolist(), strict=True):
            found = _match(spectrum(one), spectrum(other))
            if found >= DETAIL_AT_LEAST:
                yield chosen[one], chosen[other], round(found, 3)


def _has_detail(picture: Picture) -> bool:
    return bool(np.frombuffer(picture.detail, np.int8).astype(np.float32).std() > 2.0)


def _normalised(rows: Floats) -> Floats:
    centred = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    unit: Floats = centred / np.maximum(lengths, 1e-6)
    return unit


def _spectrum(picture: Picture) -> npt.NDArray[np.complex64]:
    detail = np.frombuffer(picture.detail, np.int8).astype(np.float32)
    unit = _normalised(detail.reshape(1, -1)).reshape(DETAIL, DETAIL)
    return np.fft.rfft2(unit).astype(np.complex64)


def _match(one: npt.NDArray[np.complex64], other: npt.NDArray[np.complex64]) -> float:
    """Return the best correlation over shifts of up to `_SHIFT` cells."""
    found = np.fft.irfft2(one * np.conj(other), (DETAIL, DETAIL))
    near = np.r_[0 : _SHIFT + 1, -_SHIFT:0]
    return float(found[np.ix_(near, near)].max())


SAME_AT_LEAST: Final = 0.55
"""Correlation of the texture above which two pictures are one.

Of two people it is below 0.25, and below 0.5 even where both are drawn from one model of a body."""
_REACH: Final = 0.08
"""Part of the longer side by which a crop may have moved the picture."""


def sameness(one: npt.NDArray[np.generic], other: npt.NDArray[np.generic]) -> float:
    """Return how far two decoded pictures have the same texture: 1 the same, near 0 another take.

    Shapes (row, column) or (row, column, colour), not scaled against each other.
    """
    first, second = _texture(one), _texture(other)
    shape = tuple(max(a, b) for a, b in zip(first.shape, second.shape, strict=True))
    if min(min(first.shape), min(second.shape)) < 16:
        return 0.0
    found = np.fft.irfft2(np.fft.rfft2(first, shape) * np.conj(np.fft.rfft2(second, shape)), shape)
    reach = [max(2, min(shape[0] // 2 - 1, round(_REACH * max(shape)))) for _ in (0, 1)]
    downs = np.r_[0 : reach[0] + 1, -reach[0] : 0]
    rights = np.r_[0 : reach[1] + 1, -reach[1] : 0]
    near = found[np.ix_(downs % shape[0], rights % shape[1])]
    at = np.unravel_index(int(near.argmax()), near.shape)
    down, right = int(downs[at[0]]), int(rights[at[1]])
    part, against = _overlap(first, second, down, right)
    both = (part != 0) & (against != 0)
    if both.sum() < 0.02 * both.size or both.sum() < 256:
        return 0.0
    lengths = float(np.linalg.norm(part[both]) * np.linalg.norm(against[both]))
    return float((part[both] * against[both]).sum()) / lengths if lengths else 0.0


def _overlap(one: Floats, other: Floats, down: int, right: int) -> tuple[Floats, Floats]:
    """Return what of both lies over each other when `other` is moved by (down, right)."""
    rows = min(one.shape[0] - max(down, 0), other.shape[0] - max(-down, 0))
    columns = min(one.shape[1] - max(right, 0), other.shape[1] - max(-right, 0))
    top, left = max(down, 0), max(right, 0)
    above, beside = max(-down, 0), max(-right, 0)
    return (
        one[top : top + rows, left : left + columns],
        other[above : above + rows, beside : beside + columns],
    )


def _texture(values: npt.NDArray[np.generic]) -> Floats:
    """Return what a 3 x 3 mean leaves, its large values damped: edges must not outweigh noise."""
    plane = np.asarray(values, np.float32)
    if plane.ndim == 3:
        plane = plane.mean(axis=-1)
    padded = np.pad(plane, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    left = plane - (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9
    left[np.abs(left) < 1e-4] = 0
    moved = np.abs(left[left != 0])
    usual = float(np.median(moved)) if moved.size else 1.0
    texture: Floats = left / (np.abs(left) + usual)
    return texture
