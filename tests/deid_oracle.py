"""A second, slow implementation of the de-identification rules on pydicom, to hold the first to."""

from __future__ import annotations

from io import BytesIO

import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID

from tessera.adapters.files.rule_files import load_profile, rule_texts
from tessera.domain.deid import rules as r
from tessera.domain.deid import values
from tessera.domain.deid.engine import Rewriter
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.imaging.encoding import PIXEL_DATA, BytesSource, Source, read_file_meta

KEY = bytes(range(32))


def rules(profile: str = "research") -> r.RuleSet:
    return r.compile_rules(load_profile(profile), rule_texts())


def encoded(ds: Dataset, syntax: str = "1.2.840.10008.1.2.1") -> bytes:
    """Write a data set as a DICOM file in memory."""
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.file_meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2")
    ds.file_meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", "1.2.3")
    out = BytesIO()
    pydicom.dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()


def rewritten(
    data: bytes, rule_set: r.RuleSet, subject: str = "TES-AAAAAAAAAAAAAAAA"
) -> tuple[Dataset, bytes]:
    """De-identify a file in memory with the engine; return what pydicom reads of it, and bytes."""
    source: Source = BytesSource(data)
    meta = read_file_meta(source)
    pseudonymiser = Pseudonymiser(KEY, max_shift_days=rule_set.profile.max_shift_days)
    new = Rewriter(rule_set, pseudonymiser).rewrite(source, meta, subject, b"")  # type: ignore[arg-type]
    body = new.head
    if new.pixels:
        body += source.read(*new.pixels)
    whole = data[: meta.dataset_offset] + body
    return pydicom.dcmread(BytesIO(whole)), body


class Oracle:
    """What the rules say the output of one data set must be."""

    def __init__(self, rule_set: r.RuleSet, subject: str) -> None:
        self.rules = rule_set
        self.subject = subject
        self.pseudonymiser = Pseudonymiser(KEY, max_shift_days=rule_set.profile.max_shift_days)
        self.days = self.pseudonymiser.shift_days(subject)  # type: ignore[arg-type]

    def expected(self, ds: Dataset, depth: int = 0) -> dict[int, object]:
        """Return tag → raw bytes, or a list of such dicts for a sequence."""
        out: dict[int, object] = {}
        scheme = str(ds.get("CodingSchemeDesignator", "")).strip().encode()
        for element in ds:
            tag = int(element.tag)
            if not depth and tag > PIXEL_DATA:
                continue
            if element.tag.is_private:
                continue
            action = self.rules.actions.get(tag, r.REMOVE)
            if depth and tag in r.NESTED_SUBJECT:
                out[tag] = self._nested(element)
            elif action == r.REMOVE:
                continue
            elif action == r.DESCEND:
                out[tag] = [self.expected(item, depth + 1) for item in element.value or []]
            elif element.VR == "SQ":
                out[tag] = []
            else:
                out[tag] = self._value(element, action, scheme)
        return out

    def _nested(self, element: DataElement) -> bytes:
        if element.tag == 0x00100010 or not str(element.value or "").strip():
            return self.subject.encode()
        return self.pseudonymiser.pseudonym(str(element.value)).encode()

    def _value(self, element: DataElement, action: int, scheme: bytes) -> object:
        raw = raw_bytes(element)
        vr = element.VR.encode()
        if action == r.KEEP or (action == r.KEEP_BINARY):
            return raw
        if action == r.UID:
            parts = raw.decode().split("\\")
            return "\\".join(self.pseudonymiser.uid(p.strip(" \0")) for p in parts).encode()
        if action == r.SHIFT:
            return values.shifted(raw, self.days).strip(b" ")
        if action == r.EMPTY or not raw.strip(b" \0"):
            return b""
        if action == r.DUMMY:
            return values.dummy(vr).strip(b" ") if vr not in (b"OB", b"OW") else values.dummy(vr)
        if action == r.KEEP_CODE:
            return values.code_strings(raw).strip(b" ")
        if action == r.KEEP_NUMBER:
            return raw if values.fits(raw, vr) else b""
        if action == r.KEEP_TEXT:
            return raw if values.is_text(raw) else b""
        if action == r.CHARSET:
            return values.character_set(raw)
        if action == r.AGE:
            return values.capped_age(raw)
        if action == r.CODED:
            return raw if scheme in self.rules.schemes else b"REMOVED"
        if action == r.SCHEME:
            return raw if scheme in self.rules.schemes else b"99LOCAL"
        raise AssertionError(action)


def raw_bytes(element: DataElement) -> bytes:
    """Return an element's value as little-endian bytes, padding removed."""
    holder = Dataset()
    holder.add(element)
    out = BytesIO()
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, True
    write_dataset(buffer, holder)
    out.write(buffer.getvalue()[8:])
    return out.getvalue().strip(b" \0") if element.VR not in _BINARY else out.getvalue()


_BINARY = {"US", "SS", "UL", "SL", "FL", "FD", "AT", "OB", "OW", "OF", "OD", "OL", "UN", "UV", "SV"}


def found(ds: Dataset) -> dict[int, object]:
    """Return the same shape as `Oracle.expected` from a data set that was written."""
    out: dict[int, object] = {}
    for element in ds:
        if element.tag.is_private:
            continue
        if element.VR == "SQ":
            out[int(element.tag)] = [found(item) for item in element.value]
        else:
            out[int(element.tag)] = raw_bytes(element)
    return out
