"""Labels of the research zone: what a stored SEG or RTSTRUCT says, and its voxels."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import dcmread
from pydicom.dataset import Dataset as DicomDataset
from pydicom.uid import RTStructureSetStorage

from tessera.adapters.labels.frames import group, opened
from tessera.adapters.labels.label_files import regions_of
from tessera.domain.errors import InvalidInput
from tessera.domain.imaging.geometry import slice_normal
from tessera.domain.imaging.grid import AnyArray, Fit, Grid, fit, mismatch, nearest, place_in
from tessera.domain.imaging.instance import Cosines6, InstanceRow
from tessera.domain.labels.drawn import on_grid
from tessera.domain.labels.errors import GridMismatch
from tessera.domain.labels.label_map import LabelMap, Labels
from tessera.domain.labels.stored import read_written

PathOf = Callable[[InstanceRow], Path]


class StoredLabels:
    """A LabelReader over the node's store."""

    def __init__(self, path_of: PathOf) -> None:
        self._path_of = path_of

    def is_on(self, label: InstanceRow, series_uid: str) -> bool:
        if label.sop_class_uid != RTStructureSetStorage:
            return label.referenced_series_uid == series_uid
        return series_uid in regions_of(opened(self._path_of(label))).series.value

    def told(self, label: InstanceRow) -> Mapping[str, object]:
        return told_of(opened(self._path_of(label)))

    def on_grid(self, label: InstanceRow, grid: Grid, *, resample: bool) -> LabelMap:
        """Return the voxels of a label on a grid. Raises GridMismatch, InvalidInput."""
        if label.sop_class_uid == RTStructureSetStorage:
            drawn = regions_of(opened(self._path_of(label)))
            return on_grid(drawn, grid, resample=resample)
        return _segmentation(dcmread(self._path_of(label)), grid, resample=resample)


def told_of(ds: DicomDataset) -> dict[str, object]:
    """Return the segments of a SEG or the regions of an RTSTRUCT, and how they were made."""
    if ds.get("SOPClassUID") == RTStructureSetStorage:
        drawn = regions_of(ds)
        segments: list[dict[str, object]] = [
            {
                "number": region.number,
                "label": region.named.name,
                "colour": region.named.colour and list(region.named.colour),
            }
            for region in drawn.regions
        ]
        return {"kind": "RTSTRUCT", "annotation": {}, "segments": segments}
    annotation: dict[str, object] = dict(read_written(str(ds.get("ImageComments") or "")))
    if ds.get("ContentCreatorName"):
        annotation["annotator"] = str(ds.ContentCreatorName)
    return {
        "kind": "SEG",
        "annotation": annotation,
        "segments": [
            _segment(item) for item in ds.get("SegmentSequence") or () if int(item.SegmentNumber)
        ],  # 0 is the background of a label map
    }


def _segment(item: DicomDataset) -> dict[str, object]:
    kinds = item.get("SegmentedPropertyTypeCodeSequence") or ()
    sides = kinds[0].get("SegmentedPropertyTypeModifierCodeSequence") if kinds else None
    names = item.get("SegmentationAlgorithmIdentificationSequence") or ()
    found: dict[str, object] = {
        "number": int(item.SegmentNumber),
        "label": str(item.get("SegmentLabel", "")),
        "description": str(item.get("SegmentDescription", "")),
        "category": _code(item.get("SegmentedPropertyCategoryCodeSequence")),
        "type": _code(kinds),
        "anatomy": _code(item.get("AnatomicRegionSequence")),
        "laterality": _code(sides),
        "algorithm_type": str(item.get("SegmentAlgorithmType", "")),
        "algorithm_name": str(
            item.get("SegmentAlgorithmName") or (names[0].get("AlgorithmName", "") if names else "")
        ),
        "tracking_id": str(item.get("TrackingID", "")),
        "colour": _colour(item.get("RecommendedDisplayCIELabValue")),
    }
    return {key: value for key, value in found.items() if value not in (None, "")}


def _code(items: Any) -> dict[str, str] | None:
    if not items:
        return None
    one = items[0]
    value = one.get("CodeValue") or one.get("LongCodeValue") or one.get("URNCodeValue") or ""
    return {
        "code": str(value),
        "scheme": str(one.get("CodingSchemeDesignator", "")),
        "meaning": str(one.get("CodeMeaning", "")),
    }


def _colour(lab: Any) -> list[int] | None:
    if lab is None:
        return None
    import highdicom

    found = highdicom.color.CIELabColor.from_dicom_value(list(lab)).to_rgb(clip=True)
    return [int(part) for part in found]


def _segmentation(ds: DicomDataset, grid: Grid, *, resample: bool) -> LabelMap:
    """Return a SEG on a grid: BINARY, FRACTIONAL from one half on, or LABELMAP. PS3.3 C.8.20."""
    if "TotalPixelMatrixRows" in ds:
        raise InvalidInput("a segmentation of a whole slide is not written as a volume")
    kind = str(ds.get("SegmentationType", ""))
    layers: list[Labels] = []
    for number, planes in _planes(ds, grid, kind, resample=resample):
        into = _layer(layers, grid, planes) if kind != "LABELMAP" else _layer(layers, grid, ())
        for box, part in planes:
            view = layers[into][box]
            marked = part != 0
            view[marked] = number if kind != "LABELMAP" else part[marked]
    return LabelMap(grid, tuple(layers))


Planes = list[tuple[tuple[slice, slice, slice], npt.NDArray[Any]]]


def _planes(
    ds: DicomDataset, grid: Grid, kind: str, *, resample: bool
) -> Iterator[tuple[int, Planes]]:
    """Yield (segment, its planes as boxes of the grid), by segment number."""
    frames = ds.pixel_array
    if frames.ndim == 2:
        frames = frames[None]
    shared = (ds.get("SharedFunctionalGroupsSequence") or [DicomDataset()])[0]
    half = (int(ds.get("MaximumFractionalValue") or 255) + 1) // 2
    places: dict[tuple[float, ...], tuple[Grid, Fit | None]] = {}
    of: dict[int, list[tuple[int, DicomDataset]]] = {}
    for index, own in enumerate(ds.PerFrameFunctionalGroupsSequence):
        number = 0
        if kind != "LABELMAP":
            said = group(own, shared, "SegmentIdentificationSequence")
            number = int(said.ReferencedSegmentNumber)
        of.setdefault(number, []).append((index, own))
    for number in sorted(of):
        planes: Planes = []
        for index, own in of[number]:
            plane, how = _placed(own, shared, frames.shape[1:], grid, places)
            raw = frames[index]
            if kind == "FRACTIONAL":
                raw = (raw >= half).astype(np.uint8)
            if not raw.any():
                continue
            if how is None and not resample:
                raise GridMismatch(
                    f"a segmentation is not on the voxels of its series: "
                    f"{mismatch(plane, grid).told()}"
                )
            planes.append(_boxed(raw[None], plane, how, grid))
        yield number, planes


def _boxed(
    raw: AnyArray, plane: Grid, how: Fit | None, grid: Grid
) -> tuple[tuple[slice, slice, slice], npt.NDArray[Any]]:
    if how is None:
        return (slice(None),) * 3, nearest(raw, plane, grid)
    part, box = place_in(raw, how, grid)
    if np.count_nonzero(part) < np.count_nonzero(raw):
        raise GridMismatch("a segmentation reaches out of its series")
    return box, part


def _placed(
    own: DicomDataset,
    shared: DicomDataset,
    matrix: tuple[int, ...],
    grid: Grid,
    known: dict[tuple[float, ...], tuple[Grid, Fit | None]],
) -> tuple[Grid, Fit | None]:
    position = tuple(map(float, group(own, shared, "PlanePositionSequence").ImagePositionPatient))
    facing = group(own, shared, "PlaneOrientationSequence").ImageOrientationPatient
    measures = group(own, shared, "PixelMeasuresSequence")
    key = (*position, *map(float, facing), *map(float, measures.PixelSpacing))
    if key not in known:
        plane = _plane_grid(position, facing, measures, matrix, grid)
        known[key] = plane, fit(plane, grid)
    return known[key]


def _plane_grid(
    position: tuple[float, ...],
    facing: Any,
    measures: DicomDataset,
    matrix: tuple[int, ...],
    grid: Grid,
) -> Grid:
    """Return one plane as a grid; when parallel to the target's slices it is as thick as they."""
    x, y, z, *down = map(float, facing)
    cosines: Cosines6 = (x, y, z, down[0], down[1], down[2])
    normal = slice_normal(cosines)
    theirs = np.cross(grid.affine[:3, 0], grid.affine[:3, 1])
    if abs(float(normal @ theirs)) > 0.999999 * float(np.linalg.norm(theirs)):
        step = grid.affine[:3, 2]
    else:
        thick = measures.get("SpacingBetweenSlices") or measures.get("SliceThickness") or 1
        step = normal * float(thick)
    affine = np.eye(4)
    affine[:3, 0] = np.array(cosines[:3]) * float(measures.PixelSpacing[1])
    affine[:3, 1] = np.array(cosines[3:]) * float(measures.PixelSpacing[0])
    affine[:3, 2] = step
    affine[:3, 3] = position
    return Grid(affine, (1, matrix[0], matrix[1]))


def _layer(layers: list[Labels], grid: Grid, planes: Planes | tuple[()]) -> int:
    """Return the first layer in which these planes overlap nothing; a new one when none is."""
    for index, layer in enumerate(layers):
        if not any(layer[box][part != 0].any() for box, part in planes):
            return index
    layers.append(np.zeros(grid.shape, np.uint16))
    return len(layers) - 1
