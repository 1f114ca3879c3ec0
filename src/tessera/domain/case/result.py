"""What a tool answered about one study, checked against what the node knows of it. Pure.

The tool may be wrong or hostile: nothing of its answer becomes part of a DICOM object but
booleans, numbers and one word, and the images that it names are the study's own.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from math import isfinite
from typing import Final

import numpy as np
import numpy.typing as npt

from tessera.domain.access.npz import Member, members_of
from tessera.domain.case.errors import InvalidCaseResult
from tessera.domain.errors import InvalidInput
from tessera.domain.imaging.instance import InstanceRow

SEGMENTS: Final = "segments.npz"
ANSWER: Final = "case.json"
NOTICE: Final = "Research use only. Not for diagnosis or treatment."
_MAX_ANSWER_BYTES = 64_000
_LABEL = re.compile(r"[a-z][a-z -]{0,29}")

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAnswer:
    """What was answered. Arrays are (slice, row, column)."""

    label: str
    probability: float
    """0 to 1."""
    region_probability: float | None
    volume_ml: float | None
    """Millilitres, as the tool says."""
    series: tuple[InstanceRow, ...]
    """The images of the series that was judged, in the order of the mask."""
    mask: Mask | None = field(default=None)
    """None when the tool only tells a probability."""

    @property
    def is_marked(self) -> bool:
        return self.mask is not None and bool(self.mask.any())

    @property
    def content_sha256(self) -> str:
        """Return one hash over all of it: the same answer about the same images has the same."""
        told = [self.label, self.probability, self.region_probability, self.volume_ml]
        uids = [row.instance_uid for row in self.series]
        found = sha256(json.dumps([told, uids]).encode())
        if self.mask is not None:
            found.update(np.packbits(self.mask).tobytes())
        return found.hexdigest()


def made_uid(*parts: str) -> str:
    """Return the UID that these parts always give. Source: PS3.5 B.2, RFC 9562 version 8."""
    raw = bytearray(sha256("\x00".join(("tessera case", *parts)).encode()).digest()[:16])
    raw[6] = (raw[6] & 0x0F) | 0x80
    raw[8] = (raw[8] & 0x3F) | 0x80
    return f"2.25.{int.from_bytes(raw, 'big')}"


def read_answer(outputs: Mapping[str, bytes], study: Sequence[InstanceRow]) -> CaseAnswer:
    """Return what the outputs of entry `case` say about `study`. Raises InvalidCaseResult."""
    raw = _answer(outputs)
    label = raw.get("label")
    if not isinstance(label, str) or not _LABEL.fullmatch(label):
        raise InvalidCaseResult(f"{ANSWER}: label: at most 30 lower-case letters")
    probability = _number(raw, "probability", most=1)
    if probability is None:
        raise InvalidCaseResult(f"{ANSWER}: probability: a number from 0 to 1")
    mask: Mask | None = None
    if SEGMENTS in outputs:
        series, mask = _segments(outputs[SEGMENTS], study)
        if raw.get("series_uid", series[0].series_uid) != series[0].series_uid:
            raise InvalidCaseResult(f"{ANSWER} and {SEGMENTS} name different series")
    else:
        series = _series_named(raw.get("series_uid"), study)
    return CaseAnswer(
        label=label,
        probability=probability,
        region_probability=_number(raw, "region_probability", most=1),
        volume_ml=_number(raw, "volume_ml", most=1e5),
        series=series,
        mask=mask,
    )


def _answer(outputs: Mapping[str, bytes]) -> dict[str, object]:
    content = outputs.get(ANSWER)
    if content is None:
        raise InvalidCaseResult(f"the tool left no {ANSWER}")
    if len(content) > _MAX_ANSWER_BYTES:
        raise InvalidCaseResult(f"{ANSWER}: more than {_MAX_ANSWER_BYTES} bytes")
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError) as err:
        raise InvalidCaseResult(f"{ANSWER}: expected JSON") from err
    if not isinstance(raw, dict):
        raise InvalidCaseResult(f"{ANSWER}: expected a JSON object")
    return raw


def _number(raw: Mapping[str, object], key: str, *, most: float) -> float | None:
    value = raw.get(key)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not isfinite(float(str(value))) or not 0 <= float(str(value)) <= most:
        raise InvalidCaseResult(f"{ANSWER}: {key}: a number from 0 to {most:g}")
    return float(str(value))


def _series_named(uid: object, study: Sequence[InstanceRow]) -> tuple[InstanceRow, ...]:
    found = tuple(row for row in study if row.series_uid == uid and row.has_pixels)
    if not found:
        raise InvalidCaseResult(f"{ANSWER}: series_uid names no series with images of this study")
    return found


def _segments(content: bytes, study: Sequence[InstanceRow]) -> tuple[tuple[InstanceRow, ...], Mask]:
    try:
        arrays = {member.name: member for member in members_of(content)}
    except InvalidInput as err:
        raise InvalidCaseResult(f"{SEGMENTS}: {err}") from err
    wanted = {"uids", "masks", "series_uid"}
    if arrays.keys() != wanted:
        raise InvalidCaseResult(f"{SEGMENTS}: expected the arrays {', '.join(sorted(wanted))}")
    uids, masks = _texts(arrays["uids"], 1), arrays["masks"].array
    if masks.dtype != np.bool_ or masks.ndim != 3:
        raise InvalidCaseResult(f"{SEGMENTS}: masks: expected booleans (n, rows, columns)")
    series_uid = _texts(arrays["series_uid"], 0)[0]
    rows = {str(row.instance_uid): row for row in study}
    if not uids or len(set(uids)) != len(uids) or len(uids) != len(masks):
        raise InvalidCaseResult(f"{SEGMENTS}: uids: one image for each mask, and each once")
    if not all(uid in rows and rows[uid].series_uid == series_uid for uid in uids):
        raise InvalidCaseResult(f"{SEGMENTS}: uids: an image that is not of this series and study")
    series = tuple(rows[uid] for uid in uids)
    if any((row.rows, row.columns) != masks.shape[1:] for row in series):
        raise InvalidCaseResult(
            f"{SEGMENTS}: masks have {masks.shape[1]} rows and {masks.shape[2]} columns, "
            "the images others"
        )
    if not all(_has_place(row) for row in series):
        raise InvalidCaseResult(
            f"{SEGMENTS}: its images have no place in space to be marked at "
            "(position, orientation, frame of reference)"
        )
    return series, masks.astype(np.bool_)


def _has_place(row: InstanceRow) -> bool:
    has_axes = row.position_mm is not None and row.orientation is not None
    return row.frames == 1 and has_axes and bool(row.frame_of_reference_uid)


def _texts(member: Member, n_axes: int) -> list[str]:
    array = member.array
    if array.dtype.kind != "U" or array.ndim != n_axes:
        raise InvalidCaseResult(f"{SEGMENTS}: {member.name}: expected text, {n_axes} axes")
    return [str(one) for one in array.reshape(-1)]
