"""The plain way: read with pydicom, walk all elements, save. Not a whole profile.

Usage: python bench/peers/pydicom_loop.py IN OUT
"""

import hashlib
import sys
from pathlib import Path

import pydicom
from pydicom.uid import generate_uid

EMPTIED = (
    "PatientBirthDate AccessionNumber ReferringPhysicianName StudyID InstitutionName "
    "PerformingPhysicianName OperatorsName StationName DeviceSerialNumber"
).split()
REMOVED = (
    "InstitutionAddress OtherPatientIDs PatientAddress PatientTelephoneNumbers PatientComments "
    "AdditionalPatientHistory RequestAttributesSequence StudyDescription SeriesDescription"
).split()


def clean(ds: pydicom.Dataset, element: pydicom.DataElement) -> None:
    if element.tag.is_private:
        del ds[element.tag]
    elif element.VR == "UI" and "Class" not in element.keyword:
        element.value = generate_uid(entropy_srcs=["key", str(element.value)])
    elif element.VR == "DA" and element.value:
        element.value = "20000101"


def main() -> None:
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    for path in sorted(source.rglob("*.dcm")):
        ds = pydicom.dcmread(path)
        for keyword in EMPTIED:
            if keyword in ds:
                setattr(ds, keyword, "")
        for keyword in REMOVED:
            if keyword in ds:
                delattr(ds, keyword)
        ds.PatientName = ds.PatientID = hashlib.sha256(ds.PatientID.encode()).hexdigest()[:16]
        ds.walk(clean)
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        target = out / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        ds.save_as(target)


if __name__ == "__main__":
    main()
