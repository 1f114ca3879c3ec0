"""What the instances of a series have in common, so that only the rest is looked at. Pure.

Instances of one series differ in few elements. A template holds the runs of whole elements that
were the same in those seen before, with what they became, and the tags of the elements between
them that were not. A header that shows the same runs in the same order is done in a few
comparisons; whatever does not fit is taken element by element, and the template learns from it.

The result is that of the full pass: equal elements under an equal setting become equal bytes, and
an element outside the runs goes through the same code as it would there.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tessera.domain.deid.engine import Part
from tessera.domain.deid.setting import Setting
from tessera.domain.deid.split import Unit
from tessera.domain.imaging.encoding import (
    PIXEL_TAGS,
    UNDEFINED,
    OddEncoding,
    WindowTooShort,
    element_at,
    skip_undefined,
)


@dataclass(frozen=True, slots=True)
class Step:
    """A run of equal elements, then one that differs (tag 0: the header ends)."""

    raw: bytes
    new: bytes
    tag: int
    is_dropped: bool
    """The element that differs goes, whatever it holds."""


@dataclass(slots=True)
class Template:
    """The runs of one series, in one setting."""

    setting: Setting
    parts: Sequence[Part]
    """Of the instance it was last learnt from."""
    varying: frozenset[int]
    """Tags that were not the same in all instances seen."""
    has_pixels: bool
    steps: list[Step] = field(default_factory=list)
    counts: Counter[tuple[int, int]] = field(default_factory=Counter)
    """What changed in the runs of one instance."""
    used: int = 0
    """Instances since `counts` was last added up."""


@dataclass(frozen=True, slots=True)
class Match:
    """A header that fits: its runs and the elements between them, in order."""

    pieces: list[bytes | Unit]
    """New bytes of a run, or an element to be changed."""
    end: int
    """Position after the last element, where the pixel data starts."""


def learnt(
    before: Template | None,
    setting: Setting,
    parts: Sequence[Part],
    *,
    has_pixels: bool,
) -> Template:
    """Return the template after one more instance; one that does not fit begins anew."""
    varying: frozenset[int] = frozenset()
    fits = (
        before is not None
        and before.setting is setting
        and before.has_pixels == has_pixels
        and len(before.parts) == len(parts)
        and all(a.tag == b.tag and a.own == b.own for a, b in zip(before.parts, parts, strict=True))
    )
    if before is not None and fits:
        varying = before.varying | {
            a.tag
            for a, b in zip(before.parts, parts, strict=True)
            if not a.own and (a.raw != b.raw or a.new != b.new)
        }
    template = Template(setting, parts, varying, has_pixels)
    if fits:
        template.steps = _steps(parts, varying, template.counts)
    return template


def _steps(
    parts: Sequence[Part], varying: frozenset[int], counts: Counter[tuple[int, int]]
) -> list[Step]:
    steps: list[Step] = []
    raw: list[bytes] = []
    new: list[bytes] = []
    for part in parts:
        is_stable = part.own or (part.raw and part.tag not in varying)
        if is_stable:
            raw.append(part.raw)
            new.append(part.new)
            counts.update(part.counted)
            continue
        dropped = not part.raw
        if dropped:  # its new bytes, if any, do not depend on its value
            new.append(part.new)
            counts.update(part.counted)
        steps.append(Step(b"".join(raw), b"".join(new), part.tag, dropped))
        raw, new = [], []
    steps.append(Step(b"".join(raw), b"".join(new), 0, is_dropped=False))
    return steps


def match(template: Template, buf: bytes, *, is_whole: bool) -> Match | None:
    """Return how a header fits, None when it does not. `is_whole`: `buf` ends with the source."""
    explicit = template.setting.who.explicit
    pieces: list[bytes | Unit] = []
    pos, end = 0, len(buf)
    try:
        for step in template.steps:
            if not buf.startswith(step.raw, pos):
                return None
            pos += len(step.raw)
            pieces.append(step.new)
            if not step.tag:
                break
            tag, vr, start, length = element_at(buf, pos, end, explicit=explicit)
            if tag != step.tag:
                return None
            if length != UNDEFINED:
                after = start + length
            elif vr == b"SQ":
                after = skip_undefined(buf, start, end, explicit=explicit)
            else:
                return None
            if after > end:
                return None
            if not step.is_dropped:
                pieces.append((tag, vr, start - pos, buf[pos:after]))
            pos = after
        if not template.has_pixels:
            return Match(pieces, pos) if is_whole and pos == end else None
        tag = element_at(buf, pos, end, explicit=explicit)[0]
    except (WindowTooShort, OddEncoding):
        return None
    return Match(pieces, pos) if tag in PIXEL_TAGS else None
