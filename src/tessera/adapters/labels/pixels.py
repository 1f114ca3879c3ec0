"""The values of a volume as stored: decoded, rescaled, in SUV when asked."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset as DicomDataset
from pydicom.pixels.utils import pixel_array

from tessera.adapters.labels.frames import group, opened
from tessera.domain.errors import InvalidInput
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.labels.suv import PetFacts, suv_factor
from tessera.domain.labels.volumes import Volume

_WHOLE = ("int16", "uint16", "int32")


def values_of(
    volume: Volume,
    path_of: Callable[[InstanceRow], Path],
    *,
    suv: bool = False,
    dtype: str = "auto",
) -> npt.NDArray[Any]:
    """Return the values, shape of the volume's grid.

    `dtype`: "auto" takes the smallest of int16, uint16 and int32 when every value is whole, else
    float32. Raises InvalidInput when there is no SUV, a picture has colours, or `dtype` cannot
    hold the values.
    """
    wide = (volume.frames[0].source.bits_allocated or 16) > 16 and not suv
    out = np.zeros(volume.grid.shape, np.float64 if wide else np.float32)
    whole = not suv
    headers: dict[str, tuple[Path, DicomDataset]] = {}
    first = _header(volume.frames[0].source, path_of, headers)[1]
    factor = suv_factor(_facts(volume, first, path_of)) if suv else 1.0
    for index, frame in enumerate(volume.frames):
        if frame.source.samples != 1:
            raise InvalidInput("its pictures have colours")
        path, ds = _header(frame.source, path_of, headers)
        many = frame.source.frames > 1
        try:
            raw = pixel_array(path, index=frame.number if many else None)
        except (RuntimeError, ValueError, AttributeError, NotImplementedError) as err:
            raise InvalidInput(f"its pixels cannot be decoded: {type(err).__name__}") from err
        slope, intercept = _rescale(ds, frame.number if many else None)
        whole = whole and slope.is_integer() and intercept.is_integer()
        out[index] = raw * (slope * factor) + intercept * factor
        if not many:
            headers.clear()
    return _as(out, whole=whole, dtype=dtype)


def _header(
    row: InstanceRow,
    path_of: Callable[[InstanceRow], Path],
    headers: dict[str, tuple[Path, DicomDataset]],
) -> tuple[Path, DicomDataset]:
    if row.instance_uid not in headers:
        path = path_of(row)
        headers[row.instance_uid] = path, opened(path)
    return headers[row.instance_uid]


def _rescale(ds: DicomDataset, number: int | None) -> tuple[float, float]:
    found = ds
    if number is not None:
        shared = (ds.get("SharedFunctionalGroupsSequence") or [DicomDataset()])[0]
        own = (ds.get("PerFrameFunctionalGroupsSequence") or [DicomDataset()] * (number + 1))[
            number
        ]
        found = group(own, shared, "PixelValueTransformationSequence")
    slope, intercept = found.get("RescaleSlope"), found.get("RescaleIntercept")
    return float(1 if slope is None else slope), float(intercept or 0)


def _as(values: npt.NDArray[Any], *, whole: bool, dtype: str) -> npt.NDArray[Any]:
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if dtype == "auto":
        for kind in _WHOLE if whole else ():
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                return np.asarray(values.astype(kind))
        return np.asarray(values, np.float32)
    if dtype == "int16":
        if low < -32768 or high > 32767:
            raise InvalidInput("its values do not fit int16; use --dtype float32")
        return np.asarray(np.rint(values), np.int16)
    return np.asarray(values, np.float32)


def _facts(volume: Volume, ds: DicomDataset, path_of: Callable[[InstanceRow], Path]) -> PetFacts:
    if ds.get("Modality") != "PT":
        raise InvalidInput("no SUV: it is no PET")
    doses = ds.get("RadiopharmaceuticalInformationSequence") or [DicomDataset()]
    dose = doses[0]
    series = _time(ds, "Series")
    taken = [
        t for t in (_time(opened(path_of(f.source)), "Acquisition") for f in volume.frames) if t
    ]
    scanned = min([t for t in (series, *taken) if t], default=None)
    started = _when(str(dose.get("RadiopharmaceuticalStartDateTime") or ""))
    if started is None and scanned is not None:
        clock = str(dose.get("RadiopharmaceuticalStartTime") or "")
        started = _when(f"{scanned:%Y%m%d}{clock}") if clock else None
    return PetFacts(
        units=str(ds.get("Units", "")),
        suv_type=str(ds.get("SUVType") or ""),
        corrected=frozenset(map(str, _values(ds.get("CorrectedImage")))),
        decay_correction=str(ds.get("DecayCorrection", "")),
        weight_kg=_number(ds.get("PatientWeight")),
        dose_bq=_number(dose.get("RadionuclideTotalDose")),
        half_life_s=_number(dose.get("RadionuclideHalfLife")),
        injected=started,
        scanned=scanned,
    )


def _values(value: Any) -> list[Any]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _number(value: Any) -> float | None:
    return None if value in (None, "") else float(value)


def _time(ds: DicomDataset, what: str) -> datetime | None:
    return _when(f"{ds.get(f'{what}Date') or ''}{ds.get(f'{what}Time') or ''}")


def _when(text: str) -> datetime | None:
    plain = text.split("+")[0].split("&")[0].strip()
    for form in ("%Y%m%d%H%M%S.%f", "%Y%m%d%H%M%S", "%Y%m%d%H%M"):
        try:
            return datetime.strptime(plain, form)  # noqa: DTZ007 - all times are of one scanner
        except ValueError:
            continue
    return None
