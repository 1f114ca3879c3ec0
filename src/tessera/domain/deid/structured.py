"""Structured reports: content items that by their concept are about a person. Pure.

The rules of the attributes (text cleaned, names replaced, dates shifted, UIDs mapped) hold for a
content item's value whatever it means. What a concept says is the subject's name, number or birth
date is taken out whole. Source: PS3.3 C.17.3; PS3.16 TID 1003 to 1008, CID 7452 and scheme DCM.
"""

from typing import Final

from tessera.domain.imaging.encoding import (
    ITEM,
    UNDEFINED,
    OddEncoding,
    WindowTooShort,
    element_at,
    skip_undefined,
)

CONCEPT: Final = 0x0040A043
VALUES: Final = frozenset((0x0040A120, 0x0040A121, 0x0040A122, 0x0040A160))
"""DateTime, Date, Time and TextValue of a content item."""
_CODE_VALUE: Final = 0x00080100
PERSONAL: Final = frozenset(
    b"121008 121009 121013 121016 121017 121022 121029 121030 121031 121040 121041".split()
)
"""Observer's name, organization, device name, serial number, location; accession number; subject's
name, number, birth date; specimen's accession number and number."""


def is_personal(sequence: bytes, start: int, *, explicit: bool) -> bool:
    """Say whether the first item of a concept name sequence is a concept about a person."""
    end = len(sequence)
    try:
        tag, _, pos, length = element_at(sequence, start, end, explicit=False)
        if tag != ITEM:
            return False
        stop = end if length == UNDEFINED else min(end, pos + length)
        while pos < stop:
            tag, vr, inner, length = element_at(sequence, pos, stop, explicit=explicit)
            if tag == _CODE_VALUE:
                return sequence[inner : inner + length].strip(b" \0") in PERSONAL
            if tag > _CODE_VALUE or not vr:
                return False
            if length == UNDEFINED:
                pos = skip_undefined(sequence, inner, stop, explicit=explicit)
            else:
                pos = inner + length
    except (WindowTooShort, OddEncoding):
        pass
    return False
