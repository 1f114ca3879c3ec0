"""Which instances can have text in their pixels, and where it stands first of all. Pure.

What is said here makes the search finer; it never ends it. The header's own
BurnedInAnnotation is no evidence and is not asked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tessera.domain.deid.pixels.findings import Box
from tessera.domain.deid.rules import table_rows
from tessera.domain.imaging.header import Header

ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
ENCAPSULATED_CDA = "1.2.840.10008.5.1.4.1.1.104.2"
VIDEO_SYNTAXES = "1.2.840.10008.1.2.4.10"
"""MPEG-2, MPEG-4 and HEVC: all transfer syntaxes of this root (PS3.6 Annex A)."""
_SCREENS = frozenset("SC OT DOC XC ES GM OP SMR ECG EPS HD BMD US".split())
PLACE_TAGS = frozenset(
    (0x00080008, 0x00080016, 0x00080060, 0x00080064, 0x00080070, 0x00081090, 0x00480010)
)
SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
"""VL Whole Slide Microscopy Image Storage."""
PROBED_TILES = 64
"""Tiles of a slide's volume that are read, spread over the whole of it."""


@dataclass(frozen=True, slots=True)
class Band:
    """A part of the frame in which devices of a kind write; fractions of its size."""

    modality: str
    manufacturer: str
    model: str
    left: float
    top: float
    right: float
    bottom: float

    def fits(self, modality: str, manufacturer: str, model: str) -> bool:
        """True for a device of this kind; empty fields of the band fit all."""
        return (
            self.modality == modality
            and self.manufacturer in manufacturer.upper()
            and self.model in model.upper()
        )

    def box(self, rows: int, columns: int) -> Box:
        """Return the band in pixels of a frame."""
        left, top = int(self.left * columns), int(self.top * rows)
        return Box(left, top, int(self.right * columns) - left, int(self.bottom * rows) - top)


def parse_bands(text: str) -> tuple[Band, ...]:
    """Read `pixel_layouts.csv`."""
    return tuple(
        Band(
            row["modality"],
            row["manufacturer"].upper(),
            row["model"].upper(),
            *(float(row[side]) for side in ("left", "top", "right", "bottom")),
        )
        for row in table_rows(text)
    )


def first_places(header: Header, bands: Iterable[Band], rows: int, columns: int) -> tuple[Box, ...]:
    """Return the places that are read even when nothing there looks like text."""
    device = (header.first(0x00080060).upper(), header.first(0x00080070), header.first(0x00081090))
    return tuple(band.box(rows, columns) for band in bands if band.fits(*device))


def is_screen_like(header: Header) -> bool:
    """True for pictures that a program or a camera made: soft and large text is likely."""
    return (
        header.first(0x00080060).upper() in _SCREENS
        or bool(header.first(0x00080064))
        or "SCREEN" in header.text(0x00080008).upper()
    )


def is_slide_label(header: Header) -> bool:
    """True for the label or the overview of a glass slide (PS3.3 C.8.12.4.1.1)."""
    kinds: Sequence[str] = header.text(0x00080008).upper().split("\\")
    return header.first(0x00080060).upper() == "SM" and any(
        kind.strip() in ("LABEL", "OVERVIEW") for kind in kinds
    )


def probed_tiles(header: Header, n_frames: int) -> Sequence[int]:
    """Return the frames to be read first: all, or of a slide's volume tiles some of them.

    A scanner writes no text over tissue, and the paper label has an instance of its own; reading
    each of 100,000 tiles would take an hour. What says that a label is in the picture is read
    whole. Source: PS3.3 C.8.12.4.1.1 (ImageType), C.8.12.4 (SpecimenLabelInImage).
    """
    kinds = [kind.strip() for kind in header.text(0x00080008).upper().split("\\")]
    is_volume = (
        header.first(0x00080016) == SLIDE
        and header.first(0x00080060).upper() == "SM"
        and len(kinds) > 2
        and kinds[2] == "VOLUME"
        and header.first(0x00480010).upper() != "YES"
    )
    if not is_volume or n_frames <= PROBED_TILES:
        return range(n_frames)
    return sorted({round(n * (n_frames - 1) / (PROBED_TILES - 1)) for n in range(PROBED_TILES)})
