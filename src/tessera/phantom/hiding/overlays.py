"""Overlays in groups 60xx and in unused bits of the pixels, curves, icons.

Sources: PS3.3 C.9.2, C.7.6.1.1.6; PS3.3-2004 C.10.2 (curves, retired).
"""

from dataclasses import replace

import numpy as np
from pydicom.dataset import Dataset as DicomDataset
from pydicom.sequence import Sequence

from tessera.phantom.hiding.burn import burn, ink_of
from tessera.phantom.hiding.draft import Draft
from tessera.phantom.hiding.key import Box


def add(draft: Draft, shape: tuple[int, ...]) -> None:
    """An overlay with the patient's name drawn in it, labelled with it too; and a curve."""
    ds, patient = draft.ds, draft.patient
    rows, columns = shape[:2]
    text = draft.identity("burned_in", f"{patient.romaji[0].upper()} {patient.patient_id}")
    size = max(10, min(16, int(230 / (0.62 * len(text)))))
    ink = ink_of((rows, columns), text, at=(10, 40), size=size)
    group = 0x6000 + 2 * (patient.number % 3)
    _plane(ds, group, rows, columns)
    packed = np.packbits(ink.ravel(), bitorder="little").tobytes()
    base = group << 16
    ds.add_new(base | 0x3000, "OW", packed + b"\0" * (len(packed) % 2))
    ds.add_new(base | 0x0100, "US", 1)
    ds.add_new(base | 0x0102, "US", 0)
    ds.add_new(base | 0x0022, "LO", draft.write.name_only().text)
    ds.add_new(base | 0x1500, "LO", draft.write.name_only().text)
    ds.add_new(base | 0x4000, "LT", draft.write.long(draft.earlier).text)
    draft.check("tag_removed", f"<({group:04X},3000)>", text, "pixels", "overlay")
    draft.check("tag_removed", f"<({group:04X},4000)>", "", "name", "overlay-comment")
    _curve(draft)


def in_high_bits(draft: Draft, frame: np.ndarray, bits: int) -> Box:
    """The same in the bits above those stored, as older devices did. Returns its box."""
    ds, patient = draft.ds, draft.patient
    rows, columns = frame.shape[:2]
    text = draft.identity("burned_in", f"{patient.romaji[1].upper()} {patient.romaji[0].upper()}")
    size = max(10, min(18, int(230 / (0.62 * len(text)))))
    box = burn(np.zeros((rows, columns), np.uint8), text, at=(6, 60), size=size, level=255.0)
    ink = ink_of((rows, columns), text, at=(6, 60), size=size)
    frame |= np.where(ink, 1 << bits, 0).astype(np.uint16)
    _plane(ds, 0x6000, rows, columns)
    ds.add_new(0x60000100, "US", 16)
    ds.add_new(0x60000102, "US", bits)
    draft.check("pixels_hidden", "<(7FE0,0010)>", text, "pixels", "overlay-high-bits")
    draft.check("tag_removed", "<(6000,0102)>", "", "pixels", "overlay-high-bits")
    return replace(box, bit=bits)


def icon(draft: Draft, frame: np.ndarray) -> None:
    """A small copy of the picture, its burned-in text with it, and a curve."""
    item = DicomDataset()
    small = frame[::3, ::3, 1]
    item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
    item.Rows, item.Columns = small.shape
    item.BitsAllocated, item.BitsStored, item.HighBit, item.PixelRepresentation = 8, 8, 7, 0
    raw = small.tobytes()
    item.PixelData = raw + b"\0" * (len(raw) % 2)
    item["PixelData"].VR = "OW"
    draft.ds.IconImageSequence = Sequence([item])
    draft.check("tag_removed", "<(0088,0200)>[<0000>]<(7FE0,0010)>", "", "pixels", "icon")


def _plane(ds: DicomDataset, group: int, rows: int, columns: int) -> None:
    base = group << 16
    ds.add_new(base | 0x0010, "US", rows)
    ds.add_new(base | 0x0011, "US", columns)
    ds.add_new(base | 0x0040, "CS", "G")
    ds.add_new(base | 0x0050, "SS", [1, 1])


def _curve(draft: Draft) -> None:
    """A retired curve of group 50xx with a name for its label."""
    ds = draft.ds
    ds.add_new(0x50000005, "US", 1)
    ds.add_new(0x50000010, "US", 4)
    ds.add_new(0x50000020, "CS", "TAC")
    ds.add_new(0x50000022, "LO", draft.write.name_only().text)
    ds.add_new(0x50000103, "US", 0)
    ds.add_new(0x50002500, "LO", draft.write.name_only().text)
    ds.add_new(0x50003000, "OW", np.arange(4, dtype="<u2").tobytes())
    draft.check("tag_removed", "<(5000,0022)>", "", "name", "curve")
