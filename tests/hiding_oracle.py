"""A de-identifier that cheats: it reads the answer key. What it writes must score about 100.

It proves that the key asks for nothing impossible: no word has to go and stay at once, and every
path leads to an element of the source.
"""

import csv
import json
import warnings
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

_DAYS = 703
_TEXT = frozenset("AE LO LT PN SH ST UC UR UT".split())
_REGISTERED = "1.2.840.10008."


def read_key(path: Path) -> list[dict[str, Any]]:
    """The entries of a key, without its first line."""
    first, *rows = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(first)["tessera_answer_key"] == 1
    return [json.loads(row) for row in rows]


def new_uid(old: str) -> str:
    return "2.25." + str(int.from_bytes(sha256(old.encode()).digest()[:16], "big"))


def clean_all(corpus: Path, out: Path, mapping: Path) -> None:
    """Write an output for each entry of the key, and `uids.csv` and `patients.csv`."""
    uids: dict[str, str] = {}
    patients: dict[str, str] = {}
    for number, entry in enumerate(read_key(corpus / "key.jsonl")):
        cleaner = _Cleaner(entry, uids)
        patients[entry["patient_id"]] = cleaner.subject
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # private text that is longer than its VR allows
            cleaner.clean(corpus / entry["path"], out / f"{number:05d}.dcm")
    write_mapping(mapping, uids, patients)


def write_mapping(folder: Path, uids: dict[str, str], patients: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, pairs in (("uids", uids), ("patients", patients)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(("id_old", "id_new"))
            rows.writerows(pairs.items())


class _Cleaner:
    def __init__(self, entry: dict[str, Any], uids: dict[str, str]) -> None:
        self.entry = entry
        self.uids = uids
        self.subject = "ORACLE-" + sha256(entry["patient_id"].encode()).hexdigest()[:8].upper()
        self.asked: dict[str, dict[str, list[str]]] = {}
        for check in entry["checks"]:
            by_action = self.asked.setdefault(check["tag"], {})
            by_action.setdefault(check["action"], []).append(check["value"])
        self.unmet = set(self.asked) - {"", "preamble"}

    def clean(self, source: Path, target: Path) -> None:
        ds = pydicom.dcmread(source)
        self.unmet -= {f"<(0002,{element:04X})>" for element in (0x16, 0x102)}
        self._pixels(ds)
        self._walk(ds, "", top=True)
        if "EncapsulatedDocument" in ds:
            ds.EncapsulatedDocument = b"%PDF-1.4\n%%EOF\n\n"
            ds.EncapsulatedDocumentLength = 15
        self._provenance(ds)
        ds.SpecificCharacterSet = "ISO_IR 192"
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        clean = Dataset()
        for element in ds:
            clean.add(element)
        clean.file_meta = meta
        target.parent.mkdir(parents=True, exist_ok=True)
        clean.save_as(target, enforce_file_format=True)

    def _walk(self, ds: Dataset, above: str, *, top: bool = False) -> None:
        kept_blocks = set()
        for element, label in [(element, _label(ds, element)) for element in ds]:
            path = above + label
            asked = self.asked.get(path, {})
            self.unmet.discard(path)
            group = element.tag.group
            is_private = element.tag.is_private and element.tag.element > 0xFF
            is_kept = is_private and "tag_retained" in asked
            if is_kept:
                kept_blocks.add((group, element.tag.element >> 8))
            elif is_private or "tag_removed" in asked or _is_graphic(element):
                self.unmet -= {p for p in self.unmet if p.startswith(path)}
                del ds[element.tag]
            elif element.VR == "SQ":
                for number, item in enumerate(element.value):
                    self._walk(item, f"{path}[<{number:04d}>]")
            else:
                self._value(element, asked, top)
        for element in list(ds):
            tag = element.tag
            is_creator = tag.is_private and tag.element <= 0xFF
            if is_creator and (tag.group, tag.element) not in kept_blocks:
                del ds[tag]

    def _value(self, element: DataElement, asked: dict[str, list[str]], top: bool) -> None:
        if element.keyword == "PatientID" and top:
            element.value = self.subject
        elif element.VR == "UI":
            values = element.value if isinstance(element.value, list) else [element.value]
            for value in values:
                if value and not str(value).startswith(_REGISTERED):
                    self.uids[str(value)] = new_uid(str(value))
            new = [self.uids.get(str(value), str(value)) for value in values]
            element.value = new if len(new) > 1 else new[0]
        elif element.keyword in ("PatientBirthDate", "PatientBirthTime"):
            element.value = ""
        elif element.VR in ("DA", "DT") and element.value:
            element.value = shifted(str(element.value))
        elif element.VR in _TEXT and not {"text_removed", "date_shifted"}.isdisjoint(asked):
            element.value = " ".join(asked.get("text_retained", ())) or "REMOVED"

    def _pixels(self, ds: Dataset) -> None:
        if "PixelData" not in ds or ds.BitsAllocated == 1:
            return
        pixels = np.array(ds.pixel_array)
        pixels = pixels.astype(pixels.dtype.newbyteorder("<"))
        if ds.BitsAllocated == 16:
            pixels &= (1 << ds.BitsStored) - 1
        frames = pixels if "NumberOfFrames" in ds else pixels[np.newaxis]
        for box in self.entry["boxes"]:
            if not box["harmless"] and not box.get("bit"):
                x, y = box["x"], box["y"]
                frames[box["frame"], y : y + box["height"], x : x + box["width"]] = 0
        if ds.SamplesPerPixel == 3:
            ds.PhotometricInterpretation, ds.PlanarConfiguration = "RGB", 0
        raw = pixels.tobytes()
        ds.PixelData = raw + b"\0" * (len(raw) % 2)
        ds["PixelData"].VR = "OW"
        ds["PixelData"].is_undefined_length = False

    def _provenance(self, ds: Dataset) -> None:
        ds.PatientIdentityRemoved = "YES"
        ds.DeidentificationMethod = "Oracle"
        codes = []
        for value, meaning in (("113100", "Basic Profile"), ("113107", "Modified Dates")):
            code = Dataset()
            code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
            codes.append(code)
        ds.DeidentificationMethodCodeSequence = Sequence(codes)
        ds.LongitudinalTemporalInformationModified = "MODIFIED"
        for keyword in (
            "PatientIdentityRemoved",
            "DeidentificationMethodCodeSequence",
            "LongitudinalTemporalInformationModified",
        ):
            tag = ds[keyword].tag
            self.unmet.discard(f"<({tag.group:04X},{tag.element:04X})>")
        assert not self.unmet, f"{self.entry['path']}: no such elements {sorted(self.unmet)[:5]}"


def _is_graphic(element: DataElement) -> bool:
    """Curves, overlays, icons and padding."""
    group = element.tag.group
    is_plane = group in range(0x5000, 0x5020) or group in range(0x6000, 0x6020)
    return is_plane or group >= 0xFFFC or element.keyword == "IconImageSequence"


def shifted(value: str) -> str:
    day = date(int(value[:4]), int(value[4:6]), int(value[6:8])) - timedelta(days=_DAYS)
    return f"{day:%Y%m%d}{value[8:]}"


def _label(ds: Dataset, element: DataElement) -> str:
    tag = element.tag
    creator = None
    if tag.is_private and tag.element > 0xFF:
        creator = ds.get((tag.group, tag.element >> 8))
    if creator is not None:
        return (
            f'<({tag.group:04X},"{str(creator.value).strip().upper()}",{tag.element & 0xFF:02X})>'
        )
    return f"<({tag.group:04X},{tag.element:04X})>"
