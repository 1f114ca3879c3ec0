"""Private elements: those on the safe list of the standard stay. Pure; PS3.15 table E.3.10-1."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tessera.domain.deid import values
from tessera.domain.deid.rules import PrivateRule
from tessera.domain.imaging.encoding import (
    UNDEFINED,
    OddEncoding,
    WindowTooShort,
    element_at,
    skip_undefined,
)


@dataclass(frozen=True, slots=True)
class PrivateGroup:
    """What is left of one private group."""

    after: int
    """Position behind the group."""
    raw: bytes
    last: int
    """The group's last tag."""
    n_kept: int
    n_removed: int


def private_group(
    buf: bytes,
    pos: int,
    end: int,
    *,
    explicit: bool,
    final: bool,
    safe: Mapping[tuple[str, int], Mapping[int, PrivateRule]],
    changed: Callable[[PrivateRule, bytes, bytes], bytes],
) -> PrivateGroup:
    """Return what stays of the private group at `pos`.

    A private element stays when its creator and low element byte are on the safe list; a
    creator element stays when one of its elements does. `changed` takes its rule, VR
    and value and returns the new value. The group is taken whole: unless the buffer is `final`,
    it must show what follows. Raises OddEncoding when the tags are not in order.
    """
    group = int.from_bytes(buf[pos : pos + 2], "little")
    creators: dict[int, str] = {}
    used: dict[int, bytes] = {}
    kept: list[bytes] = []
    last, n_removed = -1, 0
    while pos < end:
        tag, vr, start, length = element_at(buf, pos, end, explicit=explicit)
        if tag >> 16 != group:
            break
        if tag <= last:
            raise OddEncoding
        if length == UNDEFINED:
            after = skip_undefined(buf, start, end, explicit=explicit and vr != b"UN")
        else:
            after = start + length
        if after > end:
            raise WindowTooShort
        block, low = (tag & 0xFF00) >> 8, tag & 0xFF
        if block == 0 and low >= 0x10:
            creators[low] = buf[start:after].strip(b" \0").decode("latin-1")
        elif block:
            name = creators.get(block, "")
            known = safe.get((name, group), {}).get(low)
            if known is None or length == UNDEFINED:
                n_removed += 1
            else:
                used[block] = creator_element(group << 16 | block, name, explicit=explicit)
                new = changed(known, vr if explicit else known.vr, buf[start:after])
                kept.append(values.element(tag, known.vr, new, explicit=explicit))
        last, pos = tag, after
    else:
        if not final:
            raise WindowTooShort
    raw = b"".join([*(used[block] for block in sorted(used)), *kept])
    return PrivateGroup(pos, raw, last, len(kept), n_removed)


def creator_element(tag: int, name: str, *, explicit: bool) -> bytes:
    """Encode a private creator, whose name is one of the safe list's."""
    return values.element(tag, b"LO", values.padded(name.encode("latin-1")), explicit=explicit)
