"""Read text in pictures with RapidOCR on the ONNX runtime. One per worker, kept warm."""

import logging
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tessera.domain.errors import InvalidSettings
from tessera.ports.text_reader import ReadText

_SETTINGS = {
    "Global.log_level": "critical",
    "Global.use_cls": False,
    "Global.text_score": 0.0,
    "Global.use_preprocess_img": False,
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    "Det.limit_type": "max",
    "Det.limit_side_len": 4096,
    "Det.thresh": 0.25,
    "Det.box_thresh": 0.4,
    "Rec.rec_img_shape": [3, 48, 96],
}
"""One thread each: workers are processes. The picture is taken at the size it has, and a
short line is not made up to a long one, which would cost three times as much."""
_STEP = 32
"""The detector works on multiples of it; other sizes would be stretched."""


class RapidTextReader:
    """Finds and reads lines of text. Latin letters, digits, and Chinese and Japanese characters.

    Takes about a second to make and 300 MB; not to be shared by threads. Raises
    InvalidSettings when the extra `pixels` is not installed.
    """

    def __init__(self) -> None:
        try:
            from rapidocr import RapidOCR
            from rapidocr.utils.process_img import get_rotate_crop_image
        except ImportError as err:
            raise InvalidSettings(
                "reading text in pixels needs the extra: pip install 'tessera-node[pixels]'"
            ) from err
        self._engine: Any = RapidOCR(params=dict(_SETTINGS))
        logging.getLogger("RapidOCR").disabled = True
        self._crop = get_rotate_crop_image

    def read(self, picture: NDArray[np.uint8]) -> Sequence[ReadText]:
        """Return every place that looks like a line of text, also those that cannot be read.

        `picture` has shape (rows, columns) or (rows, columns, 3), red first. The score is the
        lower of how sure the finder and the reader are; an unreadable line has text "".
        """
        colour = picture if picture.ndim == 3 else np.stack([picture] * 3, axis=-1)
        rows, columns = colour.shape[:2]
        colour = np.ascontiguousarray(
            np.pad(colour[:, :, ::-1], ((0, -rows % _STEP), (0, -columns % _STEP), (0, 0)))
        )
        found = self._engine(colour, use_det=True, use_cls=False, use_rec=False)
        if found.boxes is None:
            return []
        return [
            line
            for corners, sure in zip(found.boxes, found.scores, strict=True)
            if (line := self._line(colour, np.asarray(corners, np.float32), float(sure)))
        ]

    def _line(
        self, picture: NDArray[np.uint8], corners: NDArray[np.float32], sure: float
    ) -> ReadText | None:
        left, top = (max(0, math.floor(v)) for v in corners.min(axis=0))
        right, bottom = (math.ceil(v) for v in corners.max(axis=0))
        if right - left < 3 or bottom - top < 3:
            return None
        text, score = self._read_crop(self._crop(picture, corners.copy()))
        return ReadText(left, top, right - left, bottom - top, text, min(score, sure + 0.2))

    def _read_crop(self, crop: NDArray[np.uint8]) -> tuple[str, float]:
        result = self._engine(crop, use_det=False, use_cls=False, use_rec=True)
        if not result.txts:
            return "", 0.0
        return str(result.txts[0]).strip(), float(result.scores[0])
