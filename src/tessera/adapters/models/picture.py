"""The slice with the largest marked area and its outline, as PNG, for a person to look at."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from pydicom import dcmread

from tessera.domain.case.result import CaseAnswer, Mask
from tessera.domain.imaging.instance import InstanceRow

_SIDE = 768
"""Pixels of the longer side, at least."""
_OUTLINE = (255, 214, 0)
_BAND = 44


def picture(answer: CaseAnswer, path_of: Callable[[InstanceRow], Path]) -> bytes:
    """Return a PNG of one slice, with the outline of what is marked there."""
    mask = answer.mask
    index = len(answer.series) // 2
    if mask is not None and answer.is_marked:
        index = int(np.argmax(mask.sum(axis=(1, 2))))
    row = answer.series[index]
    grey = _grey(dcmread(path_of(row)).pixel_array)
    down, across = row.spacing_mm or (1.0, 1.0)
    scale = max(1, -(-_SIDE // max(grey.shape)))
    size = (grey.shape[1] * scale, round(grey.shape[0] * scale * down / across))
    image = Image.fromarray(grey).resize(size, Image.Resampling.BICUBIC).convert("RGB")
    if mask is not None and mask[index].any():
        _draw_outline(image, mask[index], size)
    return _captioned(image, answer, index)


def _grey(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    plain = values.astype(np.float32)
    if plain.ndim == 3:
        plain = plain.mean(axis=-1)
    low, high = np.percentile(plain, (1, 99.5))
    shown = np.clip((plain - low) / max(float(high - low), 1e-6), 0, 1) * 255
    grey: npt.NDArray[np.uint8] = shown.astype(np.uint8)
    return grey


def _draw_outline(image: Image.Image, mask: Mask, size: tuple[int, int]) -> None:
    large = Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)
    inside = np.asarray(large) > 0
    shrunk = inside.copy()
    for axis in (0, 1):
        for step in (-2, -1, 1, 2):
            shrunk &= np.roll(inside, step, axis)
    edge = Image.fromarray((inside & ~shrunk).astype(np.uint8) * 255)
    image.paste(_OUTLINE, mask=edge)


def _captioned(image: Image.Image, answer: CaseAnswer, index: int) -> bytes:
    whole = Image.new("RGB", (image.width, image.height + _BAND))
    whole.paste(image, (0, 0))
    marked = answer.label if answer.is_marked else "nothing marked"
    words = f"{marked}, probability {answer.probability:.3f}, slice {index + 1}"
    draw = ImageDraw.Draw(whole)
    draw.text((8, image.height + 4), f"{words} of {len(answer.series)}", fill=(255, 255, 255))
    notice = "RESEARCH USE ONLY - not for clinical decisions"
    draw.text((8, image.height + 24), notice, fill=_OUTLINE)
    out = BytesIO()
    whole.save(out, "PNG")
    return out.getvalue()
