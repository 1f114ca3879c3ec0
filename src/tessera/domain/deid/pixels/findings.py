"""What was found in an instance's pixels, and what is to become of it. Pure."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from tessera.domain.zones import Identified

Action = Literal["blank", "keep", "unsure"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of a frame: left edge, upper edge, size; pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def area(self) -> int:
        return self.width * self.height

    def grown(self, margin: int, rows: int, columns: int) -> "Box":
        """Return the box with a margin on each side, cut at the edges of the frame."""
        left, top = max(0, self.x - margin), max(0, self.y - margin)
        right = min(columns, self.x + self.width + margin)
        bottom = min(rows, self.y + self.height + margin)
        return Box(left, top, max(0, right - left), max(0, bottom - top))

    def shared(self, other: "Box") -> int:
        """Return the area that lies in both, square pixels."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return width * height if width > 0 and height > 0 else 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of text at one place, over a range of frames."""

    first: int
    """First frame, from 0."""
    last: int
    """Last frame, inclusive."""
    box: Box
    text: Identified[str]
    """As it was read; may be wrong."""
    score: float
    """How sure the reader is, 0 to 1."""
    action: Action
    reason: str
    """A code without any value: names-somebody, identifier, date, time, place, contact,
    unknown-words, unreadable, other-script, harmless-mark, known-words, decided, left-over,
    large-area."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A small picture for the person who decides."""

    frame: int
    png: Identified[bytes]
    scale: float
    """Pixels of the picture per pixel of the frame."""
    after: bool
    """False: as it came. True: with everything that is proposed blanked."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about a place, now or earlier for the same layout."""

    box: Box
    blank: bool
    first: int = 0
    last: int | None = None
    """None: up to the last frame."""

    def covers(self, finding: Finding) -> bool:
        """True when the decision is about at least half of the finding, in all its frames."""
        last = finding.last if self.last is None else self.last
        return (
            self.first <= finding.first
            and finding.last <= last
            and 2 * self.box.shared(finding.box) >= finding.box.area
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """What pictures of one device with one arrangement of text share. Names nobody."""

    manufacturer: str
    model: str
    software: str
    modality: str
    sop_class_uid: str
    rows: int
    columns: int
    photometric: str

    @property
    def key(self) -> str:
        """Return 32 hexadecimal digits under which decisions are remembered."""
        parts = (
            *(self.manufacturer, self.model, self.software, self.modality, self.sop_class_uid),
            *(str(self.rows), str(self.columns), self.photometric),
        )
        return sha256("\0".join(" ".join(p.split()).upper() for p in parts).encode()).hexdigest()[
            :32
        ]
