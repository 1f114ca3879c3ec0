"""Look concepts up: by group and name, by code, by any word for them; and their is-a. Pure."""

import unicodedata
from functools import cache

from tessera.domain.terms.concept import Concept
from tessera.domain.terms.errors import UnknownConcept
from tessera.domain.terms.load import index, read_group

_DROPPED = str.maketrans("", "", " \t\n\r\u00a0-_.,:;()[]{}'\"`´’\\")


def version() -> str:
    """Return the version of the terminology's data."""
    return index()[0]


def groups() -> tuple[str, ...]:
    """Return the names of all groups."""
    return tuple(index()[1])


def group_label(name: str, language: str) -> str:
    """Return what the group is, in Swedish for `sv…`, else in English."""
    return index()[1][name][1 if language[:2].casefold() == "sv" else 0]


def group(name: str) -> tuple[Concept, ...]:
    """Return the concepts of a group that are in use, in their order.

    Raises:
        UnknownGroup: there is no such group.
    """
    return tuple(one for one in read_group(name).values() if not one.retired)


def concept(group: str, name: str) -> Concept:
    """Return one concept, also a retired one.

    Raises:
        UnknownGroup, UnknownConcept: there is none of this name.
    """
    try:
        return read_group(group)[name]
    except KeyError:
        raise UnknownConcept(f"{group} has no concept {name!r}") from None


def by_code(system: str, code: str) -> tuple[Concept, ...]:
    """Return every concept, of any group, that has this code or says that it is the same."""
    return _codes().get((system.upper(), code), ())


def named(group: str, text: str) -> Concept | None:
    """Return the concept that `text` means: a name, label, synonym or code; None when none.

    Case, accents, spaces and most punctuation do not matter; `SCT:` and the like may stand
    before a code. Where case tells two apart (units), the exact spelling is tried first.
    """
    exact, loose = _words(group)
    bare = text.strip()
    return exact.get(bare) or loose.get(folded(bare))


def narrower(group: str, name: str) -> tuple[str, ...]:
    """Return the concept's name and those of all its descendants, in the group's order.

    Raises:
        UnknownGroup, UnknownConcept: there is none of this name.
    """
    concept(group, name)
    found = {name}
    entries = read_group(group).values()
    grown = True
    while grown:
        more = {one.name for one in entries if found.intersection(one.parents)} - found
        found |= more
        grown = bool(more)
    return tuple(one.name for one in entries if one.name in found)


def broader(group: str, name: str) -> tuple[str, ...]:
    """Return the names of all ancestors of the concept, nearest first.

    Raises:
        UnknownGroup, UnknownConcept: there is none of this name.
    """
    found: list[str] = []
    waiting = list(concept(group, name).parents)
    while waiting:
        parent = waiting.pop(0)
        if parent not in found:
            found.append(parent)
            waiting.extend(concept(group, parent).parents)
    return tuple(found)


def folded(text: str) -> str:
    """Return text in the form in which words are compared: no case, accent, space or dot.

    Text of nothing but punctuation ("-", "+/-") stays as it is.
    """
    plain = text.casefold()
    if not plain.isascii():
        apart = unicodedata.normalize("NFKD", plain)
        plain = "".join(one for one in apart if not unicodedata.combining(one)).casefold()
    kept = plain.translate(_DROPPED)
    return kept if any(one.isalnum() for one in kept) else text.strip()


def words_of(concept: Concept) -> tuple[str, ...]:
    """Return every word for the concept: name, labels, synonyms of all languages."""
    words = [concept.name, concept.label_en, concept.label_sv]
    for said in concept.synonyms.values():
        words.extend(said)
    return tuple(words)


@cache
def _words(group: str) -> tuple[dict[str, Concept], dict[str, Concept]]:
    exact: dict[str, Concept] = {}
    loose: dict[str, Concept] = {}
    entries = sorted(read_group(group).values(), key=lambda one: bool(one.retired))
    for one in entries:
        exact.setdefault(one.name, one)
        loose.setdefault(folded(one.name), one)
    for one in entries:
        codes = [*(":".join(pair) for pair in one.codes.items()), *one.same_as]
        codes += [code.partition(":")[2] for code in codes]
        for word in (*words_of(one), *codes):
            exact.setdefault(word, one)
            loose.setdefault(folded(word), one)
    return exact, loose


@cache
def _codes() -> dict[tuple[str, str], tuple[Concept, ...]]:
    found: dict[tuple[str, str], tuple[Concept, ...]] = {}
    for name in groups():
        for one in read_group(name).values():
            pairs = [*one.codes.items()]
            pairs += [(system, code) for system, _, code in (c.partition(":") for c in one.same_as)]
            pairs += [(system, code) for system, all_ in one.covers.items() for code in all_]
            for pair in dict.fromkeys(pairs):
                found[pair] = (*found.get(pair, ()), one)
    return found
