"""Images: the common header, and pixels with text burned in as each kind of machine does it."""

from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.second_corpus.instance import Instance, item, path
from tests.second_corpus.people import telling
from tests.second_corpus.pictures import Picture
from tests.second_corpus.places import code, gone
from tests.second_corpus.wording import local_date

CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128", "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "CINE": "1.2.840.10008.5.1.4.1.1.3.1", "MG": "1.2.840.10008.5.1.4.1.1.1.2",
    "CR": "1.2.840.10008.5.1.4.1.1.1", "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "SC": "1.2.840.10008.5.1.4.1.1.7", "EMR": "1.2.840.10008.5.1.4.1.1.4.1",
    "SEG": "1.2.840.10008.5.1.4.1.1.66.4", "RTSTRUCT": "1.2.840.10008.5.1.4.1.1.481.3",
    "SR": "1.2.840.10008.5.1.4.1.1.88.33", "KO": "1.2.840.10008.5.1.4.1.1.88.59",
    "PR": "1.2.840.10008.5.1.4.1.1.11.1", "PDF": "1.2.840.10008.5.1.4.1.1.104.1",
}  # fmt: skip
_MODALITY = {"CINE": "US", "EMR": "MR", "SC": "OT", "PDF": "DOC"}
_MODELS = {
    "CT": ("SIEMENS", "SOMATOM Force"), "MR": ("Philips Medical Systems", "Ingenia"),
    "PT": ("GE MEDICAL SYSTEMS", "Discovery MI"), "US": ("SAMSUNG MEDISON", "HS60"),
    "CINE": ("Canon Medical", "Aplio i800"), "MG": ("HOLOGIC", "Selenia Dimensions"),
    "CR": ("FUJIFILM Corporation", "FCR Capsula"), "DX": ("Carestream", "DRX-1"),
}  # fmt: skip


def header(i: Instance, kind: str, number: int, series: int) -> None:
    """Fill the patient, study, series and equipment of an instance."""
    p, s, ds = i.person, i.study, i.ds
    if p.charset:
        ds.SpecificCharacterSet = list(p.charset) if len(p.charset) > 1 else p.charset[0]
    ds.SOPClassUID = CLASSES[kind]
    i.check("uid_kept", path("SOPClassUID"), CLASSES[kind], "well-known-uid", "uid")
    i.set_uid(ds, "SOPInstanceUID", i.uid)
    i.check("uid_changed", "<(0002,0003)>", i.uid, "uid", "file-meta")
    i.set_uid(ds, "SeriesInstanceUID", i.series_uid)
    i.set_uid(ds, "StudyInstanceUID", s.uid)
    i.names("patient-name", p.name)
    i.identity(ds, "PatientName", i.person_name(p.name), gone(p.name, i.lang), "patient-name")
    number_of = p.national if p.lang == "sv" else p.mrn
    i.identity(ds, "PatientID", number_of, number_of, "patient-id")
    i.check("patid_consistent", path("PatientID"), number_of, "patient-id", "header")
    i.knows("patient-id", number_of)
    i.identity(ds, "PatientBirthDate", f"{p.born:%Y%m%d}", f"{p.born:%Y%m%d}", "birth-date")
    i.knows("birth-date", f"{p.born:%Y%m%d}")
    i.need(ds, "PatientSex", p.sex)
    age = (s.day - p.born).days // 365
    ds.PatientAge = f"{age:03d}Y"
    if age < 90:
        i.check("tag_retained", path("PatientAge"), "", "characteristics", "header")
    i.date(ds, "StudyDate", i.days(0))
    i.date(ds, "SeriesDate", i.days(0))
    i.date(ds, "ContentDate", i.days(0))
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = s.time
    i.identity(ds, "AccessionNumber", s.accession, s.accession, "accession")
    i.knows("accession", s.accession)
    ds.StudyID = s.accession[-6:]
    i.check("text_removed", path("StudyID"), s.accession[-6:], "accession", "header")
    for keyword, who in (("ReferringPhysicianName", p.referrer), ("OperatorsName", p.technologist)):
        i.identity(ds, keyword, i.person_name(who), gone(who, i.lang), "staff-name")
        i.names("staff-name", who)
    i.identity(ds, "InstitutionName", p.site.name, p.site.telling, "institution")
    i.knows("institution", p.site.telling)
    i.descriptor(ds, "StudyDescription")
    i.descriptor(ds, "SeriesDescription")
    i.need(ds, "Modality", _MODALITY.get(kind, kind))
    maker, model = _MODELS.get(kind, ("Sectra", "Workstation 24"))
    i.keep(ds, "Manufacturer", maker, words=maker)
    i.keep(ds, "ManufacturerModelName", model, words=model)
    ds.DeviceSerialNumber, ds.SoftwareVersions = "70021", "VE11C"
    ds.SeriesNumber, ds.InstanceNumber = series, number
    if kind in ("US", "CINE", "SC", "PR"):
        ds.Laterality = ""
    for keyword in ("PatientIdentityRemoved", "DeidentificationMethodCodeSequence",
                    "LongitudinalTemporalInformationModified"):  # fmt: skip
        i.check("provenance_true", path(keyword), "", "provenance", "header")
    for action in ("dicom_valid", "no_identity_anywhere", "path_clean"):
        i.check(action, "", "", action, "file")


def _latin(i: Instance) -> str:
    name = i.person.name
    if i.lang == "ja":
        return name.latin.replace("^", " ")
    return f"{name.last} {name.first}"


def _annotate(i: Instance, kind: str, picture: Picture) -> None:
    """Burn text into a picture in the way of its machine."""
    p, rng = i.person, i.rng
    name, day = _latin(i), local_date(i.lang, i.study.day).replace("年", "/").replace("月", "/")
    day, born = day.replace("日", ""), f"{p.born:%d.%m.%Y}"
    hospital = p.site.name if i.lang != "ja" else f"Hospital {p.referrer.kana or 'OPE'}"
    if kind in ("US", "CINE"):
        picture.bar(0, 46, 0.18)
        picture.write(name, 8, 6, 15, kind="patient-name")
        picture.write(f"ID {p.mrn}", 8, 26, 13, kind="mrn")
        if i.lang != "ja":
            picture.write(hospital, 260, 6, 13, ink=(1, 0.9, 0.3), kind="institution")
        picture.write(f"{day} {i.study.time[:2]}:{i.study.time[2:4]}", -8, 26, 12, kind="date")
        picture.write("MI 1.1  TIs 0.6", -8, -70, 12, harmless=True, ink=(0.6, 1, 0.6))
        picture.write("Dist A 23.4 mm", 10, -20, 12, harmless=True, ink=(1, 1, 0.4))
    elif kind == "MG":
        view = f"{i.ds.ImageLaterality} {i.ds.ViewPosition}"
        right = i.ds.ImageLaterality == "R"
        picture.write(view, -12 if right else 12, 14, 26, harmless=True, bold=True)
        picture.write(name, 12 if right else -12, 20, 15, kind="patient-name")
        picture.write(f"{p.mrn}  {born}", 12 if right else -12, 42, 13, kind="mrn")
        picture.write("29 kV 95 mAs", 12 if right else -12, -12, 12, harmless=True)
    elif kind in ("CR", "DX"):
        picture.write("L" if rng.random() < 0.5 else "R", -20, 40, 28, harmless=True, bold=True)
        picture.write(name.upper(), 10, -40, 14, kind="patient-name")
        picture.write(f"{born} {p.mrn}", 10, -16, 12, kind="birth-date")
        if rng.random() < 0.4:
            picture.write("AP ERECT", -20, -20, 14, harmless=True)
    elif kind == "SC":
        ink = (0.95, 0.95, 1.0)
        picture.write(f"Patient: {name}", 16, 14, 17, ink=ink, kind="patient-name")
        picture.write(f"Exam {i.study.accession}", 16, 44, 14, ink=ink, kind="accession")
        picture.write(f"Phone {p.phone}", 16, 70, 14, ink=ink, kind="phone")
        picture.write("Total DLP 412.6 mGy*cm", 16, -60, 15, ink=(1, 1, 0), harmless=True)
        picture.write("CTDIvol 8.31 mGy", 16, -30, 15, ink=(1, 1, 0), harmless=True)
    else:
        size = rng.choice((10, 11, 12))
        picture.write(name[:24], 3, 3, size, kind="patient-name")
        picture.write(p.mrn, 3, 22, size, kind="mrn")
        picture.write("W 350 L 40", 3, -3, 10, harmless=True)


def pixels(i: Instance, kind: str, rows: int, columns: int, *, bits: int = 12,
           frames: int = 1, text: bool = True) -> None:  # fmt: skip
    """Give an instance its picture, and remember where text stands."""
    colour = kind in ("US", "CINE", "SC")
    ds = i.ds
    picture = Picture(rows, columns, colour, i.rng)
    if text:
        _annotate(i, kind, picture)
    i.boxes = picture.boxes
    ds.SamplesPerPixel = 3 if colour else 1
    dark = i.lang == "de" and kind in ("CR", "DX")
    ds.PhotometricInterpretation = (
        "RGB" if colour else "MONOCHROME1" if dark else "MONOCHROME2"
    )  # fmt: skip
    if colour:
        ds.PlanarConfiguration = 0
    if frames > 1:
        ds.NumberOfFrames = frames
    i.need(ds, "Rows", rows)
    i.need(ds, "Columns", columns)
    bits = 8 if colour else bits
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = (8 if bits == 8 else 16), bits, bits - 1
    ds.PixelRepresentation = 0
    top = (1 << bits) - 1
    grey = 1 - picture.values if dark else picture.values
    one: Any = np.clip(grey * top, 0, top).astype(np.uint8 if bits == 8 else np.uint16)
    data = np.repeat(one[None], frames, 0)
    if frames > 1:
        middle = (slice(rows // 2, rows // 2 + 9), slice(columns // 2, columns // 2 + 9))
        for frame in range(frames):
            data[frame][middle] = top * frame // frames
    raw = data.astype(data.dtype.newbyteorder(">")) if i.syntax.endswith("1.2.2") else data
    ds.PixelData = raw.tobytes()
    ds["PixelData"].VR = "OW" if bits > 8 else "OB"
    if kind not in ("CT", "MR", "PT"):
        ds.BurnedInAnnotation = "NO" if i.rng.random() < 0.3 else "YES"


def cross_section(i: Instance, kind: str, number: int, text: bool) -> None:
    ds = i.ds
    third = "AXIAL" if kind == "CT" else "M"
    i.keep(ds, "ImageType", ["ORIGINAL", "PRIMARY", third], words="PRIMARY")
    if kind == "PT":
        ds.ImageType = ["ORIGINAL", "PRIMARY"]
    i.set_uid(ds, "FrameOfReferenceUID", i.study.frame_uid)
    ds.PositionReferenceIndicator = ""
    i.keep(ds, "ImagePositionPatient", [-60, -60, 5 * number])
    i.keep(ds, "ImageOrientationPatient", [1, 0, 0, 0, 1, 0])
    i.keep(ds, "PixelSpacing", [1.5, 1.5])
    i.keep(ds, "SliceThickness", "5")
    if kind != "PT":
        ds.PatientPosition = "HFS"
    ds.AcquisitionNumber = 1
    i.date(ds, "AcquisitionDate", i.days(0))
    ds.AcquisitionTime = i.study.time
    i.descriptor(ds, "ProtocolName")
    i.keep(ds, "BodyPartExamined", "CHEST", words="CHEST")
    ds.RescaleIntercept, ds.RescaleSlope = "-1024", "1"
    if kind == "CT":
        i.keep(ds, "KVP", "120")
        i.keep(ds, "ConvolutionKernel", "Br64d", words="Br64d")
        ds.RescaleType = "HU"
    elif kind == "MR":
        ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions = "SE", "SK", ""
        ds.MRAcquisitionType, ds.EchoTrainLength = "2D", 1
        i.keep(ds, "RepetitionTime", "4200")
        i.keep(ds, "EchoTime", "88")
        i.keep(ds, "SequenceName", "*tse2d1_15", words="tse2d1_15")
        del ds.RescaleIntercept, ds.RescaleSlope
    else:
        _pet(i, number)
    size = 256 if kind == "CT" and text else 128
    pixels(i, kind, size, size, bits=16 if kind == "PT" else 12, text=text)


def _pet(i: Instance, number: int) -> None:
    ds, drug = i.ds, Dataset()
    ds.RescaleIntercept = "0"
    ds.Units, ds.CountsSource, ds.SeriesType = "BQML", "EMISSION", ["WHOLE BODY", "IMAGE"]
    ds.NumberOfSlices, ds.ImageIndex = 1, number
    ds.CorrectedImage, ds.DecayCorrection, ds.CollimatorType = ["DECY", "ATTN"], "START", "NONE"
    ds.FrameReferenceTime, ds.ActualFrameDuration = "0", 120000
    ds.DecayFactor, ds.RandomsCorrectionMethod = "1.0", "DLYD"
    drug.Radiopharmaceutical = "FDG"
    drug.RadionuclideTotalDose, drug.RadionuclideHalfLife = "312000000", "6586.2"
    drug.RadionuclideCodeSequence = Sequence([code("C-111A1", "SRT", "^18^Fluorine")])
    ds.RadiopharmaceuticalInformationSequence = Sequence([drug])
    ds.PatientOrientationCodeSequence = Sequence([code("F-10450", "SRT", "recumbent")])
    ds.PatientOrientationCodeSequence[0].PatientOrientationModifierCodeSequence = Sequence(
        [code("F-10340", "SRT", "supine")]
    )
    ds.PatientGantryRelationshipCodeSequence = Sequence([code("F-10470", "SRT", "headfirst")])
    above = item(path("RadiopharmaceuticalInformationSequence"))
    i.check("text_retained", path("Radiopharmaceutical", above), "FDG", "clinical", "nested-1")
    start = i.moment(-3600)
    i.date(drug, "RadiopharmaceuticalStartDateTime", start, above, "nested-1")
    drug.RadiopharmaceuticalStartTime = start[8:]
    i.check("interval_kept", path("RadiopharmaceuticalStartDateTime", above),
            "<(0008,0022)>+<(0008,0032)>||3600", "interval", "nested-1")  # fmt: skip
    i.keep(ds, "PatientWeight", "71")


def ultrasound(i: Instance, kind: str, text: bool) -> None:
    i.ds.ImageType = ["ORIGINAL", "PRIMARY", "ABDOMINAL"]
    i.ds.PatientOrientation = []
    if kind == "CINE":
        i.ds.FrameTime, i.ds.FrameIncrementPointer = "40", 0x00181063
        pixels(i, kind, 360, 480, frames=4, text=text)
    else:
        pixels(i, kind, 480, 640, text=text)
    i.ds.LossyImageCompression = "00"


def projection(i: Instance, kind: str, number: int, text: bool) -> None:
    ds = i.ds
    ds.ImageType = ["DERIVED", "PRIMARY"] if kind == "CR" else ["ORIGINAL", "PRIMARY", ""]
    ds.PatientOrientation = ["P", "L"] if kind == "MG" else ["L", "F"]
    i.keep(ds, "BodyPartExamined", "BREAST" if kind == "MG" else "CHEST")
    if kind == "DX":
        ds.PositionerType = "NONE"
    ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "LOG", -1
    ds.ImagerPixelSpacing, ds.LossyImageCompression = [0.2, 0.2], "00"
    if kind == "CR":
        i.keep(ds, "ViewPosition", "PA", words="PA")
        pixels(i, kind, 300, 300, bits=10, text=text)
        return
    ds.ImageLaterality = "LR"[number % 2] if kind == "MG" else "U"
    ds.PresentationIntentType, ds.PresentationLUTShape = "FOR PRESENTATION", "IDENTITY"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
    ds.WindowCenter, ds.WindowWidth = "2048", "4096"
    ds.DetectorType, ds.AcquisitionContextSequence = "DIRECT", Sequence()
    named = ("R-10242", "cranio-caudal") if kind == "MG" else ("R-10214", "postero-anterior")
    view = code(named[0], "SRT", named[1])
    ds.ViewCodeSequence = Sequence([view])
    ds.AnatomicRegionSequence = Sequence(
        [code("T-04000", "SRT", "Breast") if kind == "MG" else code("T-D3000", "SRT", "Chest")]
    )
    above = item(path("AnatomicRegionSequence"))
    i.check("text_retained", path("CodeMeaning", above),
            "Breast" if kind == "MG" else "Chest", "clinical", "nested-1")  # fmt: skip
    if kind == "MG":
        i.keep(ds, "ViewPosition", "CC", words="CC")
        view.ViewModifierCodeSequence = Sequence()
        ds.PositionerType, ds.OrganExposed, ds.BreastImplantPresent = "MAMMOGRAPHIC", "BREAST", "NO"
        pixels(i, kind, 440, 340, text=text)
    else:
        pixels(i, kind, 320, 320, text=text)
    if ds.PhotometricInterpretation == "MONOCHROME1":
        ds.PresentationLUTShape = "INVERSE"


def capture(i: Instance, text: bool) -> None:
    i.ds.ConversionType = "WSD"
    i.ds.PatientOrientation = []
    i.date(i.ds, "DateOfSecondaryCapture", i.days(0))
    pixels(i, "SC", 360, 480, text=text)


def overlay(i: Instance) -> None:
    """Put a graphic overlay with the name on an image."""
    ds, name = i.ds, i.person.name
    drawn = Picture(ds.Rows, ds.Columns, False, i.rng)
    drawn.values *= 0
    drawn.write(_latin(i), 4, 60, 12)
    for offset, vr, value in (
        (0x10, "US", ds.Rows), (0x11, "US", ds.Columns), (0x40, "CS", "G"), (0x50, "SS", [1, 1]),
        (0x100, "US", 1), (0x102, "US", 0), (0x1500, "LO", f"Annot {i.person.mrn}"),
        (0x22, "LO", name.natural(i.lang)),
        (0x3000, "OW", np.packbits(drawn.values > 0.5, bitorder="little").tobytes()),
    ):  # fmt: skip
        ds.add_new(0x60000000 + offset, vr, value)
    i.check("text_removed", "<(6000,1500)>", i.person.mrn, "mrn", "overlay")
    said = telling(name.natural(i.lang))
    i.check("text_removed", "<(6000,0022)>", said, "patient-name", "overlay")
    i.check("tag_removed", "<(6000,3000)>", "", "patient-name", "overlay")


def icon(i: Instance) -> None:
    one = Dataset()
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.Rows = one.Columns = 32
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 8, 8, 7, 0
    one.PixelData = bytes(range(256)) * 4
    one["PixelData"].VR = "OB"
    i.ds.IconImageSequence = Sequence([one])
    i.check("tag_removed", path("IconImageSequence"), "", "picture", "icon")
