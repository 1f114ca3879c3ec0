"""Overlays (groups 60xx) read as pictures: kept only when there is no text in them."""

from collections.abc import Iterator

import numpy as np

from tessera.adapters.pixels.opened import OVERLAY_DATA, Opened
from tessera.adapters.pixels.reading import Reading
from tessera.adapters.pixels.search import Judgement
from tessera.adapters.pixels.views import Picture8


def has_overlays(opened: Opened) -> bool:
    """True when an overlay has bits of its own."""
    return any(opened.header.values.get(tag) for tag in OVERLAY_DATA)


def overlay_pictures(opened: Opened) -> Iterator[Picture8 | None]:
    """Yield each overlay as a picture; None for one that is not as long as it says.

    Source: PS3.3 C.9.2; bits are packed from the lowest on (PS3.5 8.2).
    """
    for tag in OVERLAY_DATA:
        raw = opened.header.values.get(tag)
        if not raw:
            continue
        group = tag & 0xFFFF0000
        rows, columns = opened.header.short(group | 0x10), opened.header.short(group | 0x11)
        frames = opened.header.whole(group | 0x15) or 1
        if not rows or not columns or frames < 1 or len(raw) * 8 < rows * columns * frames:
            yield None
            continue
        bits = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
        for number in range(frames):
            plane = bits[number * rows * columns : (number + 1) * rows * columns]
            yield np.asarray(plane.reshape(rows, columns) * 255, np.uint8)


def overlays_are_free(opened: Opened, reading: Reading, judgement: Judgement) -> bool:
    """True when every overlay was read and nothing in it has to go."""
    for picture in overlay_pictures(opened):
        if picture is None:
            return False
        for line in reading.whole(picture):
            found = judgement.finding(line, 0, *picture.shape[:2])
            if found is not None and found.action != "keep":
                return False
        if reading.pixels > judgement.policy.most_reading:
            return False
    return True
