"""Reads a dataset version as the sandbox shows it: series as volumes, SEG as masks.

Knows nothing of Tessera: tables with PyArrow, instances with pydicom.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from pydicom import dcmread
from pydicom.dataset import Dataset as DicomDataset

Float = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Row = dict[str, Any]
_HEADER = (
    "Modality ScanningSequence EchoTime RepetitionTime ImageType DiffusionBValue "
    "SeriesInstanceUID SOPInstanceUID PatientID"
).split()
_T2_ECHO_MS = 60.0


class UnusableData(Exception):
    """The data cannot be used; the message says what is missing. It stays at the node."""


@dataclass(frozen=True)
class Volume:
    """One series. `values` is (slice, row, column), rescaled; slices run along the normal."""

    series_uid: str
    subject: str
    uids: tuple[str, ...]
    values: Float
    pixel_mm: tuple[float, float]
    """Between rows, between columns."""
    spacing_mm: float
    """Between slices; 0 with one slice."""
    manufacturer: str


@dataclass(frozen=True)
class Marked:
    """A volume and where its lesion is, as a person drew it."""

    volume: Volume
    mask: Mask


def folder(name: str) -> Path:
    """Return /data, /inputs or /out, or what the environment says in its place."""
    return Path(os.environ.get(f"TESSERA_{name.upper()}", f"/{name}"))


def dataset_folders(data: Path) -> list[Path]:
    """Return every folder of a dataset version below `data`, sorted."""
    places = [data, *sorted(data.glob("*")), *sorted(data.glob("*/v*"))]
    return [p for p in places if _table_path(p, "instance") is not None]


def table(dataset: Path, name: str) -> list[Row]:
    path = _table_path(dataset, name)
    if path is None:
        raise UnusableData(f"no table {name} in {dataset.name}")
    rows: list[Row] = pq.ParquetFile(path).read().to_pylist()
    return rows


def _table_path(dataset: Path, name: str) -> Path | None:
    places = (dataset / "tables" / f"{name}.parquet", dataset / f"{name}.parquet")
    return next((p for p in places if p.is_file()), None)


def marked_series(dataset: Path, modality: str) -> Iterator[Marked]:
    """Yield each series of the modality that a SEG of the version marks, sorted by its UID.

    A SEG whose images are not all in the version is left out.
    """
    series = {row["series_uid"]: row for row in table(dataset, "series")}
    places: dict[str, list[str]] = {}
    for row in table(dataset, "instance"):
        places.setdefault(row["series_uid"], []).append(row["path"])
    marks: dict[str, list[DicomDataset]] = {}
    for uid in sorted(u for u, row in series.items() if row["modality"] == "SEG"):
        for place in sorted(places.get(uid, ())):
            seg: DicomDataset = dcmread(dataset / "instances" / place)
            of = _source_series(seg)
            if of in places and series[of]["modality"] == modality:
                marks.setdefault(of, []).append(seg)
    for uid in sorted(marks):
        paths = [dataset / "instances" / place for place in places[uid]]
        try:
            volume = read_volume(paths, str(series[uid]["subject"]))
        except UnusableData:
            continue
        mask = np.zeros(volume.values.shape, dtype=np.bool_)
        for seg in marks[uid]:
            _paint(mask, volume, seg)
        if mask.any():
            yield Marked(volume, mask)


def series_to_judge(data: Path, modality: str) -> list[Path]:
    """Return the files of the one series of a study to be judged. Raises UnusableData.

    For MR the first T2-weighted series: spin echo with a long echo, no diffusion, not derived.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(data.rglob("*.dcm")):
        header = dcmread(path, stop_before_pixels=True, specific_tags=_HEADER)
        if _is_wanted(header, modality):
            found.setdefault(str(header.SeriesInstanceUID), []).append(path)
    if not found:
        kind = "T2-weighted MR" if modality == "MR" else modality
        raise UnusableData(f"the study has no {kind} series")
    return found[max(found, key=lambda uid: (len(found[uid]), uid))]


def _is_wanted(header: DicomDataset, modality: str) -> bool:
    if header.get("Modality") != modality:
        return False
    if modality != "MR":
        return True
    echo_ms = float(header.get("EchoTime") or 0)
    derived = "DERIVED" in (header.get("ImageType") or ())
    return echo_ms >= _T2_ECHO_MS and header.get("DiffusionBValue") is None and not derived


def read_volume(paths: Iterable[Path], subject: str = "") -> Volume:
    """Return one series as a volume. Raises UnusableData when it is no stack of slices."""
    slices: list[DicomDataset] = [dcmread(path) for path in paths]
    shapes = {(ds.get("Rows"), ds.get("Columns"), ds.get("NumberOfFrames")) for ds in slices}
    if len(shapes) != 1 or any("ImagePositionPatient" not in ds for ds in slices):
        raise UnusableData("the series is no stack of slices of one size")
    axes = np.asarray(slices[0].ImageOrientationPatient, dtype=np.float64)
    normal = np.cross(axes[:3], axes[3:])
    heights = [float(normal @ np.asarray(ds.ImagePositionPatient, np.float64)) for ds in slices]
    order = np.argsort(heights, kind="stable")
    slices, heights = [slices[i] for i in order], [heights[i] for i in order]
    values = np.stack([_values(ds) for ds in slices])
    if values.ndim != 3:
        raise UnusableData("the series has several frames or colours in one instance")
    down, across = (float(mm) for mm in slices[0].PixelSpacing)
    return Volume(
        series_uid=str(slices[0].SeriesInstanceUID),
        subject=subject or str(slices[0].get("PatientID", "")),
        uids=tuple(str(ds.SOPInstanceUID) for ds in slices),
        values=values,
        pixel_mm=(down, across),
        spacing_mm=float(np.median(np.diff(heights))) if len(heights) > 1 else 0.0,
        manufacturer=str(slices[0].get("Manufacturer") or "").strip(),
    )


def _values(ds: DicomDataset) -> Float:
    slope, intercept = float(ds.get("RescaleSlope") or 1), float(ds.get("RescaleIntercept") or 0)
    values: Float = ds.pixel_array.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    return values


def _source_series(seg: DicomDataset) -> str:
    referenced = seg.get("ReferencedSeriesSequence") or ()
    return str(referenced[0].SeriesInstanceUID) if referenced else ""


def _paint(mask: Mask, volume: Volume, seg: DicomDataset) -> None:
    """Add the frames of a SEG to the mask, each at the image it names."""
    place = {uid: index for index, uid in enumerate(volume.uids)}
    pixels = seg.pixel_array
    frames = pixels[None] if pixels.ndim == 2 else pixels
    if frames.shape[1:] != mask.shape[1:]:
        return
    for frame, groups in zip(frames, seg.PerFrameFunctionalGroupsSequence, strict=True):
        for derivation in groups.get("DerivationImageSequence") or ():
            for source in derivation.get("SourceImageSequence") or ():
                index = place.get(str(source.ReferencedSOPInstanceUID))
                if index is not None:
                    mask[index] |= frame > 0
