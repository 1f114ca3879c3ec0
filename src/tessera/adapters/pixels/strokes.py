"""Whether a place holds strokes: thin lines on a ground, as letters are and anatomy is not."""

from collections.abc import Iterable

import cv2
import numpy as np

from tessera.adapters.pixels.views import Picture8
from tessera.domain.deid.pixels.findings import Box

_THICK = 0.35
"""A stroke is thinner than this part of the height of its line."""
_LEAST = 12
"""Grey levels by which a stroke stands out, in a calm place; else four times the grain."""
_OF_RANGE = 0.25
"""And by at least this part of the range of grey in the place: writing is made to be seen."""
_SHARE = 0.07
"""Share of a line's pixels that strokes take, at least: 0.13 and more in print of all kinds that
was measured, 0.06 where the edges of organs cross."""


def has_strokes(picture: Picture8, box: Box, beside: Iterable[Box] = ()) -> bool:
    """True when letters could stand in a box, outside the boxes `beside` it.

    What is bright or dark on a ground and thinner than a stroke remains when the picture is
    opened or closed (top hat, bottom hat); the edge of a large area does not.
    """
    rows, columns = picture.shape[:2]
    size = max(3, int(min(box.width, box.height) * _THICK)) | 1
    wide = box.grown(size, rows, columns)
    if box.area == 0 or wide.area == 0:
        return False
    part = picture[wide.y : wide.y + wide.height, wide.x : wide.x + wide.width]
    free = np.zeros((wide.height, wide.width), bool)
    free[_inside(box, wide)] = True
    for other in beside:
        free[_inside(other, wide)] = False
    if not free.any():
        return False
    kernel = np.ones((size, size), np.uint8)
    planes = [part] if part.ndim == 2 else [part[:, :, n] for n in range(part.shape[2])]
    for plane in map(np.ascontiguousarray, planes):
        steps = np.abs(np.diff(plane.astype(np.int16), axis=1))
        grain = 4 * float(np.median(steps)) if steps.size else 0.0
        low, high = np.percentile(plane[free], (1, 99))
        limit = max(_LEAST, grain, _OF_RANGE * float(high - low))
        for kind in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
            stands_out = np.asarray(cv2.morphologyEx(plane, kind, kernel)) > limit
            if float(stands_out[free].mean()) >= _SHARE:
                return True
    return False


def _inside(box: Box, whole: Box) -> tuple[slice, slice]:
    top, left = max(0, box.y - whole.y), max(0, box.x - whole.x)
    bottom = max(0, box.y + box.height - whole.y)
    right = max(0, box.x + box.width - whole.x)
    return slice(top, bottom), slice(left, right)
