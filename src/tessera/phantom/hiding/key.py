"""The answer key: what must have become of each planted value. One JSON line per instance.

The first line says what the file is. `tag` is a path: `<(0040,0275)>[<0000>]<(0040,0007)>`;
private elements name their creator: `<(0019,"SIEMENS MR HEADER",0C)>`.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold of the output of one instance."""

    action: str
    tag: str
    value: str
    category: str
    language: str
    place: str
    """The hiding place, in a word: nested, unlisted, private-foreign-creator ..."""


@dataclass(frozen=True, slots=True)
class Box:
    """Text in the pixels. Frame from 0; x, y, width and height in pixels, x to the right."""

    frame: int
    x: int
    y: int
    width: int
    height: int
    text: str
    harmless: bool
    sha256: str = ""
    """Digest of the box's decoded pixels in the source: the same again: nothing was done."""
    bit: int = 0
    """Above 0: the text is in this bit of the pixels, above those stored, and seen in no window."""

    def as_row(self) -> dict[str, object]:
        """What the key says of it; what is empty is left out."""
        row = asdict(self)
        for name in ("sha256", "bit"):
            if not row[name]:
                del row[name]
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Everything the key says of one instance. `path` is relative to the images' folder."""

    path: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    patient_id: str
    checks: tuple[Check, ...]
    identities: tuple[tuple[str, str], ...]
    boxes: tuple[Box, ...] = field(default=())

    def as_json(self) -> str:
        row: dict[str, object] = {
            "path": self.path,
            "sop_instance_uid": self.sop_instance_uid,
            "series_instance_uid": self.series_instance_uid,
            "study_instance_uid": self.study_instance_uid,
            "patient_id": self.patient_id,
            "checks": [
                {
                    "action": check.action,
                    "tag": check.tag,
                    "value": check.value,
                    "category": check.category,
                    "language": check.language,
                    "place": check.place,
                }
                for check in self.checks
            ],
            "identities": [{"kind": kind, "value": value} for kind, value in self.identities],
            "boxes": [box.as_row() for box in self.boxes],
        }
        return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def write_key(path: Path, seed: int, entries: Iterable[Entry]) -> int:
    """Write the key; return how many checks it holds."""
    n_checks = 0
    with path.open("w", encoding="utf-8", newline="\n") as out:
        first = {"tessera_answer_key": 1, "made_by": "tessera phantom", "seed": seed}
        out.write(json.dumps(first) + "\n")
        for entry in entries:
            out.write(entry.as_json() + "\n")
            n_checks += len(entry.checks)
    return n_checks
