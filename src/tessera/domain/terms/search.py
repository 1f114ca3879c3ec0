"""Find concepts by what people write, also when it is misspelt; best first. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from tessera.domain.terms.concept import Concept
from tessera.domain.terms.load import read_group
from tessera.domain.terms.terminology import folded, groups

_EXACT, _BEGINS, _WORD, _WITHIN = 1.0, 0.85, 0.75, 0.6
_LEAST = 0.5
_OTHER_LANGUAGE = 0.97
"""A word of a language that was not asked for counts this much."""


@dataclass(frozen=True, slots=True)
class Match:
    """One concept that was found: by which of its words, and how well (0 to 1)."""

    concept: Concept
    word: str
    score: float


def search(
    text: str, language: str = "en", *, group: str | None = None, limit: int = 20
) -> tuple[Match, ...]:
    """Return the concepts in use that `text` may mean, best first, at most `limit`.

    Words of all languages are looked through; those of `language` and abbreviations come
    first. An exact word scores 1 (a code too), then a beginning, a whole word within, a part,
    and words that share most of their letter triples (typing errors).

    Raises:
        UnknownGroup: there is no such group.
    """
    wanted = folded(text)
    if not wanted:
        return ()
    triples = _triples(wanted)
    found = []
    for name in (group,) if group else groups():
        for one in read_group(name).values():
            if one.retired:
                continue
            best = max(
                (
                    (_score(wanted, triples, text, word) * weight, -rank, word)
                    for rank, (word, weight) in enumerate(_weighted(one, language))
                ),
                key=lambda scored: scored[:2],
            )
            if best[0] >= _LEAST:
                found.append(Match(one, best[2], round(best[0], 3)))
    found.sort(key=lambda one: -one.score)
    return tuple(found[:limit])


def _weighted(one: Concept, language: str) -> Iterator[tuple[str, float]]:
    own = language[:2].casefold()
    yield one.label(own), 1.0
    yield one.name, 1.0
    yield one.label("en" if own == "sv" else "sv"), _OTHER_LANGUAGE
    for spoken, said in one.synonyms.items():
        weight = 1.0 if spoken in {own, "any"} else _OTHER_LANGUAGE
        for word in said:
            yield word, weight
    for code in (*one.codes.values(), *(code.partition(":")[2] for code in one.same_as)):
        yield code, 1.0


def _score(wanted: str, triples: frozenset[str], text: str, word: str) -> float:
    own = folded(word)
    if own == wanted:
        return _EXACT
    share = len(wanted) / len(own) if len(own) > len(wanted) else 0.0
    if share and len(wanted) > 1:
        if own.startswith(wanted):
            return _BEGINS + 0.1 * share
        if folded(text) in {folded(part) for part in word.split()}:
            return _WORD + 0.1 * share
        if len(wanted) > 3 and wanted in own:
            return _WITHIN + 0.1 * share
    if len(wanted) < 4:
        return 0.0
    others = _triples(own)
    return 0.9 * 2 * len(triples & others) / (len(triples) + len(others))


def _triples(word: str) -> frozenset[str]:
    padded = f"  {word} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))
