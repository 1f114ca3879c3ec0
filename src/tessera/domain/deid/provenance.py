"""What a de-identifier writes about itself. Pure; source PS3.15 E.1.1, E.3, PS3.16 CID 7050."""

from tessera.domain.deid import values
from tessera.domain.deid.profile import CODES
from tessera.domain.deid.rules import RuleSet


def provenance(rules: RuleSet, *, explicit: bool) -> list[tuple[int, bytes]]:
    """Encode what PS3.15 E.1.1 and E.3 ask a de-identifier to write."""

    def coded(code: str, meaning: str) -> bytes:
        item = (
            values.element(0x00080100, b"SH", values.padded(code.encode()), explicit=explicit)
            + values.element(0x00080102, b"SH", b"DCM ", explicit=explicit)
            + values.element(0x00080104, b"LO", values.padded(meaning.encode()), explicit=explicit)
        )
        return values.ITEM_HEADER + len(item).to_bytes(4, "little") + item

    profile = rules.profile
    used = [CODES["basic"], *(CODES[name] for name in profile.options if name in CODES)]
    temporal = (
        b"MODIFIED"
        if profile.has("retain-longitudinal-modified-dates")
        else b"UNMODIFIED"
        if profile.has("retain-longitudinal-full-dates")
        else b"REMOVED"
    )
    method = values.padded(b"Tessera\\" + rules.label.encode())
    return [
        (0x00120062, values.element(0x00120062, b"CS", b"YES ", explicit=explicit)),
        (0x00120063, values.element(0x00120063, b"LO", method, explicit=explicit)),
        (
            0x00120064,
            values.element(
                0x00120064, b"SQ", b"".join(coded(*pair) for pair in used), explicit=explicit
            ),
        ),
        (0x00280303, values.element(0x00280303, b"CS", values.padded(temporal), explicit=explicit)),
    ]
