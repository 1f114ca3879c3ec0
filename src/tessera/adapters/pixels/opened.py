"""An instance opened for its pixels: header, structure, palette, layout."""

from dataclasses import dataclass

from tessera.adapters.pixels.views import PALETTE_TAGS, Palette, palette_of
from tessera.domain.deid.holding import HOLD_TAGS, OVERLAY_BIT_POSITIONS
from tessera.domain.deid.pixels.findings import Layout
from tessera.domain.deid.pixels.places import PLACE_TAGS
from tessera.domain.imaging.encoding import FileMeta, Source
from tessera.domain.imaging.header import Header, scan
from tessera.domain.imaging.structure import STRUCTURE_TAGS, PixelStructure, pixel_structure

OVERLAY_DATA = tuple(0x60003000 + (n << 17) for n in range(16))
_OVERLAY_SIZES = frozenset(
    tag + (n << 17) for n in range(16) for tag in (0x60000010, 0x60000011, 0x60000015)
)
_DOCUMENT = 0x00420011
_WANTED = (
    STRUCTURE_TAGS
    | HOLD_TAGS
    | PLACE_TAGS
    | PALETTE_TAGS
    | frozenset(OVERLAY_DATA)
    | _OVERLAY_SIZES
    | frozenset((0x00080005, 0x00181020, 0x00280106, 0x00280107, 0x00282112, 0x00282114, _DOCUMENT))
)


@dataclass(frozen=True, slots=True)
class Opened:
    """One instance. Names a patient."""

    source: Source
    meta: FileMeta
    header: Header
    structure: PixelStructure | None
    palette: Palette | None

    @property
    def document(self) -> bytes:
        """Return the encapsulated document, "" without one."""
        return self.header.values.get(_DOCUMENT, b"")

    @property
    def overlay_in_pixels(self) -> bool:
        """True when an overlay lies in bits that the pixels do not use."""
        return any(self.header.values.get(tag, b"").strip(b"\0") for tag in OVERLAY_BIT_POSITIONS)

    @property
    def layout(self) -> Layout:
        first = self.header.first
        return Layout(
            manufacturer=first(0x00080070),
            model=first(0x00081090),
            software=first(0x00181020),
            modality=first(0x00080060),
            sop_class_uid=first(0x00080016),
            rows=self.header.short(0x00280010) or 0,
            columns=self.header.short(0x00280011) or 0,
            photometric=first(0x00280004),
        )


def opened_instance(source: Source, meta: FileMeta) -> Opened:
    """Raises InvalidDicom when the pixels do not fit their description."""
    header = scan(source, meta, _WANTED)
    structure = pixel_structure(source, meta, header)
    palette = None
    if structure is not None and structure.photometric == "PALETTE COLOR":
        palette = palette_of(header)
    return Opened(source, meta, header, structure, palette)
