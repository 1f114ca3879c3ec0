"""Where in a picture there may be text: cheap, and rather too often than too seldom.

Written text has edges of one or two pixels, much steeper than what lies around it, many on a
small area. The search runs at full, half and quarter size, so that letters of 6 to 150 pixels
are found. What is found is only given to the reader; the reader decides.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from tessera.adapters.pixels.views import Picture8
from tessera.domain.deid.pixels.findings import Box

_TILE = 32
_LEAST_STEP = 14
"""Grey levels of 255 between neighbours that count as an edge in a calm place."""
_OVER_NOISE = 3.2
"""An edge is this many times steeper than the middle one around it."""
_SHARES = (1, 2, 4)
_TALLEST = 64
_WINDOW = (25, 13)
"""Pixels, width and height, over which edges are counted where everything hangs together."""
_WRITTEN = 0.06
"""Share of edge pixels in a box of letters, at least."""
_COARSE = 4
"""Pixels to which boxes of a large picture are rounded when they are merged."""
_CROWDED = 0.16
"""Share of edge pixels in such a window where letters stand."""


def candidates(picture: Picture8, shares: tuple[int, ...] = _SHARES) -> list[Box]:
    """Return places that may hold text, with a margin; they may overlap. Pixels."""
    rows, columns = picture.shape[:2]
    boxes: list[Box] = []
    for share in shares:
        if min(rows, columns) < 8 * share:
            break
        small = picture
        if share > 1:
            small = _as8(
                cv2.resize(
                    picture,
                    (columns // share, rows // share),
                    interpolation=cv2.INTER_AREA,
                )
            )
        boxes += [
            Box(b.x * share, b.y * share, b.width * share, b.height * share)
            for b in _at_one_size(small)
        ]
    return [b.grown(max(4, min(b.height // 2, 24)), rows, columns) for b in boxes]


def _as8(array: object) -> Picture8:
    return np.asarray(array, np.uint8)


def _steps(picture: Picture8) -> Picture8:
    """Return the steepest step to a neighbour, over all colours."""
    flat = picture if picture.ndim == 3 else picture[:, :, None]
    out = np.zeros(picture.shape[:2], np.uint8)
    for channel in range(flat.shape[2]):
        plane = np.ascontiguousarray(flat[:, :, channel])
        across = _as8(cv2.absdiff(plane[:, 1:], plane[:, :-1]))
        down = _as8(cv2.absdiff(plane[1:], plane[:-1]))
        np.maximum(out[:, 1:], across, out=out[:, 1:])
        np.maximum(out[1:], down, out=out[1:])
    return out


def _noise(steps: Picture8) -> NDArray[np.float32]:
    """Return the middle step of each tile, at the size of the picture."""
    rows, columns = steps.shape
    tall, wide = -(-rows // _TILE), -(-columns // _TILE)
    padded = np.pad(steps, ((0, tall * _TILE - rows), (0, wide * _TILE - columns)), mode="edge")
    # Every second pixel both ways is enough for a median, and four times as quick.
    tiles = padded.reshape(tall, _TILE, wide, _TILE)[:, ::2, :, ::2]
    middle = np.median(tiles.transpose(0, 2, 1, 3).reshape(tall, wide, -1), axis=2)
    whole = cv2.resize(
        middle.astype(np.float32), (wide * _TILE, tall * _TILE), interpolation=cv2.INTER_NEAREST
    )
    return np.asarray(whole, np.float32)[:rows, :columns]


def _edges(picture: Picture8) -> NDArray[np.uint8]:
    steps = _steps(picture)
    limit = np.clip(_noise(steps) * _OVER_NOISE, _LEAST_STEP, 120)
    return _as8(steps > limit)


def is_written(picture: Picture8, box: Box) -> bool:
    """True when a place has the steep edges of letters, at full or at half size."""
    rows, columns = picture.shape[:2]
    around = box.grown(2 * _TILE, rows, columns)
    part = picture[around.y : around.y + around.height, around.x : around.x + around.width]
    for share in (1, 2):
        size = (max(1, around.width // share), max(1, around.height // share))
        small = _as8(cv2.resize(part, size, interpolation=cv2.INTER_AREA)) if share > 1 else part
        top, left = (box.y - around.y) // share, (box.x - around.x) // share
        edges = _edges(small)[top : top + box.height // share, left : left + box.width // share]
        if edges.size and float(edges.mean()) >= _WRITTEN:
            return True
    return False


def _at_one_size(picture: Picture8) -> list[Box]:
    edges = _edges(picture)
    if not edges.any():
        return []
    thick = cv2.morphologyEx(edges, cv2.MORPH_CLOSE, np.ones((3, 11), np.uint8))
    n, labels, stats, _ = cv2.connectedComponentsWithStats(thick, connectivity=8)
    totals = np.asarray(cv2.integral(edges), np.int32)
    found = []
    tall = []
    for number, (x, y, width, height, _) in enumerate(stats[1:n].tolist(), 1):
        if height > _TALLEST:
            tall.append(number)
        elif height >= 5 and width >= 3 and _is_dense(totals, x, y, width, height):
            found.append(Box(x, y, width, height))
    if tall:
        # Letters that touch a long edge, a frame or a grid: only their crowded parts count.
        chosen = np.zeros(n, np.uint8)
        chosen[tall] = 1
        crowd = cv2.blur((edges * chosen[labels]).astype(np.float32), _WINDOW) > _CROWDED
        n, _, stats, _ = cv2.connectedComponentsWithStats(crowd.astype(np.uint8), connectivity=8)
        rows, columns = edges.shape
        found += [
            Box(x, y, w, h).grown(6, rows, columns)
            for x, y, w, h, area in stats[1:n].tolist()
            if area >= 24
        ]
    return found


def _is_dense(totals: NDArray[np.int32], x: int, y: int, width: int, height: int) -> bool:
    inside = (
        int(totals[y + height, x + width])
        - int(totals[y, x + width])
        - int(totals[y + height, x])
        + int(totals[y, x])
    )
    return inside >= 8 and inside >= 0.12 * width * height


def merged(boxes: list[Box], rows: int, columns: int) -> list[Box]:
    """Return boxes of which none touch: those that do become one."""
    if not boxes:
        return []
    step = _COARSE if rows * columns > 2_000_000 else 1
    plane = np.zeros((-(-rows // step), -(-columns // step)), np.uint8)
    for box in boxes:
        bottom, right = -(-(box.y + box.height) // step), -(-(box.x + box.width) // step)
        plane[box.y // step : bottom, box.x // step : right] = 1
    n, _, stats, _ = cv2.connectedComponentsWithStats(plane, connectivity=8)
    return [
        Box(x * step, y * step, w * step, h * step).grown(0, rows, columns)
        for x, y, w, h, _ in stats[1:n].tolist()
    ]
