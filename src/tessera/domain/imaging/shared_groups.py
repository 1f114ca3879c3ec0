"""What all frames of a multi-frame object share. Pure; PS3.3 C.7.6.16.1.1.

Only the shared functional groups are read: those of each frame can be many megabytes.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Final, cast

from tessera.domain.imaging.encoding import (
    ITEM,
    UNDEFINED,
    OddEncoding,
    WindowTooShort,
    element_at,
    skip_undefined,
)
from tessera.domain.imaging.instance import Cosines6

SHARED_GROUPS: Final = 0x52009229
_MEASURES, _FACING = 0x00289110, 0x00209116
_SPACING, _THICKNESS, _COSINES = 0x00280030, 0x00180050, 0x00200037
_ITEM_END: Final = 0xFFFEE00D


@dataclass(frozen=True, slots=True)
class SharedGroups:
    """None where the frames differ, or nothing is told."""

    spacing_mm: tuple[float, float] | None = None
    """PixelSpacing: between rows, between columns."""
    thickness_mm: float | None = None
    orientation: Cosines6 | None = None


NOTHING: Final = SharedGroups()


def shared_groups(raw: bytes, *, explicit: bool) -> SharedGroups:
    """Return what the value of SharedFunctionalGroupsSequence says; never raises."""
    if not raw:
        return NOTHING
    measures = in_first_item(raw, _MEASURES, explicit=explicit)
    facing = in_first_item(raw, _FACING, explicit=explicit)
    spacing = _numbers(in_first_item(measures, _SPACING, explicit=explicit), 2)
    thickness = _numbers(in_first_item(measures, _THICKNESS, explicit=explicit), 1)
    cosines = _numbers(in_first_item(facing, _COSINES, explicit=explicit), 6)
    return SharedGroups(
        cast("tuple[float, float] | None", spacing),
        thickness[0] if thickness else None,
        cast("Cosines6 | None", cosines),
    )


def in_first_item(raw: bytes, wanted: int, *, explicit: bool) -> bytes:
    """Return the value of an element in the first item of a sequence's value, else b""."""
    if len(raw) < 8 or _tag(raw) != ITEM:
        return b""
    length = int.from_bytes(raw[4:8], "little")
    pos, end = 8, len(raw) if length == UNDEFINED else min(len(raw), 8 + length)
    try:
        while pos < end:
            tag, _, start, size = element_at(raw, pos, end, explicit=explicit)
            if tag == _ITEM_END:
                break
            after = start + size
            if size == UNDEFINED:
                after = skip_undefined(raw, start, end, explicit=explicit)
            if tag == wanted:
                return raw[start:after]
            pos = after
    except (WindowTooShort, OddEncoding):
        pass
    return b""


def _tag(raw: bytes) -> int:
    return int.from_bytes(raw[:2], "little") << 16 | int.from_bytes(raw[2:4], "little")


def _numbers(raw: bytes, n: int) -> tuple[float, ...] | None:
    try:
        found = tuple(float(part) for part in raw.decode("ascii").strip("\0 ").split("\\"))
    except ValueError:
        return None
    return found if len(found) == n and all(map(isfinite, found)) else None
