"""CT, MR and PET images: what a scanner says, with small pictures of ellipses.

Sources: PS3.3 A.3, A.4, A.21, C.8.2, C.8.3, C.8.9.
"""

from datetime import timedelta

import numpy as np
from pydicom.dataset import Dataset as DicomDataset
from pydicom.sequence import Sequence

from tessera.phantom.hiding import private
from tessera.phantom.hiding.draft import Draft, Study
from tessera.phantom.hiding.encoding import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    JPEG_2000,
    JPEG_LOSSLESS,
    JPEG_LS,
    RLE,
    set_pixels,
)
from tessera.phantom.hiding.header import start
from tessera.phantom.streams import uid

CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
MR_CLASS = "1.2.840.10008.5.1.4.1.1.4"
PT_CLASS = "1.2.840.10008.5.1.4.1.1.128"
ENHANCED_MR_CLASS = "1.2.840.10008.5.1.4.1.1.4.1"
TALAIRACH = "1.2.840.10008.1.4.1.1"
SYNTAXES = (
    EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED, RLE, JPEG_LOSSLESS, JPEG_LS, JPEG_2000,
)  # fmt: skip
SIZE = 64


def slice_pixels(rng: np.random.Generator, size: int = SIZE, top: int = 1500) -> np.ndarray:
    """One axial slice (row, column) of 12 bits: a body, two organs, noise."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    body = (x / 0.85) ** 2 + (y / 0.7) ** 2 < 1
    organ = ((x - 0.3) / 0.3) ** 2 + (y / 0.35) ** 2 < 1
    other = ((x + 0.35) / 0.25) ** 2 + ((y + 0.1) / 0.3) ** 2 < 1
    image = body * top * 0.6 + organ * top * 0.2 - other * top * 0.25
    image += rng.integers(0, 60, (size, size))
    return np.asarray(np.clip(image, 0, 4095), dtype=np.uint16)


def draw_ct(study: Study, number: int, syntax: str) -> Draft:
    """Slice `number` (from 0) of a CT series."""
    draft = start(study, f"ct {number}", "CT", "CT", CT_CLASS)
    ds = draft.ds
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    _plane(draft, number, 3.0)
    _acquired(draft, number)
    ds.KVP, ds.ConvolutionKernel, ds.PatientPosition = "120", "Br40", "HFS"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    ds.BodyPartExamined = "CHEST"
    draft.put(ds, "ContrastBolusAgent", draft.write.hard(), "hard-negative")
    ds.ContrastBolusRoute = "IV"
    draft.put(ds, "ImageComments", draft.write.clinical(), "clinical")
    draft.put(ds, "DerivationDescription", draft.write.long(draft.earlier), "derivation")
    draft.put(ds, "AcquisitionProtocolDescription", draft.write.long(draft.earlier), "protocol")
    _laboured(draft)
    private.plant(draft, number)
    pixels = slice_pixels(draft.rng)
    set_pixels(draft, pixels[None], bits_stored=12, photometric="MONOCHROME2", syntax=syntax)
    return draft


def draw_mr(study: Study, number: int, syntax: str) -> Draft:
    """Slice `number` of a diffusion series, with the safe private b value."""
    draft = start(study, f"mr {number}", "MR", "MR", MR_CLASS)
    ds = draft.ds
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    _plane(draft, number, 4.0)
    _acquired(draft, number)
    if study.patient.number % 3 == 0:
        ds.FrameOfReferenceUID = TALAIRACH
    ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions = "EP", "SK", "FS"
    ds.MRAcquisitionType, ds.SequenceName = "2D", "ep_b800t"
    ds.RepetitionTime, ds.EchoTime, ds.EchoTrainLength = "4200", "68", "44"
    ds.MagneticFieldStrength, ds.ImagingFrequency, ds.PatientPosition = "3", "123.2", "HFS"
    ds.BodyPartExamined = "PELVIS"
    draft.put(ds, "ImageComments", draft.write.hard(), "hard-negative")
    draft.put(ds, "AcquisitionComments", draft.write.long(draft.earlier), "comment")
    draft.put(ds, "PerformedProcedureStepDescription", draft.write.short(draft.earlier), "request")
    _laboured(draft)
    private.plant(draft, number + 1)
    pixels = slice_pixels(draft.rng)
    set_pixels(draft, pixels[None], bits_stored=12, photometric="MONOCHROME2", syntax=syntax)
    return draft


def draw_pet(study: Study, number: int, syntax: str) -> Draft:
    """Slice `number` of a PET series; everything that SUV needs is there."""
    draft = start(study, f"pt {number}", "PT", "PT", PT_CLASS)
    ds = draft.ds
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    _plane(draft, number, 5.0)
    _acquired(draft, number)
    ds.SeriesType, ds.Units, ds.CountsSource = ["WHOLE BODY", "IMAGE"], "BQML", "EMISSION"
    ds.DecayCorrection, ds.CorrectedImage = "START", ["DECY", "ATTN", "SCAT"]
    ds.FrameReferenceTime, ds.ActualFrameDuration = "54000", "120000"
    ds.NumberOfSlices, ds.ImageIndex, ds.CollimatorType = 2, number + 1, "NONE"
    ds.DecayFactor = "1.0193"
    ds.RescaleIntercept, ds.RescaleSlope = "0", "3.21"
    ds.BodyPartExamined = "WHOLEBODY"
    ds.ReconstructionMethod = "BLOB-OS-TF"
    ds.PatientOrientationCodeSequence = Sequence([code("102538003", "SCT", "recumbent")])
    ds.PatientGantryRelationshipCodeSequence = Sequence([code("102540001", "SCT", "headfirst")])
    dose = DicomDataset()
    dose.Radiopharmaceutical = "Fluorodeoxyglucose"
    dose.RadiopharmaceuticalVolume = "1.2"
    dose.RadiopharmaceuticalStartTime = "090512.00"
    dose.RadiopharmaceuticalStartDateTime = f"{study.day:%Y%m%d}090512.00"
    dose.RadionuclideTotalDose = "284000000"
    dose.RadionuclideHalfLife, dose.RadionuclidePositronFraction = "6586.2", "0.97"
    dose.RadionuclideCodeSequence = Sequence([code("C-111A1", "SRT", "^18^Fluorine")])
    ds.RadiopharmaceuticalInformationSequence = Sequence([dose])
    above = "<(0054,0016)>[<0000>]"
    for keyword, path in (
        ("RadionuclideTotalDose", f"{above}<(0018,1074)>"),
        ("RadionuclideHalfLife", f"{above}<(0018,1075)>"),
        ("RadiopharmaceuticalStartTime", f"{above}<(0018,1072)>"),
    ):
        draft.check("text_retained", path, str(dose[keyword].value), "suv", "suv")
    draft.interval(
        f"{above}<(0018,1078)>", "<(0008,0022)>+<(0008,0032)>", 3888 + number, "injection"
    )
    ds.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalRoute = "IV"
    draft.put(ds, "ImageComments", draft.write.long(draft.earlier), "comment")
    private.plant_philips_pet(draft)
    set_pixels(
        draft, slice_pixels(draft.rng)[None], bits_stored=16, photometric="MONOCHROME2",
        syntax=syntax,
    )  # fmt: skip
    return draft


def draw_enhanced_mr(study: Study) -> Draft:
    """An enhanced multi-frame MR: names and dates per frame, in functional groups."""
    draft = start(study, "enhanced", "MRE", "MR", ENHANCED_MR_CLASS)
    ds = draft.ds
    ds.ImageType = ["DERIVED", "PRIMARY", "DIFFUSION", "NONE"]
    ds.AcquisitionContextSequence, ds.PatientPosition = Sequence([]), "HFS"
    ds.BodyPartExamined = "PELVIS"
    ds.AcquisitionDateTime = f"{study.day:%Y%m%d}101000.500000"
    ds.AcquisitionDuration, ds.AcquisitionNumber = 61.5, 4
    ds.ContentQualification, ds.ResonantNucleus = "PRODUCT", "1H"
    ds.KSpaceFiltering, ds.MagneticFieldStrength = "NONE", 3.0
    ds.ApplicableSafetyStandardAgency = "IEC"
    ds.PixelPresentation, ds.VolumetricProperties = "MONOCHROME", "VOLUME"
    ds.VolumeBasedCalculationTechnique, ds.ComplexImageComponent = "NONE", "MAGNITUDE"
    ds.AcquisitionContrast = "DIFFUSION"
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = study.frame_of_reference, ""
    ds.BurnedInAnnotation, ds.LossyImageCompression = "NO", "00"
    ds.PresentationLUTShape, ds.NumberOfFrames = "IDENTITY", 3
    organisation = DicomDataset()
    organisation.DimensionOrganizationUID = uid(draft.uid, "dimension")
    ds.DimensionOrganizationSequence = Sequence([organisation])
    ds.DimensionIndexSequence = dimensions(organisation, (0x00209057, 0x00209111))
    ds.SharedFunctionalGroupsSequence = Sequence([_shared_groups()])
    ds.PerFrameFunctionalGroupsSequence = Sequence([_frame_groups(draft, n) for n in range(3)])
    draft.put(ds, "ImageComments", draft.write.long(draft.earlier), "comment")
    _laboured(draft)
    frames = np.stack([slice_pixels(draft.rng, 32) for _ in range(3)])
    set_pixels(
        draft, frames, bits_stored=12, photometric="MONOCHROME2",
        syntax=(EXPLICIT, RLE, JPEG_2000)[study.patient.number % 3],
    )  # fmt: skip
    draft.undefined_lengths = True
    return draft


def _shared_groups() -> DicomDataset:
    shared, measures, plane = DicomDataset(), DicomDataset(), DicomDataset()
    measures.PixelSpacing, measures.SliceThickness = ["1.5", "1.5"], "4"
    shared.PixelMeasuresSequence = Sequence([measures])
    plane.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    shared.PlaneOrientationSequence = Sequence([plane])
    return shared


def _frame_groups(draft: Draft, number: int) -> DicomDataset:
    group, content, position = DicomDataset(), DicomDataset(), DicomDataset()
    moment = f"{draft.study.day:%Y%m%d}1010{number:02d}.500000"
    content.FrameReferenceDateTime = content.FrameAcquisitionDateTime = moment
    content.FrameAcquisitionDuration, content.StackID, content.InStackPositionNumber = (
        20.0,
        "1",
        number + 1,
    )
    content.TemporalPositionIndex, content.DimensionIndexValues = 1, [number + 1]
    draft.put(content, "FrameComments", draft.write.long(draft.earlier), "frame-comment")
    draft.put(content, "FrameLabel", draft.write.name_only(longest=16), "frame-label")
    group.FrameContentSequence = Sequence([content])
    position.ImagePositionPatient = ["-48", "-48", str(4 * number)]
    group.PlanePositionSequence = Sequence([position])
    derived = DicomDataset()
    source = DicomDataset()
    source.ReferencedSOPClassUID = MR_CLASS
    source.ReferencedSOPInstanceUID = uid(draft.study.uid, "MR", "mr 0")
    purpose = code("121322", "DCM", "Source image for image processing operation")
    source.PurposeOfReferenceCodeSequence = Sequence([purpose])
    derived.SourceImageSequence = Sequence([source])
    draft.put(derived, "DerivationDescription", draft.write.long(draft.earlier), "derivation")
    derived.DerivationCodeSequence = Sequence([code("113072", "DCM", "Multiplanar reformatting")])
    group.DerivationImageSequence = Sequence([derived])
    path = f"<(5200,9230)>[<{number:04d}>]<(0008,9124)>[<0000>]<(0008,2112)>[<0000>]<(0008,1155)>"
    draft.check(
        "reference_resolves", path, source.ReferencedSOPInstanceUID, "reference", "nested-4"
    )
    return group


def dimensions(organisation: DicomDataset, *pointers: tuple[int, int]) -> Sequence:
    """A dimension index for each (element, functional group). Source: PS3.3 C.7.6.17."""
    items = []
    for element, group in pointers:
        item = DicomDataset()
        item.DimensionOrganizationUID = organisation.DimensionOrganizationUID
        item.DimensionIndexPointer, item.FunctionalGroupPointer = element, group
        items.append(item)
    return Sequence(items)


def code(value: str, scheme: str, meaning: str) -> DicomDataset:
    """A coded concept. Source: PS3.3 section 8."""
    item = DicomDataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _plane(draft: Draft, number: int, spacing_mm: float) -> None:
    ds = draft.ds
    ds.InstanceNumber = number + 1
    ds.FrameOfReferenceUID = draft.study.frame_of_reference
    ds.PositionReferenceIndicator = ""
    ds.ImagePositionPatient = ["-96", "-96", f"{spacing_mm * number:g}"]
    ds.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    ds.PixelSpacing, ds.SliceThickness = ["3", "3"], f"{spacing_mm:g}"
    draft.check(
        "tag_retained",
        "<(0020,0032)>",
        f"-96\\-96\\{spacing_mm * number:g}",
        "technical",
        "geometry",
    )


def _acquired(draft: Draft, number: int) -> None:
    ds, day = draft.ds, draft.study.day
    ds.AcquisitionNumber = 2
    ds.AcquisitionDate, ds.AcquisitionTime = f"{day:%Y%m%d}", f"1010{number:02d}"
    ds.AcquisitionDateTime = f"{day:%Y%m%d}1010{number:02d}.250000"
    ds.DateOfLastCalibration = f"{day - timedelta(days=23):%Y%m%d}"
    draft.interval("<(0008,0020)>", "<(0008,0022)>", 0, "study-acquisition")
    draft.interval("<(0018,1200)>", "<(0008,0020)>", 23 * 86400, "calibration")
    ds.IrradiationEventUID = uid(draft.series_uid, "irradiation")


def _laboured(draft: Draft) -> None:
    """What a workstation adds: coded procedure with a local scheme, contributors, references."""
    ds, study = draft.ds, draft.study
    local = code("THX01", "99LOKAL", "")
    draft.put(local, "CodeMeaning", draft.write.short(draft.earlier), "local-code-meaning")
    public = code("77477000", "SCT", "Computed tomography")
    ds.ProcedureCodeSequence = Sequence([local, public])
    draft.check(
        "text_retained",
        "<(0008,1032)>[<0001>]<(0008,0104)>",
        "Computed tomography",
        "clinical-text",
        "public-code",
    )
    equipment = DicomDataset()
    equipment.PurposeOfReferenceCodeSequence = Sequence(
        [code("109102", "DCM", "Processing Equipment")]
    )
    equipment.Manufacturer, equipment.InstitutionName = "Sectra", ds.InstitutionName
    equipment.OperatorsName, equipment.StationName = ds.OperatorsName, ds.StationName
    equipment.ContributionDateTime = f"{study.day + timedelta(days=2):%Y%m%d}0730"
    draft.put(equipment, "ContributionDescription", draft.write.long(draft.earlier), "contribution")
    ds.ContributingEquipmentSequence = Sequence([equipment])
    draft.put(ds, "SoftwareVersions", draft.write.name_only(), "unlisted")
