"""Decode a picture of an instance for its figures, or to show it. One frame: the middle one."""

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tessera.domain.quality.picture import Picture

_SHOWN_SIDE = 220
"""Pixels of the longer side of a picture in a report."""
_CANNOT = (RuntimeError, ValueError, AttributeError, NotImplementedError, OSError, KeyError)


@dataclass(frozen=True, slots=True)
class Pictured:
    """Where a picture is: a path, or a path and a member of a zip as the check labels it."""

    label: str
    instance_uid: str
    modality: str


def read_pictures(batch: Sequence[Pictured]) -> list["Picture | None"]:
    """Return the figures of each, in order; None where a picture cannot be decoded."""
    from tessera.domain.quality.picture import figures

    found: list[Picture | None] = []
    for one in batch:
        decoded = _values(one)
        if decoded is None:
            found.append(None)
            continue
        values, inverted = decoded
        found.append(
            figures(values, instance_uid=one.instance_uid, modality=one.modality, inverted=inverted)
        )
    return found


def sameness_of(batch: Sequence[tuple[Pictured, Pictured]]) -> list[float]:
    """Return how far the pictures of each pair have the same texture; 0 where one is unreadable."""
    from tessera.domain.quality.alike import sameness

    found: list[float] = []
    for one, other in batch:
        first, second = _values(one), _values(other)
        both = first is not None and second is not None
        found.append(sameness(first[0], second[0]) if both and first and second else 0.0)
    return found


def png_of(one: Pictured) -> bytes:
    """Return the picture as a small PNG, windowed to 1 to 99.5 %; b"" when it cannot be decoded."""
    import numpy as np
    from PIL import Image

    decoded = _values(one)
    if decoded is None:
        return b""
    values, inverted = decoded
    plane = np.asarray(values, np.float32)
    if plane.ndim == 3:
        plane = plane.mean(axis=-1)
    low, high = (float(v) for v in np.percentile(plane, (1, 99.5)))
    if one.modality == "CT":
        low, high = max(low, -1000.0), min(high, 1000.0)
    shown = np.clip((plane - low) / max(high - low, 1e-6), 0, 1) * 255
    image = Image.fromarray((255 - shown if inverted else shown).astype(np.uint8))
    image.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
    out = BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _values(one: Pictured) -> "tuple[npt.NDArray[np.float32], bool] | None":
    import numpy as np
    from pydicom import dcmread
    from pydicom.pixels.utils import pixel_array

    try:
        with _opened(one.label) as stream:
            ds = dcmread(stream, force=True, defer_size="2 MB")
            n_frames = int(ds.get("NumberOfFrames") or 1)
            raw = pixel_array(ds, index=n_frames // 2 if n_frames > 1 else None)
        slope, intercept = _number(ds.get("RescaleSlope"), 1.0), _number(ds.get("RescaleIntercept"))
        values = raw.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    except _CANNOT:
        return None
    return values, ds.get("PhotometricInterpretation") == "MONOCHROME1"


def _number(value: Any, absent: float = 0.0) -> float:
    return absent if value in (None, "") else float(value)


@contextmanager
def _opened(label: str) -> Iterator[BinaryIO]:
    path, _, member = label.partition("!/")
    if member and not Path(label).exists():
        with zipfile.ZipFile(path) as archive:
            yield BytesIO(archive.read(member))
    else:
        with Path(label).open("rb") as stream:
            yield stream
