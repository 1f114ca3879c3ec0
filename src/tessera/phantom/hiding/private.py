"""Private elements: safe ones that must stay, the same numbers under foreign creators, and worse.

Source: PS3.5 section 7.8; the safe list is PS3.15 Table E.3.10-1.
"""

import struct

from pydicom.dataset import Dataset as DicomDataset
from pydicom.sequence import Sequence

from tessera.phantom.hiding.draft import Draft
from tessera.phantom.hiding.spellings import spoken
from tessera.phantom.streams import uid

_SIEMENS = "SIEMENS MR HEADER"


def plant(draft: Draft, turn: int) -> None:
    """One safe block and, in turn, one of the tricks."""
    safe(draft, block=(0x10, 0x11, 0x83)[turn % 3])
    _TRICKS[turn % len(_TRICKS)](draft)
    _TRICKS[(turn + draft.patient.number + 1) % len(_TRICKS)](draft)


def safe(draft: Draft, block: int) -> None:
    """The b value and gradient of a Siemens header, which must stay, in any block."""
    ds = draft.ds
    base = 0x00190000 | (block << 8)
    ds.add_new(0x00190000 | block, "LO", _SIEMENS)
    ds.add_new(base | 0x0C, "IS", "800")
    ds.add_new(base | 0x0E, "FD", [0.25, -0.5, 0.75])
    _stays(draft, 0x19, _SIEMENS, 0x0C, "800")
    _stays(draft, 0x19, _SIEMENS, 0x0E, "0.25\\-0.5\\0.75")


def _stays(draft: Draft, group: int, creator: str, low: int, value: str) -> None:
    path = f'<({group:04X},"{creator.upper()}",{low:02X})>'
    draft.check("tag_retained", path, value, "safe-private", "private-safe")


def _goes(draft: Draft, group: int, creator: str, low: int, place: str) -> None:
    path = f'<({group:04X},"{creator.upper()}",{low:02X})>'
    draft.check("tag_removed", path, "", "private", place)


def foreign_creator(draft: Draft) -> None:
    """(0019,xx0C) under another creator holds a name instead of a b value."""
    ds = draft.ds
    ds.add_new(0x00190042, "LO", "KLINIKUM LOCAL 1")
    ds.add_new(0x0019420C, "LO", draft.ds.PatientID)
    ds.add_new(0x0019420D, "PN", draft.ds.PatientName)
    _goes(draft, 0x19, "KLINIKUM LOCAL 1", 0x0C, "private-foreign-creator")
    _goes(draft, 0x19, "KLINIKUM LOCAL 1", 0x0D, "private-foreign-creator")


def nested(draft: Draft) -> None:
    """A private sequence with a private sequence inside, people in both."""
    inner = DicomDataset()
    inner.add_new(0x00290010, "LO", "ARCHIVE INNER")
    inner.add_new(0x00291001, "LT", _note(draft))
    inner.PatientName = draft.ds.PatientName
    outer = DicomDataset()
    outer.add_new(0x00290010, "LO", "ARCHIVE INNER")
    outer.add_new(0x00291002, "SQ", Sequence([inner]))
    outer.add_new(0x00291003, "UI", uid(draft.uid, "private"))
    outer.add_new(0x00291004, "DT", f"{draft.study.day:%Y%m%d}1201")
    ds = draft.ds
    ds.add_new(0x002B0010, "LO", "ARCHIVE OUTER")
    ds.add_new(0x002B1000, "SQ", Sequence([outer]))
    _goes(draft, 0x2B, "ARCHIVE OUTER", 0x00, "private-sequence")


def csa(draft: Draft) -> None:
    """A binary header as Siemens writes (SV10), with names and dates among its numbers."""
    note = _note(draft)
    fields = (
        ("PatientName", str(draft.ds.PatientName)),
        ("ReferringPhysician", str(draft.ds.ReferringPhysicianName)),
        ("B_value", "800"),
        ("Note", note),
    )
    raw = bytearray(b"SV10\4\3\2\1" + struct.pack("<II", len(fields), 77))
    for name, value in fields:
        data = value.encode("utf-8")
        data += b"\0" * (-len(data) % 4)
        raw += name.encode().ljust(64, b"\0") + struct.pack("<i4sIII", 1, b"LO\0\0", 0, 6, 77)
        raw += struct.pack("<IIII", len(data), len(data), 77, len(data)) + data
    ds = draft.ds
    ds.add_new(0x00290011, "LO", "SIEMENS CSA HEADER")
    ds.add_new(0x00291110, "OB", bytes(raw) + b"\0" * (len(raw) % 2))
    _goes(draft, 0x29, "SIEMENS CSA HEADER", 0x10, "private-binary")


def orphan(draft: Draft) -> None:
    """Elements of a block that nobody reserved."""
    ds = draft.ds
    ds.add_new(0x00311001, "LO", draft.patient.patient_id)
    ds.add_new(0x00311002, "LO", draft.ds.AccessionNumber)
    for low in (1, 2):
        draft.check("tag_removed", f"<(0031,100{low})>", "", "private", "private-without-creator")


def unknown_vr(draft: Draft) -> None:
    """UN elements: one with a name, one an encoded sequence of undefined content."""
    ds = draft.ds
    note = _note(draft).encode("utf-8")
    ds.add_new(0x00E10021, "LO", "ELSCINT1")
    ds.add_new(0x00E12140, "UN", note + b" " * (len(note) % 2))
    name = draft.patient.romaji[0].upper().encode()
    name += b" " * (len(name) % 2)
    item = struct.pack("<HHI", 0x0010, 0x0010, len(name)) + name
    ds.add_new(0x00E12141, "UN", struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item)
    for low in (0x40, 0x41):
        _goes(draft, 0xE1, "ELSCINT1", low, "private-un")


def creator_is_a_name(draft: Draft) -> None:
    """The block is reserved in the name of a person."""
    who = draft.patient.romaji[0].upper()[:40]
    ds = draft.ds
    ds.add_new(0x00550010, "LO", who)
    ds.add_new(0x00551001, "ST", _note(draft))
    draft.check("tag_removed", "<(0055,0010)>", "", "private", "private-creator-value")


def plant_philips_pet(draft: Draft) -> None:
    """The SUV factor, which must stay, and beside it a patient's name, which must not."""
    ds = draft.ds
    creator = "Philips PET Private Group"
    ds.add_new(0x70530010, "LO", creator)
    ds.add_new(0x70531000, "DS", "0.000417")
    ds.add_new(0x70531009, "DS", "3.21")
    ds.add_new(0x705310C5, "LO", draft.ds.PatientID)
    _stays(draft, 0x7053, creator, 0x00, "0.000417")
    _stays(draft, 0x7053, creator, 0x09, "3.21")
    _goes(draft, 0x7053, creator, 0xC5, "private-beside-safe")


def _note(draft: Draft) -> str:
    patient = draft.patient
    who = draft.identity(
        "physician", spoken(str(draft.ds.ReferringPhysicianName), patient.language)
    )
    return f"{patient.romaji[1]} {patient.romaji[0]} {patient.patient_id} / {who}"


_TRICKS = (foreign_creator, nested, csa, orphan, unknown_vr, creator_is_a_name)
