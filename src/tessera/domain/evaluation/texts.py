"""Comparing texts as MIDI-B does: the whole, else word by word without the little words. Pure.

The little words are the articles, pronouns, prepositions and auxiliaries of English grammar.
"""

import re
from typing import Final

LITTLE_WORDS: Final = frozenset(
    """
    a about above after again against all am an and any are as at be because been before being
    below between both but by can did do does doing don down during each few for from further
    had has have having he her here hers herself him himself his how i if in into is it its
    itself just me more most my myself no nor not now of off on once only or other our ours
    ourselves out over own same she should so some such than that the their theirs them
    themselves then there these they this those through to too under until up very was we were
    what when where which while who whom why will with you your yours yourself yourselves
    """.split()
)
_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text in lower case, without little words and punctuation."""
    return tuple(w for w in _WORD.findall(text.lower()) if w not in LITTLE_WORDS)


def share_present(wanted: str, text: str) -> float:
    """Return the share of `wanted` that stands in `text`, 0 to 1; 1 when the whole does.

    Numbers are compared as numbers ("12" is "12.0"). A word counts as present when it stands in
    the text at all, also inside a longer word, as in MIDI-B.
    """
    wanted, text = wanted.strip().lower(), text.lower()
    if _is_number(wanted) and _is_number(text.strip()):
        return float(float(wanted) == float(text))
    if wanted in text:
        return 1.0
    words = words_of(wanted)
    if not words:
        return 0.0
    return sum(word in text for word in words) / len(words)


def _is_number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdigit()


def any_left(identity: str, text: str, keep: frozenset[str] = frozenset()) -> bool:
    """Say whether an identity or any word of it is still in the text.

    A word of three letters and less counts only when it stands as a word, and a number of three
    digits and less only when it is the whole identity: "an" and "12" are in half of all texts.
    (MIDI-B counts those too.) Words in `keep` are those that the key wants kept in this place.
    """
    identity, text = identity.strip().lower(), text.lower()
    if not identity:
        return False
    if _is_number(identity) and _is_number(text.strip()):
        return float(identity) == float(text)
    if len(identity) > 3 and identity in text and identity not in keep:
        return True
    standing = frozenset(_WORD.findall(text))
    words = words_of(identity)
    return any(_left(word, text, standing, len(words)) for word in words if word not in keep)


def _left(word: str, text: str, standing: frozenset[str], n_words: int) -> bool:
    if len(word) > 3:
        return word in text
    if word.isdigit() and n_words > 1:
        return False
    return len(word) > 1 and word in standing
