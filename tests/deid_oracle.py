"""A second, slow implementation of the de-identification rules on pydicom, to hold the first to."""

from __future__ import annotations

import re
from io import BytesIO

import pydicom
from pydicom.charset import encode_string
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID

from tessera.adapters.files.rule_files import load_profile, rule_texts, vocabulary
from tessera.domain.deid import rules as r
from tessera.domain.deid import structured, values
from tessera.domain.deid.element_values import DEFINED_TERMS
from tessera.domain.deid.engine import Rewriter
from tessera.domain.deid.harvest import Harvester, identities
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.deid.setting import Who
from tessera.domain.deid.split import Split, split
from tessera.domain.deid.text.cleaner import TextCleaner
from tessera.domain.deid.text.patterns import find_patterns
from tessera.domain.deid.text_values import TextValues
from tessera.domain.ids import Pseudonym
from tessera.domain.imaging.encoding import (
    IMPLICIT_LE,
    PIXEL_DATA,
    BytesSource,
    FileMeta,
    Source,
    read_file_meta,
)
from tessera.domain.imaging.pixels import pixel_extent

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


def rewriter(rule_set: r.RuleSet) -> Rewriter:
    pseudonymiser = Pseudonymiser(KEY, max_shift_days=rule_set.profile.max_shift_days)
    return Rewriter(rule_set, pseudonymiser, vocabulary())


def who(found: Split, meta: FileMeta, subject: str) -> Who:
    """Return what decides the rewriting of an instance: what it says of people, and its class."""
    explicit = meta.transfer_syntax_uid != IMPLICIT_LE
    first = {tag: raw[start:] for tag, _, start, raw in found.units}
    charset = first.get(0x00080005, b"")
    said = Harvester().said(found.units, charset, explicit=explicit)
    sop_class = first.get(0x00080016, b"").strip(b"\0 ").decode("latin-1")
    return Who(Pseudonym(subject), charset, sop_class, identities(said), explicit)


def split_of(data: bytes, rule_set: r.RuleSet) -> tuple[Source, FileMeta, Split]:
    source: Source = BytesSource(data)
    meta = read_file_meta(source)
    removed = frozenset(tag for tag, action in rule_set.actions.items() if action == r.REMOVE)
    return source, meta, split(source, meta, removed, rule_set.private)


def who_of(data: bytes, rule_set: r.RuleSet, subject: str) -> Who:
    _, meta, found = split_of(data, rule_set)
    return who(found, meta, subject)


def rewritten(
    data: bytes,
    rule_set: r.RuleSet,
    subject: str = "TES-AAAAAAAAAAAAAAAA",
    engine: Rewriter | None = None,
) -> tuple[Dataset, bytes]:
    """De-identify a file in memory with the engine; return what pydicom reads of it, and bytes."""
    source, meta, found = split_of(data, rule_set)
    engine = engine or rewriter(rule_set)
    parts = engine.rewrite(found, engine.setting(who(found, meta, subject)))
    body = b"".join(part.new for part in parts)
    if found.pixels_at:
        explicit = meta.transfer_syntax_uid != IMPLICIT_LE
        body += source.read(*pixel_extent(source, found.pixels_at, explicit=explicit)[0])
    whole = data[: meta.dataset_offset] + body
    return pydicom.dcmread(BytesIO(whole)), body


class Oracle:
    """What the rules say the output of one data set must be."""

    def __init__(self, rule_set: r.RuleSet, who: Who) -> None:
        self.rules = rule_set
        self.who = who
        self.actions = rule_set.actions_for(who.sop_class)
        self.required = rule_set.required_for(who.sop_class)
        self.pseudonymiser = Pseudonymiser(KEY, max_shift_days=rule_set.profile.max_shift_days)
        self.days = self.pseudonymiser.shift_days(who.subject)
        self.cleaner = TextCleaner(vocabulary(), who.people, days=self.days)
        self.texts = TextValues(lambda: self.cleaner, who.people)

    def expected(self, ds: Dataset, depth: int = 0) -> dict[int, object]:
        """Return tag → raw bytes, or a list of such dicts for a sequence."""
        out: dict[int, object] = {}
        scheme = str(ds.get("CodingSchemeDesignator", "")).strip().encode()
        concepts = ds.get("ConceptNameCodeSequence") or [Dataset()]
        personal = depth and str(concepts[0].get("CodeValue", "")).encode() in structured.PERSONAL
        for element in ds:
            tag = int(element.tag)
            if not depth and tag > PIXEL_DATA:
                continue
            if element.tag.is_private:
                continue
            action = self.actions.get(tag, r.REMOVE)
            if personal and tag in structured.VALUES:
                action = r.DUMMY
            if depth and tag in r.NESTED_SUBJECT:
                out[tag] = self._nested(element)
            elif action == r.REMOVE:
                continue
            elif action == r.DESCEND:
                out[tag] = [self.expected(item, depth + 1) for item in element.value or []]
            elif element.VR == "SQ":
                out[tag] = []
            else:
                charset = ds.original_character_set
                out[tag] = self._value_or_dummy(element, action, scheme, charset)
        return out

    def _nested(self, element: DataElement) -> bytes:
        if element.tag == 0x00100010 or not str(element.value or "").strip():
            return self.who.subject.encode()
        return self.pseudonymiser.pseudonym(str(element.value)).encode()

    def _value_or_dummy(
        self, element: DataElement, action: int, scheme: bytes, charset: object
    ) -> object:
        new = self._value(element, action, scheme, charset)
        raw, vr = raw_bytes(element), element.VR.encode()
        may_be_empty = action in (r.EMPTY, r.CHARSET) or element.tag not in self.required
        if not new and raw.strip(b" \0") and not may_be_empty:
            return values.dummy(vr).strip(b" \0") if element.VR not in _BINARY else values.dummy(vr)
        return new

    def _value(self, element: DataElement, action: int, scheme: bytes, charset: object) -> object:
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
        if action == r.DUMMY or (action == r.CLEAN and vr == b"PN"):
            return values.dummy(vr).strip(b" ") if vr not in (b"OB", b"OW") else values.dummy(vr)
        if action == r.KEEP_CODE:
            if self.texts.is_identifier(raw, names=element.tag not in DEFINED_TERMS):
                return values.dummy(vr).strip(b" ")
            return values.code_strings(raw).strip(b" ")
        if action == r.KEEP_NUMBER:
            known = vr in (b"DS", b"IS") and self.texts.is_identifier(raw)
            return raw if values.fits(raw, vr) and not known else b""
        if action == r.CHARSET:
            return values.character_set(raw)
        if action == r.AGE:
            return values.capped_age(raw)
        if action == r.SCHEME:
            return raw if scheme in self.rules.schemes else b"99LOCAL"
        if not values.is_text(raw):
            return b"REMOVED" if action == r.CODED else b""
        if action == r.CLEAN:
            return self._text(element, charset, strict=True)
        if action == r.KEEP_TEXT:
            return self._text(element, charset, strict=bool(re.search(rb"\d{7}", raw)))
        if action == r.CODED:
            if scheme in self.rules.schemes:
                return self._text(element, charset, strict=False) or b"REMOVED"
            if self.rules.profile.has("clean-descriptors"):
                return self._text(element, charset, strict=True) or b"REMOVED"
            return b"REMOVED"
        raise AssertionError(action)

    def _names(self, kind: str, run: str) -> bool:
        """Whether what the cleaner took out names a person also in a device's own value."""
        plain = run.encode("latin-1", "replace")
        if kind in ("name", "date", "place") or self.texts.is_identifier(plain):
            return True
        weak = ("url", "ip-address", "long-digits", "announced-number")
        kinds = {f.kind for f in find_patterns(run) if f.name not in weak}
        return bool(kinds & {"identifier", "contact"})

    def _text(self, element: DataElement, charset: object, *, strict: bool) -> bytes:
        is_many = element.VM > 1
        old = [str(v) for v in element.value] if is_many else [str(element.value)]
        done = [self.cleaner.clean(text) for text in old]
        new = [
            one.text
            if strict or any(self._names(x.kind, text[x.start : x.end]) for x in one.removed)
            else text
            for one, text in zip(done, old, strict=True)
        ]
        if new == old:
            return raw_bytes(element)
        if not any(new):
            return b""
        names = [charset] if isinstance(charset, str) else list(charset or [""])  # type: ignore[call-overload]
        return encode_string("\\".join(new), names).strip(b" \0")


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
