"""The frames of a series with their places, also those of multi-frame objects."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from pydicom import dcmread
from pydicom.dataset import Dataset as DicomDataset

from tessera.domain.errors import Conflict
from tessera.domain.imaging.instance import Cosines6, InstanceRow, Vector3
from tessera.domain.labels.volumes import Frame, Volumes, volumes, whole

PathOf = Callable[[InstanceRow], Path]


class StoredVolumes:
    """A VolumeReader over the node's store."""

    def __init__(self, path_of: PathOf) -> None:
        self._path_of = path_of

    def volumes(self, rows: Sequence[InstanceRow]) -> Volumes:
        return volumes([frame for row in rows for frame in frames_of(row, self._path_of)])


def frames_of(row: InstanceRow, path_of: PathOf) -> Iterator[Frame]:
    """Yield the frames of one instance; only a multi-frame one is opened."""
    if row.frames == 1 and row.position_mm is not None:
        yield whole(row)
        return
    ds = opened(path_of(row))
    shared = _first(ds, "SharedFunctionalGroupsSequence")
    for number, own in enumerate(ds.get("PerFrameFunctionalGroupsSequence") or ()):
        yield Frame(row, number, _plane(row, own, shared, number))


def opened(path: Path) -> DicomDataset:
    """Read a header. Raises Conflict when the file is gone."""
    try:
        return dcmread(path, stop_before_pixels=True)
    except FileNotFoundError as err:
        raise Conflict(f"{path.name} is missing in the store; restore it from a backup") from err


def group(own: DicomDataset, shared: DicomDataset, name: str) -> DicomDataset:
    """Return a functional group of a frame: its own, else the shared one. PS3.3 C.7.6.16."""
    return _first(own, name) or _first(shared, name)


def _plane(row: InstanceRow, own: DicomDataset, shared: DicomDataset, number: int) -> InstanceRow:
    measures = group(own, shared, "PixelMeasuresSequence")
    content = group(own, shared, "FrameContentSequence")
    diffusion = group(own, shared, "MRDiffusionSequence")
    kind = next(
        (
            found.FrameType
            for found in (group(own, shared, f"{of}FrameTypeSequence") for of in _FRAME_TYPES)
            if "FrameType" in found
        ),
        None,
    )
    position = _numbers(group(own, shared, "PlanePositionSequence"), "ImagePositionPatient", 3)
    facing = group(own, shared, "PlaneOrientationSequence")
    b_value = diffusion.get("DiffusionBValue")
    time = content.get("TemporalPositionIndex")
    thickness = measures.get("SliceThickness")
    return replace(
        row,
        position_mm=cast("Vector3 | None", position),
        orientation=cast("Cosines6 | None", _numbers(facing, "ImageOrientationPatient", 6)),
        spacing_mm=cast("tuple[float, float] | None", _numbers(measures, "PixelSpacing", 2)),
        slice_thickness_mm=None if thickness is None else float(thickness),
        b_value=None if b_value is None else float(b_value),
        temporal_position=None if time is None else int(time),
        image_type=row.image_type if kind is None else "\\".join(map(str, kind)),
        instance_number=number + 1,
    )


_FRAME_TYPES = ("MRImage", "CTImage", "PET", "XRay3D", "CommonCTMRPET")


def _first(ds: DicomDataset, keyword: str) -> DicomDataset:
    items = ds.get(keyword)
    return items[0] if items else DicomDataset()


def _numbers(ds: DicomDataset, keyword: str, n: int) -> tuple[float, ...] | None:
    value = ds.get(keyword)
    return tuple(map(float, value)) if value is not None and len(value) == n else None
