"""Which instances may not pass on their header alone. Pure; deny by default.

Pixels can carry burned-in names. Until they are read, classes and devices that write
text into pixels are held in quarantine, not let through, and so is every class that
nobody has decided on.
"""

from collections.abc import Mapping

from tessera.domain.deid.pixels.heads import FACE_TAGS, may_show_a_face
from tessera.domain.deid.rules import table_rows
from tessera.domain.imaging.encoding import text_of
from tessera.domain.imaging.header import Header

OVERLAY_BIT_POSITIONS = tuple(0x60000102 + (n << 17) for n in range(16))
"""Not 0 when an overlay lies in bits of the pixels that are else unused (retired, PS3.3 C.9.2)."""
HOLD_TAGS = (
    frozenset((0x00080008, 0x00080016, 0x00080060, 0x00080064, 0x00280301, *OVERLAY_BIT_POSITIONS))
    | FACE_TAGS
)
TEXT_RISK_MODALITIES = frozenset(
    "US IVUS SC XA XRF RF CR DX MG IO PX ES XC GM OP OPT OPV DOC SMR TG BMD LP EPS HD ECG".split()
)


PASS, PIXELS = "pass", "pixels"
FACE = "face"
FACE_AND_TEXT = "face-and-text"
"""A head in whose pixels text was looked for: without its face it must be looked for again."""
HELD_BY_KIND = (
    *("burned-in", "text-risk", "pixels", "document", FACE, FACE_AND_TEXT),
    *("class-unknown", "class-held"),
)
"""The reasons that `hold_reason` may give, and `document`."""
_ENCAPSULATED = "1.2.840.10008.5.1.4.1.1.104."


def read_storage_classes(text: str) -> Mapping[str, str]:
    """Return SOP class UID → "pass", "pixels" (may pass when they were checked) or "hold"."""
    return {row["uid"]: row["disposition"] for row in table_rows(text)}


def hold_reason(
    header: Header,
    classes: Mapping[str, str],
    *,
    is_checked: bool = False,
    takes_faces: bool = False,
) -> tuple[str, str, str] | None:
    """Return (reason code, words, element) when the instance must be held, else None.

    `is_checked`: there is a proof that its pixels (or its document) name nobody. `takes_faces`:
    the profile takes faces out, and nobody has looked for one here.
    """
    sop_class = header.first(0x00080016)
    if not is_checked:
        held = pixel_risk(header)
        if held is not None:
            return held
    if sop_class not in classes:
        return "class-unknown", "nobody has decided on its SOP class", "(0008,0016)"
    if classes[sop_class] == PIXELS and not is_checked:
        if sop_class.startswith(_ENCAPSULATED):
            return "document", "its SOP class carries a document", "(0008,0016)"
        return "pixels", "its SOP class can have text in its pixels", "(0008,0016)"
    if classes[sop_class] not in (PASS, PIXELS):
        return "class-held", "its SOP class can carry text or a document", "(0008,0016)"
    if takes_faces and may_show_a_face(header):
        return FACE, "a head may be in it, and the profile takes faces out", "(0018,0015)"
    return None


def pixel_risk(header: Header) -> tuple[str, str, str] | None:
    """Return (reason code, words, element) when text may be in the pixels, else None."""
    modality = header.first(0x00080060).upper()
    if header.first(0x00280301).upper() == "YES":
        return "burned-in", "it says that text is burned into its pixels", "(0028,0301)"
    for tag in OVERLAY_BIT_POSITIONS:
        if header.values.get(tag, b"").strip(b"\0"):
            return "burned-in", "an overlay lies in the unused bits of its pixels", text_of(tag)
    if modality in TEXT_RISK_MODALITIES:
        return "text-risk", f"modality {modality} can have text in its pixels", "(0008,0060)"
    if header.first(0x00080064):
        return "text-risk", "it was made by a conversion (digitised, screen, film)", "(0008,0064)"
    if "SCREEN" in header.text(0x00080008).upper():
        return "text-risk", "it is a picture of a screen", "(0008,0008)"
    return None
