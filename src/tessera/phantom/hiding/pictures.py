"""Ultrasound, radiographs, mammograms and captures: people in the pixels, and harmless marks.

Sources: PS3.3 A.2, A.6, A.7, A.8, A.26, A.27.
"""

import numpy as np
from PIL import Image, ImageFilter
from pydicom.dataset import Dataset as DicomDataset
from pydicom.sequence import Sequence

from tessera.phantom.hiding import overlays
from tessera.phantom.hiding.burn import burn
from tessera.phantom.hiding.draft import Draft, Study
from tessera.phantom.hiding.encoding import (
    EXPLICIT,
    IMPLICIT,
    JPEG_2000,
    JPEG_BASELINE,
    JPEG_LS,
    RLE,
    set_pixels,
)
from tessera.phantom.hiding.header import start
from tessera.phantom.hiding.images import code
from tessera.phantom.hiding.texts import Text
from tessera.phantom.streams import uid

US_CLASS = "1.2.840.10008.5.1.4.1.1.6.1"
US_CINE_CLASS = "1.2.840.10008.5.1.4.1.1.3.1"
CR_CLASS = "1.2.840.10008.5.1.4.1.1.1"
DX_CLASS = "1.2.840.10008.5.1.4.1.1.1.1"
MG_CLASS = "1.2.840.10008.5.1.4.1.1.1.2"
SC_CLASS = "1.2.840.10008.5.1.4.1.1.7"
_WHITE = (255.0, 255.0, 255.0)
_COLOURS = (_WHITE, (255.0, 220.0, 0.0), (0.0, 235.0, 90.0), (90.0, 200.0, 255.0))


def lines(draft: Draft) -> tuple[str, ...]:
    """What a device burns in: name, number, birth date, hospital, in Latin letters."""
    patient = draft.patient
    family, given = patient.romaji
    return (
        f"{family.upper()}, {given.upper()}",
        f"ID {patient.patient_id}",
        f"{given} {family}  {patient.born:%d.%m.%Y}",
        f"DOB {patient.born:%Y-%m-%d}",
        f"{family.upper()}^{given.upper()} {patient.national[0]}",
    )


def draw_us(study: Study, number: int) -> Draft:
    """A colour ultrasound image with two lines about the patient and a scale that must stay."""
    draft = start(study, f"us {number}", "US", "US", US_CLASS)
    ds, rng, turn = draft.ds, draft.rng, study.patient.number + number
    ds.ImageType = ["ORIGINAL", "PRIMARY", "", "0001"]
    ds.BodyPartExamined = "ABDOMEN"
    ds.BurnedInAnnotation = ("NO", "YES")[turn % 3 == 0]
    ds.PatientOrientation = ""
    _sector_region(ds)
    draft.put(ds, "ImageComments", draft.write.long(draft.earlier), "comment")
    frame = sector(rng)
    colour, bitmap = _COLOURS[turn % 4], turn % 2 == 1
    size = (14, 18, 22, 12, 28)[turn % 5]
    hidden = lines(draft)
    for row in range(2):
        text = hidden[(turn + row) % len(hidden)]
        at = (4, 4 + row * (size + 6)) if turn % 4 else (60, 96 + row * (size + 6))
        fitting = min(size, int(300 / (0.62 * len(text))))
        draft.boxes.append(
            burn(frame, text, at=at, size=max(9, fitting), level=colour, bitmap=bitmap)
        )
    for text, at in (("MI 0.9 TIs 0.4", (210, 200)), ("5 cm", (280, 180))):
        draft.boxes.append(burn(frame, text, at=at, size=13, level=_WHITE, harmless=True))
    syntax = (EXPLICIT, JPEG_BASELINE, RLE, JPEG_2000, IMPLICIT)[turn % 5]
    if turn % 7 == 2 and syntax == EXPLICIT:
        _as_ybr(draft, frame)
    else:
        hidden_comment = draft.identity("name", hidden[0]) if turn % 2 else ""
        set_pixels(
            draft, frame[None], bits_stored=8, photometric="RGB", syntax=syntax,
            comment=hidden_comment,
        )  # fmt: skip
    _pixel_checks(draft)
    return draft


def _as_ybr(draft: Draft, frame: np.ndarray) -> None:
    """Native YBR_FULL. Source: PS3.3 C.7.6.3.1.2."""
    matrix = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
    made = frame @ matrix.T + np.array([0, 128, 128])
    ybr = np.clip(np.rint(made), 0, 255).astype(np.uint8)
    set_pixels(draft, ybr[None], bits_stored=8, photometric="YBR_FULL", syntax=EXPLICIT)


def draw_cine(study: Study) -> Draft:
    """A short ultrasound loop, in shades of grey: the patient's name on one frame only."""
    draft = start(study, "cine", "USC", "US", US_CINE_CLASS)
    ds, turn = draft.ds, study.patient.number
    ds.ImageType = ["ORIGINAL", "PRIMARY", "", "0010"]
    ds.BodyPartExamined = "HEART"
    ds.BurnedInAnnotation, ds.PatientOrientation = "NO", ""
    ds.NumberOfFrames, ds.FrameTime, ds.FrameIncrementPointer = 5, "40", 0x00181063
    _sector_region(ds)
    frames = np.stack([sector(draft.rng)[:, :, 0] for _ in range(5)])
    frame = 1 + turn % 4
    text = lines(draft)[turn % 3]
    size = max(11, min(18, int(290 / (0.62 * len(text)))))
    draft.boxes.append(burn(frames[frame], text, at=(10, 8), size=size, level=255.0, frame=frame))
    for n in range(5):
        mark = burn(
            frames[n], "Fr 40 Hz", at=(240, 212), size=12, level=255.0, frame=n, harmless=True
        )
        draft.boxes.append(mark)
    syntax = (RLE, JPEG_LS, JPEG_BASELINE, JPEG_2000)[turn % 4]
    set_pixels(draft, frames, bits_stored=8, photometric="MONOCHROME2", syntax=syntax)
    _pixel_checks(draft)
    return draft


def draw_xray(study: Study, modality: str, number: int) -> Draft:
    """A CR, DX or MG image of 12 or 14 bits, in MONOCHROME1 or 2."""
    sop_class = {"CR": CR_CLASS, "DX": DX_CLASS, "MG": MG_CLASS}[modality]
    draft = start(study, f"{modality} {number}", modality, modality, sop_class)
    ds, turn = draft.ds, study.patient.number + number
    bits = 14 if turn % 3 == 1 else 12
    inverse = turn % 2 == 0
    top = float((1 << bits) - 1)
    frame = _radiograph(draft.rng, modality, top)
    ink = 0.0 if inverse else top
    if inverse:
        frame = (top - frame).astype(np.uint16)
    ds.ImageType = ["ORIGINAL", "PRIMARY", ""]
    ds.BurnedInAnnotation = "NO"
    ds.AcquisitionDate, ds.AcquisitionTime = f"{study.day:%Y%m%d}", "101100"
    draft.put(ds, "ImageComments", draft.write.hard(), "hard-negative")
    marks = {"MG": ("L CC", "R MLO"), "DX": ("R", "L AP"), "CR": ("L", "PA R")}[modality]
    side = marks[number % 2]
    draft.boxes.append(burn(frame, side, at=(200, 24), size=20, level=ink, harmless=True))
    if modality == "MG":
        _mammogram(ds, side, number)
        text = f"{1.2 + 0.1 * (turn % 5):.1f} mGy"
        draft.boxes.append(burn(frame, text, at=(170, 280), size=14, level=ink, harmless=True))
    else:
        ds.ViewPosition, ds.BodyPartExamined = "PA", "CHEST"
        if modality == "DX":
            _digital(ds)
    if modality != "CR" and inverse:
        ds.PresentationLUTShape = "INVERSE"
    if modality != "MG" or turn % 3 == 0:
        hidden = lines(draft)[turn % 5]
        at = (8, 6) if turn % 3 else (20, 140)
        size = max(9, min((11, 16, 20, 9)[turn % 4], int(230 / (0.62 * len(hidden)))))
        draft.boxes.append(burn(frame, hidden, at=at, size=size, level=ink, bitmap=turn % 5 == 3))
    if modality == "CR":
        if turn % 4 == 1:
            draft.boxes.append(overlays.in_high_bits(draft, frame, bits))
        else:
            overlays.add(draft, frame.shape)
    ds.PatientOrientation = ["L", "F"]
    syntax = (EXPLICIT, IMPLICIT, JPEG_2000, JPEG_LS, RLE)[turn % 5]
    if any(box.bit for box in draft.boxes) or (0x6000, 0x0010) in ds:
        syntax = (EXPLICIT, IMPLICIT)[turn % 2]
    set_pixels(
        draft, frame[None], bits_stored=bits, syntax=syntax,
        photometric="MONOCHROME1" if inverse else "MONOCHROME2",
    )  # fmt: skip
    _pixel_checks(draft)
    return draft


def draw_capture(study: Study, number: int) -> Draft:
    """A secondary capture: a dose sheet or report on a screen, names in any colour."""
    draft = start(study, f"sc {number}", "SC", "OT", SC_CLASS)
    ds, turn = draft.ds, study.patient.number + number
    ds.ConversionType, ds.ImageType = "WSD", ["DERIVED", "SECONDARY"]
    ds.PatientOrientation, ds.BodyPartExamined = "", "CHEST"
    ds.DateOfSecondaryCapture, ds.TimeOfSecondaryCapture = f"{study.day:%Y%m%d}", "110000"
    ds.SecondaryCaptureDeviceManufacturer = "Sectra"
    draft.put(ds, "DerivationDescription", draft.write.long(draft.earlier), "derivation")
    source = uid(study.uid, "source of capture")
    words = ("Captured from",)
    ds.ImageComments = f"Captured from {draft.identity('uid', source)}"
    draft.planted(ds, 0x00204000, Text(ds.ImageComments, words), "uid-in-text")
    _specimen(draft)
    frame = np.full((200, 300, 3), (20, 24, 40), np.uint8)
    grain = draft.rng.integers(0, 256, (140, 300)).astype(np.uint8)
    frame[60:, :] = blurred(grain, 3)[..., None] // 3
    for row, text in enumerate(("CTDIvol 7.2 mGy", "DLP 312 mGycm")):
        at = (10, 120 + 24 * row)
        draft.boxes.append(burn(frame, text, at=at, size=15, level=_WHITE, harmless=True))
    for row in range(2):
        text = lines(draft)[(turn + row) % 5]
        size = max(10, min(18, int(270 / (0.62 * len(text)))))
        level = _COLOURS[(turn + row) % 4]
        draft.boxes.append(burn(frame, text, at=(10, 12 + 26 * row), size=size, level=level))
    if turn % 2 == 0:
        overlays.icon(draft, frame)
    syntax = (EXPLICIT, JPEG_BASELINE, RLE, JPEG_LS)[turn % 4]
    set_pixels(draft, frame[None], bits_stored=8, photometric="RGB", syntax=syntax)
    _pixel_checks(draft)
    return draft


def _specimen(draft: Draft) -> None:
    """Container and specimen numbers made from the patient's, as laboratories do."""
    ds, patient = draft.ds, draft.patient
    number = patient.patient_id.replace("-", "")
    ds.ContainerIdentifier = "C" + draft.identity("id", number)
    ds.IssuerOfTheContainerIdentifierSequence = Sequence([])
    ds.ContainerTypeCodeSequence = Sequence([code("433466003", "SCT", "Microscope slide")])
    specimen = DicomDataset()
    specimen.SpecimenIdentifier = f"{number}-A1"
    specimen.SpecimenUID = uid(draft.uid, "specimen")
    specimen.IssuerOfTheSpecimenIdentifierSequence = Sequence([])
    specimen.SpecimenPreparationSequence = Sequence([])
    draft.put(specimen, "SpecimenShortDescription", draft.write.short(draft.earlier), "specimen")
    draft.put(specimen, "SpecimenDetailedDescription", draft.write.long(draft.earlier), "specimen")
    ds.SpecimenDescriptionSequence = Sequence([specimen])


def sector(rng: np.random.Generator) -> np.ndarray:
    """A sector of speckle, (row, column, sample), 8 bits."""
    rows, columns = 232, 320
    y, x = np.mgrid[0:rows, -columns // 2 : columns // 2]
    reach = np.hypot(x, y + 20)
    inside = (np.abs(np.arctan2(x, y + 20)) < 0.6) & (reach > 70) & (reach < 235)
    grey = inside * (60 + 30 * np.sin(reach / 9)) * rng.uniform(0.4, 1.3, (rows, columns))
    soft = blurred(np.clip(grey, 0, 255).astype(np.uint8), 1)
    return np.repeat(soft[..., None], 3, axis=2)


def blurred(image: np.ndarray, pixels: float) -> np.ndarray:
    """An 8 bit image of shape (row, column), smoothed."""
    return np.array(Image.fromarray(image).filter(ImageFilter.GaussianBlur(pixels)))


def _radiograph(rng: np.random.Generator, modality: str, top: float) -> np.ndarray:
    rows, columns = 320, 256
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    if modality == "MG":
        image = np.clip(1 - ((x + 1) / 1.2) ** 2 - (y / 0.8) ** 2, 0, 1) * 0.6
    else:
        lungs = (((np.abs(x) - 0.42) / 0.28) ** 2 + (y / 0.6) ** 2 < 1) * 0.3
        image = 0.45 - lungs + 0.15 * np.exp(-((x / 0.12) ** 2))
    noise = rng.normal(0, 0.01, (rows, columns))
    return np.asarray(np.clip((image + noise) * top, 0, top), dtype=np.uint16)


def _sector_region(ds: DicomDataset) -> None:
    region = DicomDataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 2
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 20, 50
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 300, 228
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.05
    ds.SequenceOfUltrasoundRegions = Sequence([region])


def _digital(ds: DicomDataset) -> None:
    ds.PresentationIntentType, ds.PixelIntensityRelationship = "FOR PRESENTATION", "LOG"
    ds.PixelIntensityRelationshipSign, ds.RescaleIntercept, ds.RescaleSlope = -1, "0", "1"
    ds.RescaleType, ds.PresentationLUTShape, ds.LossyImageCompression = "US", "IDENTITY", "00"
    ds.DetectorType, ds.PositionerType, ds.ImageLaterality = "DIRECT", "NONE", "U"
    ds.ImagerPixelSpacing, ds.WindowCenter, ds.WindowWidth = ["0.8", "0.8"], "2048", "4096"
    ds.AcquisitionContextSequence = Sequence([])
    ds.DetectorID = "DET" + str(ds.DeviceSerialNumber)
    ds.AnatomicRegionSequence = Sequence([code("51185008", "SCT", "Chest")])
    ds.ViewCodeSequence = Sequence([code("272479007", "SCT", "postero-anterior")])


def _mammogram(ds: DicomDataset, side: str, number: int) -> None:
    _digital(ds)
    ds.ImageLaterality, ds.ViewPosition = side[0], side.split()[1]
    ds.PositionerType, ds.OrganExposed = "MAMMOGRAPHIC", "BREAST"
    ds.BodyPartExamined, ds.CompressionForce, ds.BodyPartThickness = "BREAST", "98", "54"
    ds.AnatomicRegionSequence = Sequence([code("76752008", "SCT", "Breast")])
    view = code("399162004", "SCT", "cranio-caudal")
    if number % 2:
        view = code("399368009", "SCT", "medio-lateral oblique")
    view.ViewModifierCodeSequence = Sequence([])
    ds.ViewCodeSequence = Sequence([view])
    ds.BreastImplantPresent, ds.PartialView = "NO", "NO"


def _pixel_checks(draft: Draft) -> None:
    """One check per box that names somebody; those in high bits have theirs already."""
    for box in draft.boxes:
        if not box.harmless and not box.bit:
            place = "burned-in-" + str(draft.ds.Modality)
            draft.check("pixels_hidden", "<(7FE0,0010)>", box.text, "pixels", place)
            draft.identity("burned_in", box.text)
