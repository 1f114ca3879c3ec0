"""Mammograms (four views) and chest radiographs (CR, DX), side markers burned in.

Sources: PS3.3 A.26, A.27, A.2; C.8.11.1 to C.8.11.7, C.8.1.1 to C.8.1.3.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset as DicomDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

from tessera.phantom.anatomy import Grid, smooth_field
from tessera.phantom.encode import Element, Frame, text
from tessera.phantom.images import (
    Bench,
    Instance,
    SeriesImages,
    code_item,
    instance_uid,
    numbered,
    pixel_header,
)
from tessera.phantom.plan import SeriesPlan
from tessera.phantom.planted import romanised
from tessera.phantom.signal import ct_hu
from tessera.phantom.streams import stream
from tessera.phantom.volumes import centre_mm, scene

MG_CLASS = "1.2.840.10008.5.1.4.1.1.1.2"
DX_CLASS = "1.2.840.10008.5.1.4.1.1.1.1"
CR_CLASS = "1.2.840.10008.5.1.4.1.1.1"
_VIEWS = (("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO"))
_VIEW_CODES = {
    "CC": ("399162004", "cranio-caudal"),
    "MLO": ("399368009", "medio-lateral oblique"),
    "PA": ("399348003", "postero-anterior"),
}


def burn_text(pixels: np.ndarray, lines: list[str], *, at: tuple[int, int], size: int) -> None:
    """Write `lines` into `pixels` at (row, column), white, `size` pixels high."""
    canvas = Image.new("L", (pixels.shape[1], pixels.shape[0]))
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=size)
    for place, line in enumerate(lines):
        draw.text((at[1], at[0] + place * (size + 3)), line, fill=255, font=font)
    ink = np.asarray(canvas, dtype=np.float32) / 255
    top = float(np.iinfo(pixels.dtype).max) if pixels.dtype == np.uint8 else 4095.0
    shade = ink[..., None] if pixels.ndim == 3 else ink
    pixels[:] = (pixels + (top - pixels) * shade).astype(pixels.dtype)


def draw_mg(bench: Bench, series: SeriesPlan, header: DicomDataset) -> SeriesImages:
    """Four views for presentation; the lesion is in both views of its breast."""
    rows, columns = bench.sizes.mammogram
    pixel_mm = 215 / columns
    _mammography(header, pixel_mm)
    _presentation(header)
    pixel_header(header, (rows, columns), bits_allocated=16, bits_stored=12)
    clock = str(header.SeriesTime)
    instances = []
    for number, (side, view) in enumerate(_VIEWS, start=1):
        pixels = _mammogram(bench, side, view, (rows, columns), pixel_mm)
        burn_text(
            pixels,
            [f"{side} {view}"],
            at=(rows // 24, columns // 12 if side == "R" else columns * 3 // 4),
            size=max(12, rows // 26),
        )
        varying = (
            *numbered(number, number, clock, 40.0 * number),
            text(0x00200062, "CS", side),
            text(0x00185101, "CS", view),
            text(0x00200020, "CS", _orientation(side, view)),
            text(0x00181510, "DS", "0" if view == "CC" else "45"),
            _view_sequence(view),
        )
        frame = Frame(pixels, 12)
        uid = instance_uid(series, number)
        instances.append(Instance(uid=uid, number=number, varying=varying, frame=frame))
    return SeriesImages(plan=series, sop_class=MG_CLASS, header=header, instances=instances)


def _orientation(side: str, view: str) -> str:
    across = "P" if side == "R" else "A"
    down = {"CC": {"R": "L", "L": "R"}[side], "MLO": {"R": "FL", "L": "FR"}[side]}[view]
    return f"{across}\\{down}"


def _mammogram(
    bench: Bench, side: str, view: str, shape: tuple[int, int], pixel_mm: float
) -> np.ndarray:
    """One view as uint16, 12 bits; chest wall at the left edge for the left breast."""
    rows, columns = shape
    rng = stream(bench.study.study_uid, "mammogram", side, view)
    own = stream(bench.patient.person.patient_id, "breast")
    size, density = own.uniform(0.85, 1.1), own.uniform(0.35, 0.8)
    y = (np.arange(rows, dtype=np.float32)[:, None] / rows - (0.5 if view == "CC" else 0.55)) * 2
    x = np.arange(columns, dtype=np.float32)[None, :] / columns
    radius = np.sqrt((y / (0.78 * size)) ** 2 + (x / (0.62 * size)) ** 2)
    thickness = np.sqrt(np.clip(1 - radius**2, 0, 1))
    gland = np.clip(1.15 - radius * 1.25, 0, 1)
    texture = smooth_field(rng, shape, rows // 9) + 0.7 * smooth_field(rng, shape, rows // 28)
    texture += 0.4 * smooth_field(rng, shape, max(2, rows // 90))
    image = 900 * np.clip(thickness * 1.6, 0, 1) + 1100 * gland * thickness * density * (
        1 + 0.45 * texture
    )
    if view == "MLO":
        muscle = np.clip((0.34 - x - 0.34 * (y + 1.1)) * 14, 0, 1) * (thickness >= 0)
        image = np.maximum(image, 2300 * muscle)
    lesion = bench.study.lesion
    if lesion is not None and side == ("L" if lesion.side > 0 else "R"):
        image += _mass(bench, shape, pixel_mm, view)
    image += 22 * rng.standard_normal(shape, dtype=np.float32)
    pixels = np.clip(image, 0, 4095).astype(np.uint16)
    return pixels if side == "L" else np.ascontiguousarray(pixels[:, ::-1])


def _mass(bench: Bench, shape: tuple[int, int], pixel_mm: float, view: str) -> np.ndarray:
    """A spiculated mass; brighter and larger with stage."""
    lesion = bench.study.lesion
    rng = stream(bench.patient.person.patient_id, "mass")
    if lesion is None:
        return np.zeros(shape, dtype=np.float32)
    row = shape[0] * (0.5 + rng.uniform(-0.12, 0.12) + (0.04 if view == "MLO" else 0))
    column = shape[1] * rng.uniform(0.2, 0.34)
    dy = (np.arange(shape[0], dtype=np.float32)[:, None] - row) * pixel_mm
    dx = (np.arange(shape[1], dtype=np.float32)[None, :] - column) * pixel_mm
    distance, angle = np.hypot(dy, dx), np.arctan2(dy, dx)
    first, second, third = rng.uniform(0, 6, 3)
    spikes = 1 + 0.22 * np.maximum(0, np.sin(7 * angle + first)) ** 4
    spikes += 0.25 * np.maximum(0, np.sin(13 * angle + second)) ** 6
    spikes += 0.12 * np.sin(3 * angle + third)
    reach = lesion.diameter_mm / 2 * spikes
    soft = 1 / (1 + np.exp(np.clip((distance - reach) * 0.9, -30, 30)))
    mass: np.ndarray = np.float32(300 + 1000 * lesion.intensity) * soft.astype(np.float32)
    return mass


def _mammography(ds: DicomDataset, pixel_mm: float) -> None:
    ds.ImageType = ["DERIVED", "PRIMARY"]
    ds.SeriesDescription = "Screening 4 views"
    ds.ProtocolName = "STD SCREENING"
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.PositionerType = "MAMMOGRAPHIC"
    ds.OrganExposed = "BREAST"
    ds.BreastImplantPresent = "NO"
    ds.PartialView = "NO"
    ds.CompressionForce = "92"
    ds.BodyPartThickness = "54"
    ds.AnodeTargetMaterial = "TUNGSTEN"
    ds.FilterMaterial = "RHODIUM"
    ds.FilterType = "FLAT"
    ds.KVP = "29"
    ds.XRayTubeCurrent = "120"
    ds.ExposureTime = "720"
    ds.Exposure = "86"
    ds.ExposureInuAs = "86400"
    ds.FocalSpots = "0.3"
    ds.Grid = ["FOCUSED", "RECIPROCATING"]
    ds.DistanceSourceToDetector = "700"
    ds.DistanceSourceToPatient = "675"
    ds.EstimatedRadiographicMagnificationFactor = "1.04"
    ds.EntranceDoseInmGy = "4.8"
    ds.OrganDose = "0.0132"
    ds.ExposureControlMode = "AUTOMATIC"
    ds.HalfValueLayer = "0.53"
    ds.DetectorType = "DIRECT"
    ds.DetectorConfiguration = "AREA"
    ds.DetectorID = "D0471"
    ds.DetectorTemperature = "31.2"
    ds.DetectorBinning = ["1", "1"]
    ds.FieldOfViewShape = "RECTANGLE"
    ds.FieldOfViewDimensions = ["290", "215"]
    ds.FieldOfViewOrigin = ["0", "0"]
    ds.FieldOfViewRotation = "0"
    ds.FieldOfViewHorizontalFlip = "NO"
    ds.ImagerPixelSpacing = [f"{pixel_mm:.6g}"] * 2
    ds.PixelIntensityRelationship = "LOG"
    ds.PixelIntensityRelationshipSign = 1
    ds.QualityControlImage = "NO"
    ds.AnatomicRegionSequence = Sequence([code_item("76752008", "SCT", "Breast")])


def _presentation(ds: DicomDataset) -> None:
    """What DX and MG images for presentation need. Source: PS3.3 C.8.11.3."""
    ds.BurnedInAnnotation = "YES"
    ds.LossyImageCompression = "00"
    ds.PresentationLUTShape = "IDENTITY"
    ds.RescaleIntercept = "0"
    ds.RescaleSlope = "1"
    ds.RescaleType = "US"
    ds.WindowCenter = "2048"
    ds.WindowWidth = "4096"
    ds.AcquisitionContextSequence = Sequence([])


def _view_sequence(view: str) -> Element:
    """ViewCodeSequence in explicit VR: no projection is written in implicit VR."""
    item = code_item(_VIEW_CODES[view][0], "SCT", _VIEW_CODES[view][1])
    if view != "PA":
        item.ViewModifierCodeSequence = Sequence([])
    packed = DicomBytesIO()
    packed.is_little_endian, packed.is_implicit_VR = True, False
    write_dataset(packed, item)
    raw = packed.getvalue()
    return Element(0x00540220, "SQ", b"\xfe\xff\x00\xe0" + len(raw).to_bytes(4, "little") + raw)


def draw_xray(bench: Bench, series: SeriesPlan, header: DicomDataset) -> SeriesImages:
    """A chest radiograph: the attenuation of the chest phantom summed from back to front."""
    rows, columns = bench.sizes.xray
    grid = Grid(150, 56, 160, 2.5, 2.1)
    volume = ct_hu(scene(bench, grid), bench.rng, contrast=False)
    path = np.clip(volume + 1000, 0, 2200).sum(axis=1)[::-1] / 1000
    film = Image.fromarray(path.astype(np.float32))
    picture = film.resize((columns, rows), Image.Resampling.BICUBIC)
    image: np.ndarray = np.clip(np.asarray(picture, dtype=np.float32), 0, None)
    image = np.float32(3700) * (image / np.float32(62)) ** np.float32(0.85)
    image += 18 * bench.rng.standard_normal(image.shape, dtype=np.float32)
    pixels = np.clip(image, 0, 4095).astype(np.uint16)
    burn_text(pixels, ["L"], at=(rows // 20, columns - columns // 9), size=max(14, rows // 14))
    facts: dict[str, object] = {}
    digital = series.kind == "dx"
    if not digital:
        person = bench.patient.person
        lines = [romanised(person.family), person.ids[0]]
        burn_text(pixels, lines, at=(rows - rows // 7, 6), size=max(11, rows // 24))
        facts["burned_in"] = [bench.planted.add("burned_in", line) for line in lines]
    pixel_header(header, (rows, columns), bits_allocated=16, bits_stored=12)
    (_digital if digital else _computed)(header, 400 / columns)
    varying = numbered(1, 1, str(header.SeriesTime), 3.0)
    if digital:
        varying = (*varying, _view_sequence("PA"))
    instance = Instance(
        uid=instance_uid(series, 1), number=1, varying=varying, frame=Frame(pixels, 12)
    )
    if bench.study.lesion is not None:
        facts["lesion_centre_mm"] = [round(v, 1) for v in centre_mm(bench)]
    sop_class = DX_CLASS if digital else CR_CLASS
    return SeriesImages(
        plan=series, sop_class=sop_class, header=header, instances=[instance], facts=facts
    )


def _digital(ds: DicomDataset, pixel_mm: float) -> None:
    _presentation(ds)
    ds.BurnedInAnnotation = "NO"
    ds.PositionerType = ""
    ds.ImageType = ["DERIVED", "PRIMARY"]
    ds.SeriesDescription = "Thorax PA"
    ds.ProtocolName = f"Thorax PA {ds.PatientID}"[:64]
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.PatientOrientation = ["L", "F"]
    ds.ImageLaterality = "U"
    ds.ViewPosition = "PA"
    ds.KVP = "125"
    ds.ExposureTime = "5"
    ds.XRayTubeCurrent = "320"
    ds.Exposure = "2"
    ds.Grid = ["FOCUSED"]
    ds.FocalSpots = "1.2"
    ds.DistanceSourceToDetector = "1800"
    ds.ImageAndFluoroscopyAreaDoseProduct = "0.92"
    ds.ExposureControlMode = "AUTOMATIC"
    ds.DetectorType = "SCINTILLATOR"
    ds.DetectorConfiguration = "AREA"
    ds.DetectorID = "C90-1182"
    ds.FieldOfViewShape = "RECTANGLE"
    ds.FieldOfViewDimensions = ["400", "400"]
    ds.FieldOfViewOrigin = ["0", "0"]
    ds.FieldOfViewRotation = "0"
    ds.FieldOfViewHorizontalFlip = "NO"
    ds.ImagerPixelSpacing = [f"{pixel_mm:.6g}"] * 2
    ds.PixelIntensityRelationship = "LOG"
    ds.PixelIntensityRelationshipSign = 1
    ds.AnatomicRegionSequence = Sequence([code_item("51185008", "SCT", "Chest")])


def _computed(ds: DicomDataset, pixel_mm: float) -> None:
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.SeriesDescription = "Thorax CR"
    ds.ProtocolName = f"CHEST {ds.PatientID}"[:64]
    ds.ViewPosition = "PA"
    ds.PatientOrientation = ["L", "F"]
    ds.KVP = "117"
    ds.ExposureTime = "8"
    ds.XRayTubeCurrent = "250"
    ds.Exposure = "2"
    ds.PlateID = "P0021774"
    ds.CassetteOrientation = "LANDSCAPE"
    ds.CassetteSize = "35CMX43CM"
    ds.PlateType = "ST-VI"
    ds.PhosphorType = "BAFI"
    ds.RelativeXRayExposure = "1130"
    ds.Sensitivity = "331"
    ds.AcquisitionDeviceProcessingDescription = "CHEST,PA"
    ds.ImagerPixelSpacing = [f"{pixel_mm:.6g}"] * 2
    ds.WindowCenter = "2048"
    ds.WindowWidth = "4096"
