"""Read the text of a picture: only the places that may hold some, packed close together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from tessera.adapters.pixels.views import Picture8
from tessera.domain.deid.pixels.findings import Box
from tessera.domain.deid.pixels.judge import is_text
from tessera.ports.text_reader import ReadText, TextReader

_GAP = 20
"""Pixels between places on a sheet, so that no line runs on into the next."""
_SHEET = 1216
"""Width of a sheet."""
_TALLEST = 1600
_WHOLE = 600_000
"""Pixels of a picture that is read as a whole at one go."""
_AGAIN = 12
"""Doubtful lines of one picture that are read again, enlarged."""


@dataclass(slots=True)
class Reading:
    """Reads pictures and counts the pixels that it gave to the reader."""

    reader: TextReader
    sure: float
    pixels: int = 0

    def whole(self, picture: Picture8) -> list[ReadText]:
        """Return the lines of a whole picture, made smaller when it is large."""
        rows, columns = picture.shape[:2]
        scale = min(1.0, (_WHOLE / (rows * columns)) ** 0.5)
        if scale > 0.95:
            return self._again(picture, self._read(picture))
        size = (max(1, int(columns * scale)), max(1, int(rows * scale)))
        small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        across, down = columns / size[0], rows / size[1]
        return self._again(picture, [_enlarged(line, across, down) for line in self._read(small)])

    def places(self, picture: Picture8, boxes: Sequence[Box]) -> list[ReadText]:
        """Return the lines in some places of a picture, at its full size."""
        if not boxes:
            return []
        rows, columns = picture.shape[:2]
        if rows * columns <= _WHOLE and 2 * sum(b.area for b in boxes) > rows * columns:
            return self._again(picture, self._read(picture))
        return self._again(picture, self._packed(picture, boxes, 1))

    def small(self, picture: Picture8, boxes: Sequence[Box]) -> list[ReadText]:
        """Return the lines in some places at twice the size: letters of 6 to 12 pixels."""
        return self._again(picture, self._packed(picture, boxes, 2))

    def _packed(self, picture: Picture8, boxes: Sequence[Box], zoom: int) -> list[ReadText]:
        found: list[ReadText] = []
        for placed in _sheets(_tiles(boxes)):
            height = max(y + b.height for b, _, y in placed) + _GAP
            width = max(x + b.width for b, x, _ in placed) + _GAP
            sheet = np.zeros((height, width, *picture.shape[2:]), np.uint8)
            for box, x, y in placed:
                crop = picture[box.y : box.y + box.height, box.x : box.x + box.width]
                sheet[y : y + box.height, x : x + box.width] = crop
            if zoom > 1:
                size = (width * zoom, height * zoom)
                big = cv2.resize(sheet, size, interpolation=cv2.INTER_CUBIC)
                sheet = np.asarray(big, np.uint8)
            lines = self._read(sheet)
            found += _put_back([_enlarged(line, 1 / zoom, 1 / zoom) for line in lines], placed)
        return found

    def _read(self, picture: Picture8) -> Sequence[ReadText]:
        self.pixels += picture.shape[0] * picture.shape[1]
        return self.reader.read(picture)

    def _again(self, picture: Picture8, lines: Iterable[ReadText]) -> list[ReadText]:
        """Read doubtful lines again: twice the size, full contrast; the surer reading counts."""
        out, tries = [], 0
        rows, columns = picture.shape[:2]
        for line in lines:
            box = Box(line.x, line.y, line.width, line.height)
            plain = is_text(line.text, line.score, line.width, line.height, rows)
            if line.score >= self.sure or not plain or tries >= _AGAIN:
                out.append(line)
                continue
            tries += 1
            box = box.grown(max(4, line.height // 2), rows, columns)
            better = [
                other
                for other in self._read(_contrasted(picture, box))
                if other.score > line.score and 4 * other.width * other.height > line.width
            ]
            best = max(better, key=lambda other: len(other.text), default=None)
            out.append(line if best is None else replace(line, text=best.text, score=best.score))
        return out


def _contrasted(picture: Picture8, box: Box) -> Picture8:
    crop = picture[box.y : box.y + box.height, box.x : box.x + box.width]
    flat = crop.max(axis=2) if crop.ndim == 3 else crop
    low, high = (float(v) for v in np.percentile(flat, (2, 99)))
    gain = 255.0 / max(8.0, high - low)
    stretched = np.clip((flat.astype(np.float32) - low) * gain, 0, 255).astype(np.uint8)
    factor = 2 if box.height < 120 else 1
    big = cv2.resize(stretched, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.pad(np.asarray(big, np.uint8), 8, mode="edge"), np.uint8)


def _enlarged(line: ReadText, across: float, down: float) -> ReadText:
    return replace(
        line,
        x=int(line.x * across),
        y=int(line.y * down),
        width=int(line.width * across) + 1,
        height=int(line.height * down) + 1,
    )


def _tiles(boxes: Iterable[Box]) -> list[Box]:
    """Return the boxes, those larger than a sheet cut into overlapping parts."""
    out = []
    for box in boxes:
        for top in range(0, box.height, _TALLEST - 128):
            for left in range(0, box.width, _SHEET - 256):
                width, height = min(_SHEET, box.width - left), min(_TALLEST, box.height - top)
                out.append(Box(box.x + left, box.y + top, width, height))
                if left + width >= box.width:
                    break
            if top + _TALLEST >= box.height:
                break
    return out


def _sheets(boxes: list[Box]) -> list[list[tuple[Box, int, int]]]:
    """Lay boxes out in rows: (box, x, y) on each sheet."""
    sheets: list[list[tuple[Box, int, int]]] = [[]]
    x = y = _GAP
    tall = 0
    for box in sorted(boxes, key=lambda b: (b.height, b.y, b.x)):
        if x + box.width > _SHEET + 2 * _GAP and x > _GAP:
            x, y, tall = _GAP, y + tall + _GAP, 0
        if y + box.height > _TALLEST + 2 * _GAP and sheets[-1]:
            sheets.append([])
            x, y, tall = _GAP, _GAP, 0
        sheets[-1].append((box, x, y))
        x, tall = x + box.width + _GAP, max(tall, box.height)
    return [sheet for sheet in sheets if sheet]


def _put_back(lines: Iterable[ReadText], placed: Sequence[tuple[Box, int, int]]) -> list[ReadText]:
    """Return the lines where they stand in the picture; one over two places is in both."""
    out = []
    for line in lines:
        seen = Box(line.x, line.y, line.width, line.height)
        for box, x, y in placed:
            part = Box(x, y, box.width, box.height)
            if 3 * seen.shared(part) < min(seen.area, part.area):
                continue
            left, top = max(seen.x, x), max(seen.y, y)
            right = min(seen.x + seen.width, x + box.width)
            bottom = min(seen.y + seen.height, y + box.height)
            out.append(
                replace(
                    line,
                    x=left - x + box.x,
                    y=top - y + box.y,
                    width=right - left,
                    height=bottom - top,
                )
            )
    return out
