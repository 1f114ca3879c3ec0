"""What a text is made of, before anybody asks whose it is. Pure.

A reading depends on the vocabulary alone, so the same descriptor of a thousand patients is read
once.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Final

from tessera.domain.deid.text.found import Found
from tessera.domain.deid.text.patterns import find_patterns
from tessera.domain.deid.text.tokens import (
    Token,
    camel_parts,
    folded,
    is_unspaced,
    tokens_of,
)
from tessera.domain.deid.text.vocabulary import Vocabulary, Word

UNKNOWN: Final = Word.UNKNOWN
DERIVED: Final = Word.DERIVED
LISTED: Final = Word.LISTED

_STAGE: Final = re.compile(
    r"(?:[ycpuram]{0,2}T(?:[0-4][a-d]?[1-2]?|is|x|a))?(?:\(?[a-z0-9]{1,3}\)?)?(?:[ycpuram]{0,2}N[0-3x][a-c]?)"
    r"(?:[ycpuram]{0,2}M[01x][a-c]?)?(?:[GRLV][0-4x])*|[ycpuram]{0,2}T(?:[0-4][a-d]?|is|x)(?:M[01x])?",
    re.IGNORECASE,
)
_MATRIX: Final = re.compile(r"\d{1,4}(?:[xX×]\d{1,4}){1,3}(?:mm|cm)?")
_ROMAN: Final = re.compile(r"(?=[ivx])x?(?:ix|iv|v?i{0,3})[a-c]?")
_LETTER_CODE: Final = re.compile(r"[a-z]")
_PROSE: Final = 5
_BESIDE: Final = ("", " ", ", ", "-", "_", "^")
_SURNAME: Final = (
    "mark",
    "rot",
    "fors",
    "feldt",
    "ander",
    "sten",
    "stein",
    "kopf",
    "feld",
    "well",
    "ridge",
    "ford",
    "kvist",
    "qvist",
    "bauer",
    "hammer",
    "berg",
    "strom",
    "lund",
    "blad",
    "ros",
    "stam",
    "mann",
    "wood",
    "ton",
    "ell",
    "reiter",
    "hofer",
    "strand",
    "stedt",
    "vall",
    "dahl",
)
"""Ends of surnames: a capital and such an end outweigh a form that is only derived."""
_MAX_RUNS: Final = 7
_CONSONANTS: Final = re.compile(r"[B-DF-HJ-NP-TV-XZ]{3,5}")
_BEFORE_INITIALS: Final = ("/", "^", ";")
_VESSELS: Final = frozenset("AVMNRLBZDXI")
"""A. carotis, V. cava, M. psoas, N. opticus, R. profundus, Lig., Z. n., Dx.: no initials."""
_BY: Final = frozenset(
    "av von vom par por by af door przez da di de til till to med mit with con avec van och und "
    "and y et e ved vid bei hos chez fra fran from sign signerat gez dikt dict dictated vb".split()
)
"""After these, capitals may be the initials of somebody."""
STAFF: Final = frozenset(
    "radiographer technologist tech technician mtra mta mtr rta rontgensjukskoterska ssk "
    "rtgssk bma usk tsid ter sjukskoterska tecnico tecnica enfermera enfermero sonographer "
    "radiologist radiolog sign nurse rontgenlakare signerat signed operator performed "
    "dictated radiologe radiologin radiologo radiologa radiologue radioloog radiologi "
    "rontgenhoitaja hoitaja radiografo radiograaf laborant laborantin bioingenior "
    "sygeplejerske sykepleier verpleegkundige manipulateur manipulatrice infirmiere "
    "infirmier infermiere infermiera tsrm enfermeira enfermeiro pielegniarka technik "
    "elektroradiolog operatore operateur operador operatorka kirurg chirurg cirujano "
    "chirurgo lausuja sanellut gez diktiert dikt signatur visum vidimerat granskat firmado "
    "firmato podpis assinado paraph kurzel handzeichen τεχνολογοσ ραδιολογοσ ακτινολογοσ "
    "χειριστησ υπογραφη νοσηλευτησ νοσηλευτρια 技師 看護師 記載 読影 担当 署名 撮影者 "
    "検査技師 担当技師 読影医 記載者 術者".split()
)
"""After these stand the initials of somebody."""
OPERATION: Final = frozenset("op opr opert anest anast assist ass uf utf undf bef".split())
"""After these and a colon stand two letters of somebody: op: JH."""
_LONG_VALUE: Final = frozenset(
    "te tr ti b bval bvalue venc kv kvp ma mas mm cm ms bq kbq mbq hz khz mhz dpi px fps hu"
    " mgy".split()
)
"""Technical words beside which four and five digits are a quantity."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Tokens of a text, how well each is known, and what has the form of an identity."""

    tokens: tuple[Token, ...]
    known: tuple[Word, ...]
    found: tuple[Found, ...]
    plain: bool
    """Nothing to remove unless it is somebody's name: all known, no pattern, no trigger."""
    digits: bool


class Reader:
    """Reads texts with a vocabulary; readings of short texts are remembered."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._risky = vocabulary.names | vocabulary.titles | vocabulary.after | STAFF | OPERATION
        self._short = lru_cache(1 << 14)(self._read)

    def read(self, text: str) -> Reading:
        return self._short(text) if len(text) <= 128 else self._read(text)

    def _read(self, text: str) -> Reading:
        sure: set[int] = set()
        tokens = tuple(self._split(tokens_of(text), sure))
        known = [self._look(token) for token in tokens]
        if sure:
            for i, token in enumerate(tokens):
                if known[i] is UNKNOWN and token.start in sure:
                    known[i] = DERIVED
        for first, last in _clusters(tokens):
            self._judge_cluster(text, tokens, known, first, last)
        self._judge_consonants(text, tokens, known)
        self._judge_capitals(text, tokens, known)
        self._judge_prose(text, tokens, known)
        found = tuple(find_patterns(text))
        plain = (
            not found
            and "^" not in text
            and all(k is not UNKNOWN for k in known)
            and not any(t.key in self._risky and not t.digits for t in tokens)
            and not any(t.digits and len(t.text) == 2 and t.text >= "90" for t in tokens)
            and not any(t.digits and len(t.text) == 3 and t.text < "130" for t in tokens)
        )
        return Reading(tokens, tuple(known), found, plain, any(t.digits for t in tokens))

    def _split(self, tokens: tuple[Token, ...], sure: set[int]) -> list[Token]:
        """Take runs without blanks and AxialFlair apart; add where a known part of a run begins."""
        parts: list[Token] = []
        for token in tokens:
            if token.digits:
                parts.append(token)
            elif not token.text.isascii() and is_unspaced(token.text):
                run = token.key if len(token.key) == len(token.text) else token.text
                for start, end, known in self._vocabulary.segments(run):
                    at = token.start + start
                    if known and run[start:end] not in self._vocabulary.names:
                        sure.add(at)
                    parts.append(
                        Token(
                            token.text[start:end],
                            at,
                            token.start + end,
                            run[start:end] if known else folded(run[start:end]),
                            False,
                            bool(start),
                        )
                    )
            elif len(pieces := camel_parts(token.text)) > 1 and not self._is_listed(token.key):
                at = token.start
                for piece in pieces:
                    parts.append(
                        replace(
                            token,
                            text=piece,
                            start=at,
                            end=at + len(piece),
                            key=folded(piece),
                            joined=token.joined or at > token.start,
                        )
                    )
                    at += len(piece)
            else:
                parts.append(token)
        return parts

    def _is_listed(self, key: str) -> bool:
        return self._vocabulary.look(key) is LISTED

    def _look(self, token: Token) -> Word:
        key, text = token.key, token.text
        if token.digits or len(text) == 1:
            return LISTED if not is_unspaced(text) or self._is_listed(key) else UNKNOWN
        known = self._vocabulary.look(key)
        if known is UNKNOWN:
            # "Calvert" is not cal + vert: names are written so, joined codes seldom.
            joined = not (text.istitle() and len(text) > 4) and self._vocabulary.is_code(key)
            if _ROMAN.fullmatch(key) or joined:
                return DERIVED
            if text.isupper() and len(text) <= 6 and _STAGE.fullmatch(text):
                return DERIVED
        elif known is DERIVED and text.casefold().endswith(("én", "éns")):
            return UNKNOWN  # Hallén is not "hallen"
        elif len(key) < 4 and text[0].isupper() and self._vocabulary.only_common(key):
            return UNKNOWN  # initials
        elif known is DERIVED and token.capital and len(key) < 11 and key.endswith(_SURNAME):
            return UNKNOWN
        return known

    def _judge_cluster(
        self, text: str, tokens: tuple[Token, ...], known: list[Word], first: int, last: int
    ) -> None:
        """Settle letters and digits that stand together: b800, 3D, pT2bN0M0, AB1234."""
        runs = tokens[first:last]
        digits = sum(len(t.text) for t in runs if t.digits)
        if not digits:
            return
        if len(runs) == 1:
            if digits == 5 and not self._is_quantity(text, tokens, first):
                known[first] = UNKNOWN
            return
        whole = text[runs[0].start : runs[-1].end]
        if _STAGE.fullmatch(whole) and len(whole) < 14:
            known[first:last] = [DERIVED] * len(runs)
            return
        if self._is_listed(folded(whole)):
            known[first:last] = [LISTED] * len(runs)
            return
        if _MATRIX.fullmatch(whole):
            known[first:last] = [LISTED] * len(runs)
            return
        letters = [t for t in runs if not t.digits]
        single = sum(len(t.text) == 1 for t in letters)
        long_value = any(t.key in _LONG_VALUE for t in letters)
        least = 5 if long_value else (4 if single < len(letters) else 3)
        longest = max(len(t.text) for t in runs if t.digits)
        sane = longest <= (5 if long_value else (3 if single else 4)) and digits <= least + 2
        sane = sane and len(runs) <= _MAX_RUNS and (len(runs) < 5 or single < len(letters))
        if longest >= 4 and not long_value:
            sane = sane and runs[0].digits  # 2000ml, not MR1234
        if not sane:
            known[first:last] = [UNKNOWN] * len(runs)
        elif all(known[i] is not UNKNOWN for i in range(first, last)):
            return
        else:
            # What hangs on an unknown name goes with it: svensson2, K4larsson.
            known[first:last] = [UNKNOWN] * len(runs)

    def _judge_consonants(self, text: str, tokens: tuple[Token, ...], known: list[Word]) -> None:
        """Keep MRF and RBK: capitals without a vowel are no name, unless they sign."""
        for i, token in enumerate(tokens):
            if known[i] is not UNKNOWN or not _CONSONANTS.fullmatch(token.text):
                continue
            if token.joined or (i + 1 < len(tokens) and tokens[i + 1].joined):
                continue
            signs = text[: token.start].rstrip(" \t(")[-1:] in _BEFORE_INITIALS
            before = tokens[i - 1] if i else None
            by = before is not None and (
                before.key in _BY or before.key in self._risky or known[i - 1] is UNKNOWN
            )
            last = i + 1 == len(tokens) or "\n" in text[token.end : tokens[i + 1].start]
            if not (signs or by or (last and i)):
                known[i] = DERIVED

    def _judge_capitals(self, text: str, tokens: tuple[Token, ...], known: list[Word]) -> None:
        """Doubt words of the large table that are written as names are.

        With a capital after a lower-case word, unless it is a German noun; with a capital beside
        an unknown word with one, or after a title, a role or a common name.
        """
        v = self._vocabulary
        weak = [
            i
            for i, t in enumerate(tokens)
            if known[i] is DERIVED and t.capital and v.only_common(t.key)
        ]
        for order in (weak, weak[::-1]) if weak else ():
            for i in order:
                before = tokens[i - 1] if i else None
                gap = text[before.end : tokens[i].start] if before else "."
                if before and not before.digits and gap in (" ", ", "):
                    person = before.key in v.titles or before.key in v.roles
                    middle = gap == " " and before.text.islower() and len(before.text) > 1
                    person = person or before.key in v.names
                    if person or (middle and not v.is_noun(tokens[i].key)):
                        known[i] = UNKNOWN
                initial = before.text if before and len(before.text) == 1 else ""
                if initial.isupper() and gap in (". ", ".") and initial not in _VESSELS:
                    known[i] = UNKNOWN  # T. Brook
                for j in (i - 1, i + 1):
                    if 0 <= j < len(tokens) and known[j] is UNKNOWN and tokens[j].capital:
                        first, last = min(i, j), max(i, j)
                        if text[tokens[first].end : tokens[last].start] in _BESIDE:
                            known[i] = UNKNOWN
        for i in weak:
            self._judge_pair(text, tokens, known, i)

    def _judge_pair(self, text: str, tokens: tuple[Token, ...], known: list[Word], i: int) -> None:
        """Doubt two derived words side by side within a line that are written as a name is."""
        for first in (i - 1, i):
            pair = tokens[first : first + 2]
            if first < 1 or len(pair) < 2 or known[first] is not known[first + 1]:
                continue
            gaps = [text[a.end : b.start] for a, b in pairwise(tokens[first - 1 : first + 2])]
            if gaps == [" ", " "] and all(
                t.capital and t.text[1:].islower() and not self._vocabulary.is_noun(t.key)
                for t in pair
            ):
                known[first] = known[first + 1] = UNKNOWN

    def _judge_prose(self, text: str, tokens: tuple[Token, ...], known: list[Word]) -> None:
        """Keep lone lower-case words of prose that begins with a capital and is mostly known.

        A name in lower case is not expected there; a word that is spelled like names, or stands
        beside another unknown word, a title, a role or a sign, stays unknown.
        """
        words = [i for i, t in enumerate(tokens) if not t.digits and len(t.text) > 1]
        if len(words) < _PROSE or not tokens[words[0]].capital or "_" in text or "^" in text:
            return
        if sum(known[i] is UNKNOWN for i in words) * 3 > len(words):
            return
        if sum(tokens[i].text.islower() for i in words) * 5 < len(words) * 2:
            return
        unknown = [known[i] is UNKNOWN for i in range(len(tokens))]
        v = self._vocabulary
        for n, i in enumerate(words):
            token = tokens[i]
            if not unknown[i] or not token.text.islower() or len(token.text) < 4 or not n:
                continue
            if any(t.joined for t in tokens[i : i + 2]) or is_unspaced(token.text):
                continue
            before = [tokens[j].key for j in words[max(0, n - 2) : n]]
            last = words[n - 1]
            if text[tokens[last].end : token.start] not in (" ", ", ") or unknown[last]:
                continue
            if n + 1 < len(words) and unknown[words[n + 1]]:
                continue
            if any(k in v.titles or k in v.roles or k in v.names for k in before):
                continue
            if v.looks_ordinary(token.key):
                known[i] = DERIVED

    def _is_quantity(self, text: str, tokens: tuple[Token, ...], at: int) -> bool:
        token = tokens[at]
        if token.start > 1 and text[token.start - 1] in ".," and text[token.start - 2].isdigit():
            return True
        if at + 1 < len(tokens):
            after = tokens[at + 1]
            gap = text[token.end : after.start]
            if after.key in _LONG_VALUE or after.key in ("ml", "counts", "iu", "ie", "g", "mg"):
                return gap in ("", " ")
        return False


def _clusters(tokens: tuple[Token, ...]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for i, token in enumerate(tokens):
        unspaced = is_unspaced(token.text) or (i > 0 and is_unspaced(tokens[i - 1].text))
        if token.joined and found and not unspaced:
            found[-1] = (found[-1][0], i + 1)
        else:
            found.append((i, i + 1))
    return found
