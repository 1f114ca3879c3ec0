"""The headers of the judged images, cut to what an object made from them may take over."""

from collections.abc import Callable, Sequence
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset as DicomDataset

from tessera.domain.deid.derived import NO_DAY
from tessera.domain.errors import Conflict
from tessera.domain.imaging.instance import InstanceRow

DEIDENTIFIED = (
    "PatientIdentityRemoved DeidentificationMethod DeidentificationMethodCodeSequence "
    "LongitudinalTemporalInformationModified"
).split()
_PATIENT_AND_STUDY = (
    "PatientName PatientID PatientSex PatientAge PatientSize PatientWeight "
    "StudyInstanceUID StudyDate StudyTime TimezoneOffsetFromUTC"
).split()
_IMAGE = (
    "SOPClassUID SOPInstanceUID Modality SeriesInstanceUID SeriesNumber InstanceNumber ContentDate "
    "ContentTime FrameOfReferenceUID PositionReferenceIndicator Rows Columns PixelSpacing "
    "SliceThickness SpacingBetweenSlices ImageOrientationPatient ImagePositionPatient "
    "BitsAllocated BitsStored HighBit PixelRepresentation SamplesPerPixel "
    "PhotometricInterpretation ImageType LossyImageCompression LossyImageCompressionRatio "
    "LossyImageCompressionMethod "
    "NumberOfFrames SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence "
    "DimensionOrganizationSequence DimensionIndexSequence DimensionOrganizationType"
).split()
_KEPT = (*_PATIENT_AND_STUDY, *_IMAGE, *DEIDENTIFIED, "SpecificCharacterSet")
_EMPTY = ("PatientBirthDate", "AccessionNumber", "ReferringPhysicianName", "StudyID")
"""Type 2: present, and never taken over."""


def read_sources(
    rows: Sequence[InstanceRow], path_of: Callable[[InstanceRow], Path]
) -> list[DicomDataset]:
    """Return one small data set for each image. Raises Conflict when one is missing."""
    return [_cut(_read(path_of(row))) for row in rows]


def day_and_time(source: DicomDataset) -> tuple[str, str]:
    """Return the shifted day and the time of the study, as DA and TM."""
    day = str(source.get("StudyDate") or f"{NO_DAY:%Y%m%d}")
    return day, str(source.get("StudyTime") or "000000")


def _read(path: Path) -> DicomDataset:
    try:
        return dcmread(path, stop_before_pixels=True)
    except FileNotFoundError as err:
        raise Conflict(f"{path.name} is missing in the store; restore it from a backup") from err


def _cut(ds: DicomDataset) -> DicomDataset:
    cut = DicomDataset()
    for keyword in _KEPT:
        if keyword in ds:
            cut[keyword] = ds[keyword]
    for keyword in _EMPTY:
        setattr(cut, keyword, "")
    cut.file_meta = ds.file_meta
    return cut
