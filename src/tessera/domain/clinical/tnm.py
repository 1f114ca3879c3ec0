"""Read TNM as people write it: cT3bN1M0, ypT2 N0, T1c, pN1a(sn). Pure.

Source: UICC TNM classification, general rules: prefixes c, p, y, r and a; categories by digit and
letter. The edition is never guessed.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from tessera.domain.terms.terminology import group

_GREEK: Final = str.maketrans("ΤΝΜΧ", "TNMX")
"""Letters that look the same on a Greek keyboard."""
_PART: Final = re.compile(
    r"(?P<prefix>[ycrpa]{0,2})(?P<letter>[TNM])(?P<rest>X|a|is|[0-4](?:mi|[a-eA-E][1-3]?)?(?:\(i[+-]\))?)"
    r"(?:\((?:sn|mol[+-]|m|[0-9]+)\))?[\s,;/]*"
)
_BASES: Final = {
    "c": "clinical",
    "p": "pathological",
    "y": "post_therapy",
    "yc": "post_therapy_clinical",
    "yp": "post_therapy_pathological",
    "r": "recurrence",
    "rc": "recurrence",
    "rp": "recurrence",
    "a": "autopsy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tnm:
    """The parts that a text says; None where it does not."""

    basis: str | None = None
    t: str | None = None
    n: str | None = None
    m: str | None = None


def read_tnm(text: str) -> Tnm | None:
    """Return what `text` says of T, N and M; None when it says anything else as well."""
    rest = text.strip().translate(_GREEK)
    found: dict[str, str] = {}
    prefixes: list[str] = []
    at = 0
    while at < len(rest):
        match = _PART.match(rest, at)
        if match is None or match["letter"].lower() in found:
            return None
        letter = match["letter"].lower()
        category = category_of(letter, match["letter"] + match["rest"])
        if category is None:
            return None
        found[letter] = category
        prefixes.append(match["prefix"])
        at = match.end()
    if not found:
        return None
    stated = next((prefix for prefix in prefixes if prefix), "")
    return Tnm(basis=_BASES.get(stated), t=found.get("t"), n=found.get("n"), m=found.get("m"))


def category_of(letter: str, text: str) -> str | None:
    """Return the concept of a category such as T2a; None when there is none of that name."""
    return _categories(letter).get(text.casefold())


@cache
def _categories(letter: str) -> dict[str, str]:
    return {one.name.casefold(): one.name for one in group(f"tnm_{letter}")}
