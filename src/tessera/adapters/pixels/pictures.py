"""Small pictures for the person who decides, before and after. They name patients."""

from collections.abc import Sequence
from io import BytesIO

import cv2
import numpy as np

from tessera.adapters.pixels.codec import Frames
from tessera.adapters.pixels.opened import Opened
from tessera.adapters.pixels.rewriting import boxes_by_frame
from tessera.adapters.pixels.views import Picture8, for_eyes, views
from tessera.domain.deid.pixels.findings import Finding, Picture
from tessera.domain.imaging.structure import PixelStructure
from tessera.domain.zones import Identified

_LONGEST = 960
_MOST = 4
"""Frames that are shown: those where something new is found."""


def pictures_of(
    opened: Opened, structure: PixelStructure, frames: Frames, findings: Sequence[Finding]
) -> tuple[Picture, ...]:
    """Return for the first frames with a finding how they are, and how they would be.

    "Would be": what is to be blanked and what is unsure is filled. Raises NotDecoded.
    """
    starts = sorted({f.first for f in findings if f.action == "unsure"})
    starts += sorted({f.first for f in findings} - set(starts))
    proposed = boxes_by_frame(findings, structure.rows, structure.columns)
    out = []
    for number in starts[:_MOST] or [0]:
        stored, photometric = frames.decode(opened.source, structure, number)
        seen = for_eyes(views(stored, photometric, structure, opened.palette)[0], photometric)
        after = seen.copy()
        for box in proposed.get(number, []):
            after[box.y : box.y + box.height, box.x : box.x + box.width] = 128
        for which, later in ((seen, False), (after, True)):
            small, scale = _small(which)
            out.append(Picture(number, Identified(png(small)), scale, later))
    return tuple(out)


def _small(picture: Picture8) -> tuple[Picture8, float]:
    rows, columns = picture.shape[:2]
    scale = min(1.0, _LONGEST / max(rows, columns))
    if scale == 1.0:
        return picture, scale
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def png(picture: Picture8) -> bytes:
    """Return a picture as PNG, without any text in it."""
    from PIL import Image

    out = BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()
