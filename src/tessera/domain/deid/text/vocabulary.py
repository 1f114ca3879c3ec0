"""The words that a text may keep, read from data files. Pure.

Form of a file: `#` comments, entries between blanks, sections in brackets; docs/reference/
deid-text.md lists the sections. Everything is stored folded (see `tokens.folded`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from tessera.domain.deid.text.common_words import CommonWords
from tessera.domain.deid.text.likeness import Likeness
from tessera.domain.deid.text.runs import split_run
from tessera.domain.deid.text.tokens import folded, folded_text, is_unspaced
from tessera.domain.deid.text.word_table import WordTable
from tessera.domain.errors import InvalidSettings

_SECTIONS: Final = frozenset(
    "words stems parts codes forms names eponyms titles roles after particles endings"
    " triggers places signs".split()
)
_LONGEST_ENDING: Final = 10
_SHORTEST_COMPOUND: Final = 7
_HEAD: Final = 7
"""Medical nouns from this length on end a compound whatever comes before: Radiusfraktur."""
_INSTITUTIONS: Final = (
    "krankenha", "sjukhus", "klinik", "vardcentral", "mottagning", "avdelning", "station",
    "hospital", "wasser", "winkel", "schatten", "spital",
)  # fmt: skip
_PREFIXES: Final = (
    "non un re pre post sub hyper hypo intra inter peri para retro supra infra extra over "
    "under anti multi poly semi trans ultra micro makro macro mikro pseudo neo bi endo epi "
    "icke over nicht vor nach mit ab auf ein aus o sam efter for in gegen neuro osteo radio "
    "cardio kardio pneumo hepato gastro angio immun immuno lympho lymfo thoraco abdomino "
    "cranio ventro dorso antero postero latero medio supero infero cerebro fibro mega mono "
    "neben wieder mellan".split()
)
_EPONYM_ENDINGS: Final = "s es in n a e i ego iego se sche scher schen sk ske ska".split()
"""Of genitives and adjectives that are made of a name: Bakers, Willisin, Bakerse."""


class Word(IntEnum):
    """How well a word is known."""

    UNKNOWN = 0
    DERIVED = 1
    """An inflected, compound or plainly medical form of what is listed."""
    LISTED = 2


@dataclass(frozen=True, slots=True)
class Eponym:
    """A person's name in a term. `context` ends in * for beginnings of words."""

    words: frozenset[str]
    context: frozenset[str]
    beginnings: tuple[str, ...]
    always: bool
    """Kept without context, too, as long as nobody here has the name."""
    one: bool = True
    """Whether it is one person's name, in one form or several."""
    wide: bool = False
    """Whether its context is the general one: never enough when somebody here has the name."""
    graded: bool = False
    """Whether a number or grade right after it is enough: Fazekas 2."""

    def explained_by(self, word: str) -> bool:
        return word in self.context or word.startswith(self.beginnings)


@dataclass(slots=True)
class _Lists:
    words: set[str] = field(default_factory=set)
    stems: dict[str, int] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)
    endings: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    joints: dict[str, int] = field(default_factory=dict)
    codes: set[str] = field(default_factory=set)
    forms: dict[str, int] = field(default_factory=dict)
    nouns: int = 0


class Vocabulary:
    """Words, stems, compounds, codes, names and eponyms. Safe to share; one per process."""

    def __init__(self) -> None:
        self._lists = _Lists()
        self._memo: dict[str, Word] = {}
        self._common: CommonWords | None = None
        self._from_table: set[str] = set()
        self._wide: set[str] = set()
        self._widest = 1
        self._joining = 0
        self._likeness: Likeness | None = None
        self._signs: set[str] = set()
        self.names: set[str] = set()
        self.titles: set[str] = set()
        self.roles: set[str] = set()
        self.after: set[str] = set()
        self.particles: set[str] = set()
        self.eponyms: dict[str, tuple[Eponym, ...]] = {}
        self._shared = ""

    @classmethod
    def parse(cls, texts: Mapping[str, str], table: WordTable | None = None) -> "Vocabulary":
        """Return the vocabulary of several files, by name, and of a table asked after them.

        Raises InvalidSettings.
        """
        found = cls()
        found._common = CommonWords(table) if table else None
        for number, (name, text) in enumerate(sorted(texts.items())):
            found._read(name, text, 1 << number)
        found._lists.endings.setdefault("", []).append(("", (1 << len(texts)) - 1))
        lists = (found._lists.words, found._lists.stems, found.titles, found.after, found.roles)
        for words in (*lists, found.names):
            found._wide.update(w for w in words if not w.isascii() and is_unspaced(w))
        for bits in found._lists.joints.values():
            found._joining |= bits
        found._widest = max(map(len, found._wide), default=1)
        return found

    def knows(self, word: str) -> bool:
        """Say whether a single word may stay when nothing speaks against it."""
        return self.look(folded(word)) is not Word.UNKNOWN

    def look(self, key: str) -> Word:
        """Return how well a folded word is known."""
        known = self._memo.get(key)
        if known is None:
            if len(self._memo) > 1 << 17:
                self._memo.clear()
                self._from_table.clear()
            known = self._memo[key] = self._find(key)
        return known

    def is_code(self, key: str) -> bool:
        """Say whether a folded word is a technical one, or several joined: axt → ax, t."""
        codes = self._lists.codes
        return key in codes or (len(key) > 3 and key not in self.names and _covers(key, codes))

    def looks_ordinary(self, key: str) -> bool:
        """Say whether an unknown word is spelled like words of reports and not like names."""
        if key in self.names:
            return False
        if self._likeness is None:
            lists = self._lists
            every = {*lists.words, *lists.stems, *lists.parts} - self.names
            self._likeness = Likeness(every, self.names)
        return self._likeness.ordinary(key)

    def only_common(self, key: str) -> bool:
        """Say whether a folded word is known from the large table alone."""
        return self.look(key) is Word.DERIVED and key in self._from_table

    def is_noun(self, key: str) -> bool:
        """Say whether a capital in mid-sentence is only a German noun's."""
        if key in self._from_table:
            return self._common is not None and self._common.is_noun(key)
        bits = self._lists.stems.get(key, 0) | self._lists.parts.get(key, 0)
        return bool(bits & self._lists.nouns)

    def segments(self, run: str) -> list[tuple[int, int, bool]]:
        """Split a run of a script without blanks into (start, end, known); see `split_run`."""
        return split_run(run, self._wide, self._widest, self._common, self._signs)

    def _find(self, key: str) -> Word:
        lists = self._lists
        if key in lists.words or key in lists.codes or key in lists.stems or key in lists.parts:
            return Word.LISTED
        if key in self.titles or key in self.roles or key in self.after or key in self.particles:
            return Word.LISTED
        if key in self.names or len(key) < 3:
            return Word.UNKNOWN
        derived = len(key) > 3 and (
            self._inflected(key, lists.stems, ~0)
            or self._inflected(key, lists.parts, ~0)
            or self._formed(key)
            or (len(key) >= _SHORTEST_COMPOUND and self._compound(key, ~0, 0))
            or self._prefixed(key)
            or self._headed(key)
        )
        if derived:
            return Word.DERIVED
        if self._common and self._common.knows(key):
            self._from_table.add(key)
            return Word.DERIVED
        return Word.UNKNOWN

    def _inflected(self, key: str, stems: dict[str, int], bits: int) -> bool:
        endings = self._lists.endings
        for size in range(min(_LONGEST_ENDING, len(key) - 2) + 1):
            cut = len(key) - size
            for restored, theirs in endings.get(key[cut:], ()):
                if stems.get(key[:cut] + restored, 0) & theirs & bits:
                    return True
        return False

    def _formed(self, key: str) -> bool:
        forms = self._lists.forms
        return any(len(key) >= forms.get(key[cut:], 99) for cut in range(3, len(key) - 1))

    def _compound(self, key: str, bits: int, depth: int) -> bool:
        parts, joints, stems = self._lists.parts, self._lists.joints, self._lists.stems
        for cut in range(len(key) - 3, 2, -1):
            theirs = parts.get(key[:cut], 0) & bits
            if not theirs and cut > 4:
                theirs = stems.get(key[:cut], 0) & bits & self._joining
            if not theirs:
                continue
            for joint in ("", key[cut], key[cut : cut + 2], key[cut : cut + 3]):
                if joint and not joints.get(joint, 0) & theirs:
                    continue
                rest = key[cut + len(joint) :]
                if len(rest) < 3:
                    continue
                if self._inflected(rest, parts, theirs) or (
                    len(rest) > 3 and self._inflected(rest, stems, theirs)
                ):
                    return True
                if rest in self._lists.words and len(rest) > 4:
                    return True
                if len(rest) > 5 and (
                    self._formed(rest) or (depth < 3 and self._compound(rest, theirs, depth + 1))
                ):
                    return True
        return False

    def _headed(self, key: str) -> bool:
        """Say whether a long medical noun ends the word, with three letters or more before."""
        parts = self._lists.parts
        for cut in range(3, len(key) - _HEAD + 1):
            rest = key[cut:]
            if rest.startswith(_INSTITUTIONS):
                continue
            for size in range(min(4, len(rest) - _HEAD) + 1):
                end = len(rest) - size
                theirs = parts.get(rest[:end], 0)
                if any(theirs & e for r, e in self._lists.endings.get(rest[end:], ()) if not r):
                    return True
        return False

    def _prefixed(self, key: str) -> bool:
        for prefix in _PREFIXES:
            rest = key.removeprefix(prefix)
            least = 7 if len(prefix) == 1 else 6 if len(prefix) < 4 else 5
            fits = rest != key and len(rest) >= least and rest not in self.names
            if fits and self.look(rest) is not Word.UNKNOWN:
                return True
        return False

    def _read(self, name: str, text: str, bit: int) -> None:
        section = ""
        gathered: dict[str, list[str]] = {}
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.partition("#")[0].strip()
            if not line:
                continue
            if line.startswith("["):
                section = line.strip("[]").strip()
                if section not in _SECTIONS:
                    raise InvalidSettings(f"{name}.txt, line {number}: no section {line}")
                gathered.setdefault(section, [])
            elif line.startswith("@"):
                self._set(line, bit, f"{name}.txt, line {number}")
            elif section == "eponyms":
                self._add_eponym(line)
            elif section:
                gathered[section] += line.split()
            else:
                raise InvalidSettings(f"{name}.txt, line {number}: words before any [section]")
        for section, entries in gathered.items():
            if entries:
                self._add(section, entries, bit)

    def _set(self, line: str, bit: int, where: str) -> None:
        setting, *values = line.split()
        if setting == "@endings":
            self._add("endings", values, bit)
        elif setting == "@joints":
            for value in values:
                joint = folded(value)
                self._lists.joints[joint] = self._lists.joints.get(joint, 0) | bit
        elif line == "@nouns capital":
            self._lists.nouns |= bit
        else:
            raise InvalidSettings(f"{where}: no setting {setting}")

    def _add(self, section: str, entries: list[str], bit: int) -> None:
        lists = self._lists
        if section == "signs":
            self._signs.update(*entries)
            lists.words |= self._signs
        elif section == "forms":
            for entry in entries:
                ending, _, least = entry.removeprefix("-").partition("/")
                key = folded(ending)
                shortest = 8 if len(key) < 4 else len(key) + 3
                lists.forms[key] = max(shortest, int(least or len(key) + 4))
        elif section == "endings":
            for entry in entries:
                ending, _, restored = entry.partition("<")
                key = folded(ending.strip("-"))
                lists.endings.setdefault(key, []).append((folded(restored), bit))
        elif section in ("stems", "parts"):
            stems = lists.stems if section == "stems" else lists.parts
            for key in _all_folded(entries):
                stems[key] = stems.get(key, 0) | bit
        else:
            folds = _keys(entries)
            {
                "words": lists.words,
                "places": lists.words,
                "codes": lists.codes,
                "names": self.names,
                "titles": self.titles,
                "triggers": self.titles,
                "roles": self.roles,
                "after": self.after,
                "particles": self.particles,
            }[section].update(folds)

    def _add_eponym(self, line: str) -> None:
        """Read `hill sachs: lesion`, `= shared context` or `+ names with endings: context`."""
        if line.startswith("="):
            self._shared = line[1:]
            return
        people, _, context = line.partition(":")
        if not line.startswith("+"):
            words = frozenset(map(folded, people.split()))
            self._set_eponym(words, context, len({w.removesuffix("s") for w in words}) == 1)
            return
        for name in people[1:].split():
            key = folded(name)
            forms = (key + end for end in _EPONYM_ENDINGS)
            self._set_eponym(frozenset((key, *forms)), self._shared + context, True, wide=True)

    def _set_eponym(
        self, words: frozenset[str], context: str, one: bool, *, wide: bool = False
    ) -> None:
        hints = context.split()
        eponym = Eponym(
            words=words,
            context=frozenset(folded(h) for h in hints if not h.endswith("*")),
            beginnings=tuple(folded(h[:-1]) for h in hints if len(h) > 1 and h.endswith("*")),
            always="*" in hints,
            one=one,
            wide=wide,
            graded="0" in hints,
        )
        for word in eponym.words:
            self.eponyms[word] = (*self.eponyms.get(word, ()), eponym)


def _all_folded(entries: list[str]) -> list[str]:
    """Return each entry folded. All at once is much faster than one by one."""
    text = " ".join(entries)
    if text.isascii():
        return text.lower().split(" ")
    found = folded_text(text).split(" ")
    return found if len(found) == len(entries) else [folded(entry) for entry in entries]


def _keys(entries: list[str]) -> set[str]:
    found = set()
    for key in _all_folded(entries):
        if key.isalnum():
            found.add(key)
            continue
        # "z.b" and "x-ray" come as tokens without their signs.
        pieces = key.replace(".", " ").replace("-", " ").split()
        if len(pieces) == 1:
            found.add(pieces[0].strip("'’/"))
        else:
            found.update(p for piece in pieces for p in piece.split("/") if p)
    return found


def _covers(key: str, codes: set[str]) -> bool:
    """Say whether codes of two letters and more, one of them longer, make up the word."""
    reached = {0: 0}
    for end in range(2, len(key) + 1):
        for length in range(2, min(end, 9) + 1):
            if end - length in reached and key[end - length : end] in codes:
                longest = max(reached[end - length], length)
                reached[end] = max(reached.get(end, 0), longest)
    return reached.get(len(key), 0) > 2 and len(key) < 16
