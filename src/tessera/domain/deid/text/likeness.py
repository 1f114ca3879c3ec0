"""How a word is spelled: like the words of reports, or like names. Pure."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

_LATIN: Final = re.compile(r"[a-z]{4,}")
_LEAST: Final = 0.5
"""Mean log ratio from which a word is ordinary."""
_SURNAME: Final = re.compile(
    # Swedish, Danish, Norwegian
    r"(?:s[eo]n|strom|[kq]vist|gren|berg|lund|stedt|sted|dahl|dal|holm|hult|skog|backe?|vall|lof|blom|"
    r"blad|mark|rud|by|gaard|gard|haug|vik|stad|moen|lind|rot|feldt|ander|ros|stam|strand|fors|"
    # German, Dutch
    r"mann?|m[ae][iy]er|meijer|bauer|huber|hofer|hammer|stein|feld|kopf|reiter|bach|bacher|brink|dorf|"
    r"dorfer|wald|burg|burger|baum|ig|er[lt]|ski|hausen?|houdt|stra|sma|inga|veen|huis|berger|egger|"
    # English
    r"ford|ton|wood|well|ridge|ley|worth|field|ham|shaw|more|land|smith|brook|stone|bury|combe|kins|son|"
    # Greek, in Latin letters
    r"poulos|poulou|idis|idou|akis|aki|akos|atos|oglou|iadis|iadou|iou|"
    # Slavonic
    r"[sz]k[aiy]|[ctd]k[aiy]|wicz|icz|vich|ovic|evic|ic|ow|owa|ov|ova|ev|eva|in[a]?|enko|chuk|czyk|czak|yuk|uk|iak|ak|"
    # Finnish, Baltic
    r"nen|la|lainen|maki|niemi|aho|saari|onen|ainen|kainen|salo|jarvi|"
    # Spanish, Portuguese, Italian, French
    r"ez|es|elli|ini|etti|ucci|ardi|ard|aud|eau|eux|ier|etti|ello|acci|oni|eira|eiro|inho|illo|era|ero|"
    # Arabic, Turkish, Persian, South Asian
    r"oglu|turk|demir|kaya|yilmaz|ullah|allah|uddin|zadeh|pour|ian|yan|jee|walla|rahman|murthy|appa|"
    r"\b(?:al|abu|abd|ibn|bin)\w+|"
    # Japanese
    r"moto|mura|yama|gawa|kawa|shima|jima|tani|naka|zawa|sawa|guchi|uchi|hashi|bashi|wara|hara|oka|"
    r"mori|mizu|no|da|ta|to|ki|ka|ko|ro|saki|zaki|matsu|mi)$"
)
"""Ends that surnames of the languages have, in folded Latin letters."""
_HIGH: Final = 0.8
_MEDICAL: Final = re.compile(
    r"(?:osis|itis|emia|oma|ation|ition|ization|logi[ae]?|grafi[aek]?|graphy|skopi[ae]?|ektomi[ae]?|"
    r"ectomy|plasti[ck]|isk[at]?|ical|ering|ning(?:en|ar|arna)?|ung(?:en)?|lich(?:e[nrs]?)?|bar(?:e[nrs]?)?|"
    r"ade|ande|ende|erad[e]?|erat|ierte?[nrs]?|ität|itat(?:en)?|keit(?:en)?|heit(?:en)?|ment[oe]|mente|"
    r"cion(?:es)?|idad|ness|less|fully|ously|able|ible|ive|ized|ised|ighet|lighet|artad[e]?|formad[e]?|ligt?|"
    r"liga|samt?|samma)$"
)
"""Ends of words and not of names; only these, or a high mean, keep a word that nobody knows."""


class Likeness:
    """Compares the three- and four-letter runs of a word with those of words and of names."""

    def __init__(self, words: Iterable[str], names: Iterable[str]) -> None:
        self._words: Counter[str] = Counter()
        self._names: Counter[str] = Counter()
        for word in words:
            if len(word) > 4 and _LATIN.fullmatch(word):
                self._words.update(set(_runs(word)))
        for name in names:
            if _LATIN.fullmatch(name):
                self._names.update(set(_runs(name)))
        self._all_words = self._words.total() + 10_000
        self._all_names = self._names.total() + 2_000

    def ordinary(self, word: str) -> bool:
        """Say whether a folded word is spelled rather like words than like names."""
        if not _LATIN.fullmatch(word):
            return False
        medical = _MEDICAL.search(word) is not None
        if not medical and _SURNAME.search(word):
            return False
        least = _LEAST if medical else _HIGH
        total = count = 0.0
        for run in _runs(word):
            ours, theirs = self._words[run], self._names[run]
            count += 1
            if ours or theirs:
                total += math.log((ours + 0.5) / self._all_words)
                total -= math.log((theirs + 0.1) / self._all_names)
            else:
                total -= 1
        return total / count >= least


def _runs(word: str) -> Iterator[str]:
    marked = f"^{word}$"
    for size in (3, 4):
        for start in range(len(marked) - size + 1):
            yield marked[start : start + size]
