"""Everyday words beyond the curated files: weaker evidence, asked last. Pure."""

import re
from typing import Final

from tessera.domain.deid.text.word_table import COMPOUND, NOUN, WordTable, greek_stem

_LATIN: Final = re.compile(r"[a-z]+")
_SHORTEST: Final = 10
_PIECE: Final = 4
_LONG_NAME: Final = 11
"""Below this length a word that ends as surnames do is none of the table's."""
_JOINTS: Final = ("", "s", "n", "en", "es", "er", "e", "o")
_SURNAME: Final = re.compile(
    r"(?:berg|strom|[kq]vist|lund|gren|dahl|holm|stedt|lind|blad|mark|stein|sten|mann?|feld|feldt|bach|dorf|"
    r"wald|burg|baum|sjo|backe?|hult|skog|vall|lof|fors|strand|rot|ros|stam|haug|vik|gaard|gard|huis|stra|"
    r"m[ae][iy]er|bauer|huber|hofer|hammer|reiter|sen|son|land|stad|bakken?|brink|kamp|hausen?|hof|"
    r"schmidt|kopf|horn|bein|haar|wolf|vogel|fuchs|hahn|dal|nes|lie|moen|quist|vist|born|hagen|horst|"
    r"muhle|straten?|veld|koop|berger|burger|makers?|boom|kerk|hoven?|hout|laar|beek|meer|dam|poel|bosc?h?|"
    r"schut|becker|wever|weber|richter|schneider|zerling|heim|thal|tal|au|ow|ski|wicz|qvist|ek|sson)$"
)
"""Ends of surnames: never a short word or the last part of a compound that nobody listed."""


class CommonWords:
    """The words of a table, their Greek forms and compounds of them."""

    def __init__(self, table: WordTable) -> None:
        self._table = table

    def knows(self, key: str) -> bool:
        """Say whether a folded word of three letters or more is an everyday one."""
        table = self._table
        if "α" <= key[0] <= "ω":
            return greek_stem(key) in table
        if len(key) < _LONG_NAME and _SURNAME.search(key):
            return False
        return key in table or NOUN + key in table or self._last_part(key) is not None

    def is_noun(self, key: str) -> bool:
        """Say whether German writes it with a capital in mid-sentence."""
        table = self._table
        if NOUN + key in table:
            return True
        last = None if key in table else self._last_part(key)
        return last is not None and NOUN + last in table

    def holds(self, run: str) -> bool:
        """Say whether a stretch of Japanese is one of the table's words."""
        return run in self._table

    def _last_part(self, key: str) -> str | None:
        """Return the last part of a compound of two words of the table."""
        if len(key) < _SHORTEST or not _LATIN.fullmatch(key) or _SURNAME.search(key):
            return None
        table = self._table
        for cut in range(_PIECE, len(key) - _PIECE + 1):
            rest = key[cut:]
            if COMPOUND + rest not in table:
                continue
            for joint in _JOINTS:
                first = key[: cut - len(joint)]
                if len(first) < _PIECE or not key[:cut].endswith(joint):
                    continue
                if COMPOUND + first in table:
                    return rest
        return None
