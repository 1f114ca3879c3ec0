"""Acquisition elements of CT, MR and PET as scanners write them, and diffusion elements by vendor.

Sources: PS3.3 C.8.2.1, C.8.3.1, C.8.9.1 to C.8.9.4; where vendors keep the
b-value: NA-MIC "DWI NRRD" vendor notes and public private dictionaries.
"""

import struct

from pydicom.dataset import Dataset as DicomDataset
from pydicom.sequence import Sequence

from tessera.phantom.anatomy import Grid
from tessera.phantom.encode import Element, double, text
from tessera.phantom.images import Bench, code_item
from tessera.phantom.plan import SeriesPlan


def ct_protocol(ds: DicomDataset, grid: Grid, *, contrast: bool) -> None:
    """CT image and contrast module."""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SeriesDescription = "Portal venous 5.0 B40f" if contrast else "LDCT screening 5.0 B50f"
    ds.ProtocolName = f"{ds.BodyPartExamined} {ds.PatientID}"[:64]
    ds.ScanOptions = "HELICAL MODE"
    ds.KVP = "120" if contrast else "100"
    ds.XRayTubeCurrent = "234" if contrast else "40"
    ds.Exposure = "117" if contrast else "20"
    ds.ExposureTime = "500"
    ds.FilterType = "WEDGE_2"
    ds.GeneratorPower = "28"
    ds.FocalSpots = "1.2"
    ds.ConvolutionKernel = "B40f" if contrast else "B50f"
    ds.DataCollectionDiameter = "500"
    field_mm = f"{grid.pixel_mm * grid.columns:.5g}"
    ds.ReconstructionDiameter = field_mm
    ds.DistanceSourceToDetector = "1085.6"
    ds.DistanceSourceToPatient = "595"
    ds.GantryDetectorTilt = "0"
    ds.TableHeight = "154"
    ds.RotationDirection = "CW"
    ds.RevolutionTime = 0.5
    ds.SingleCollimationWidth = 0.6
    ds.TotalCollimationWidth = 38.4
    ds.TableSpeed = 46.0
    ds.TableFeedPerRotation = 23.0
    ds.SpiralPitchFactor = 0.6
    ds.ExposureModulationType = "XYZ_EC"
    ds.EstimatedDoseSaving = 28.0
    ds.CTDIvol = 7.9 if contrast else 1.4
    ds.AcquisitionType = "SPIRAL"
    ds.ReconstructionTargetCenterPatient = [0.0, -30.0, -400.0]
    if contrast:
        ds.ContrastBolusAgent = "IOHEXOL 350"
        ds.ContrastBolusRoute = "IV"
        ds.ContrastBolusVolume = "90"
        ds.ContrastFlowRate = "3"
        ds.ContrastBolusIngredient = "IODINE"
        ds.ContrastBolusIngredientConcentration = "350"
    ds.RescaleIntercept = "-1024"
    ds.RescaleSlope = "1"
    ds.RescaleType = "HU"
    ds.WindowCenter = ["40", "-500"]
    ds.WindowWidth = ["400", "1500"]
    ds.WindowCenterWidthExplanation = ["SOFT", "LUNG"]


_MR = {
    # kind: description, scanning sequence, variant, TR ms, TE ms, flip, train, image type 3
    "t2w": ("t2_tse_tra", "SE", "SK", "4200", "101", "150", "25", "ND"),
    "dwi": ("ep2d_diff_b0_b800", "EP", "SK", "5100", "74", "90", "96", "DIFFUSION"),
    "adc": ("ep2d_diff_ADC", "EP", "SK", "5100", "74", "90", "96", "ADC"),
    "dce": ("t1_vibe_tra_dyn", "GR", "SP", "4.1", "1.9", "12", "1", "DYNAMIC"),
}


def mr_protocol(ds: DicomDataset, series: SeriesPlan, grid: Grid, n_phases: int) -> None:
    """MR image module."""
    name, sequence, variant, tr, te, flip, train, flavour = _MR[series.kind]
    derived = series.kind == "adc"
    ds.ImageType = ["DERIVED" if derived else "ORIGINAL", "PRIMARY", "OTHER", flavour]
    ds.SeriesDescription = name
    ds.ProtocolName = f"{name}_{ds.StudyID}"[:64]
    ds.ScanningSequence = sequence
    ds.SequenceVariant = variant
    ds.ScanOptions = "FS" if series.kind in ("dwi", "adc", "dce") else "PFP"
    ds.MRAcquisitionType = "3D" if series.kind == "dce" else "2D"
    ds.SequenceName = f"*{name[:14]}"
    ds.AngioFlag = "N"
    ds.RepetitionTime = tr
    ds.EchoTime = te
    ds.NumberOfAverages = "2"
    field = 1.5 if series.vendor.startswith("GE") else 3.0
    ds.ImagingFrequency = f"{42.577 * field:.6g}"
    ds.ImagedNucleus = "1H"
    ds.EchoNumbers = "1"
    ds.MagneticFieldStrength = f"{field:g}"
    ds.SpacingBetweenSlices = f"{grid.spacing_mm:.6g}"
    ds.NumberOfPhaseEncodingSteps = str(grid.rows)
    ds.EchoTrainLength = train
    ds.PercentSampling = "80"
    ds.PercentPhaseFieldOfView = "100"
    ds.PixelBandwidth = "200"
    ds.ReceiveCoilName = "Body_18"
    ds.TransmitCoilName = "Body"
    ds.AcquisitionMatrix = [0, grid.columns, grid.rows, 0]
    ds.InPlanePhaseEncodingDirection = "COL"
    ds.FlipAngle = flip
    ds.VariableFlipAngleFlag = "N"
    ds.SAR = "1.28"
    ds.dBdt = "0"
    ds.HighRRValue = ""
    ds.ReconstructionDiameter = f"{grid.pixel_mm * grid.columns:.6g}"
    ds.ImagesInAcquisition = str(grid.slices * n_phases)
    ds.WindowCenter = "1200" if derived else "400"
    ds.WindowWidth = "2400" if derived else "800"
    if series.region == "breast":
        ds.Laterality = ""
    if derived:
        ds.DerivationDescription = "ADC map of the DWI series of this study, 1e-6 mm2/s"
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
    if series.kind == "dce":
        ds.NumberOfTemporalPositions = str(series.phases)
        ds.TemporalResolution = "9000"
        ds.ContrastBolusAgent = "GADOTERIC ACID"
        ds.ContrastBolusRoute = "IV"
        ds.ContrastBolusVolume = "15"
        ds.ContrastBolusIngredient = "GADOLINIUM"
    if series.kind == "dwi" and series.vendor == "SIEMENS":
        ds.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(
            0x08, "CS", "IMAGE NUM 4"
        )


def diffusion_elements(ds: DicomDataset, vendor: str, b_value: int) -> tuple[Element, ...]:
    """DiffusionBValue and directionality, and the vendor's own element for the b-value."""
    standard = (
        double(0x00189087, float(b_value)),
        text(0x00189075, "CS", "ISOTROPIC" if b_value else "NONE"),
    )
    if vendor == "SIEMENS":
        block = ds.private_block(0x0019, "SIEMENS MR HEADER")
        return (
            *standard,
            text(block.get_tag(0x0C), "IS", str(b_value)),
            text(block.get_tag(0x0D), "CS", "ISOTROPIC" if b_value else "NONE"),
        )
    if vendor == "Philips":
        block = ds.private_block(0x2001, "Philips Imaging DD 001")
        return (*standard, Element(block.get_tag(0x03), "FL", struct.pack("<f", b_value)))
    block = ds.private_block(0x0043, "GEMS_PARM_01")
    # GE adds 10^9 to the b-value, and three more numbers.
    return (*standard, text(block.get_tag(0x39), "IS", f"{10**9 + b_value}\\8\\0\\0"))


def pet_protocol(
    ds: DicomDataset, bench: Bench, grid: Grid, half_life_s: float
) -> tuple[float, float]:
    """PET modules; returns the injected dose in Bq and the seconds from injection to series."""
    person = bench.patient.person
    dose_bq = round(person.weight_kg * float(bench.rng.uniform(2.8, 3.4))) * 1e6
    waited_s = float(int(bench.rng.uniform(52, 75) * 60))
    clock = str(ds.SeriesTime)
    at = int(clock[:2]) * 3600 + int(clock[2:4]) * 60 + int(clock[4:6]) - int(waited_s)
    at = max(at, 0)
    injected = f"{at // 3600:02d}{at // 60 % 60:02d}{at % 60:02d}"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.SeriesDescription = "PET WB FDG AC"
    ds.ProtocolName = f"PET {ds.StudyID}"[:64]
    ds.Units = "BQML"
    ds.CountsSource = "EMISSION"
    ds.SeriesType = ["STATIC", "IMAGE"]
    ds.NumberOfSlices = grid.slices
    ds.CorrectedImage = ["NORM", "DTIM", "ATTN", "SCAT", "DECY", "RAN"]
    ds.RandomsCorrectionMethod = "DLYD"
    ds.AttenuationCorrectionMethod = "measured,AC CT"
    ds.ScatterCorrectionMethod = "Model-based"
    ds.DecayCorrection = "START"
    ds.ReconstructionDiameter = f"{grid.pixel_mm * grid.columns:.6g}"
    ds.ReconstructionMethod = "PSF+TOF 4i5s"
    ds.ConvolutionKernel = "XYZ Gauss2.00"
    ds.CollimatorType = "NONE"
    ds.GantryDetectorTilt = "0"
    ds.ActualFrameDuration = "120000"
    ds.FrameReferenceTime = "60000"
    ds.DecayFactor = "1.006"
    ds.DoseCalibrationFactor = "1"
    ds.ScatterFractionFactor = "0.32"
    ds.DeadTimeFactor = "1.02"
    ds.AxialMash = ["5", "6"]
    ds.TransverseMash = "1"
    ds.CoincidenceWindowWidth = "5"
    ds.EnergyWindowRangeSequence = Sequence([_energy_window()])
    ds.RescaleIntercept = "0"
    ds.WindowCenter = "5000"
    ds.WindowWidth = "10000"
    # Replaced by the two code sequences below. Source: PS3.3 C.7.3.1.1.2.
    del ds.PatientPosition
    drug = DicomDataset()
    drug.Radiopharmaceutical = "Fluorodeoxyglucose"
    drug.RadiopharmaceuticalVolume = "4.2"
    drug.RadiopharmaceuticalStartTime = injected
    drug.RadiopharmaceuticalStartDateTime = f"{ds.SeriesDate}{injected}"
    drug.RadionuclideTotalDose = f"{dose_bq:.9g}"
    drug.RadionuclideHalfLife = f"{half_life_s:g}"
    drug.RadionuclidePositronFraction = "0.967"
    drug.RadionuclideCodeSequence = Sequence([code_item("C-111A1", "SRT", "^18^Fluorine")])
    drug.RadiopharmaceuticalCodeSequence = Sequence(
        [code_item("C-B1031", "SRT", "Fluorodeoxyglucose F^18^")]
    )
    drug.AdministrationRouteCodeSequence = Sequence(
        [code_item("47625008", "SCT", "Intravenous route")]
    )
    ds.RadiopharmaceuticalInformationSequence = Sequence([drug])
    orientation = code_item("102538003", "SCT", "recumbent")
    orientation.PatientOrientationModifierCodeSequence = Sequence(
        [code_item("40199007", "SCT", "supine")]
    )
    ds.PatientOrientationCodeSequence = Sequence([orientation])
    ds.PatientGantryRelationshipCodeSequence = Sequence(
        [code_item("102540008", "SCT", "headfirst")]
    )
    return dose_bq, waited_s


def _energy_window() -> DicomDataset:
    item = DicomDataset()
    item.EnergyWindowLowerLimit = "435"
    item.EnergyWindowUpperLimit = "650"
    return item
