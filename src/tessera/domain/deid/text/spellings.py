"""The forms in which one person's name turns up in text. Pure.

Source of the forms: PS3.5 6.2.1 (components and groups of PN); ISO 843 and passport practice for
Greek; Hepburn for Japanese kana.
"""

import re
from functools import lru_cache
from itertools import product
from typing import Final

from tessera.domain.deid.text.tokens import folded

_SPLIT: Final = re.compile(r"[\s^=,.;/\\_'’`()\-・‐–]+")
_MARKED: Final = {
    "ä": ("a", "ae"), "ö": ("o", "oe"), "ü": ("u", "ue"), "å": ("a", "aa"), "ø": ("o", "oe"),
    "æ": ("ae",), "ß": ("ss",),
}  # fmt: skip
_GREEK: Final = {
    "ου": ("ou", "u"), "αυ": ("av", "af", "au"), "ευ": ("ev", "ef", "eu"), "μπ": ("b", "mp"),
    "ντ": ("d", "nt"), "γκ": ("g", "gk"), "γγ": ("ng", "gg"), "γχ": ("nch",), "ει": ("i", "ei"),
    "οι": ("i", "oi"), "αι": ("e", "ai"), "τσ": ("ts",), "τζ": ("tz",),
    "α": ("a",), "β": ("v", "b"), "γ": ("g", "y"), "δ": ("d",), "ε": ("e",), "ζ": ("z",),
    "η": ("i", "e"), "θ": ("th",), "ι": ("i",), "κ": ("k", "c"), "λ": ("l",), "μ": ("m",),
    "ν": ("n",), "ξ": ("x", "ks"), "ο": ("o",), "π": ("p",), "ρ": ("r",), "σ": ("s",),
    "τ": ("t",), "υ": ("y", "i"), "φ": ("f", "ph"), "χ": ("ch", "h"), "ψ": ("ps",), "ω": ("o",),
}  # fmt: skip
_GREEK_ENDINGS: Final = (
    ("οσ", ("ου", "ο", "ε")), ("ησ", ("η",)), ("ασ", ("α",)), ("η", ("ησ",)), ("α", ("ασ",)),
    ("ισ", ("ι",)), ("ου", ("οσ", "ο")),
)  # fmt: skip
_KANA: Final = dict(
    zip(
        "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン"
        "ガギグゲゴザジズゼゾダヂヅデドバビブベボパピプペポ",
        "a i u e o ka ki ku ke ko sa shi su se so ta chi tsu te to na ni nu ne no ha hi fu he ho"
        " ma mi mu me mo ya yu yo ra ri ru re ro wa o n ga gi gu ge go za ji zu ze zo da ji zu de"
        " do ba bi bu be bo pa pi pu pe po".split(),
        strict=True,
    )
)
_MOST: Final = 48
"""Spellings of one word; a Greek name of many ambiguous letters has hundreds."""


@lru_cache(1 << 13)
def name_words(name: str) -> tuple[str, ...]:
    """Return the single words of a PN value: family, given and middle, of each group.

    Prefix and suffix (Dr, MD) are no part of it; an initial is left out.
    """
    found: dict[str, None] = {}
    for group in name.split("="):
        components = group.split("^")
        for component in components[:3]:
            pieces = [p for p in _SPLIT.split(component) if p]
            for piece in pieces:
                if len(piece) > 1 or not piece.isascii():
                    found[piece] = None
            if len(pieces) > 1 and max(map(len, pieces)) > 2:
                found["".join(pieces)] = None
    return tuple(found)


@lru_cache(1 << 13)
def spellings(word: str) -> frozenset[str]:
    """Return a word of a name in its folded spellings: ASCII, transliterated, declined."""
    key = folded(word)
    found = {key}
    lower = word.casefold()
    if any(c in _MARKED for c in lower):
        found.update(_written(lower, _MARKED))
    elif any(pair in key for pair in ("ae", "oe", "ue", "aa")):
        found.add(key.replace("ae", "a").replace("oe", "o").replace("ue", "u").replace("aa", "a"))
    if "α" <= key[0] <= "ω":
        for ending, others in _GREEK_ENDINGS:
            if key.endswith(ending):
                found.update(key[: -len(ending)] + other for other in others)
        for form in tuple(found):
            found.update(_written(form, _GREEK))
    if romaji := _romaji(key):
        found.update((romaji, romaji.replace("ou", "o").replace("uu", "u")))
        found.update((_other_kana(key),))
    return frozenset(f for f in (folded(f) for f in found) if f)


def declined(key: str) -> tuple[str, ...]:
    """Return what a folded word can be without a genitive's or vocative's ending."""
    found = [key]
    if len(key) > 4:
        if key.endswith("s"):
            found.append(key[:-1])
        if key.endswith(("es", "ns")):
            found.append(key[:-2])
    return tuple(found)


def near(a: str, b: str, most: int) -> bool:
    """Say whether two words differ by at most so many insertions, deletions and exchanges."""
    if abs(len(a) - len(b)) > most:
        return False
    if a == b:
        return True
    row = list(range(len(b) + 1))
    for i, char in enumerate(a, 1):
        above, row = row, [i]
        for j, other in enumerate(b, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (char != other)))
        if min(row) > most:
            return False
    return row[-1] <= most


def _written(word: str, table: dict[str, tuple[str, ...]]) -> set[str]:
    choices: list[tuple[str, ...]] = []
    at = 0
    while at < len(word):
        for size in (2, 1):
            options = table.get(word[at : at + size])
            if options:
                choices.append(options)
                at += size
                break
        else:
            choices.append((word[at],))
            at += 1
    found: set[str] = set()
    for combination in product(*choices):
        found.add("".join(combination))
        if len(found) >= _MOST:
            break
    return found


def _romaji(word: str) -> str:
    kana = "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c for c in word)
    out = ""
    double = False
    for char in kana:
        if char in "ャュョ" and out.endswith("i"):
            sound = {"ャ": "a", "ュ": "u", "ョ": "o"}[char]
            stem = out[:-1]
            out = stem + ("" if stem.endswith(("sh", "ch", "j")) else "y") + sound
        elif char == "ッ":
            double = True
        elif char == "ー":
            continue
        elif char in _KANA:
            sound = _KANA[char]
            out += (sound[0] if double else "") + sound
            double = False
        else:
            return ""
    return out


def _other_kana(word: str) -> str:
    shift = -0x60 if any("ァ" <= c <= "ヶ" for c in word) else 0x60
    low, high = ("ァ", "ヶ") if shift < 0 else ("ぁ", "ゖ")
    return "".join(chr(ord(c) + shift) if low <= c <= high else c for c in word)
