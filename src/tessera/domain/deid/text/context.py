"""Who is named by the words around a word: titles, roles, name shapes, eponyms. Pure."""

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

from tessera.domain.deid.text.people import People
from tessera.domain.deid.text.reading import DERIVED, LISTED, OPERATION, STAFF, UNKNOWN, Reading
from tessera.domain.deid.text.tokens import Token, is_unspaced
from tessera.domain.deid.text.vocabulary import Vocabulary

_TITLE_GAP: Final = re.compile(r"[ \t\u3000.,:;)/(\-]{0,3}\n?[ \t]{0,8}")
_NAME_GAP: Final = re.compile(r"(?:[ \t\u3000]|[-‐–.'’_^])?[ \t]{0,2}|, ?")
_NEXT_TO: Final = re.compile(r"[ _\-]{1,2}|, ?|\. ")
_AFTER_STAFF: Final = re.compile(r"[ _\-]{1,2}|, ?|[.:：] ?|　")
_COLON: Final = re.compile(r"[:：] ?")
_ROMAN: Final = re.compile(r"[IVX]{1,4}[a-fA-F]?|[A-D]\d?")
_MORE_TITLES: Final = frozenset(
    "ol olak oberarzt dra ssk rtssk sygeplejerske tech mta mtra mtr".split()
)
_MODALITIES: Final = frozenset("ct mr mrt mri dt us pet rtg dx cr mg xa nm iv im po sc km".split())
_MORE_ROLES: Final = frozenset(
    "sign signed signature signerat signatur tech operator operatör operator ref rt gez dikt vid "
    "utford utfort dictated transcribed typed co bmt undersokare firma firmado υπογραφη".split()
)
_SIGNED: Final = re.compile(
    r"(?<![^\W_])(?:sign(?:ed|erat|erad|atur|ature)?|gez|vid|dikt(?:erat|erad)?|mvh|granskat|firmado|"
    r"rt|tech|operator|dictated(?:[ ]by)?|signed[ ]by|typed[ ]by|ssk|bma|mtra?)[ ]?[.:]?[ ]{0,2}"
    r"(?P<who>[^\W\d_]{2,4}(?:/[^\W\d_]{2,4}){0,2})(?=[ \t]*[.,;)]?[ \t]*(?:$|\n|\r))",
    re.IGNORECASE,
)
_MOST_WORDS: Final = 5
_WINDOW: Final = 3


@dataclass(slots=True)
class Marks:
    """What is to be removed of a reading: a kind for each token, None to keep it."""

    text: str
    reading: Reading
    kinds: list[str | None]

    def gap(self, i: int) -> str:
        """Return what stands between token i and the next."""
        tokens = self.reading.tokens
        return self.text[tokens[i].end : tokens[i + 1].start]


class Context:
    """Marks persons by what stands around them."""

    def __init__(self, vocabulary: Vocabulary, people: People) -> None:
        self._vocabulary = vocabulary
        self._people = people

    def mark(self, marks: Marks) -> None:
        """Add to the marks; those that are there count as persons to stand beside."""
        self._shapes(marks)
        for i, token in enumerate(marks.reading.tokens):
            if token.digits or len(token.text) < 2:
                continue
            if token.key in self._vocabulary.titles or token.key in _MORE_TITLES:
                self._forward(marks, i, strong=True)
            elif token.key in self._vocabulary.roles or token.key in _MORE_ROLES:
                self._forward(marks, i, strong=False)
            if token.key in self._vocabulary.after:
                self._backward(marks, i)
        self._signatures(marks)
        self._staff_initials(marks)
        self._neighbours(marks)
        self._strokes(marks)

    def _signatures(self, marks: Marks) -> None:
        """Mark the KS/AB that ends a line after a word of signature."""
        tokens = marks.reading.tokens
        for match in _SIGNED.finditer(marks.text):
            first, last = match.span("who")
            if not match["who"].isupper():
                continue
            at = bisect_left(tokens, first, key=lambda t: t.start)
            while at < len(tokens) and tokens[at].start < last:
                marks.kinds[at] = marks.kinds[at] or "name"
                at += 1

    def _staff_initials(self, marks: Marks) -> None:
        """Mark two or three capitals after somebody's work or title: radiographer EG, Dr. MK."""
        tokens, titles = marks.reading.tokens, self._vocabulary.titles
        for i, token in enumerate(tokens[:-1]):
            after = tokens[i + 1]
            if token.key in STAFF:
                longest, gaps = 3, _AFTER_STAFF
            elif token.key in OPERATION:
                longest, gaps = 2, _COLON
            elif token.key in titles and len(token.text) > 1 and token.title:
                longest, gaps = 3, _AFTER_STAFF
            else:
                continue
            if not 2 <= len(after.text) <= longest or not gaps.fullmatch(marks.gap(i)):
                continue
            if not (after.text.isupper() and after.text.isalpha()):
                continue
            # PÖ is nobody's "po", per os.
            if after.text.lower() in _MODALITIES or _figure_follows(tokens, i + 1):
                continue
            marks.kinds[i + 1] = marks.kinds[i + 1] or "name"

    def _strokes(self, marks: Marks) -> None:
        """Mark what a stroke joins to a name: Brown/Green after a title."""
        tokens, known = marks.reading.tokens, marks.reading.known
        for i in range(1, len(tokens)):
            if marks.gap(i - 1) != "/":
                continue
            for here, there in ((i, i - 1), (i - 1, i)):
                token = tokens[here]
                if marks.kinds[here] or marks.kinds[there] != "name" or token.digits:
                    continue
                if self._listed_name(token) or (known[here] is UNKNOWN and token.capital):
                    marks.kinds[here] = "name"

    def explains(self, marks: Marks, i: int, *, somebody: bool) -> bool:
        """Say whether the words around make a name an eponym: Hodgkin before lymphoma.

        `somebody` is true when a person of the instance has this name, and asks for more.
        """
        tokens = marks.reading.tokens
        near = {
            tokens[j].key for j in range(max(0, i - _WINDOW), min(len(tokens), i + _WINDOW + 1))
        }
        near.discard(tokens[i].key)
        beside = {t.key for t in tokens[max(0, i - 2) : i + 3]} - {tokens[i].key}
        for eponym in self._vocabulary.eponyms.get(tokens[i].key, ()):
            if eponym.wide and somebody:
                continue
            if eponym.words & beside:
                return True
            if eponym.graded and not somebody and self._grade_follows(marks, i):
                return True
            one = eponym.one
            if (one or not somebody) and any(eponym.explained_by(word) for word in near):
                return True
            if eponym.always and one and not somebody and not self._in_a_name(marks, i):
                return True
        return False

    def _grade_follows(self, marks: Marks, i: int) -> bool:
        """Say whether a grade stands right after a scale that bears a name: Fazekas 2."""
        tokens = marks.reading.tokens
        if i + 1 == len(tokens) or marks.gap(i) not in (" ", "-", ": "):
            return False
        if i and tokens[i - 1].key in self._vocabulary.titles:
            return False
        after = tokens[i + 1]
        return len(after.text) < 3 if after.digits else _ROMAN.fullmatch(after.text) is not None

    def _in_a_name(self, marks: Marks, i: int) -> bool:
        tokens, known = marks.reading.tokens, marks.reading.known
        if i and tokens[i - 1].key in self._vocabulary.titles:
            return True
        return any(
            known[j] is UNKNOWN
            and tokens[j].capital
            and tokens[j].key not in self._vocabulary.eponyms
            and _NEXT_TO.fullmatch(marks.gap(min(i, j))) is not None
            for j in (i - 1, i + 1)
            if 0 <= j < len(tokens) and not tokens[j].digits
        )

    def _listed_name(self, token: Token) -> bool:
        return token.key in self._vocabulary.names and token.capital

    def _is_title(self, token: Token) -> bool:
        v = self._vocabulary
        return token.key in v.titles or token.key in v.after or token.key in v.roles

    def _forward(self, marks: Marks, at: int, *, strong: bool) -> None:
        tokens, known = marks.reading.tokens, marks.reading.known
        taken = 0
        initials: list[int] = []
        for i in range(at + 1, min(len(tokens), at + 2 + _MOST_WORDS)):
            token, gap = tokens[i], marks.gap(i - 1)
            if not (_NAME_GAP if taken else _TITLE_GAP).fullmatch(gap):
                break
            if "." in gap and not taken and len(tokens[at].text) > 5:
                break  # the end of a sentence, not of "Dr."
            if token.digits or ("," in gap and taken and known[i] is LISTED):
                break
            if not taken and self._is_title(token) and not self._listed_name(token):
                if i > at + 2:
                    break
                continue
            if len(token.text) == 1:
                if (
                    not _alone(tokens, i)
                    or not token.capital
                    or not (strong or "." in self.after(marks, i))
                ):
                    break
                initials.append(i)
                continue
            follows = i + 1 < len(tokens) and tokens[i + 1].capital
            if token.key in self._vocabulary.particles and (follows or taken) and not token.digits:
                if follows and (known[i + 1] is UNKNOWN or self._listed_name(tokens[i + 1])):
                    initials.append(i)
                    continue
                break
            named = known[i] is UNKNOWN or self._listed_name(token)
            if strong and not taken and token.title and self._may_follow_title(tokens[at], token):
                named = True
            if not named or (self._explained(marks, i) and not (strong and not taken)):
                break
            taken += 1
            for j in (*initials, i):
                marks.kinds[j] = marks.kinds[j] or "name"
            if marks.kinds[i] == "unknown":
                marks.kinds[i] = "name"
            initials.clear()
        if initials and strong and not taken:
            for j in initials:
                marks.kinds[j] = marks.kinds[j] or "name"

    def after(self, marks: Marks, i: int) -> str:
        """Return the character after token i."""
        end = marks.reading.tokens[i].end
        return marks.text[end : end + 1]

    def _explained(self, marks: Marks, i: int) -> bool:
        return marks.reading.tokens[i].key in self._vocabulary.eponyms and self.explains(
            marks, i, somebody=self._people.names(marks.reading.tokens[i].key)
        )

    def _may_follow_title(self, title: Token, token: Token) -> bool:
        # "DR Chest", "MR Knee": a modality before a listed word, unless it is a common name.
        radiography = title.text in ("DR", "MR") and token.key not in self._vocabulary.names
        return not radiography and title.text not in ("PD", "MED", "DE", "pd", "OA")

    def _backward(self, marks: Marks, at: int) -> None:
        tokens, known = marks.reading.tokens, marks.reading.known
        wide = is_unspaced(tokens[at].text)
        for i in range(at - 1, max(-1, at - 1 - _MOST_WORDS), -1):
            token, gap = tokens[i], marks.gap(i)
            if wide:
                single = len(token.text) == 1 and known[i] is LISTED and "一" <= token.text <= "龯"
                weak = known[i] is DERIVED and len(token.text) < 4  # a rare surname in the table
                if gap.strip() or not (single or weak or known[i] is UNKNOWN):
                    break
            elif token.digits or not re.fullmatch(r"[ .]{0,2}|, ?|-", gap):
                break
            elif len(token.text) == 1:
                if not token.capital or "." not in gap:
                    break
            elif not (known[i] is UNKNOWN or self._listed_name(token)):
                break
            marks.kinds[i] = "name"

    def _shapes(self, marks: Marks) -> None:
        """SVENSSON^KARIN; Svensson, Karin; J. Smith."""
        tokens, known, text = marks.reading.tokens, marks.reading.known, marks.text
        for i, token in enumerate(tokens):
            if token.digits:
                continue
            if text[token.end : token.end + 1] == "^" or text[token.start - 1 : token.start] == "^":
                marks.kinds[i] = marks.kinds[i] or "name"
            if i + 1 == len(tokens) or tokens[i + 1].digits:
                continue
            gap, other = marks.gap(i), tokens[i + 1]
            named = known[i + 1] is UNKNOWN or self._listed_name(other)
            if not (token.capital and other.capital and named) or self._explained(marks, i + 1):
                continue
            if len(token.text) == 1 and gap in (". ", ".", ".-"):
                if not marks.text[max(0, token.start - 1) : token.start].strip(" \t\n(,:;/"):
                    marks.kinds[i] = marks.kinds[i + 1] = "name"
            elif (
                gap in (", ", ",")
                and known[i + 1] is UNKNOWN
                and self._listed_name(token)
                and not self._explained(marks, i)
            ):
                marks.kinds[i] = marks.kinds[i + 1] = "name"

    def _neighbours(self, marks: Marks) -> None:
        """Mark listed names with a capital that stand beside a name or in mid-sentence."""
        tokens, kinds = marks.reading.tokens, marks.kinds
        for i, token in enumerate(tokens):
            if kinds[i] or token.digits:
                continue
            if len(token.text) == 1:
                self._initial(marks, i)
                continue
            if not self._listed_name(token) or self._explained(marks, i):
                continue
            beside = False
            for j in (i - 1, i + 1):
                if not 0 <= j < len(tokens) or not _NEXT_TO.fullmatch(marks.gap(min(i, j))):
                    continue
                other = tokens[j]
                if "." in marks.gap(min(i, j)) or other.digits:
                    continue
                somebody = kinds[j] == "name" or (kinds[j] == "unknown" and other.capital)
                both = token.title and other.title and self._listed_name(other)
                beside = beside or somebody or both
            middle = (
                token.title
                and i > 0
                and marks.gap(i - 1) == " "
                and tokens[i - 1].text.islower()
                and len(tokens[i - 1].text) > 1
                and not self._vocabulary.is_noun(token.key)
            )
            if beside or middle:
                kinds[i] = "name"

    def _initial(self, marks: Marks, i: int) -> None:
        """Mark the K of "K. [name]" and "[name] K."; L and R beside a name may be sides."""
        token, tokens = marks.reading.tokens[i], marks.reading.tokens
        if not token.capital or not token.text.isascii() or not _alone(tokens, i):
            return
        next_is = i + 1 < len(tokens) and marks.kinds[i + 1] == "name"
        if not next_is and i + 1 < len(tokens) and marks.gap(i) == " " and token.text not in "LRTM":
            other = tokens[i + 1]
            next_is = marks.kinds[i + 1] == "unknown" and other.title and not other.joined
            next_is = next_is and len(other.text) > 3
        if i > 0 and marks.kinds[i - 1] == "unknown" and marks.gap(i - 1) == ", ":
            before = tokens[i - 1]
            if before.capital and len(before.text) > 3 and token.text not in "LRTM":
                marks.kinds[i] = "name"
        joins = (". ", ".") if token.text in "LR" else (". ", ".", " ", "-")
        if next_is and marks.gap(i) in joins:
            marks.kinds[i] = "name"
        last_is = i > 0 and marks.kinds[i - 1] == "name" and marks.gap(i - 1) in (" ", ", ", "-")
        if i + 1 < len(tokens) and re.fullmatch(r"\.", marks.gap(i)):
            last_is = False  # Z.n., m.fl., S.c.
        short = marks.text[token.end : token.end + 2]
        if short[:1] == "." and short[1:].islower():
            return  # "Müller, Z.n. TUR"
        if last_is and (token.text not in "LR" or self.after(marks, i) == "."):
            marks.kinds[i] = "name"


def _figure_follows(tokens: tuple[Token, ...], i: int) -> bool:
    """Say whether digits hang on a token: C5, T12."""
    return i + 1 < len(tokens) and tokens[i + 1].joined


def _alone(tokens: tuple[Token, ...], i: int) -> bool:
    """Say whether a letter is no part of T2 or 3D."""
    return not tokens[i].joined and not (i + 1 < len(tokens) and tokens[i + 1].joined)
