"""Text without who: names, numbers, contacts and unknown words out, dates shifted. Pure.

Deny by default: a word stays when the vocabulary knows it, when it has the form of a measure, a
score or a sequence name, and when nothing says that it is somebody's name. Source of the rule:
PS3.15 E.3.6 (Clean Descriptors) and E.3.4 (Clean Structured Content).
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from tessera.domain.deid.identities import Identities
from tessera.domain.deid.text.context import Context, Marks
from tessera.domain.deid.text.found import Found
from tessera.domain.deid.text.people import People
from tessera.domain.deid.text.reading import DERIVED, LISTED, UNKNOWN, Reader, Reading
from tessera.domain.deid.text.vocabulary import Vocabulary

MARK: Final = "***"
_ONE_LINE: Final = 64
_SEPARATORS: Final = " _-.,;/^\t"
_BETWEEN: Final = re.compile(r"[ \t\u3000]*[-._,^/'’‐–&]?[ \t\u3000]*")
_GLUE: Final = re.compile(r"[ \t\u3000]*[-_^'’‐–&]?[ \t\u3000]*|\.[ \t]?")
"""What may go between two removed runs; a comma, a stroke and a full stop stay."""
_EMPTY_BRACKETS: Final = re.compile(r"\([ ,;.\-]*\)|\[[ ,;.\-]*\]")
_OLD: Final = re.compile(
    r"(?<![\d.,])(9\d|1[0-2]\d)(?=[ \-]?"
    r"(?:years?|yrs?|y\.?o\b|y/o|yo\b|-?year|år|jahre?|jährig|jaar|"
    r"años|χρον|ετών|ετων|歳|才|ans\b|anni\b|lat\b|vuot|anos))",
    re.IGNORECASE,
)
_CAP: Final = 90
_KINDS: Final = {"url": "contact", "uid": "identifier"}
_ID_WORDS: Final = frozenset("id pid patid mrn pat patient nr no".split())
_MEMO: Final = 1 << 13


@dataclass(frozen=True, slots=True)
class Removed:
    """A run that is gone or changed; positions are those of the text that came in."""

    kind: str
    """name, identifier, contact, place, date or unknown."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text without identities, what was removed, and what only nobody knew."""

    text: str
    removed: tuple[Removed, ...] = ()
    unsure: tuple[str, ...] = ()


class NameFinder(Protocol):
    """A model that finds names in free text, as an addition to the rules: it keeps no word."""

    @property
    def reads_short(self) -> bool:
        """Whether it is sure of short texts too; else it is not asked of descriptors."""
        ...

    def names_in(self, text: str) -> tuple[tuple[int, int], ...]:
        """Return (start, end) of what names a person, a place or an institution."""
        ...


class TextCleaner:
    """Cleans the texts of one instance or study. The same text gives the same result.

    Parameters
    ----------
    vocabulary
        The words that may stay.
    identities
        Who is named by the header.
    days
        Dates in text go back by so many whole days.
    finder
        Used for texts of more than one line or 64 characters only, unless it reads short ones:
        on short descriptors most such models take clinical words for names.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        identities: Identities,
        *,
        days: int,
        finder: NameFinder | None = None,
    ) -> None:
        self._vocabulary = vocabulary
        self._reader = reader_of(vocabulary)
        self._people = People(identities, vocabulary)
        self._context = Context(vocabulary, self._people)
        self._births = identities.dates
        self._days = days
        self._finder = finder
        self._memo: dict[str, Cleaned] = {}

    def clean(self, text: str) -> Cleaned:
        """Return the text without identities. Never raises.

        A removed run leaves nothing in a line of up to 64 characters and `***` in longer text.
        """
        cleaned = self._memo.get(text)
        if cleaned is None:
            if len(self._memo) >= _MEMO:
                self._memo.clear()
            cleaned = self._memo[text] = self._clean(text)
        return cleaned

    def names_somebody(self, text: str) -> bool:
        """Say whether a line that a machine read may hold a name or number of these people.

        One letter may be wrong in names of four to six letters, two in longer ones; 0 and O, 1,
        l and I, 5 and S, 8 and B are the same.
        """
        return self._people.reads_as(text)

    def _clean(self, text: str) -> Cleaned:
        reading = self._reader.read(text)
        spans = list(self._people.spans(text, reading.tokens))
        more = self._found_by_model(text, reading)
        if reading.plain and not spans and not more and not self._names_any(reading):
            return Cleaned(text)
        marks = Marks(text, reading, [None] * len(reading.tokens))
        changes = self._patterns(text, reading.found)
        self._cover(marks, [(s, e, k) for s, e, k, _ in changes])
        self._cover(marks, spans)
        self._cover(marks, more)
        self._words(marks)
        self._context.mark(marks)
        self._beside(marks)
        return self._written(marks, changes, spans)

    def _found_by_model(self, text: str, reading: Reading) -> list[tuple[int, int, str]]:
        """Return what the finder takes for names: whole tokens, none that the vocabulary lists."""
        finder = self._finder
        if finder is None or (_is_descriptor(text) and not finder.reads_short):
            return []
        loose = [
            token
            for token, known in zip(reading.tokens, reading.known, strict=True)
            if known is not LISTED and not token.digits
        ]
        found = finder.names_in(text) if loose else ()
        return [
            (token.start, token.end, "name")
            for token in loose
            if any(start <= token.start and token.end <= end for start, end in found)
        ]

    def _names_any(self, reading: Reading) -> bool:
        people = self._people
        for token, known in zip(reading.tokens, reading.known, strict=True):
            if people.names(token.key) or token.key in people.tiny:
                return True
            if known is DERIVED and people.nearly_names(token.key):
                return True
        return False

    def _patterns(
        self, text: str, found: tuple[Found, ...]
    ) -> list[tuple[int, int, str, str | None]]:
        """Return (start, end, kind, what replaces it; None to remove)."""
        changes: list[tuple[int, int, str, str | None]] = []
        for one in found:
            new = None
            if one.day is not None and one.day not in self._births:
                new = one.written(_back(one.day, self._days))
            changes.append((one.start, one.end, _KINDS.get(one.kind, one.kind), new))
        for match in _OLD.finditer(text):
            taken = any(s < match.end() and match.start() < e for s, e, _, _ in changes)
            if not taken and int(match[1]) > _CAP:
                changes.append((match.start(1), match.end(1), "date", str(_CAP)))
        return sorted(changes, key=lambda c: c[:2])

    def _cover(self, marks: Marks, spans: list[tuple[int, int, str]]) -> None:
        if not spans:
            return
        tokens = marks.reading.tokens
        starts = [token.start for token in tokens]
        for start, end, kind in spans:
            i = max(0, bisect_right(starts, start) - 1)
            while i < len(tokens) and tokens[i].start < end:
                if start < tokens[i].end:
                    marks.kinds[i] = marks.kinds[i] or kind
                i += 1

    def _words(self, marks: Marks) -> None:
        people, tokens = self._people, marks.reading.tokens
        for i, token in enumerate(tokens):
            if marks.kinds[i]:
                continue
            known = marks.reading.known[i]
            if people.tiny and token.key in people.tiny and i and tokens[i - 1].key in _ID_WORDS:
                marks.kinds[i] = "identifier"
            if token.digits:
                if known is UNKNOWN:
                    marks.kinds[i] = "identifier"
                continue
            ours = len(token.text) > 1 and people.names(token.key)
            if not ours and known is DERIVED:
                ours = people.nearly_names(token.key)
            eponym = token.key in self._vocabulary.eponyms and (ours or known is not LISTED)
            if eponym and self._context.explains(marks, i, somebody=ours):
                continue
            if ours:
                if known is LISTED and (token.text.islower() or len(token.text) == 2):
                    lone = token.text.islower() or token.text.isupper()
                    if lone:
                        continue  # "brown fat"; see _beside
                marks.kinds[i] = "name"
            elif known is UNKNOWN:
                digits = any(c.isdigit() for c in _cluster_text(marks, i))
                near = people.nearly_names(token.key)
                marks.kinds[i] = "name" if near else "identifier" if digits else "unknown"

    def _beside(self, marks: Marks) -> None:
        """Mark lower-case words that are a person's name when they stand beside another."""
        tokens = marks.reading.tokens
        for order in (range(len(tokens)), range(len(tokens) - 1, -1, -1)):
            for i in order:
                token = tokens[i]
                if marks.kinds[i] or token.digits or not self._people.names(token.key):
                    continue
                if self._vocabulary.eponyms.get(token.key) and self._context.explains(
                    marks, i, somebody=True
                ):
                    continue
                for j in (i - 1, i + 1):
                    if 0 <= j < len(tokens) and _BETWEEN.fullmatch(marks.gap(min(i, j))):
                        other = tokens[j]
                        person = marks.kinds[j] == "name"
                        both = other.key != token.key and self._people.names(other.key)
                        title = j < i and other.key in self._vocabulary.titles | _ID_WORDS
                        if person or (both and len(other.text) > 1) or title:
                            marks.kinds[i] = "name"

    def _written(
        self,
        marks: Marks,
        changes: list[tuple[int, int, str, str | None]],
        spans: list[tuple[int, int, str]],
    ) -> Cleaned:
        text, tokens = marks.text, marks.reading.tokens
        kept = _covered(len(text), ((s, e) for s, e, _, new in changes if new is not None))
        spans = [s for s in spans if s[2] != "date" or 1 not in kept[s[0] : s[1]]]
        gone = _covered(len(text), ((s, e) for s, e, _ in spans))
        runs = [(s, e, k, n) for s, e, k, n in changes if not (n and 1 in gone[s:e])]
        shifted = _covered(len(text), ((s, e) for s, e, _, new in runs if new is not None))
        runs += [(s, e, k, None) for s, e, k in spans]
        unsure = []
        for token, kind in zip(tokens, marks.kinds, strict=True):
            if kind and 1 not in shifted[token.start : token.end]:
                end = token.end
                if kind == "name" and re.match(r"['’]s\b", text[end : end + 3]):
                    end += 2
                runs.append((token.start, end, kind, None))
                if kind == "unknown":
                    unsure.append(token.text)
        if not runs:
            return Cleaned(text)
        merged = _merged(text, sorted(runs, key=lambda r: (r[0], -r[1])))
        out = _joined(text, merged)
        removed = tuple(Removed(kind, start, end) for start, end, kind, _ in merged)
        return Cleaned(out, removed, tuple(dict.fromkeys(unsure)))


_READERS: "WeakKeyDictionary[Vocabulary, Reader]" = WeakKeyDictionary()


def reader_of(vocabulary: Vocabulary) -> Reader:
    """Return the reader that all cleaners with this vocabulary share."""
    reader = _READERS.get(vocabulary)
    if reader is None:
        reader = _READERS[vocabulary] = Reader(vocabulary)
    return reader


def _is_descriptor(text: str) -> bool:
    return len(text) <= _ONE_LINE and "\n" not in text and "\r" not in text


@lru_cache(1 << 12)
def _back(day: date, days: int) -> date:
    return date.min if day.toordinal() <= days else day - timedelta(days=days)


def _covered(length: int, stretches: Iterable[tuple[int, int]]) -> bytearray:
    """Return one byte for each character: 1 where a stretch lies."""
    covered = bytearray(length)
    for start, end in stretches:
        covered[start:end] = b"\1" * (min(end, length) - start)
    return covered


def _cluster_text(marks: Marks, i: int) -> str:
    tokens = marks.reading.tokens
    first = last = i
    while first and tokens[first].joined:
        first -= 1
    while last + 1 < len(tokens) and tokens[last + 1].joined:
        last += 1
    return marks.text[tokens[first].start : tokens[last].end]


def _merged(
    text: str, runs: list[tuple[int, int, str, str | None]]
) -> list[tuple[int, int, str, str | None]]:
    """Join removed runs that only a blank or a hyphen parts, or the point of an initial."""
    merged: list[tuple[int, int, str, str | None]] = []
    for start, end, kind, new in runs:
        if merged:
            first, last, before, old = merged[-1]
            if start < last:
                if old is None:
                    merged[-1] = (first, max(last, end), before, None)
                continue
            dotted = text[last : last + 1] == "." and not text[last - 1 : last].isupper()
            if old is None and new is None and _GLUE.fullmatch(text, last, start) and not dotted:
                merged[-1] = (first, end, "name" if kind == "name" else before, None)
                continue
        merged.append((start, end, kind, new))
    return merged


def _joined(text: str, runs: list[tuple[int, int, str, str | None]]) -> str:
    short = _is_descriptor(text)
    out: list[str] = []
    at = 0
    for start, end, _, new in runs:
        out.append(text[at:start])
        at = end
        if new is not None:
            out.append(new)
        elif not short:
            out.append(MARK[: max(1, end - start)])
        else:
            before = "".join(out)
            if not before or before[-1] in _SEPARATORS:
                while at < len(text) and text[at] in _SEPARATORS:
                    at += 1
            out = [before]
    out.append(text[at:])
    written = "".join(out)
    if not short or all(new is not None for *_, new in runs):
        return written
    tidy = _EMPTY_BRACKETS.sub("", written)
    if not text[: runs[0][0]].strip(_SEPARATORS):
        tidy = tidy.lstrip(_SEPARATORS + ":")
    if not text[runs[-1][1] :].strip(_SEPARATORS):
        tidy = tidy.rstrip(_SEPARATORS + ":")
    return tidy
