"""One instance while it is made: its data set, and what must become of each value."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

from tests.second_corpus.people import Name, Person, telling
from tests.second_corpus.wording import Wording


@dataclass
class Study:
    """What the instances of one study share."""

    uid: str
    day: date
    prior: date
    time: str
    accession: str
    frame_uid: str


def path(keyword: str, above: str = "") -> str:
    """Return the path of an element in the key's form."""
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return f"{above}<({tag >> 16:04X},{tag & 0xFFFF:04X})>"


def item(sequence: str, number: int = 0) -> str:
    return f"{sequence}[<{number:04d}>]"


@dataclass
class Instance:
    """A data set with the key's entry for it."""

    person: Person
    study: Study
    series_uid: str
    uid: str
    rng: Random
    wording: Wording
    ds: Dataset = field(default_factory=Dataset)
    meta: FileMetaDataset = field(default_factory=FileMetaDataset)
    preamble: bytes = bytes(128)
    checks: list[dict[str, str]] = field(default_factory=list)
    identities: dict[tuple[str, str], None] = field(default_factory=dict)
    boxes: list[dict[str, Any]] = field(default_factory=list)
    file_name: str = ""
    syntax: str = "1.2.840.10008.1.2.1"

    @property
    def lang(self) -> str:
        return self.person.lang

    def check(self, action: str, tag: str, value: str, category: str, place: str) -> None:
        one = {
            "action": action, "tag": tag, "value": value, "category": category,
            "language": self.lang, "place": place,
        }  # fmt: skip
        if one not in self.checks:
            self.checks.append(one)

    def knows(self, kind: str, value: str) -> None:
        if value:
            self.identities[(kind, value)] = None

    def names(self, kind: str, name: Name) -> None:
        self.knows(kind, telling(f"{name.last} {name.first}"))
        if name.latin:
            self.knows(kind, name.latin)

    def identity(
        self, ds: Dataset, keyword: str, value: Any, gone: str, kind: str,
        above: str = "", place: str = "header",
    ) -> None:  # fmt: skip
        """Set an element that identifies; `gone` must not be in it afterwards."""
        setattr(ds, keyword, value)
        self.check("text_removed", path(keyword, above), gone, kind, place)

    def text(self, ds: Dataset, keyword: str, above: str = "", place: str = "free-text",
             n: int = 1, only_gone: bool = False, eponym: bool = False) -> None:  # fmt: skip
        """Set an element to sentences of the person's language."""
        said = [self.wording.sentence(self, eponym=eponym) for _ in range(n)]
        joiner = "" if self.lang == "ja" else " "
        setattr(ds, keyword, joiner.join(one.text for one in said))
        self.judge_text(said, path(keyword, above), place, only_gone)

    def descriptor(self, ds: Dataset, keyword: str, above: str = "") -> None:
        limit = 16 if keyword in ("RTPlanLabel", "StructureSetLabel") else 64
        said = self.wording.descriptor(self, limit)
        setattr(ds, keyword, said.text)
        self.judge_text([said], path(keyword, above), "descriptor")

    def judge_text(self, said: list[Any], tag: str, place: str, only_gone: bool = False) -> None:
        for one in said:
            for action, value, kind in one.checks:
                if action == "text_retained" and only_gone:
                    continue
                self.check(action, tag, value, kind, place)
            for kind, value in one.identities:
                self.knows(kind, value)

    def date(self, ds: Dataset, keyword: str, value: str, above: str = "",
             place: str = "date") -> None:  # fmt: skip
        setattr(ds, keyword, value)
        self.check("date_shifted", path(keyword, above), value, "date", place)

    def set_uid(self, ds: Dataset, keyword: str, value: str, above: str = "",
                place: str = "uid", resolves: bool = False) -> None:  # fmt: skip
        setattr(ds, keyword, value)
        tag = path(keyword, above)
        self.check("uid_changed", tag, value, "uid", place)
        self.check("uid_consistent", tag, value, "uid", place)
        if resolves:
            self.check("reference_resolves", tag, value, "reference", place)

    def kept_uid(self, ds: Dataset, keyword: str, value: str, above: str = "") -> None:
        setattr(ds, keyword, value)
        self.check("uid_kept", path(keyword, above), value, "well-known-uid", "uid")

    def keep(self, ds: Dataset, keyword: str, value: Any, above: str = "",
             words: str = "") -> None:  # fmt: skip
        """Set an element that must stay, and its words when given."""
        setattr(ds, keyword, value)
        tag = path(keyword, above)
        self.check("tag_retained", tag, "", "technical", "header")
        if words:
            self.check("text_retained", tag, words, "technical", "header")

    def need(self, ds: Dataset, keyword: str, value: Any, above: str = "") -> None:
        setattr(ds, keyword, value)
        self.check("text_notnull", path(keyword, above), "", "type-1", "header")

    def private(self, group: int, creator: str, low: int, vr: str, value: Any) -> str:
        """Set a private element; return its path."""
        self.ds.private_block(group, creator, create=True).add_new(low, vr, value)
        return f'<({group:04X},"{creator.upper()}",{low:02X})>'

    def person_name(self, name: Name) -> str:
        """Return a name as a header of this person's character set holds it."""
        plain = f"{name.last}^{name.first}"
        if self.lang == "ja":
            return f"{name.latin}={plain}" + (f"={name.kana}" if name.kana else "")
        return plain

    def days(self, n: int, of: date | None = None) -> str:
        return ((of or self.study.day) + timedelta(days=n)).strftime("%Y%m%d")

    def moment(self, seconds: int) -> str:
        start = datetime.strptime(f"{self.study.day:%Y%m%d}{self.study.time}", "%Y%m%d%H%M%S")  # noqa: DTZ007
        return (start + timedelta(seconds=seconds)).strftime("%Y%m%d%H%M%S")

    def entry(self, relative: str) -> dict[str, Any]:
        return {
            "path": relative,
            "sop_instance_uid": self.uid,
            "series_instance_uid": self.series_uid,
            "study_instance_uid": self.study.uid,
            "patient_id": str(self.ds.PatientID),
            "checks": self.checks,
            "identities": [{"kind": k, "value": v} for k, v in self.identities],
            "boxes": self.boxes,
        }

    def file(self) -> FileDataset:
        self.meta.MediaStorageSOPClassUID = self.ds.SOPClassUID
        self.meta.MediaStorageSOPInstanceUID = self.uid
        self.meta.TransferSyntaxUID = self.syntax
        if "ImplementationClassUID" not in self.meta:
            self.meta.ImplementationClassUID = "1.2.826.0.1.3680043.9.7133.2"
        return FileDataset("", self.ds, file_meta=self.meta, preamble=self.preamble)
