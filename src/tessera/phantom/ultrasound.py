"""Ultrasound images with the patient's name and number burned into the pixels.

Source: PS3.3 A.6, C.8.5.5, C.8.5.6.
"""

import numpy as np
from pydicom.dataset import Dataset as DicomDataset
from pydicom.sequence import Sequence

from tessera.phantom.anatomy import smooth_field
from tessera.phantom.encode import Frame
from tessera.phantom.images import (
    Bench,
    Instance,
    SeriesImages,
    instance_uid,
    numbered,
    pixel_header,
)
from tessera.phantom.plan import SeriesPlan
from tessera.phantom.planted import romanised
from tessera.phantom.projections import burn_text
from tessera.phantom.streams import stream

US_CLASS = "1.2.840.10008.5.1.4.1.1.6.1"
_DEPTH_MM = {"breast": 60.0, "abdomen": 160.0}


def draw_us(bench: Bench, series: SeriesPlan, header: DicomDataset) -> SeriesImages:
    """Two sector images in RGB; the lesion is a dark ellipse with shadow below it."""
    rows, columns = bench.sizes.ultrasound
    person = bench.patient.person
    depth = _DEPTH_MM.get(series.region, 160.0)
    top = rows // 6
    pixel_mm = depth / (rows - top - 6)
    lines = [
        f"{romanised(person.family)}, {romanised(person.given)}  {person.ids[2]}",
        f"{romanised(bench.locale.institution)[:34]}  {bench.study.day:%d.%m.%Y}",
    ]
    size = max(12, rows // 22)
    instances = []
    for number in (1, 2):
        pixels = _sector(bench, number, (rows, columns), top, pixel_mm)
        burn_text(pixels, lines, at=(4, 6), size=size)
        instances.append(
            Instance(
                uid=instance_uid(series, number),
                number=number,
                varying=numbered(number, number, str(header.SeriesTime), 21.0 * number),
                frame=Frame(pixels, 8),
            )
        )
    _ultrasound(header, bench, (rows, columns), top, pixel_mm)
    pixel_header(header, (rows, columns, 3), bits_allocated=8, bits_stored=8)
    for line in lines:
        bench.planted.add("burned_in", line)
    return SeriesImages(
        plan=series,
        sop_class=US_CLASS,
        header=header,
        instances=instances,
        facts={"burned_in": lines},
    )


def _sector(
    bench: Bench, number: int, shape: tuple[int, int], top: int, pixel_mm: float
) -> np.ndarray:
    rng = stream(bench.study.study_uid, "ultrasound", number)
    rows, columns = shape
    y = (np.arange(rows, dtype=np.float32)[:, None] - top) * pixel_mm
    x = (np.arange(columns, dtype=np.float32)[None, :] - columns / 2) * pixel_mm
    apex = 28 * pixel_mm
    angle, reach = np.arctan2(x, y + apex), np.hypot(x, y + apex)
    fan = (np.abs(angle) < 0.75) & (reach > apex) & (y > 0)
    depth = pixel_mm * (rows - top)
    layers = 0.1 * np.sin(y / depth * 22 + x / 30)
    tissue = 0.55 + 0.14 * smooth_field(rng, shape, rows // 12) + layers
    lesion = bench.study.lesion
    if lesion is not None:
        a = min(lesion.diameter_mm / 2, depth * 0.35)
        dy, dx = y - depth * 0.45, x - 6 * lesion.side
        inside = (dx / a) ** 2 + (dy / (a * 0.75)) ** 2
        soft = 1 / (1 + np.exp(np.clip((inside - 1) * 5, -30, 30)))
        tissue = tissue * (1 - (0.45 + 0.45 * lesion.intensity) * soft)
        tissue *= np.where((np.abs(dx) < a * 0.7) & (dy > a * 0.7), 0.7, 1)
    real = rng.standard_normal(shape, dtype=np.float32)
    other = rng.standard_normal(shape, dtype=np.float32)
    speckle = np.hypot(real + np.roll(real, 1, 1), other + np.roll(other, 1, 1)) / 1.8
    grey = np.clip(150 * tissue * (0.35 + 0.65 * speckle) * np.exp(-y / depth * 0.6), 0, 255)
    pixels = np.repeat((grey * fan).astype(np.uint8)[..., None], 3, axis=2)
    bar = slice(top + 4, top + (rows - top) // 2)
    ramp = np.linspace(255, 0, bar.stop - bar.start).astype(np.uint8)
    pixels[bar, 8:18] = ramp[:, None, None]
    return pixels


def _ultrasound(
    ds: DicomDataset, bench: Bench, shape: tuple[int, int], top: int, pixel_mm: float
) -> None:
    ds.ImageType = ["ORIGINAL", "PRIMARY", "", "0001"]
    ds.SeriesDescription = f"US {ds.BodyPartExamined}"
    ds.ProtocolName = f"US {ds.PatientID}"[:64]
    ds.TransducerData = ["L3-12", "", ""]
    ds.TransducerType = "LINEAR" if bench.study.region == "breast" else "CURVED LINEAR"
    ds.ProcessingFunction = "B"
    ds.AcquisitionDeviceProcessingDescription = "SPECKLE REDUCTION 3"
    ds.OutputPower = "100"
    ds.FocusDepth = "35"
    ds.EffectiveDuration = "0.04"
    ds.MechanicalIndex = "0.9"
    ds.BoneThermalIndex = "0.4"
    ds.SoftTissueThermalIndex = "0.4"
    ds.DepthOfScanField = str(round(pixel_mm * (shape[0] - top)))
    ds.UltrasoundColorDataPresent = 0
    ds.LossyImageCompression = "00"
    if bench.study.style % 2:
        ds.BurnedInAnnotation = "YES"
    ds.PatientOrientation = ""
    if bench.study.region == "breast":
        lesion = bench.study.lesion
        ds.Laterality = "L" if lesion is not None and lesion.side > 0 else "R"
    region = DicomDataset()
    region.RegionSpatialFormat = 1
    region.RegionDataType = 1
    region.RegionFlags = 2
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, top
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = shape[1] - 1, shape[0] - 1
    region.ReferencePixelX0, region.ReferencePixelY0 = shape[1] // 2, 0
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = pixel_mm / 10
    ds.SequenceOfUltrasoundRegions = Sequence([region])
