"""A deterministic synthetic corpus to measure on; no real person in it.

Usage: python bench/corpus.py OUT [--files 200] [--seed 1]

Writes OUT/<patient>/<study>/<series>/<number>.dcm: CT, MR and PT in the proportions of an
oncological archive, headers of about 200 elements with private blocks and nested sequences,
pixels of noise and shapes. About two thirds are explicit little endian, the rest implicit,
RLE, JPEG 2000 and JPEG-LS. Needs pydicom, numpy and the codecs of the project.
"""

import argparse
import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
}
SYNTAXES = (
    [ExplicitVRLittleEndian] * 3
    + [JPEG2000Lossless]
    + [ExplicitVRLittleEndian] * 2
    + [RLELossless, ExplicitVRLittleEndian, JPEGLSLossless, ImplicitVRLittleEndian]
)
FAMILY = "Ahlgren Bauer Costa Dubois Eriksen Ferrari Garcia Horvath Ivanov Jansen Müller".split()
GIVEN = "Anna Boris Clara David Elena Felix Greta Hugo Irene Jakob Karin Luis Maria Nils".split()
MAKERS = {
    "CT": ("SIEMENS", "SOMATOM Force", "SIEMENS CSA HEADER"),
    "MR": ("Philips", "Ingenia", "Philips Imaging DD 001"),
    "PT": ("GE MEDICAL SYSTEMS", "Discovery MI", "GEMS_PETD_01"),
}
# (modality, slices, rows) of the series of one patient; the whole cycle has 300 instances.
CYCLE = (
    (("CT", 90, 512), ("CT", 20, 512)),
    (("CT", 50, 512), ("PT", 50, 200)),
    (("MR", 30, 320), ("MR", 30, 256), ("MR", 30, 256)),
)


@dataclass(frozen=True, slots=True)
class Series:
    """What one series of the plan is."""

    patient: int
    number: int
    modality: str
    n_instances: int
    rows: int
    syntax: str


def planned(n_files: int) -> Iterator[Series]:
    """Yield series until `n_files` instances are planned."""
    left, patient, ordinal = n_files, 0, 0
    while left > 0:
        for number, (modality, slices, rows) in enumerate(CYCLE[patient % len(CYCLE)], 1):
            # Small corpora keep the mix: a sixth of each series.
            wanted = slices if n_files >= 600 else max(2, slices // 6)
            n_instances = min(wanted, left)
            if n_instances:
                syntax = SYNTAXES[ordinal % len(SYNTAXES)]
                yield Series(patient, number, modality, n_instances, rows, syntax)
            left -= n_instances
            ordinal += 1
        patient += 1


DEVICE: dict[str, dict[str, object]] = {
    "CT": {
        "ScanOptions": "HELICAL MODE",
        "KVP": "120",
        "DataCollectionDiameter": "500",
        "ReconstructionDiameter": "360",
        "DistanceSourceToDetector": "1085.6",
        "DistanceSourceToPatient": "595",
        "GantryDetectorTilt": "0",
        "TableHeight": "155.5",
        "RotationDirection": "CW",
        "ExposureTime": 500,
        "XRayTubeCurrent": 287,
        "Exposure": 143,
        "FilterType": "WEDGE_3",
        "FocalSpots": "1.2",
        "ConvolutionKernel": ["I40f", "3"],
        "ContrastBolusAgent": "Iomeron 400",
        "ContrastBolusRoute": "IV",
        "RevolutionTime": 0.5,
        "SingleCollimationWidth": 0.6,
        "TableSpeed": 46.0,
        "SpiralPitchFactor": 0.8,
        "CTDIvol": 9.4,
        "ExposureModulationType": "XYZ_EC",
    },
    "MR": {
        "ScanningSequence": ["SE", "IR"],
        "SequenceVariant": ["SK", "SP"],
        "ScanOptions": "FS",
        "MRAcquisitionType": "2D",
        "SequenceName": "*tse2d1_17",
        "AngioFlag": "N",
        "RepetitionTime": "5000",
        "EchoTime": "95",
        "InversionTime": "2500",
        "NumberOfAverages": "1",
        "ImagingFrequency": "123.25",
        "ImagedNucleus": "1H",
        "EchoNumbers": 1,
        "MagneticFieldStrength": "3",
        "SpacingBetweenSlices": "4.4",
        "EchoTrainLength": 17,
        "PercentSampling": "80",
        "PixelBandwidth": "220",
        "AcquisitionMatrix": [0, 384, 270, 0],
        "InPlanePhaseEncodingDirection": "ROW",
        "FlipAngle": "150",
        "SAR": "0.6",
        "ContrastBolusAgent": "Gadovist",
    },
    "PT": {
        "Units": "BQML",
        "SeriesType": ["WHOLE BODY", "IMAGE"],
        "CountsSource": "EMISSION",
        "CorrectedImage": ["DECY", "RADL", "ATTN", "SCAT", "DTIM", "RAN", "NORM"],
        "DecayCorrection": "START",
        "ReconstructionMethod": "PSF+TOF 3i21s",
        "AttenuationCorrectionMethod": "CT-derived mu-map",
        "ScatterCorrectionMethod": "Model-based",
        "RandomsCorrectionMethod": "DLYD",
        "AxialAcceptance": "38",
        "FrameReferenceTime": "60000",
        "DecayFactor": "1.02",
        "DoseCalibrationFactor": "1",
        "ScatterFractionFactor": "0.33",
        "ActualFrameDuration": 120000,
        "CollimatorType": "NONE",
    },
}
"""What only one kind of scanner writes."""


def uid(*parts: object) -> str:
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return f"1.2.826.0.1.3680043.10.9999.{int.from_bytes(digest[:14], 'big')}"


def code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def header(series: Series, seed: int) -> Dataset:
    """A header as rich as a scanner's; what varies by instance is set later."""
    person = random.Random(f"{seed}/{series.patient}")
    rnd = random.Random(f"{seed}/{series.patient}/{series.number}")
    day = date(2015, 1, 1) + timedelta(days=person.randrange(3600))
    number = f"{person.randrange(10**9):09d}"
    family, given = person.choice(FAMILY), person.choice(GIVEN)
    doctor = f"{person.choice(FAMILY)}-Ref^{person.choice(GIVEN)}^^Dr."
    maker, model, creator = MAKERS[series.modality]
    study = uid(seed, series.patient)
    today, now = f"{day:%Y%m%d}", f"{rnd.randrange(7, 19):02d}1530.250000"
    ds = Dataset()
    ds.update(
        {
            "SpecificCharacterSet": "ISO_IR 192",
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "SOPClassUID": CLASSES[series.modality],
            "AccessionNumber": "ACC" + number[:7],
            "Modality": series.modality,
            "Manufacturer": maker,
            "ManufacturerModelName": model,
            "InstitutionName": "Universitätsklinikum Nord",
            "InstitutionAddress": "Krankenhausstrasse 11, 10115 Berlin",
            "ReferringPhysicianName": doctor,
            "PerformingPhysicianName": doctor,
            "OperatorsName": f"Operator^{given}",
            "StationName": f"WS-{series.modality}02",
            "StudyDescription": f"{series.modality} staging",
            "SeriesDescription": f"series {series.number} of {family}",
            "PatientName": f"{family}{series.patient:04d}^{given}",
            "PatientID": f"PID{series.patient:05d}{number[:4]}",
            "IssuerOfPatientID": "HIS-BERLIN",
            "PatientBirthDate": f"{person.randrange(1932, 1990)}0417",
            "PatientSex": person.choice("MF"),
            "PatientAge": f"0{person.randrange(30, 89)}Y",
            "PatientWeight": f"{person.uniform(48, 110):.1f}",
            "PatientSize": f"{person.uniform(1.5, 1.95):.2f}",
            "PatientAddress": f"Lindenallee {person.randrange(300)}, Berlin",
            "PatientTelephoneNumbers": f"+49 30 {number[:7]}",
            "OtherPatientIDs": [f"OLD{number}", f"SSN{number}"],
            "PatientComments": f"{family} asks to be called before the visit",
            "AdditionalPatientHistory": f"{given} {family}, since 2019",
            "BodyPartExamined": "CHEST",
            "DeviceSerialNumber": number[:6],
            "SoftwareVersions": ["syngo 20A", "1.4"],
            "ProtocolName": f"{family} routine",
            "PatientPosition": "HFS",
            "StudyInstanceUID": study,
            "SeriesInstanceUID": uid(study, series.number),
            "FrameOfReferenceUID": uid(study, "frame"),
            "StudyID": number[:5],
            "SeriesNumber": series.number,
            "AcquisitionNumber": 1,
            "PositionReferenceIndicator": "",
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "Rows": series.rows,
            "Columns": series.rows,
            "BitsAllocated": 16,
            "BitsStored": 12,
            "HighBit": 11,
            "PixelRepresentation": 0,
            "PixelSpacing": ["0.703125", "0.703125"],
            "SliceThickness": "1.25",
            "RescaleIntercept": "-1024",
            "RescaleSlope": "1",
            "WindowCenter": ["40", "-500"],
            "WindowWidth": ["400", "1500"],
            "BurnedInAnnotation": "NO",
            "CurrentPatientLocation": "Ward 7B",
            "InstitutionalDepartmentName": "Radiologie II",
            "PhysiciansOfRecord": doctor,
            "NameOfPhysiciansReadingStudy": doctor,
            "AdmittingDiagnosesDescription": "Malignant neoplasm of bronchus C34.1",
            "PatientBirthTime": "031200",
            "PatientBirthName": f"{family}-Geb",
            "PatientMotherBirthName": f"{family}-Alt",
            "EthnicGroup": "",
            "Occupation": "Teacher",
            "SmokingStatus": "NO",
            "MedicalRecordLocator": f"MRL{number}",
            "SmallestImagePixelValue": 0,
            "LargestImagePixelValue": 4095,
            "WindowCenterWidthExplanation": ["SOFT", "LUNG"],
            "LossyImageCompression": "00",
            "RequestingPhysician": doctor,
            "RequestingService": "Onkologie",
            "RequestedProcedureDescription": f"{series.modality} thorax",
            "PatientState": "stable",
            "PerformedProcedureStepStartDate": today,
            "PerformedProcedureStepStartTime": now,
            "PerformedProcedureStepEndDate": today,
            "PerformedProcedureStepEndTime": now,
            "PerformedProcedureStepID": "PPS" + number[:5],
            "PerformedProcedureStepDescription": f"{series.modality} thorax",
            "CommentsOnThePerformedProcedureStep": f"patient {family} restless",
            "TimezoneOffsetFromUTC": "+0100",
            **DEVICE[series.modality],
        }
    )
    for event in ("Study", "Series", "Acquisition", "Content", "InstanceCreation"):
        setattr(ds, f"{event}Date", today)
        setattr(ds, f"{event}Time", now)
    ds.ProcedureCodeSequence = [code("24627-2", "LN", "CT Chest")]
    ds.AnatomicRegionSequence = [code("51185008", "SCT", "Thorax")]
    ds.ReferencedImageSequence = [reference(series, study, place) for place in range(3)]
    request = Dataset()
    request.ScheduledProcedureStepDescription = f"staging of {family}"
    request.AccessionNumber = ds.AccessionNumber
    request.ScheduledProtocolCodeSequence = [code("RPID16", "RADLEX", "CT CHEST")]
    ds.RequestAttributesSequence = [request]
    ds.ReferencedStudySequence = [reference(series, study, 0)]
    ds.ReferencedPerformedProcedureStepSequence = [reference(series, study, 1)]
    ds.RequestedProcedureCodeSequence = [code("24627-2", "LN", "CT Chest")]
    other = Dataset()
    other.PatientID, other.IssuerOfPatientID = f"EXT{number}", "NHI"
    ds.OtherPatientIDsSequence = [other]
    for group in (0x0019, 0x0029):
        block = ds.private_block(group, creator, create=True)
        for place in range(20):
            block.add_new(place, "DS", [f"{rnd.uniform(-500, 500):.3f}" for _ in range(3)])
        block.add_new(0x40, "LO", f"{family} {given}")
        block.add_new(0x41, "OB", rnd.randbytes(8_000))
    return ds


def reference(series: Series, study: str, place: int) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = CLASSES[series.modality]
    item.ReferencedSOPInstanceUID = uid(study, "localizer", place)
    return item


def pixels(rows: int, place: int) -> bytes:
    """A body with a lesion and noise, little endian 16 bit; shape (rows, rows)."""
    rng = np.random.default_rng([rows, place % 4])
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : rows * 1j]
    body = ((x / 0.82) ** 2 + (y / 0.62) ** 2 < 1) * 900.0
    lesion = 160 * np.exp(-((x - 0.2) ** 2 + (y + 0.1) ** 2) / 0.01)
    image = body + lesion + rng.normal(0, 14, (rows, rows))
    return np.roll(np.clip(image, 0, 4095), place * 97).astype("<u2").tobytes()


def write(out: Path, n_files: int, seed: int) -> tuple[int, int]:
    """Write the corpus; return (files, bytes)."""
    count = size = 0
    for series in planned(n_files):
        ds = header(series, seed)
        folder = out / f"P{series.patient:04d}" / "1" / str(series.number)
        folder.mkdir(parents=True, exist_ok=True)
        for place in range(series.n_instances):
            instance = Dataset(ds)
            instance.SOPInstanceUID = uid(ds.SeriesInstanceUID, place)
            instance.InstanceNumber = place + 1
            instance.ImagePositionPatient = ["-180", "-180", f"{-300 + 1.25 * place:.2f}"]
            instance.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
            instance.PixelData = pixels(series.rows, place)
            instance["PixelData"].VR = "OW"
            instance.file_meta = FileMetaDataset()
            if series.syntax == ImplicitVRLittleEndian:
                instance.file_meta.TransferSyntaxUID = series.syntax
            else:
                instance.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            if series.syntax in (RLELossless, JPEG2000Lossless, JPEGLSLossless):
                instance.compress(series.syntax, generate_instance_uid=False)
            path = folder / f"{place + 1:04d}.dcm"
            instance.save_as(path, enforce_file_format=True)
            count, size = count + 1, size + path.stat().st_size
    return count, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    count, size = write(arguments.out, arguments.files, arguments.seed)
    print(f"{count} files, {size / 1e6:.1f} MB in {arguments.out}")


if __name__ == "__main__":
    main()
