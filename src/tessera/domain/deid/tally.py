"""What de-identification did, counted under names that a ledger can add up. Pure.

`change 00080020 5`: elements of one attribute with one action; `pixels blank names-somebody`:
boxes of text with one action for one reason; `faces`: series whose face was taken out.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tessera.domain.deid.pixels.findings import Finding

Changes = Mapping[tuple[int, int], int]
"""(tag, action) → elements."""
FACES: Final = "faces"
_CHANGE, _PIXELS = "change", "pixels"


@dataclass(frozen=True, slots=True)
class PixelAction:
    """Boxes of text in pixels with one action for one reason."""

    action: str
    """blank, keep or unsure."""
    reason: str
    boxes: int


def tally_of_changes(changes: Changes) -> dict[str, int]:
    """Return the tally of (tag, action) → elements."""
    return {f"{_CHANGE} {tag} {action}": n for (tag, action), n in changes.items() if n}


def tally_of_findings(findings: Iterable["Finding"]) -> dict[str, int]:
    """Return the tally of what was done with text in pixels."""
    return dict(Counter(f"{_PIXELS} {one.action} {one.reason}" for one in findings))


def changes_in(tally: Mapping[str, int]) -> Changes:
    """Return (tag, action) → elements."""
    parts = ((name.split(), n) for name, n in tally.items() if name.startswith(_CHANGE + " "))
    return {(int(words[1]), int(words[2])): n for words, n in parts}


def pixels_in(tally: Mapping[str, int]) -> tuple[PixelAction, ...]:
    """Return what was done with text in pixels."""
    parts = ((name.split(), n) for name, n in tally.items() if name.startswith(_PIXELS + " "))
    return tuple(PixelAction(words[1], words[2], n) for words, n in parts)
