"""What can become of an element, as numbers, with the words for each. Pure."""

from typing import Final

KEEP: Final = 0
"""Kept when the VR in the file is bulk or binary numbers, else emptied."""
REMOVE: Final = 1
EMPTY: Final = 2
DUMMY: Final = 3
UID: Final = 4
SHIFT: Final = 5
KEEP_TEXT: Final = 6
"""Kept when the VR in the file is a text and the value has only bytes of text, else emptied."""
DESCEND: Final = 7
AGE: Final = 8
KEEP_CODE: Final = 9
"""Each value kept when it is a code string and no identifier of the instance, else a dummy."""
KEEP_NUMBER: Final = 10
"""Kept when it has the form of its VR (number, time, date, UID) and is no identifier of the
instance, else emptied."""
KEEP_BINARY: Final = 11
"""Kept when the VR in the file is a binary number, of as many values as it has, else emptied."""
CODED: Final = 12
"""Code value or meaning: kept when the item's coding scheme is a published one."""
SCHEME: Final = 13
CHARSET: Final = 14
"""Kept when it is a defined term, else emptied."""
CLEAN: Final = 15
"""Text through the cleaner: what is known to be harmless stays."""
BAND: Final = 16
"""An age as the first year of its band."""
ROUND: Final = 17
"""A weight or height rounded."""

ACTION_WORDS: Final = {
    KEEP: "kept",
    REMOVE: "removed",
    EMPTY: "emptied",
    DUMMY: "replaced by a dummy",
    UID: "replaced by a keyed UID",
    KEEP_TEXT: "kept if text",
    SHIFT: "shifted by whole days",
    DESCEND: "kept, the rules applied inside",
    AGE: "kept, above 89 years written as 90",
    KEEP_CODE: "kept if a code string",
    KEEP_NUMBER: "kept if a number, time, date or UID",
    KEEP_BINARY: "kept if a binary number",
    CODED: "kept if of a published coding scheme",
    SCHEME: "kept if a coding scheme designator",
    CHARSET: "kept if a character set",
    CLEAN: "cleaned: words known to be harmless stay",
    BAND: "written as the first year of its band, 90 and above together",
    ROUND: "rounded",
}

BINARY_NUMBERS: Final = frozenset(b"US SS UL SL UV SV FL FD AT".split())
BULK: Final = frozenset(b"OB OW OF OD OL OV UN".split())
TEXTS: Final = frozenset(b"LO SH ST LT UT UC UR PN AE".split())
CLEANABLE: Final = frozenset(b"LO SH ST LT UT UC".split())
"""Texts of words; names of persons, network addresses and titles are never cleaned."""
DATES: Final = frozenset((b"DA", b"DT"))
BY_VR: Final[dict[bytes, int]] = {
    **dict.fromkeys(BINARY_NUMBERS, KEEP_BINARY),
    **dict.fromkeys(BULK, REMOVE),
    **dict.fromkeys(TEXTS, DUMMY),
    b"CS": KEEP_CODE,
    b"DS": KEEP_NUMBER,
    b"IS": KEEP_NUMBER,
    b"TM": KEEP_NUMBER,
    b"AS": AGE,
    b"UI": UID,
    b"SQ": DESCEND,
}
"""What happens to a standard attribute that Table E.1-1 does not list, but for dates."""


def kept(vr: bytes) -> int:
    """Return the action that keeps a value of this VR as far as it is what its VR says."""
    if vr in DATES or vr == b"UI":
        return KEEP_NUMBER
    return KEEP_TEXT if vr in TEXTS else KEEP if vr in BULK else BY_VR[vr]
