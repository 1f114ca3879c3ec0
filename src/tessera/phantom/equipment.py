"""Machines of the vendors, and the private blocks they write, identity leaks included.

Block names, elements and value representations are those that public private
dictionaries list (pydicom's, after GDCM's and dcmtk's); values are invented.
"""

import struct
from dataclasses import dataclass

from pydicom.dataset import Dataset as DicomDataset
from pydicom.sequence import Sequence

from tessera.phantom.planted import Planted
from tessera.phantom.streams import digest, uid


@dataclass(frozen=True, slots=True)
class Machine:
    """One scanner of the hospital."""

    manufacturer: str
    model: str
    software: str
    station: str
    serial: str
    field_t: float = 1.5


_MODELS: dict[tuple[str, str], tuple[str, str]] = {
    ("SIEMENS", "CT"): ("SOMATOM Force", "syngo CT VA50A"),
    ("GE MEDICAL SYSTEMS", "CT"): ("Revolution CT", "revo_ct_21b.34"),
    ("Philips", "CT"): ("IQon - Spectral CT", "4.7.5"),
    ("Canon Medical Systems", "CT"): ("Aquilion ONE", "V10.8SP0002"),
    ("SIEMENS", "MR"): ("MAGNETOM Skyra", "syngo MR E11"),
    ("GE MEDICAL SYSTEMS", "MR"): ("SIGNA Artist", "29\\LX\\MR Software release:DV29.1"),
    ("Philips", "MR"): ("Ingenia", "5.4.1\\5.4.1.2"),
    ("SIEMENS", "PT"): ("Biograph64_Vision 600", "VG76B"),
    ("GE MEDICAL SYSTEMS", "PT"): ("Discovery MI", "pet_coreload.44"),
    ("HOLOGIC, Inc.", "MG"): ("Selenia Dimensions", "AWS:1.10.2.3"),
    ("SIEMENS", "MG"): ("MAMMOMAT Revelation", "VC20A"),
    ("GE MEDICAL SYSTEMS", "MG"): ("Senographe Pristina", "ADS_59.20.4"),
    ("Canon Medical Systems", "US"): ("Aplio i800", "AB_V6.0"),
    ("GE MEDICAL SYSTEMS", "US"): ("LOGIQ E10", "LOGIQE10:R3.1.2"),
    ("Philips", "US"): ("EPIQ 7G", "EPIQ 7G_7.0.5"),
    ("Philips", "DX"): ("DigitalDiagnost C90", "1.1.2"),
    ("SIEMENS", "DX"): ("Ysio Max", "VF10"),
    ("GE MEDICAL SYSTEMS", "DX"): ("Discovery XR656", "DM_Platform_2.4"),
    ("Philips", "CR"): ("PCR Eleva", "1.2.1"),
    ("Canon Medical Systems", "CR"): ("CXDI Control", "2.14"),
}


def machine(vendor: str, modality: str, site: str) -> Machine:
    """The hospital's one machine of this vendor and modality."""
    model, software = _MODELS[(vendor, modality)]
    number = int.from_bytes(digest(site, vendor, modality)[:4], "big")
    return Machine(
        manufacturer=vendor,
        model=model,
        software=software,
        station=f"{modality}{number % 900 + 100}{site[:4].upper()}".encode(
            "ascii", "ignore"
        ).decode(),
        serial=str(number % 900000 + 100000),
        field_t=3.0 if vendor != "GE MEDICAL SYSTEMS" else 1.5,
    )


def add_private_blocks(
    ds: DicomDataset, made_by: Machine, modality: str, planted: Planted, n_images: int
) -> None:
    """Put the vendor's private blocks into `ds`, whose patient is already filled in."""
    writer = {
        "SIEMENS": _siemens,
        "GE MEDICAL SYSTEMS": _ge,
        "Philips": _philips,
        "Canon Medical Systems": _canon,
        "HOLOGIC, Inc.": _hologic,
    }[made_by.manufacturer]
    writer(ds, made_by, modality, planted, n_images)


def _csa(ds: DicomDataset, made_by: Machine, planted: Planted) -> bytes:
    """A CSA-like header: named text tags, patient and physician among them, padded to 4 bytes."""
    tags = {
        "PatientName": str(ds.PatientName),
        "PatientID": str(ds.PatientID),
        "PatientBirthDate": str(ds.PatientBirthDate),
        "ReferringPhysician": str(ds.ReferringPhysicianName),
        "InstitutionName": str(ds.InstitutionName),
        "DeviceSerialNumber": made_by.serial,
        "ProtocolName": str(ds.get("ProtocolName", "")),
        "SoftwareVersions": made_by.software,
        "UsedPatientWeight": str(ds.get("PatientWeight", "")),
        "ICE_Dims": "X_1_1_1_1_1_1_1_1_1_1_1_41",
    }
    planted.add("name", str(ds.PatientName))
    body = b"SV10\4\3\2\1" + struct.pack("<II", len(tags), 77)
    for name, value in tags.items():
        # Siemens writes these strings in the encoding of the study, here UTF-8.
        raw = value.encode("utf-8")
        raw += b"\0" * (4 - len(raw) % 4)
        body += name.encode().ljust(64, b"\0")
        body += struct.pack("<I4sIII", 1, b"LO\0\0", 0, 1, 77)
        body += struct.pack("<IIII", len(raw), len(raw), 77, len(raw)) + raw
    return body + b"\0" * (len(body) % 2)


def _siemens(
    ds: DicomDataset, made_by: Machine, modality: str, planted: Planted, n_images: int
) -> None:
    block = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x08, "CS", "IMAGE NUM 4")
    block.add_new(0x09, "LO", f"{ds.StudyDate}")
    block.add_new(0x10, "OB", _csa(ds, made_by, planted))
    block.add_new(0x18, "CS", modality)
    block.add_new(0x19, "LO", f"{ds.StudyDate}")
    block.add_new(0x20, "OB", _csa(ds, made_by, planted))
    medcom = ds.private_block(0x0029, "SIEMENS MEDCOM HEADER2", create=True)
    medcom.add_new(0x60, "LO", "com")
    header = ds.private_block(0x0051, "SIEMENS MR HEADER", create=True)
    header.add_new(0x08, "CS", "IMAGE NUM 4")
    header.add_new(0x0B, "SH", "128*128")
    header.add_new(0x0E, "SH", "Tra")
    header.add_new(0x0F, "LO", "T:BO1,2;SP2-5")
    header.add_new(0x13, "SH", "+LPH")
    if modality == "CT":
        coad = ds.private_block(0x0019, "SIEMENS CT VA0  COAD", create=True)
        coad.add_new(0x10, "IS", "625")
        coad.add_new(0x11, "IS", "463")
        coad.add_new(0x54, "DS", "0.5")
        coad.add_new(0x93, "DS", "0")
        coad.add_new(0xB0, "DS", "46")
    app = DicomDataset()
    inner = app.private_block(0x0029, "SIEMENS MEDCOM HEADER", create=True)
    inner.add_new(0x41, "CS", "SOM 5 TPOS")
    inner.add_new(0x42, "LO", f"ID {ds.PatientID}")
    inner.add_new(0x43, "LO", "VA10A 20100608")
    outer = ds.private_block(0x0029, "SIEMENS MEDCOM HEADER", create=True)
    outer.add_new(0x40, "SQ", Sequence([app]))


def _ge(ds: DicomDataset, made_by: Machine, modality: str, planted: Planted, n_images: int) -> None:
    block = ds.private_block(0x0009, "GEMS_IDEN_01", create=True)
    block.add_new(0x01, "LO", f"{modality}_{made_by.model.upper()}_FF"[:64])
    block.add_new(0x02, "SH", made_by.station[:4])
    block.add_new(0x04, "SH", made_by.model[:16])
    block.add_new(0x27, "SL", int(str(ds.StudyDate)))
    block.add_new(0x30, "SH", made_by.serial)
    block.add_new(0xE3, "UI", planted.add("uid", uid("ge equipment", made_by.serial)))
    if modality == "PT":
        pet = ds.private_block(0x0009, "GEMS_PETD_01", create=True)
        pet.add_new(0x02, "LO", str(ds.PatientID))
        pet.add_new(0x05, "DT", f"{ds.PatientBirthDate}000000")
        pet.add_new(0x10, "LO", str(ds.InstitutionName))
        pet.add_new(0x36, "LO", "FDG -- fluorodeoxyglucose")
    patient = ds.private_block(0x0011, "GEMS_PATI_01", create=True)
    patient.add_new(0x10, "SS", 0)
    acquisition = ds.private_block(0x0019, "GEMS_ACQU_01", create=True)
    acquisition.add_new(0x02, "SL", 912)
    acquisition.add_new(0x0F, "DS", "479.0")
    acquisition.add_new(0x18, "LO", "S")
    acquisition.add_new(0x19, "DS", "-12.5")
    acquisition.add_new(0x1E, "DS", "400.0")
    relation = ds.private_block(0x0021, "GEMS_RELA_01", create=True)
    relation.add_new(0x03, "SS", 1)
    relation.add_new(0x35, "SS", 1)
    relation.add_new(0x4F, "SS", min(n_images, 32767))
    series = ds.private_block(0x0025, "GEMS_SERS_01", create=True)
    series.add_new(0x06, "SS", 0)
    series.add_new(0x07, "SL", n_images)
    # The protocol block holds the operator's free text, name and id among it.
    protocol = f'set PATNAME "{ds.PatientName}"\nset PATID "{ds.PatientID}"\n'.encode()
    series.add_new(0x1B, "OB", protocol + b"\n" * (len(protocol) % 2))
    parameters = ds.private_block(0x0043, "GEMS_PARM_01", create=True)
    parameters.add_new(0x12, "SS", [14, 2, 3])
    parameters.add_new(0x1A, "SL", 7)
    parameters.add_new(0x27, "SH", "0.984375:1")
    parameters.add_new(0x2A, "OB", b"FOV=400;MODE=2")


def _philips(
    ds: DicomDataset, made_by: Machine, modality: str, planted: Planted, n_images: int
) -> None:
    block = ds.private_block(0x2001, "Philips Imaging DD 001", create=True)
    block.add_new(0x08, "IS", "1")
    block.add_new(0x0B, "CS", "TRANSVERSAL")
    block.add_new(0x10, "CS", "NO")
    block.add_new(0x20, "LO", "TSE" if modality == "MR" else "HELICAL")
    block.add_new(0x22, "FL", 1.52)
    block.add_new(0x2D, "SS", min(n_images, 32767))
    block.add_new(0xC8, "LO", f"ExamCard {ds.PatientID}")
    numbers = ds.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
    numbers.add_new(0x08, "FL", 0.0)
    numbers.add_new(0x0D, "FL", 0.0)
    numbers.add_new(0x0E, "FL", 0.0042)
    numbers.add_new(0x2B, "SS", 1)
    # Classic Philips exports nest a second copy of the study in a private sequence.
    copy = DicomDataset()
    copy.PatientName = ds.PatientName
    copy.PatientID = ds.PatientID
    copy.PatientBirthDate = ds.PatientBirthDate
    copy.StudyInstanceUID = ds.StudyInstanceUID
    copy.AccessionNumber = ds.AccessionNumber
    copy.InstitutionName = ds.InstitutionName
    deeper = DicomDataset()
    deeper.ReferringPhysicianName = ds.ReferringPhysicianName
    deeper.StudyDate = ds.StudyDate
    copy.ReferencedStudySequence = Sequence([_reference(ds.StudyInstanceUID)])
    nested = copy.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
    nested.add_new(0x0E, "SQ", Sequence([deeper]))
    outer = ds.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
    outer.add_new(0x02, "SQ", Sequence([copy]))


def _canon(
    ds: DicomDataset, made_by: Machine, modality: str, planted: Planted, n_images: int
) -> None:
    block = ds.private_block(0x7005, "TOSHIBA_MEC_CT3", create=True)
    block.add_new(0x07, "DS", ["0.0", "0.0"])
    block.add_new(0x09, "LO", "80")
    block.add_new(0x0B, "SH", "ORG")
    block.add_new(0x0D, "CS", "BODY")
    block.add_new(0x11, "LT", f"{ds.PatientName} {ds.PatientID} {ds.StudyDate}")
    block.add_new(0x16, "UI", planted.add("uid", uid("canon volume", ds.SeriesInstanceUID)))
    block.add_new(0x17, "US", min(n_images, 65535))
    block.add_new(0x1B, "SH", "FC08")
    block.add_new(0x30, "CS", modality)


def _hologic(
    ds: DicomDataset, made_by: Machine, modality: str, planted: Planted, n_images: int
) -> None:
    block = ds.private_block(0x0019, "HOLOGIC, Inc.", create=True)
    block.add_new(0x06, "LO", "24x29 PADDLE")
    block.add_new(0x07, "SH", "C")
    block.add_new(0x08, "LO", "24x29")
    block.add_new(0x26, "LO", made_by.serial)
    block.add_new(0x37, "LO", f"{ds.PatientID} {ds.StudyDate}")
    block.add_new(0x44, "IS", "4")
    more = ds.private_block(0x7E01, "HOLOGIC, Inc.", create=True)
    more.add_new(0x01, "LO", str(ds.InstitutionName))
    more.add_new(0x02, "LO", made_by.model)
    leak = f"<patient><name>{ds.PatientName}</name><id>{ds.PatientID}</id></patient>".encode()
    more.add_new(0x12, "OB", leak + b" " * (len(leak) % 2))


def _reference(study_uid: str) -> DicomDataset:
    item = DicomDataset()
    item.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"
    item.ReferencedSOPInstanceUID = study_uid
    return item
