"""Digests of decoded pixels, so that a key need not carry the pictures."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

MARGIN = 16
"""Pixels round an identifying box that a tool may blank too: one block of JPEG with 4:2:0."""


class PixelBox(Protocol):
    """Where text stands: frame from 0, x to the right, sizes in pixels."""

    @property
    def frame(self) -> int: ...
    @property
    def x(self) -> int: ...
    @property
    def y(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def harmless(self) -> bool: ...


def as_frames(pixels: NDArray[Any], samples: int) -> NDArray[Any]:
    """Return pixels as (frames, rows, columns, samples). Raises ValueError on other shapes."""
    if pixels.ndim == 4 and pixels.shape[3] == samples:
        return pixels
    wanted = pixels if samples > 1 else pixels[..., np.newaxis]
    if wanted.ndim == 3:
        wanted = wanted[np.newaxis]
    if wanted.ndim != 4 or wanted.shape[3] != samples:
        raise ValueError("pixels do not have the shape (frames, rows, columns, samples)")
    return wanted


def digest_outside(
    pixels: NDArray[Any], boxes: Iterable[PixelBox], bits_stored: int, samples: int = 1
) -> str:
    """Return the SHA-256 of all decoded pixels outside the identifying boxes, in hexadecimal.

    Args:
        pixels: ([frames,] rows, columns[, samples]), integer; colour as RGB.
        boxes: those that are not harmless are grown by `MARGIN` and left out. All frames are
            left out of a box: text that stays in place may be blanked in every frame.
        bits_stored: bits above these do not count (PS3.5 8.1.1).
        samples: samples per pixel.
    """
    mask = np.uint32((1 << min(bits_stored, 32)) - 1)
    frames = as_frames(pixels, samples).astype(np.int64).astype(np.uint32) & mask
    for box in boxes:
        if not box.harmless:
            rows = slice(max(box.y - MARGIN, 0), max(box.y + box.height + MARGIN, 0))
            columns = slice(max(box.x - MARGIN, 0), max(box.x + box.width + MARGIN, 0))
            frames[:, rows, columns] = 0
    return sha256(frames.astype("<u4").tobytes()).hexdigest()


def cut_box(pixels: NDArray[Any], box: PixelBox, samples: int = 1) -> NDArray[Any]:
    """Return the pixels of a box, (rows, columns, samples); clipped at the edges."""
    frames = as_frames(pixels, samples)
    rows = slice(max(box.y, 0), max(box.y + box.height, 0))
    columns = slice(max(box.x, 0), max(box.x + box.width, 0))
    cut: NDArray[Any] = frames[min(box.frame, len(frames) - 1), rows, columns]
    return cut


def digest_box(pixels: NDArray[Any], box: PixelBox, bits_stored: int, samples: int = 1) -> str:
    """Return the SHA-256 of the decoded pixels in a box: the same again means nothing was done."""
    mask = np.uint32((1 << min(bits_stored, 32)) - 1)
    cut = cut_box(pixels, box, samples).astype(np.int64).astype(np.uint32) & mask
    return sha256(cut.astype("<u4").tobytes()).hexdigest()
