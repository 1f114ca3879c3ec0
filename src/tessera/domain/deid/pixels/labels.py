"""A label beside a value that is blanked goes with it: "DOB" says whose line it was. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tessera.domain.deid.pixels.findings import Box, Finding
from tessera.domain.deid.pixels.marks import HarmlessMarks

_ASIDE = 4
"""Heights of a line that may lie between a label and its value on the same line."""
_BELOW = 1.2
"""Heights that may lie between a label and the value under it."""


def with_labels(findings: Iterable[Finding], marks: HarmlessMarks) -> list[Finding]:
    """Return the findings, labels of blanked values blanked too, for the reason of the value.

    The value stands to the right on the same line, to the left (scripts and tables that run so),
    or right below. What a person decided stays.
    """
    found = list(findings)
    blanked = [f for f in found if f.action == "blank" and f.reason not in _NO_VALUE]
    return [_with_its_value(f, blanked, marks) for f in found]


_NO_VALUE = frozenset(("left-over", "decided", "remembered"))


def _with_its_value(label: Finding, blanked: Sequence[Finding], marks: HarmlessMarks) -> Finding:
    if label.action != "keep" or label.reason == "decided" or not marks.announces(label.text.value):
        return label
    for value in blanked:
        together = value.first <= label.last and label.first <= value.last
        if together and _belongs(label.box, value.box):
            return replace(label, action="blank", reason=value.reason)
    return label


def _belongs(label: Box, value: Box) -> bool:
    tall = max(label.height, 1)
    down = min(label.y + label.height, value.y + value.height) - max(label.y, value.y)
    across = min(label.x + label.width, value.x + value.width) - max(label.x, value.x)
    if 2 * down >= min(label.height, value.height):
        return -across <= _ASIDE * tall
    is_below = value.y >= label.y
    return is_below and 2 * across >= min(label.width, value.width) and -down <= _BELOW * tall
