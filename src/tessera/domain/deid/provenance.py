"""What a de-identifier writes about itself. Pure; source PS3.15 E.1.1, E.3, PS3.16 CID 7050."""

from typing import Final, Protocol

from tessera.domain.deid import values
from tessera.domain.deid.profile import CODES
from tessera.domain.deid.rules import RuleSet
from tessera.domain.imaging.encoding import (
    ITEM,
    ITEM_END,
    UNDEFINED,
    OddEncoding,
    WindowTooShort,
    element_at,
    skip_undefined,
)

EDITION: Final = b"PS3.15 Table E.1-1, January 2025"
_DEIDENTIFYING: Final = ("109104", "De-identifying Equipment")
_CODE_VALUE: Final = 0x00080100
_SCHEME: Final = 0x00080102
_MEANINGS: Final = dict(CODES.values())
_MOST: Final = 64
"""Items of an earlier de-identification that are looked at."""


class Applied(Protocol):
    """What was done to one instance, and how it is encoded."""

    @property
    def explicit(self) -> bool: ...

    @property
    def pixels_checked(self) -> bool: ...

    @property
    def defaced(self) -> bool: ...

    @property
    def graphics_checked(self) -> bool: ...

    @property
    def earlier(self) -> tuple[str, ...]:
        """Codes of earlier de-identifications, from `earlier_codes`."""
        ...


def applied_options(rules: RuleSet, done: Applied) -> tuple[str, ...]:
    """Return "basic" and the options that were applied to this instance, by code.

    What is about pixels is claimed only with the proof that it was done; all else is done to
    every instance of a profile.
    """
    profile = rules.profile
    proven = {
        "clean-pixel-data": done.pixels_checked,
        "clean-recognizable-visual-features": done.defaced,
        "clean-graphics": done.graphics_checked and profile.has("clean-graphics"),
    }
    return tuple(name for name in CODES if name == "basic" or proven.get(name, profile.has(name)))


def provenance(rules: RuleSet, done: Applied) -> list[tuple[int, bytes]]:
    """Encode what PS3.15 E.1.1 and E.3 ask a de-identifier to write of this instance.

    Codes of an earlier de-identification come first; its free text is not taken over.
    """
    explicit, profile = done.explicit, rules.profile
    codes = [code for code in done.earlier if code in _MEANINGS]
    codes += [CODES[name][0] for name in applied_options(rules, done)]
    temporal = (
        b"MODIFIED"
        if profile.has("retain-longitudinal-modified-dates")
        else b"UNMODIFIED"
        if profile.has("retain-longitudinal-full-dates")
        else b"REMOVED"
    )
    method = b"\\".join((b"Tessera", rules.label.encode(), EDITION))
    if profile.crowd:
        method += b"\\" + profile.crowd.words.encode()
    own = [
        (0x00120062, _text(0x00120062, b"CS", b"YES", explicit=explicit)),
        (0x00120063, _text(0x00120063, b"LO", method, explicit=explicit)),
        (
            0x00120064,
            _sequence(
                0x00120064,
                [_code(code, _MEANINGS[code], explicit=explicit) for code in dict.fromkeys(codes)],
                explicit=explicit,
            ),
        ),
        (0x00280303, _text(0x00280303, b"CS", temporal, explicit=explicit)),
    ]
    if profile.contributing_equipment:
        own.append((0x0018A001, _equipment(rules, explicit=explicit)))
    if done.pixels_checked:
        own.append((0x00280301, _text(0x00280301, b"CS", b"NO", explicit=explicit)))
    if done.defaced:
        own.append((0x00280302, _text(0x00280302, b"CS", b"NO", explicit=explicit)))
    return sorted(own)


def earlier_codes(raw: bytes, start: int, *, explicit: bool) -> tuple[str, ...]:
    """Return the CID 7050 codes in the input's own (0012,0064), in order, each once.

    `start` is where the value begins in `raw`. What cannot be read says nothing; so does every
    code of another scheme or none, and all free text.
    """
    codes: dict[str, None] = {}
    try:
        pos, end = start, len(raw)
        for _ in range(_MOST):
            if pos + 8 > end:
                break
            tag, _vr, inner, length = element_at(raw, pos, end, explicit=False)
            if tag != ITEM:
                break
            stop = end if length == UNDEFINED else min(end, inner + length)
            found, pos = _item_codes(raw, inner, stop, explicit=explicit)
            code = found.get(_CODE_VALUE, b"").decode("latin-1")
            if code in _MEANINGS and found.get(_SCHEME) == b"DCM":
                codes[code] = None
    except (WindowTooShort, OddEncoding):
        pass
    return tuple(codes)


def _item_codes(raw: bytes, pos: int, stop: int, *, explicit: bool) -> tuple[dict[int, bytes], int]:
    found: dict[int, bytes] = {}
    while pos < stop:
        tag, vr, start, length = element_at(raw, pos, stop, explicit=explicit)
        if tag == ITEM_END:
            return found, start
        if length == UNDEFINED:
            pos = skip_undefined(raw, start, stop, explicit=explicit and vr != b"UN")
            continue
        if tag in (_CODE_VALUE, _SCHEME):
            found[tag] = raw[start : start + length].strip(b" \0")
        pos = start + length
    return found, pos


def _equipment(rules: RuleSet, *, explicit: bool) -> bytes:
    purpose = _sequence(0x0040A170, [_code(*_DEIDENTIFYING, explicit=explicit)], explicit=explicit)
    item = (
        _text(0x00080070, b"LO", b"Tessera", explicit=explicit)
        + _text(0x00081090, b"LO", b"Tessera", explicit=explicit)
        + _text(0x00181020, b"LO", rules.label.encode(), explicit=explicit)
        + purpose
    )
    return _sequence(0x0018A001, [item], explicit=explicit)


def _text(tag: int, vr: bytes, value: bytes, *, explicit: bool) -> bytes:
    return values.element(tag, vr, values.padded(value), explicit=explicit)


def _code(code: str, meaning: str, *, explicit: bool) -> bytes:
    return (
        _text(_CODE_VALUE, b"SH", code.encode(), explicit=explicit)
        + _text(_SCHEME, b"SH", b"DCM", explicit=explicit)
        + _text(0x00080104, b"LO", meaning.encode(), explicit=explicit)
    )


def _sequence(tag: int, items: list[bytes], *, explicit: bool) -> bytes:
    body = b"".join(values.ITEM_HEADER + len(item).to_bytes(4, "little") + item for item in items)
    return values.element(tag, b"SQ", body, explicit=explicit)
