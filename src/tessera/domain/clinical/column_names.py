"""What the name of a column says: which variable, in which language, with which unit. Pure.

Names are compared without case, accents and punctuation. The words are data
(`data/column_names.txt`, `data/table_words.txt`) and the terminology's.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pkgutil import get_data
from typing import Final

from tessera.domain.terms.units import ucum_of

_SPLIT: Final = re.compile(r"[^\W_]+")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_BRACKETS: Final = re.compile(r"[(\[]\s*([^()\[\]]{1,16})\s*[)\]]\s*$")
_WEAK: Final = 0.6
_LANGUAGES: Final = ("en", "sv", "es", "el", "de", "fr", "it")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A name for a variable. `target` begins with ! where the column is never read."""

    target: str
    language: str
    words: tuple[str, ...]
    joined: str
    text: str
    is_weak: bool = False
    """It may mean other things too (~ in the data): never certain by itself."""


@dataclass(frozen=True, slots=True)
class NameMatch:
    """How well a column's name says `target`: 1 is word for word."""

    target: str
    score: float
    language: str
    phrase: str
    how: str = "name"
    """name, name-part, name-like or name-short: a code of evidence."""


def plain(text: str) -> str:
    """Return text without case, accents and Greek final sigma."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in apart if not unicodedata.combining(c)).replace("ς", "σ")


def words_of_name(name: str) -> tuple[str, ...]:
    """Return the words of a column's name; camelCase and underscores part words."""
    return tuple(_SPLIT.findall(plain(_CAMEL.sub(" ", name))))


_LEGEND: Final = re.compile(r"(?<![\w.])([0-9]{1,2}|[A-Za-z])\s*=\s*([^=,;/)\]0-9]{2,40})")


def legend(name: str) -> tuple[str, dict[str, str]]:
    """Return (name, code → word) of a name with its legend, as in `Sex (1=man, 2=woman)`."""
    found = {code: word.strip(" .-") for code, word in _LEGEND.findall(name)}
    return (
        (re.split(r"[(\[:]|\b[0-9A-Za-z]\s*=", name)[0].strip() or name, found)
        if found
        else (name, {})
    )


def in_brackets(name: str) -> tuple[str, str]:
    """Return (name, what stands in brackets at its end), for example (`Height`, `cm`)."""
    match = _BRACKETS.search(name)
    return (name[: match.start()].strip(), match.group(1)) if match else (name, "")


@lru_cache(maxsize=8192)
def unit_words(words: tuple[str, ...]) -> int:
    """Return how many words at the end of a name are a unit, as in `creatinine_umol_l`.

    A name of nothing but a unit has none. 0 slices to nothing, which the caller then passes over.
    """
    for length in (3, 2, 1):
        text = "/".join(words[-length:])
        if len(words) > length and len(text) > 1 and words[-length][0].isalpha() and ucum_of(text):
            return length
    return 0


@cache
def phrases() -> tuple[Phrase, ...]:
    """Return every name of the data file."""
    found = []
    target = ""
    for line in _data("column_names.txt").splitlines():
        if not line or line.startswith("#"):
            continue
        if line[0] != " ":
            target = line.strip()
            found.append(_phrase(target, "any", target.removeprefix("!").replace("_", " ")))
            continue
        language, _, said = line.strip().partition(" ")
        found += [_phrase(target, language, one) for one in said.split(";") if one.strip()]
    return tuple(found)


def _phrase(target: str, language: str, text: str) -> Phrase:
    words = words_of_name(text)
    said = text.strip()
    return Phrase(target, language, words, "".join(words), said.lstrip("~"), said[:1] == "~")


@cache
def table_words(kind: str) -> Mapping[str, str]:
    """Return word → language of a kind: missing, unit, date, stop."""
    found: dict[str, str] = {}
    here = False
    for line in _data("table_words.txt").splitlines():
        if line and not line.startswith(("#", " ")):
            here = line.strip() == kind
        elif here and line:
            language, _, said = line.strip().partition(" ")
            for word in said.split(";"):
                found.setdefault(plain(word.strip()), language)
    return found


def is_missing_word(text: str) -> bool:
    """Say whether a cell is a word for "no value" in some language."""
    return plain(text) in table_words("missing")


def match_names(
    name: str, extra: Mapping[str, tuple[Phrase, ...]] | None = None
) -> dict[str, NameMatch]:
    """Return the best match of each target that the name says at all.

    `extra`: target → phrases of the terminology, beside those of the data file.
    """
    best = dict(_of_the_file(name))
    for more in (extra or {}).values():
        _improve(best, name, more)
    return best


@lru_cache(maxsize=8192)
def _of_the_file(name: str) -> Mapping[str, NameMatch]:
    best: dict[str, NameMatch] = {}
    _improve(best, name, phrases())
    return best


def _improve(best: dict[str, NameMatch], name: str, known: tuple[Phrase, ...]) -> None:
    bare, _ = in_brackets(legend(name)[0])
    whole = words_of_name(name)
    for words in dict.fromkeys((words_of_name(bare), whole, whole[: -unit_words(whole)])):
        for phrase in known if words else ():
            score, how = _score(words, phrase)
            score = min(score, _WEAK) if phrase.is_weak else score
            if score > 0.3 and (phrase.target not in best or score > best[phrase.target].score):
                best[phrase.target] = NameMatch(
                    phrase.target, score, phrase.language, phrase.text, how
                )


def phrases_of(target: str, synonyms: Mapping[str, tuple[str, ...]]) -> tuple[Phrase, ...]:
    """Return phrases for a target from words by language."""
    return tuple(
        _phrase(target, language, word)
        for language, words in synonyms.items()
        for word in words
        if words_of_name(word)
    )


def _score(words: tuple[str, ...], phrase: Phrase) -> tuple[float, str]:
    """Return how well words say a phrase, and how."""
    joined = "".join(words)
    if joined == phrase.joined:
        return 1.0, "name"
    stops = table_words("stop")
    content = [word for word in words if word not in stops] or list(words)
    wanted = [word for word in phrase.words if word not in stops] or list(phrase.words)
    if sorted(content) == sorted(wanted):
        return 0.95, "name"
    length = sum(map(len, content))
    if set(wanted) <= set(content):
        whole = 0.5 + 0.4 * sum(map(len, wanted)) / length if len(phrase.joined) > 1 else 0.4
        return whole, "name-part"
    if len(phrase.joined) >= 5 and len(joined) <= 40:
        if joined.startswith(phrase.joined) or joined.endswith(phrase.joined):
            return 0.4 + 0.4 * len(phrase.joined) / len(joined), "name-part"
        near = abs(len(joined) - len(phrase.joined)) <= 4
        if near and (dice := _dice(joined, phrase.joined)) > 0.7:
            return 0.8 * dice, "name-like"
    if (
        len(phrase.words) > 1
        and 4 <= len(joined) < len(phrase.joined)
        and is_short_for(joined, phrase.words)
    ):
        return 0.6 + 0.2 * len(joined) / len(phrase.joined), "name-short"
    return 0.0, ""


def is_short_for(joined: str, words: tuple[str, ...]) -> bool:
    """Say whether a name is the beginnings of all the words in their order: `tsize`, `estrec`."""
    if not words:
        return not joined
    return any(
        joined.startswith(words[0][:n]) and is_short_for(joined[n:], words[1:])
        for n in range(min(len(words[0]), len(joined)), 0, -1)
    )


def _dice(one: str, other: str) -> float:
    """Return the share of letter pairs that two words have in common."""
    pairs, others = _pairs(one), list(_pairs(other))
    total = len(pairs) + len(others)
    common = 0
    for pair in pairs:
        if pair in others:
            others.remove(pair)
            common += 1
    return 2 * common / total if total else 0.0


@cache
def _pairs(word: str) -> tuple[str, ...]:
    return tuple(word[n : n + 2] for n in range(len(word) - 1))


def language_of(names: Iterable[str]) -> tuple[str, float]:
    """Return the language of a table's column names and the share of names that speak it."""
    votes = dict.fromkeys(_LANGUAGES, 0.0)
    n_voters = 0
    for name in names:
        spoken = _spoken().get("".join(words_of_name(in_brackets(name)[0])), frozenset())
        if not spoken and re.search(r"[\u0370-\u03ff\u1f00-\u1fff]", name):
            spoken = frozenset(("el",))
        n_voters += bool(spoken)
        for language in spoken:
            votes[language] += 1 / len(spoken)
    best = max(_LANGUAGES, key=lambda language: votes[language])
    return (best, round(votes[best] / n_voters, 2)) if n_voters else ("", 0.0)


@cache
def _spoken() -> dict[str, frozenset[str]]:
    """Return phrase → the languages in which it is a name."""
    found: dict[str, frozenset[str]] = {}
    for phrase in phrases():
        if phrase.language in _LANGUAGES:
            found[phrase.joined] = found.get(phrase.joined, frozenset()) | {phrase.language}
    return found


@cache
def _data(name: str) -> str:
    return (get_data("tessera.domain.clinical", f"data/{name}") or b"").decode()
