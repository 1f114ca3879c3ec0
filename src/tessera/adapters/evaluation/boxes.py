"""Judge the checks on pixels: is burned-in text hidden, and is all else as it was?"""

import re
from hashlib import md5, sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tessera.adapters.evaluation.outputs import Output
from tessera.domain.evaluation.key import Box, Check, Entry
from tessera.domain.evaluation.pixel_digest import as_frames, cut_box, digest_box, digest_outside
from tessera.domain.evaluation.texts import words_of
from tessera.domain.evaluation.verdict import Outcome, Verdict, failed, passed
from tessera.ports.text_reader import TextReader

_ROUND = 8
_SCALES = (1, 3)
_CONFUSED = str.maketrans("01l|5", "oiiis")


class PixelJudge:
    """Judges the pixels of one output; decodes them once. `reader`: None when not installed."""

    def __init__(self, output: Output, entry: Entry, reader: TextReader | None) -> None:
        self._output, self._entry, self._reader = output, entry, reader
        self._decoded: NDArray[Any] | None = None

    @property
    def _samples(self) -> int:
        return int(self._output.dataset.get("SamplesPerPixel") or 1)

    @property
    def _bits(self) -> int:
        return int(self._output.dataset.get("BitsStored") or 16)

    def _pixels(self) -> NDArray[Any] | None:
        if self._decoded is None and "PixelData" in self._output.dataset:
            try:
                self._decoded = as_frames(self._output.dataset.pixel_array, self._samples)
            except Exception:
                return None
        return self._decoded

    def retained(self, check: Check) -> Verdict:
        """Compare digests: decoded outside the boxes for our keys, of the bytes for MIDI-B's."""
        ds = self._output.dataset
        if not ds.get("PixelData"):
            return failed(check, "absent")
        wanted = check.value.strip().lower()
        data = bytes(ds.PixelData)
        if wanted in (sha256(data).hexdigest(), md5(data, usedforsecurity=False).hexdigest()):
            return passed(check)
        pixels = self._pixels()
        if pixels is None:
            return failed(check, "not-decoded")
        try:
            digest = digest_outside(pixels, self._entry.boxes, self._bits, self._samples)
        except ValueError:
            return failed(check, "not-decoded")
        return passed(check) if digest == wanted else failed(check, "pixels-changed")

    def hidden(self, check: Check) -> Verdict:
        """Say whether the words can still be read in their box, or anywhere without a box."""
        if not self._output.dataset.get("PixelData"):
            return passed(check)
        pixels = self._pixels()
        if pixels is None:
            return failed(check, "not-decoded")
        boxes = [b for b in self._entry.boxes if b.text == check.value and not b.harmless]
        seen: list[str] = []
        for box in boxes or [_whole(pixels, check.value)]:
            cut = cut_box(pixels, box, self._samples)
            if not cut.size or cut.min() == cut.max():
                continue
            if box.sha256 and digest_box(pixels, box, self._bits, self._samples) == box.sha256:
                return failed(check, "still-there")
            if self._reader is None:
                return Verdict(check, Outcome.NOT_JUDGED, 0.0, reason="no-reader")
            seen += self._read(self._reader, pixels, box)
        if _names(check.value, seen):
            return failed(check, "still-readable", " ".join(seen))
        return passed(check)

    def _read(self, reader: TextReader, pixels: NDArray[Any], box: Box) -> list[str]:
        wider = Box(
            box.frame, box.x - _ROUND, box.y - _ROUND,
            box.width + 2 * _ROUND, box.height + 2 * _ROUND, box.text,
        )  # fmt: skip
        cut = cut_box(pixels, wider, self._samples).astype(np.float64)
        low, high = cut.min(), cut.max()
        grey = ((cut - low) * (255 / max(high - low, 1))).astype(np.uint8)
        if "MONOCHROME1" in str(self._output.dataset.get("PhotometricInterpretation", "")):
            grey = 255 - grey
        picture = grey[..., 0] if self._samples == 1 else grey[..., :3]
        big = max(picture.shape[:2]) > 1000
        return [
            line.text
            for scale in (_SCALES[:1] if big else _SCALES)
            for line in reader.read(np.repeat(np.repeat(picture, scale, 0), scale, 1))
            if line.text
        ]


def _whole(pixels: NDArray[Any], text: str) -> Box:
    return Box(0, 0, 0, pixels.shape[2], pixels.shape[1], text)


def _names(wanted: str, seen: list[str]) -> bool:
    """Say whether a word of three letters and more is in what was read, one misread allowed."""
    read = re.sub(r"[\W_]+", "", "".join(seen)).lower().translate(_CONFUSED)
    for word in words_of(wanted.replace("^", " ")):
        plain = re.sub(r"[\W_]+", "", word).translate(_CONFUSED)
        if len(plain) >= 3 and plain in read:
            return True
        if len(plain) >= 6 and any(
            re.search(re.escape(plain[:i]) + "." + re.escape(plain[i + 1 :]), read)
            for i in range(len(plain))
        ):
            return True
    return False
