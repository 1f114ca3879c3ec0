"""Small DICOM files for tests: identified, plain, quick to write."""

from pathlib import Path

from pydicom.dataset import Dataset

from tests.deid_oracle import encoded

CT = "1.2.840.10008.5.1.4.1.1.2"


def ct_slice(
    number: int, *, patient: str = "19121212-1212", study: int = 1, series: int = 1, side: int = 16
) -> Dataset:
    """One CT slice of side x side pixels, its position following its number."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPClassUID = CT
    ds.SOPInstanceUID = f"1.2.826.0.1.3680043.10.99.{study}.{series}.{number}"
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20240229"
    ds.StudyTime = "101112"
    ds.AccessionNumber = "ACC19121212"
    ds.Modality = "CT"
    ds.Manufacturer = "SIEMENS"
    ds.PatientName = "Ek^Åsa"
    ds.PatientID = patient
    ds.PatientBirthDate = "19121212"
    ds.PatientSex = "F"
    ds.PatientAge = "067Y"
    ds.BodyPartExamined = "CHEST"
    ds.SliceThickness = "2.5"
    ds.StudyInstanceUID = f"1.2.826.0.1.3680043.10.99.{study}"
    ds.SeriesInstanceUID = f"1.2.826.0.1.3680043.10.99.{study}.{series}"
    ds.StudyID = "7"
    ds.SeriesNumber = series
    ds.InstanceNumber = number
    ds.ImagePositionPatient = [0, 0, 2.5 * number]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing = [1, 1]
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows = ds.Columns = side
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit = 15
    ds.PixelRepresentation = 0
    ds.add_new(0x7FE00010, "OW", number.to_bytes(2, "little") * side * side)
    return ds


def write_series(folder: Path, n: int, **which: object) -> list[Path]:
    """Write slices 1..n of one series; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(1, n + 1):
        path = folder / f"I{number:05d}"
        path.write_bytes(encoded(ct_slice(number, **which)))  # type: ignore[arg-type]
        paths.append(path)
    return paths
