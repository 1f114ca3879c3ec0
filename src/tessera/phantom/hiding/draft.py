"""One instance in the making: its data set, what was planted in it, and the key that follows.

Whoever plants a text says what must go and what must stay; the paths, and the checks that hold
for every element of a kind (dates, UIDs, names), are found by walking the finished data set.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset as DicomDataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag

from tessera.domain.evaluation.pixel_digest import digest_box, digest_outside
from tessera.phantom.hiding.key import Box, Check, Entry
from tessera.phantom.hiding.people import Patient
from tessera.phantom.hiding.texts import Text, Writer
from tessera.phantom.streams import stream, uid

REGISTERED = "1.2.840.10008."
_TEXT = frozenset("AE LO LT PN SH ST UC UR UT".split())
_SHIFTED = frozenset(("DA", "DT"))
_BIRTH = Tag("PatientBirthDate")
_RETAINED = (
    "Modality Manufacturer ManufacturerModelName ImageType PatientSex PatientWeight PatientSize "
    "BodyPartExamined SliceThickness KVP RepetitionTime EchoTime MagneticFieldStrength "
    "PixelSpacing ImageOrientationPatient ImagePositionPatient InstanceNumber SeriesNumber "
    "Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation SamplesPerPixel "
    "RescaleSlope RescaleIntercept Units DecayCorrection ViewPosition ImageLaterality "
    "NumberOfFrames SeriesTime AcquisitionTime AcquisitionNumber ConvolutionKernel "
    "ScanningSequence SequenceVariant PatientPosition SegmentationType FrameReferenceTime"
).split()
_NOT_NULL = (
    "SOPClassUID StudyInstanceUID SeriesInstanceUID SOPInstanceUID Modality ConversionType "
    "FrameOfReferenceUID StructureSetLabel ContentLabel ContentSequence PresentationCreationDate "
    "CompletionFlag VerificationFlag ContentDate ContentTime DocumentTitle AcquisitionDateTime"
).split()


@dataclass(slots=True)
class Study:
    """One study of a patient: what its series share."""

    patient: Patient
    number: int
    """From 0."""
    day: date
    seed: int

    @property
    def uid(self) -> str:
        return uid(self.seed, "hiding study", self.patient.number, self.number)

    @property
    def accession(self) -> str:
        return f"{self.patient.country.country}{self.patient.number:03d}{71040 + 13 * self.number}"

    @property
    def frame_of_reference(self) -> str:
        return uid(self.uid, "frame of reference")


@dataclass(slots=True)
class Draft:
    """An instance while it is written. `name` tells it from the others of its study."""

    study: Study
    name: str
    series: str
    ds: DicomDataset = field(default_factory=DicomDataset)
    syntax: str = "1.2.840.10008.1.2.1"
    boxes: list[Box] = field(default_factory=list)
    meta: dict[str, object] = field(default_factory=dict)
    drawn: np.ndarray | None = None
    """The frames as drawn: what a lossless code decodes to."""
    preamble: bytes = b""
    tail: bytes = b""
    """Bytes after the end of the (deflated) data set."""
    group_lengths: bool = False
    undefined_lengths: bool = False
    _planted: dict[tuple[int, int], tuple[Text, str]] = field(default_factory=dict)
    _items: list[DicomDataset] = field(default_factory=list)
    _checks: list[Check] = field(default_factory=list)
    _identities: dict[tuple[str, str], None] = field(default_factory=dict)

    @property
    def patient(self) -> Patient:
        return self.study.patient

    @property
    def uid(self) -> str:
        return uid(self.study.uid, self.series, self.name)

    @property
    def series_uid(self) -> str:
        return uid(self.study.uid, "series", self.series)

    @property
    def rng(self) -> np.random.Generator:
        return stream(self.uid, "texts", len(self._planted))

    @property
    def write(self) -> Writer:
        """A writer of texts, with randomness of its own for each text."""
        return Writer(self.rng, self.patient)

    @property
    def earlier(self) -> date:
        """A day that texts refer to: some weeks before the study."""
        return self.study.day - timedelta(days=17 + 7 * self.study.number + self.patient.number)

    def identity(self, kind: str, value: str) -> str:
        """Remember `value` as an identity that stands in this instance, and hand it back."""
        if value:
            self._identities[(kind, value)] = None
        return value

    def put(self, where: DicomDataset, keyword: str, text: Text, place: str) -> None:
        """Set an attribute to a text, and remember what must go from it and what must stay."""
        setattr(where, keyword, text.text)
        self.planted(where, int(Tag(keyword)), text, place)

    def planted(self, where: DicomDataset, tag: int, text: Text, place: str) -> None:
        """Remember what must become of the element `tag` of `where`, set by the caller."""
        self._planted[(id(where), tag)] = (text, place)
        self._items.append(where)
        for kind, value in text.removed:
            self.identity(kind, value)

    def check(self, action: str, tag: str, value: str, category: str, place: str) -> None:
        """Add a check that does not follow from one element of the data set."""
        self._checks.append(Check(action, tag, value, category, self.patient.language, place))

    def interval(self, tag: str, other: str, seconds: int, place: str) -> None:
        """The time from `tag` to `other` must stay. Dates, date times, or `date+time` paths."""
        self.check("interval_kept", tag, f"{other}||{seconds}", "interval", place)

    def seen(self, pixels: np.ndarray) -> None:
        """Take digests of the pixels, decoded from the finished file: (frame, row, column ...)."""
        bits, samples = self.ds.BitsStored, self.ds.SamplesPerPixel
        digest = digest_outside(pixels, self.boxes, bits, samples)
        self.check("pixels_retained", "<(7FE0,0010)>", digest, "pixels", "image")
        self.boxes = [
            box if box.bit else replace(box, sha256=digest_box(pixels, box, bits, samples))
            for box in self.boxes
        ]

    def finish(self, path: str) -> Entry:
        """The key's entry, once the data set is complete. `path` is relative to the images."""
        self._walk(self.ds, "", 0)
        self._whole()
        return Entry(
            path=path,
            sop_instance_uid=self.uid,
            series_instance_uid=self.series_uid,
            study_instance_uid=self.study.uid,
            patient_id=self.patient.patient_id,
            checks=tuple(dict.fromkeys(self._checks)),
            identities=tuple(self._identities),
            boxes=tuple(self.boxes),
        )

    def _walk(self, ds: DicomDataset, above: str, depth: int) -> None:
        for element in ds:
            path = above + label(ds, element)
            if element.VR == "SQ":
                for number, item in enumerate(element.value):
                    self._walk(item, f"{path}[<{number:04d}>]", depth + 1)
                continue
            planted = self._planted.get((id(ds), int(element.tag)))
            place = planted[1] if planted else _place(element, depth)
            if planted:
                self._kept(planted[0], path, place)
            for value in values_of(element):
                self._judge(element, value, path, place)

    def _kept(self, text: Text, path: str, place: str) -> None:
        for words in text.kept:
            self.check("text_retained", path, words, "clinical-text", place)
        for day in text.days:
            self.check("date_shifted", path, day, "date-in-text", place)

    def _judge(self, element: DataElement, value: str, path: str, place: str) -> None:
        """Add the checks that follow from the kind of element."""
        if element.VR == "UI":
            if not value.startswith(REGISTERED):
                self.check("uid_changed", path, value, "uid", place)
            elif element.keyword == "FrameOfReferenceUID":
                self.check("uid_kept", path, value, "uid", "well-known-uid")
        elif element.tag == _BIRTH:
            self.check("text_removed", path, value, "birth_date", place)
        elif element.VR in _SHIFTED:
            self.check("date_shifted", path, value, "date", place)
        elif element.VR in _TEXT:
            for kind, identity in self._standing_in(value):
                self.check("text_removed", path, identity, kind, place)

    def _standing_in(self, value: str) -> Iterable[tuple[str, str]]:
        """The identities in a text; of those that overlap, the longest."""
        covered: list[tuple[int, int]] = []
        for kind, identity in sorted(self._identities, key=lambda i: (-len(i[1]), i)):
            start = value.find(identity)
            end = start + len(identity)
            if start < 0 or any(a <= start and end <= b for a, b in covered):
                continue
            covered.append((start, end))
            yield kind, identity

    def _whole(self) -> None:
        """What must hold of every instance."""
        for keyword in _RETAINED:
            if self.ds.get(keyword) not in (None, ""):
                self.check(
                    "tag_retained",
                    tag_label(keyword),
                    text_of(self.ds, keyword),
                    "technical",
                    "header",
                )
        for keyword in _NOT_NULL:
            if self.ds.get(keyword) not in (None, ""):
                self.check("text_notnull", tag_label(keyword), "", "type-1", "header")
        for keyword in (
            "SOPInstanceUID",
            "SeriesInstanceUID",
            "StudyInstanceUID",
            "FrameOfReferenceUID",
        ):
            value = str(self.ds.get(keyword, REGISTERED))
            if not value.startswith(REGISTERED):
                self.check("uid_consistent", tag_label(keyword), value, "uid", "header")
        self.check(
            "patid_consistent", tag_label("PatientID"), self.patient.patient_id, "id", "header"
        )
        self.check("no_identity_anywhere", "", "", "all", "file")
        self.check("path_clean", "", "", "all", "path")
        self.check("dicom_valid", "", "", "validity", "file")
        for keyword in (
            "PatientIdentityRemoved",
            "DeidentificationMethodCodeSequence",
            "LongitudinalTemporalInformationModified",
        ):
            self.check("provenance_true", tag_label(keyword), "", "provenance", "header")


def label(ds: DicomDataset, element: DataElement) -> str:
    """`<(0008,1030)>`, or `<(0019,"SIEMENS MR HEADER",0C)>` for a private element."""
    tag = element.tag
    if not tag.is_private or tag.element < 0x1000:
        return f"<({tag.group:04X},{tag.element:04X})>"
    block = Tag(tag.group, tag.element >> 8)
    if block not in ds:
        return f"<({tag.group:04X},{tag.element:04X})>"
    name = str(ds[block].value).strip().upper()
    return f'<({tag.group:04X},"{name}",{tag.element & 0xFF:02X})>'


def tag_label(keyword: str) -> str:
    """`<(gggg,eeee)>` of an attribute at the top."""
    tag = Tag(keyword)
    return f"<({tag.group:04X},{tag.element:04X})>"


def text_of(ds: DicomDataset, keyword: str) -> str:
    """The values of an attribute as the file has them, joined by backslash."""
    return "\\".join(values_of(ds[keyword]))


def values_of(element: DataElement) -> list[str]:
    """The values of an element as text; none for binary ones."""
    value = element.value
    if value is None or isinstance(value, bytes | bytearray):
        return []
    many = list(value) if isinstance(value, MultiValue | list) else [value]
    return [text for text in map(_as_written, many) if text]


def _as_written(value: object) -> str:
    written = getattr(value, "original_string", "")  # bytes for a PersonName
    return written if isinstance(written, str) and written else str(value)


def _place(element: DataElement, depth: int) -> str:
    if element.tag.is_private:
        return "private"
    if depth > 1:
        return f"nested-{depth}"
    return "nested" if depth else "header"
