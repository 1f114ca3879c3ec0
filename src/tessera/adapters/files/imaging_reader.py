"""Read from the files of a dataset what its tables say of acquisition and segments."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tessera.domain.clinical.imaging_tables import (
    Acquired,
    ImagingSaid,
    Segmented,
    SegmentSaid,
    wanted_tags,
)
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.labels.stored import read_written

if TYPE_CHECKING:
    from pydicom.dataset import Dataset as DicomDataset

SEGMENTATIONS: Final = frozenset(("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"))
"""Segmentation Storage, and the one whose frames are label maps. Source: PS3.4 B.5."""
_TRACER: Final = 0x00540016
"""RadiopharmaceuticalInformationSequence. Source: PS3.3 C.8.9.2."""


def read_imaging(rows: Iterable[InstanceRow], path_of: Callable[[str], Path]) -> ImagingSaid:
    """Return what the first image of each series says, and every SEG.

    `path_of` finds an instance's file. A file that is not there or cannot be read is counted.
    """
    first: dict[str, InstanceRow] = {}
    segs: list[InstanceRow] = []
    for row in rows:
        if row.sop_class_uid in SEGMENTATIONS:
            segs.append(row)
        elif row.has_pixels or row.rows:
            earlier = first.get(row.series_uid)
            if earlier is None or _order(row) < _order(earlier):
                first[row.series_uid] = row
    n_unread = 0
    acquired, segmented = [], []
    for row in first.values():
        header = _read(path_of(row.path), [*wanted_tags(), _TRACER])
        if header is None:
            n_unread += 1
        else:
            values = _values(header)
            acquired.append(Acquired(series_uid=row.series_uid, subject=row.subject, values=values))
    for row in segs:
        header = _read(path_of(row.path))
        if header is None:
            n_unread += 1
        else:
            segmented.append(_segmented(row, header))
    return ImagingSaid(tuple(acquired), tuple(segmented), n_unread)


def _order(row: InstanceRow) -> tuple[int, str]:
    return (row.instance_number if row.instance_number is not None else 2**31, row.instance_uid)


def _read(path: Path, tags: list[int] | None = None) -> "DicomDataset | None":
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        wanted: Any = tags
        return dcmread(path, stop_before_pixels=True, specific_tags=wanted)
    except (OSError, InvalidDicomError, ValueError, NotImplementedError):
        return None


def _values(header: "DicomDataset") -> dict[str, str]:
    found: dict[str, str] = {}
    for item in (header, *header.get("RadiopharmaceuticalInformationSequence", [])[:1]):
        for tag in wanted_tags():
            element = item.get(tag)
            if element is None or element.value in (None, "") or element.VR == "SQ":
                continue
            value = element.value
            parts = [value] if isinstance(value, str | bytes) or element.VM < 2 else list(value)
            found.setdefault(f"{tag:08X}", "\\".join(str(part) for part in parts))
    return found


def _segmented(row: InstanceRow, header: "DicomDataset") -> Segmented:
    said = read_written(str(header.get("ImageComments", "")))
    series = header.get("ReferencedSeriesSequence", [])
    return Segmented(
        instance_uid=row.instance_uid,
        series_uid=row.series_uid,
        subject=row.subject,
        segmented_series_uid=str(series[0].get("SeriesInstanceUID", "")) if series else "",
        segments=tuple(_segment(item) for item in header.get("SegmentSequence", [])),
        n_annotators=_whole(said.get("annotators", "")),
        annotator_type=said.get("annotator_type", ""),
        years_experience=_whole(said.get("years_of_experience", "")),
    )


def _segment(item: "DicomDataset") -> SegmentSaid:
    return SegmentSaid(
        number=int(item.get("SegmentNumber", 0)),
        label=str(item.get("SegmentLabel", "")),
        description=str(item.get("SegmentDescription", "")),
        algorithm_type=str(item.get("SegmentAlgorithmType", "")),
        algorithm_name=str(item.get("SegmentAlgorithmName", "")),
        category=_code(item.get("SegmentedPropertyCategoryCodeSequence", [])),
        type=_code(item.get("SegmentedPropertyTypeCodeSequence", [])),
    )


def _code(items: Any) -> str:
    if not items:
        return ""
    scheme, value = items[0].get("CodingSchemeDesignator", ""), items[0].get("CodeValue", "")
    return f"{scheme}:{value}" if scheme and value else ""


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 4 else None
