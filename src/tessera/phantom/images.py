"""What every drawer of a series hands over: a shared header and the instances in it."""

from dataclasses import dataclass, field

import numpy as np
from pydicom.dataset import Dataset as DicomDataset

from tessera.phantom.anatomy import Grid
from tessera.phantom.encode import Element, Frame, text
from tessera.phantom.locale import Locale
from tessera.phantom.patients import Patient
from tessera.phantom.plan import SeriesPlan, StudyPlan
from tessera.phantom.planted import Planted
from tessera.phantom.spec import Sizes
from tessera.phantom.streams import uid


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One image: its UID, InstanceNumber, the elements that vary, and its pixels."""

    uid: str
    number: int
    varying: tuple[Element, ...]
    frame: Frame | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesImages:
    """A series ready to be written. `mask` (slice, row, column) marks the lesion, where drawn."""

    plan: SeriesPlan
    sop_class: str
    header: DicomDataset
    instances: list[Instance]
    grid: Grid | None = None
    mask: np.ndarray | None = None
    facts: dict[str, object] = field(default_factory=dict)
    """Added to the truth of the series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """All that a drawer of series needs to know."""

    patient: Patient
    study: StudyPlan
    locale: Locale
    sizes: Sizes
    planted: Planted
    charset: str
    rng: np.random.Generator


def instance_uid(series: SeriesPlan, number: int) -> str:
    """The SOPInstanceUID of the image with this InstanceNumber."""
    return uid(series.series_uid, "instance", number)


def numbered(number: int, acquisition: int, clock: str, seconds: float) -> tuple[Element, ...]:
    """InstanceNumber, AcquisitionNumber and the times of one image, `seconds` after `clock`."""
    total = int(clock[:2]) * 3600 + int(clock[2:4]) * 60 + int(clock[4:6]) + seconds
    whole = int(total) % 86400
    moment = f"{whole // 3600:02d}{whole // 60 % 60:02d}{whole % 60:02d}.{int(total % 1 * 1e6):06d}"
    return (
        text(0x00200013, "IS", str(number)),
        text(0x00200012, "IS", str(acquisition)),
        text(0x00080032, "TM", moment),
        text(0x00080033, "TM", moment),
    )


def pixel_header(
    ds: DicomDataset, shape: tuple[int, ...], *, bits_allocated: int, bits_stored: int
) -> None:
    """Image pixel module of unsigned pixels. Source: PS3.3 C.7.6.3."""
    ds.SamplesPerPixel = shape[2] if len(shape) == 3 else 1
    ds.PhotometricInterpretation = "RGB" if len(shape) == 3 else "MONOCHROME2"
    if len(shape) == 3:
        ds.PlanarConfiguration = 0
    ds.Rows, ds.Columns = shape[:2]
    ds.BitsAllocated = bits_allocated
    ds.BitsStored = bits_stored
    ds.HighBit = bits_stored - 1
    ds.PixelRepresentation = 0


def code_item(value: str, scheme: str, meaning: str) -> DicomDataset:
    """One item of a code sequence. Source: PS3.3 section 8."""
    item = DicomDataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = scheme
    item.CodeMeaning = meaning
    return item


def image_header(ds: DicomDataset, grid: Grid, spacing_mm: float) -> None:
    """Image plane elements that all slices share. Source: PS3.3 C.7.6.2."""
    ds.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    ds.PixelSpacing = [f"{grid.pixel_mm:.6g}", f"{grid.pixel_mm:.6g}"]
    ds.SliceThickness = f"{spacing_mm:.6g}"
    ds.PatientPosition = "HFS"
