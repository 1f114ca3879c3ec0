"""What becomes of a line of text in a picture: blanked, kept, or shown to a person. Pure.

Deny by default: a line stays only when every part of it is known to name nobody.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from tessera.domain.deid.pixels.findings import Action
from tessera.domain.deid.pixels.marks import HarmlessMarks, has_time


class RemovedRun(Protocol):
    """A run of text that the text cleaner would take out."""

    @property
    def kind(self) -> str: ...


class CleanedLine(Protocol):
    """What the text cleaner makes of a line."""

    @property
    def text(self) -> str: ...

    @property
    def removed(self) -> Sequence[RemovedRun]: ...

    @property
    def unsure(self) -> tuple[str, ...]: ...


class TextJudge(Protocol):
    """The text cleaner of one instance, as far as pictures need it."""

    def names_somebody(self, text: str) -> bool: ...

    def clean(self, text: str) -> CleanedLine: ...


@dataclass(frozen=True, slots=True)
class PixelPolicy:
    """What a site chooses."""

    unreadable: Literal["blank", "unsure"] = "blank"
    """What becomes of text that cannot be read for certain."""
    keep_harmless: bool = True
    """False: every line of text is blanked."""
    clean_graphics: bool = False
    """True: overlays stay when no text is found in them. Else they go."""
    sure: float = 0.8
    """Below this score a line counts as not read."""
    large_area: float = 0.12
    """Share of the frame above which an unreadable place is shown to a person, not blanked."""
    most_reading: int = 120_000_000
    """Pixels given to the reader for one instance; beyond, a person decides."""


_REASONS = {
    "name": "names-somebody",
    "identifier": "identifier",
    "contact": "contact",
    "place": "place",
    "date": "date",
    "unknown": "unknown-words",
}
_BARS = "一丨丶丿亅ー"
"""Strokes of Chinese script that a plain line is read as."""
_HALF_SURE = 0.6
"""A score at which a line of settings and numbers is believed: grain and names read otherwise."""
_TURNED = 0.4
"""A line that runs upwards is read at least that well: the edges of bones run upwards, too."""
_GIANT = 0.12
"""Share of the frame's height from which a line is as large as anatomy."""


def is_text(text: str, score: float, width: int, height: int, rows: int) -> bool:
    """False for what the finder took for text although it is an edge, a bone or a bar.

    `width` and `height` are those of the line, `rows` that of the frame, pixels. A single sign
    names nobody; unless its box is long, then a word in a script that cannot be read is there.
    A shape as large as anatomy is text only when it reads as such.
    """
    signs = sum(c.isalnum() and c not in _BARS for c in text)
    if 2 * height >= 3 * width and width <= max(40, _GIANT * rows):  # turned by a right angle
        return signs > 1 and score >= _TURNED
    if width < 3 * height and height > max(40, _GIANT * rows):
        return signs >= 3 and score >= 0.6
    bare = text != "" and all(c in _BARS for c in text)
    return signs > 1 or (5 * width > 8 * height and not bare)


def judged(
    text: str,
    score: float,
    share: float,
    judge: TextJudge,
    marks: HarmlessMarks,
    policy: PixelPolicy,
) -> tuple[Action, str]:
    """Return (action, reason) for one line.

    `score` is the reader's, 0 to 1; `share` is the part of the frame's area that the line
    takes. Source of the reasons: `Finding.reason`.
    """
    line = unicodedata.normalize("NFKC", text).strip()
    if line and judge.names_somebody(line):
        return "blank", "names-somebody"
    if has_time(line):
        return "blank", "time"
    read = score >= policy.sure or (score >= _HALF_SURE and _is_measured(line))
    if read and policy.keep_harmless and marks.explain(line):
        return "keep", "harmless-mark"
    if _other_script(line):
        return _unread(share, policy, "other-script")
    if score < policy.sure or not line:
        return _unread(share, policy, "unreadable")
    cleaned = judge.clean(line)
    if cleaned.removed:
        return "blank", _REASONS.get(cleaned.removed[0].kind, "unknown-words")
    if cleaned.unsure or not policy.keep_harmless:
        return "blank", "unknown-words"
    if any(not marks.explain(word) for word in line.split() if re.search(r"\d", word)):
        return "blank", "identifier"  # a number that no unit or setting explains
    return "keep", "known-words"


def _is_measured(line: str) -> bool:
    """True for a line that has letters and a number and is no accident: MI 0.9 TIs 0.4."""
    signs = [c for c in line if c.isalnum()]
    n_digits = sum(c.isdigit() for c in signs)
    return len(signs) >= 6 and 0 < n_digits <= len(signs) - 2


def _unread(share: float, policy: PixelPolicy, reason: str) -> tuple[Action, str]:
    if policy.unreadable == "unsure":
        return "unsure", reason
    if share > policy.large_area:
        return "unsure", "large-area"
    return "blank", reason


def _other_script(line: str) -> bool:
    """True when a letter is neither Latin nor a sign of measurement."""
    return any(c.isalpha() and c not in "µμΩΔ°" and not _latin(c) for c in line)


def _latin(letter: str) -> bool:
    return ord(letter) < 0x250 or "LATIN" in unicodedata.name(letter, "")
