"""Small DICOM files for the tests of the check."""

from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian


def write_slice(path: Path, number: int, *, series: str = "2.25.10", **values: object) -> Path:
    """Write one sound CT slice of 16 x 16 pixels, 3 mm after its neighbour, and return its path."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = CTImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = f"{series}.{number}"
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.PatientID, ds.StudyInstanceUID, ds.SeriesInstanceUID = "P1", "2.25.1", series
    ds.FrameOfReferenceUID = "2.25.3"
    ds.Modality, ds.BodyPartExamined, ds.Manufacturer = "CT", "CHEST", "Maker"
    ds.PatientAge, ds.AcquisitionDate, ds.StudyDate = "061Y", "20200501", "20200501"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.InstanceNumber = number
    ds.ImagePositionPatient = [0, 0, 3 * number]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing = [0.7, 0.7]
    ds.Rows = ds.Columns = 16
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    seed = sum(map(ord, series)) + number
    ds.PixelData = bytes((seed * 7 + i * number) % 251 for i in range(512))
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path


def write_series(folder: Path, n: int, *, series: str = "2.25.10") -> list[Path]:
    """Write `n` slices of one series; names without an ending, as PACS exports have them."""
    return [write_slice(folder / f"IM{i:05}", i, series=series) for i in range(1, n + 1)]
