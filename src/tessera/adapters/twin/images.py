"""The images of a made-up series: small, valid, with the header that code reads.

Source: PS3.3 C.7 (modules of all images), C.8.2 CT, C.8.3 MR, C.8.9 PET; SyntheticData
(0008,001C) is YES in each.
"""

from collections.abc import Mapping
from datetime import date
from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset as DicomDataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import ExplicitVRLittleEndian

Record = Mapping[str, Any]
_SIDE: Final = 128
_FIELD_MM: Final = 350.0
_PLANES: Final = frozenset({"CT", "MR", "PT"})
_WATER: Final = 1024
_HALF_LIFE_S: Final = 6586.2
"""Of fluorine-18."""
_DOSE_BQ: Final = 300e6


def image(
    series: Record, study: Record, patient: Record, instance: Record, place: int, seed: int
) -> DicomDataset:
    """Return slice `place` (0-based) of a series, with a body-like ellipse and noise."""
    ds = DicomDataset()
    _general(ds, series, study, patient, instance)
    rows = int(series.get("rows") or _SIDE)
    columns = int(series.get("columns") or _SIDE)
    n_slices = max(1, int(series["n_instances"]))
    _pixels(ds, _drawn(rows, columns, place / n_slices, seed))
    thickness = float(series.get("slice_thickness_mm") or 3.0)
    if series["modality"] in _PLANES:
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.ImagePositionPatient = [-_FIELD_MM / 2, -_FIELD_MM / 2, round(place * thickness, 3)]
        ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = f"{series['study_uid']}.9", ""
        ds.PatientPosition = "HFS"
        ds.PixelSpacing = [round(_FIELD_MM / rows, 4), round(_FIELD_MM / columns, 4)]
        ds.SliceThickness = round(thickness, 3)
    if series["modality"] == "MR":
        _magnetic(ds, series, place)
    if series["modality"] == "CT":
        ds.KVP, ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 120, -_WATER, 1, "HU"
    if series["modality"] == "PT":
        _emission(ds, study)
    return ds


def encoded(ds: DicomDataset) -> bytes:
    """Return the bytes of a Part 10 file."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _general(
    ds: DicomDataset, series: Record, study: Record, patient: Record, instance: Record
) -> None:
    day = study.get("study_date")
    text = day.strftime("%Y%m%d") if isinstance(day, date) else ""
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "OTHER" if series["modality"] == "MR" else "AXIAL"]
    ds.SyntheticData = "YES"
    ds.SOPClassUID, ds.SOPInstanceUID = instance["sop_class_uid"], instance["instance_uid"]
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = text
    ds.StudyTime = ds.ContentTime = "120000"
    ds.AccessionNumber = ds.ReferringPhysicianName = ds.StudyID = ""
    ds.Modality = series["modality"]
    ds.Manufacturer = series.get("manufacturer") or ""
    ds.ManufacturerModelName = series.get("model") or ""
    ds.PatientName = ds.PatientID = study["subject"]
    ds.PatientBirthDate = ""
    ds.PatientSex = {"female": "F", "male": "M"}.get(str(patient.get("sex")), "O")
    age = series.get("age_at_imaging")
    if age is not None:
        ds.PatientAge = f"{round(age):03}Y"
    ds.PatientIdentityRemoved, ds.DeidentificationMethod = "YES", "Synthetic twin"
    ds.BodyPartExamined = series.get("body_part") or ""
    if series.get("laterality"):
        ds.Laterality = series["laterality"]
    ds.StudyInstanceUID, ds.SeriesInstanceUID = series["study_uid"], series["series_uid"]
    ds.SeriesNumber, ds.InstanceNumber = series.get("series_number"), instance["instance_number"]


def _magnetic(ds: DicomDataset, series: Record, place: int) -> None:
    ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions = "SE", "NONE", ""
    ds.MRAcquisitionType, ds.EchoTime, ds.RepetitionTime, ds.EchoTrainLength = "2D", 90, 3000, 1
    b_values = series.get("b_values")
    if b_values:
        ds.DiffusionBValue = float(b_values[place % len(b_values)])


def _emission(ds: DicomDataset, study: Record) -> None:
    ds.Units, ds.DecayCorrection, ds.CorrectedImage = "BQML", "START", ["ATTN", "DECY"]
    ds.SeriesType, ds.CountsSource = ["STATIC", "IMAGE"], "EMISSION"
    ds.RescaleSlope, ds.RescaleIntercept, ds.PatientWeight = 4, 0, 75
    ds.SeriesTime = ds.AcquisitionTime = "120000"
    dose = DicomDataset()
    dose.RadionuclideTotalDose, dose.RadionuclideHalfLife = _DOSE_BQ, _HALF_LIFE_S
    dose.RadiopharmaceuticalStartTime = "110000"
    ds.RadiopharmaceuticalInformationSequence = DicomSequence([dose])


def _drawn(rows: int, columns: int, height: float, seed: int) -> npt.NDArray[np.uint16]:
    """Return a slice of an ellipsoid with noise; `height` from 0 to 1. Shape (rows, columns)."""
    rng = np.random.default_rng(seed)
    y, x = np.ogrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    reach = 0.35 + 0.5 * np.sqrt(max(0.0, 1 - (2 * height - 1) ** 2))
    body = (x / reach) ** 2 + (y / (0.8 * reach)) ** 2 <= 1
    noise = rng.integers(0, 40, size=(rows, columns), dtype=np.uint16)
    made: npt.NDArray[np.uint16] = noise + body.astype(np.uint16) * np.uint16(_WATER)
    return made


def _pixels(ds: DicomDataset, frame: npt.NDArray[np.uint16]) -> None:
    ds.Rows, ds.Columns = frame.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = frame.tobytes()
