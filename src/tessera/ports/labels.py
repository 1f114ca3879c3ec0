"""Ports: volumes of stored series, labels made into DICOM, and series written for training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.labels.about import Annotation, SegmentAbout
from tessera.domain.labels.file_kind import FileKind
from tessera.domain.labels.label_map import LabelMap
from tessera.domain.labels.volumes import Volume, Volumes
from tessera.ports.case import MadeObject


class VolumeReader(Protocol):
    def volumes(self, rows: Sequence[InstanceRow]) -> Volumes:
        """Return the volumes of one series. Raises Conflict when a file is missing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLabels:
    """Labels on the grid of a volume, ready to be written."""

    volume: Volume
    labels: LabelMap
    segments: Sequence[SegmentAbout]
    annotation: Annotation
    days_after_study: int | None = None


class LabelWriter(Protocol):
    def write(self, new: NewLabels) -> MadeObject:
        """Return a SEG; the same labels and images give the same bytes.

        Raises InvalidLabels when none can be made of them, Conflict when an image is missing.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportWish:
    """How a series is written."""

    kind: FileKind = FileKind.NIFTI
    suv: bool = False
    """PET as SUV by body weight."""
    dtype: str = "auto"
    """auto, int16 or float32."""
    resample: bool = False
    """Labels on other voxels than the image's may be taken by the nearest one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedSeries:
    """What was written of one series."""

    series_uid: str
    folder: Path | None
    files: tuple[str, ...] = ()
    n_labels: int = 0
    """Objects with labels: SEG and RTSTRUCT."""
    problems: tuple[str, ...] = ()


class SeriesExporter(Protocol):
    def export(
        self, rows: Sequence[InstanceRow], labels: Sequence[InstanceRow], wish: ExportWish
    ) -> ExportedSeries:
        """Write a series and the labels on it as files; what cannot be written is a problem."""
        ...


class LabelReader(Protocol):
    def is_on(self, label: InstanceRow, series_uid: str) -> bool:
        """Say whether a stored SEG or RTSTRUCT lies on a series."""
        ...

    def told(self, label: InstanceRow) -> Mapping[str, object]:
        """Return what a stored SEG or RTSTRUCT says of its segments and its making."""
        ...
