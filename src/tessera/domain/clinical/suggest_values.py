"""Find the concept that each value of a coded column means. Pure; identified zone.

A word in the table's own language, in English, or a code is certain. A letter or two mean
something only beside the others: `M` is *Mujer* where the column also says *Varón*. What cannot
be told is left, and said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from tessera.domain.clinical.column_names import plain, words_of_name
from tessera.domain.terms import terminology as terms
from tessera.domain.terms.concept import Concept

SURE: Final = 0.9
_LETTER_PAIRS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "sex": {
        "sv": ("k female m male", "f female m male"),
        "es": ("m female h male", "m female v male", "f female m male"),
        "el": ("γ female α male", "θ female α male"),
        "de": ("w female m male", "f female m male"),
        "fr": ("f female h male", "f female m male"),
        "it": ("f female m male", "d female u male"),
        "en": ("f female m male",),
    },
    "yes_no": {
        "sv": ("j yes n no",),
        "es": ("s yes n no",),
        "el": ("ν yes ο no",),
        "de": ("j yes n no",),
        "fr": ("o yes n no",),
        "it": ("s yes n no",),
        "en": ("y yes n no",),
    },
    "laterality": {
        "sv": ("v left h right",),
        "es": ("i left d right",),
        "el": ("α left δ right",),
        "de": ("l left r right", "li left re right"),
        "fr": ("g left d right",),
        "it": ("s left d right",),
        "en": ("l left r right",),
    },
    "vital_status": {"en": ("a alive d dead",)},
    "receptor": {"en": ("p positive n negative",)},
}
"""Group → language → the letters that stand for two concepts together."""
_HER2_SCORES: Final = {"0": "negative", "1+": "negative", "2+": "equivocal", "3+": "positive"}
"""HER2 by immunohistochemistry. Source: ASCO/CAP guideline 2018."""
_GREEK_LOOKALIKES: Final = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX")
_YES_NO: Final = frozenset("yes no y n ja nej j nein si s oui non o ναι οχι 0 1".split())
_GENERIC: Final = frozenset(
    plain(word)
    for word in (
        "therapy treatment drugs behandling terapi läkemedel terapia tratamiento θεραπεία therapie"
        " behandlung traitement trattamento thérapie"
    ).split()
)
"""Words that add nothing to the name of a treatment."""
_CANCER_WORDS: Final = frozenset(
    plain(word)
    for word in (
        "cancer cancers carcinoma ca tumour tumor neoplasm malignancy malignant of the in"
        " cáncer carcinoma tumor neoplasia maligno de del la el"
        " cancer karcinom tumör malign i karzinom krebs tumor bösartig des der"
        " καρκίνος ca όγκος νεόπλασμα του της κακοήθης"
        " cancer carcinome tumeur maligne du de la des"
        " cancro carcinoma tumore neoplasia maligno della del dell di"
    ).split()
)


@dataclass(frozen=True, slots=True)
class ValueMatch:
    """`sure` is 0 to 1; `why` is a word of `EVIDENCE`: word, initial, pair, score, part,
    abbreviation, short, broad, beside."""

    concept: str
    sure: float
    why: str


def match_values(
    group: str,
    values: Mapping[str, int],
    *,
    language: str,
    variable: str = "",
    labels: Mapping[str, str] | None = None,
) -> dict[str, ValueMatch]:
    """Return value → concept of `group`, for those that can be told.

    `labels`: what a data dictionary says of a value; it goes before the value itself.
    """
    found: dict[str, ValueMatch] = {}
    for value in values:
        said = (labels or {}).get(value, "")
        match = _word(group, said, language) if said else None
        match = match or (None if said else _word(group, value, language))
        if variable == "her2" and value.replace(" ", "") in _HER2_SCORES:
            match = ValueMatch(_HER2_SCORES[value.replace(" ", "")], 0.95, "score")
        if match is not None:
            found[value] = match
    if group == "cancer":
        broad = {one.name for one in terms.group(group) if "abstract" in one.facts}
        found = {
            text: ValueMatch(one.concept, 0.5, "broad") if one.concept in broad else one
            for text, one in found.items()
        }
    if group == "smoking":  # who does not smoke may have smoked
        found = {
            text: ValueMatch(one.concept, 0.5, "short") if plain(text) in _YES_NO else one
            for text, one in found.items()
        }
    if group in _LETTER_PAIRS:
        letters = [value for value in values if len(plain(value)) <= 2 and value.isalpha()]
        letters = [v for v in letters if v not in found or found[v].sure < SURE]
        found |= {value: match for value in letters if (match := _initial(value, found))}
        letters = [v for v in letters if v not in found or found[v].sure < SURE]
        found |= _letter_pair(group, letters, language, found)
    return found


def _word(group: str, text: str, language: str) -> ValueMatch | None:
    exact = _by_language(group).get(terms.folded(text), {})
    is_short = len(plain(text)) <= 2
    if len(plain(text)) == 2 and len(set(exact.values())) == 1:
        is_short = False
    for spoken in (language, "en", "any"):
        if spoken in exact:
            certain = not is_short or group not in _LETTER_PAIRS or text in ("+", "0", "1")
            return ValueMatch(
                exact[spoken], 0.97 if certain else 0.5, "word" if certain else "short"
            )
    if exact and not is_short:
        return ValueMatch(
            next(iter(exact.values())), 0.92 if len(set(exact.values())) == 1 else 0.5, "word"
        )
    head = text.partition("(")[0].strip()
    if head != text.strip() and len(plain(head)) > 2 and (inner := _word(group, head, language)):
        return ValueMatch(inner.concept, min(inner.sure, 0.7), "part")  # “cancer (suspected)”
    if group == "cancer" and (organ := _cancer_of_organ(text, language)):
        return organ
    if same := _same_core(group, text, language):
        return ValueMatch(same, 0.92, "part")
    if (
        text.endswith(".")
        and len(plain(text)) > 3
        and (long := _abbreviated(group, text, language))
    ):
        return ValueMatch(long, 0.94, "abbreviation")
    if group == "stage" and (inner_text := text.translate(_GREEK_LOOKALIKES)) != text:
        return _word(group, inner_text, language)
    return None


def _same_core(group: str, text: str, language: str) -> str:
    """Return the one concept whose word differs only in a word such as "therapy"."""
    words = words_of_name(text)
    core = "".join(word for word in words if word not in _GENERIC)
    if len(core) < 4 or len(words) < 2:
        return ""
    found = _cores(group).get((language, core), frozenset())
    return next(iter(found)) if len(found) == 1 else ""


@cache
def _cores(group: str) -> dict[tuple[str, str], frozenset[str]]:
    found: dict[tuple[str, str], frozenset[str]] = {}
    for one in terms.group(group):
        for spoken, word in _words(one):
            core = "".join(part for part in words_of_name(word) if part not in _GENERIC)
            if len(core) >= 4:
                found[spoken, core] = found.get((spoken, core), frozenset()) | {one.name}
    return found


def _abbreviated(group: str, text: str, language: str) -> str:
    """Return the one concept that has a word which begins so, in the language or in English."""
    start = terms.folded(text)
    found = {
        concept
        for word, spoken in _by_language(group).items()
        if word.startswith(start)
        for said, concept in spoken.items()
        if said in (language, "en")
    }
    return found.pop() if len(found) == 1 else ""


def _cancer_of_organ(text: str, language: str) -> ValueMatch | None:
    """Read "Ca of the breast": a word for cancer and a word for an organ."""
    words = words_of_name(text)
    rest = [word for word in words if word not in _CANCER_WORDS]
    if not rest or len(rest) == len(words):
        return None
    organ = _by_language("body_part").get(terms.folded(" ".join(rest)), {})
    name = organ.get(language) or organ.get("en") or next(iter(organ.values()), "")
    known = {one.name for one in terms.group("cancer")}
    return ValueMatch(name, 0.9, "part") if name in known else None


def _initial(value: str, found: Mapping[str, ValueMatch]) -> ValueMatch | None:
    """Return what a letter or two mean as the beginning of exactly one word of the column."""
    short = plain(value).rstrip(".")
    if not short:
        return None
    long = {
        match.concept
        for word, match in found.items()
        if len(plain(word)) > 2 and match.sure >= SURE and plain(word).startswith(short)
    }
    return ValueMatch(long.pop(), 0.96, "initial") if len(long) == 1 else None


def _letter_pair(
    group: str, letters: list[str], language: str, found: Mapping[str, ValueMatch]
) -> dict[str, ValueMatch]:
    short = {plain(value): value for value in letters}
    pairs = _LETTER_PAIRS[group]
    for text in pairs.get(language, pairs["en"]):
        words = text.split()
        pair = dict(zip(words[::2], words[1::2], strict=True))
        sure = {match.concept for match in found.values() if match.sure >= SURE}
        said = {letter for letter in pair if letter in short}
        others = {concept for letter, concept in pair.items() if letter not in said}
        if said and others <= sure and sure <= set(pair.values()):
            return {short[letter]: ValueMatch(pair[letter], 0.95, "pair") for letter in said}
    return {}


@cache
def _by_language(group: str) -> dict[str, dict[str, str]]:
    """Return folded word → language → concept. A word of two concepts in one language is none."""
    found: dict[str, dict[str, str]] = {}
    clashes: set[tuple[str, str]] = set()
    for one in terms.group(group):
        for spoken, word in _words(one):
            of_word = found.setdefault(terms.folded(word), {})
            if of_word.setdefault(spoken, one.name) != one.name:
                clashes.add((terms.folded(word), spoken))
    for word, spoken in clashes:
        del found[word][spoken]
    return found


def _words(one: Concept) -> list[tuple[str, str]]:
    words = [
        ("en", one.name.replace("_", " ")),
        ("en", one.name),
        ("en", one.label_en),
        ("sv", one.label_sv),
    ]
    words += [(spoken, word) for spoken, said in one.synonyms.items() for word in said]
    words += [("any", code) for code in one.codes.values()]
    words += [("any", code.partition(":")[2]) for code in one.same_as]
    return words
