"""Follow text over the frames of an instance, so that what stands still is read once."""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tessera.adapters.pixels.views import Picture8
from tessera.domain.deid.pixels.findings import Box, Finding

_BLOCK = 8
_CHANGED = 10
"""Mean grey levels by which a block differs when something else is there now."""
_STROKE = 28
"""Grey levels by which a stroke may differ and still be the same one."""


@dataclass(slots=True)
class _Followed:
    """A finding, and what its strokes look like."""

    finding: Finding
    strokes: NDArray[np.bool_]
    values: Picture8
    alive: bool = True

    def still_there(self, picture: Picture8) -> bool:
        box = self.finding.box
        now = _grey(picture[box.y : box.y + box.height, box.x : box.x + box.width])
        if not self.strokes.any():
            return False
        off = np.abs(now.astype(np.int16) - self.values)[self.strokes]
        return bool((off <= _STROKE).mean() >= 0.8)


@dataclass(slots=True)
class Following:
    """What is known of the frames up to now."""

    rows: int
    columns: int
    _reference: Picture8 | None = None
    _known: NDArray[np.bool_] = field(init=False)
    _followed: list[_Followed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._known = np.zeros((-(-self.rows // _BLOCK), -(-self.columns // _BLOCK)), bool)

    @property
    def findings(self) -> list[Finding]:
        """Return all findings, those of one text at one place over neighbouring frames as one."""
        return [f.finding for f in self._followed]

    def move_on(self, frame: int, picture: Picture8) -> None:
        """Take up the next frame: lengthen what is still there, forget what is not."""
        for followed in self._followed:
            if followed.alive:
                followed.alive = followed.still_there(picture)
                if followed.alive:
                    followed.finding = replace(followed.finding, last=frame)
        if self._reference is None:
            self._reference = picture.copy()
            return
        difference = np.asarray(cv2.absdiff(picture, self._reference), np.uint8)
        if difference.ndim == 3:
            difference = difference.max(axis=2)
        down, across = self._known.shape
        padded = np.pad(
            difference,
            ((0, down * _BLOCK - self.rows), (0, across * _BLOCK - self.columns)),
        )
        means = cv2.resize(padded, (across, down), interpolation=cv2.INTER_AREA)
        self._known &= np.asarray(means) <= _CHANGED

    def fresh(self, boxes: list[Box]) -> list[Box]:
        """Return the places that were not read yet as they look now."""
        blank = [f.finding.box for f in self._followed if f.alive and f.finding.action == "blank"]
        return [
            box
            for box in boxes
            if not self._known[self._blocks(box)].all()
            and not any(other.shared(box) == box.area for other in blank)
        ]

    def was_read(self, picture: Picture8, boxes: list[Box]) -> None:
        """Remember that these places were read as they look in this picture."""
        if self._reference is None:
            self._reference = picture.copy()
        for box in boxes:
            rows, columns = self._blocks(box)
            self._known[rows, columns] = True
            top, left = rows.start * _BLOCK, columns.start * _BLOCK
            bottom, right = rows.stop * _BLOCK, columns.stop * _BLOCK
            self._reference[top:bottom, left:right] = picture[top:bottom, left:right]

    def add(self, finding: Finding, picture: Picture8) -> None:
        """Take in a finding of this frame; it is followed from now on."""
        box = finding.box
        if box.area == 0:
            return
        for followed in reversed(self._followed):
            old = followed.finding
            if (
                old.action == finding.action
                and old.last >= finding.first - 2
                and 2 * old.box.shared(box) >= max(old.box.area, box.area)
                and (old.action != "keep" or old.text.value == finding.text.value)
            ):
                followed.finding = replace(old, last=finding.last, box=_union(old.box, box))
                followed.strokes, followed.values = _strokes(picture, followed.finding.box)
                followed.alive = True
                return
        self._followed.append(_Followed(finding, *_strokes(picture, box)))

    def _blocks(self, box: Box) -> tuple[slice, slice]:
        return (
            slice(box.y // _BLOCK, -(-(box.y + box.height) // _BLOCK)),
            slice(box.x // _BLOCK, -(-(box.x + box.width) // _BLOCK)),
        )


def _union(one: Box, other: Box) -> Box:
    left, top = min(one.x, other.x), min(one.y, other.y)
    right = max(one.x + one.width, other.x + other.width)
    bottom = max(one.y + one.height, other.y + other.height)
    return Box(left, top, right - left, bottom - top)


def _grey(picture: Picture8) -> Picture8:
    return picture.max(axis=2) if picture.ndim == 3 else picture


def _strokes(picture: Picture8, box: Box) -> tuple[NDArray[np.bool_], Picture8]:
    """Return which pixels of a box are strokes (the rarer kind), and all values."""
    values = _grey(picture[box.y : box.y + box.height, box.x : box.x + box.width]).copy()
    limit, _ = cv2.threshold(values, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    bright = values > limit
    return (bright if 2 * int(bright.sum()) <= bright.size else ~bright), values
