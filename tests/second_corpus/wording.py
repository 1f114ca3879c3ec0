"""Sentences and names of studies with identities woven in, and what must become of each."""

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from tests.second_corpus.people import Name, Person, telling

_TEXTS = Path(__file__).parent / "texts"
_PART = re.compile(r"\{(\w+)\}|\[([^\]]*)\]")
_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")
_STREETS = frozenset("lane park view road calle avenida carrer rise quay".split())
_TITLES = {
    "en": ("Mr", "Mrs"), "sv": ("herr", "fru"), "de": ("Herr", "Frau"), "es": ("Sr.", "Sra."),
    "el": ("κ.", "κα"), "ja": ("", ""),
}  # fmt: skip
_EPONYMS = {
    "Pott": "{N} with [Pott disease] of [T9] and [psoas abscess], seen by Dr {S}.",
    "Kahler": "{N}: [Morbus Kahler], [Paraprotein IgG], [Osteolysen], Zuweiser {R}.",
}
_CODECS = {
    (): "ascii", ("ISO_IR 100",): "latin-1", ("ISO_IR 126",): "iso8859-7",
    ("ISO_IR 192",): "utf-8", ("", "ISO 2022 IR 87"): "iso2022_jp",
    ("ISO_IR 13", "ISO 2022 IR 87"): "iso2022_jp",
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """A rendered text: (action, value, kind) of each check, (kind, value) of each identity."""

    text: str
    checks: tuple[tuple[str, str, str], ...]
    identities: tuple[tuple[str, str], ...]


def local_date(lang: str, day: date) -> str:
    """Return a date as the country writes it."""
    forms = {"sv": "%Y-%m-%d", "de": "%d.%m.%Y"}
    if lang == "ja":
        return f"{day.year}年{day.month}月{day.day}日"
    return day.strftime(forms.get(lang, "%d/%m/%Y"))


def street_word(person: Person) -> str:
    return " ".join(w for w in person.street.split() if w.lower() not in _STREETS)


def address(person: Person) -> str:
    if person.lang == "ja":
        return f"{person.town}{person.street}{person.house}"
    home = f"{person.street} {person.house}"
    if person.lang == "en":
        return f"{person.house} {person.street}, {person.town} {person.postcode}"
    return f"{home}, {person.postcode} {person.town}"


def initials(name: Name, lang: str) -> str:
    both = name.first[0] + name.last[0]
    return name.last if lang == "ja" or both in ("IS", "IF", "ON") else both


def _tabled(name: str) -> tuple[list[str], list[str]]:
    texts: list[str] = []
    descriptors: list[str] = []
    target = texts
    for line in (_TEXTS / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("## descriptors"):
            target = descriptors
        elif line.strip() and not line.startswith("#"):
            target.append(line)
    return texts, descriptors


@dataclass
class Wording:
    """The sentences of six languages, each dealt out in turn."""

    rng: Random
    _decks: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def sentence(self, instance: Any, eponym: bool = False) -> Said:
        special = _EPONYMS.get(instance.person.name.last)
        if eponym and special:
            return _said(special, instance)
        return self._dealt("texts", instance, 10_000)

    def descriptor(self, instance: Any, limit: int = 64) -> Said:
        return self._dealt("descriptors", instance, limit)

    def _dealt(self, what: str, instance: Any, limit: int) -> Said:
        lang = instance.lang
        for _ in range(2):
            deck = self._decks.get((lang, what), [])
            for place, template in enumerate(deck):
                if _fits(template, instance.person):
                    said = _said(template, instance)
                    if len(said.text) <= limit:
                        del deck[place]
                        return said
            fresh = list(_tabled(lang)[what == "descriptors"])
            self.rng.shuffle(fresh)
            self._decks[(lang, what)] = deck + fresh
        raise AssertionError("no sentence fits")


def _names_of(person: Person) -> list[str]:
    everyone = (
        person.name, person.relative, person.referrer, person.technologist, person.radiologist
    )  # fmt: skip
    words = [w for one in everyone for w in telling(f"{one.first} {one.last}").split()]
    words += [part for word in words for part in word.split("-")]
    return [*words, person.site.telling, person.town, street_word(person)]


def _fits(template: str, person: Person) -> bool:
    """Say whether the clinical words are free of this person's names and can be encoded."""
    plain = _PART.sub(lambda m: m.group(2) or " ", template).lower()
    standing = frozenset(_WORD.findall(plain))
    for name in map(str.lower, _names_of(person)):
        if name in standing or ((len(name) > 3 or not name.isascii()) and name in plain):
            return False
    try:
        plain.encode(_CODECS[person.charset])
    except UnicodeEncodeError:
        return False
    return True


def _values(code: str, instance: Any) -> tuple[str, list[tuple[str, str, str]]]:
    """Return the text of a placeholder and its checks."""
    person, study, lang = instance.person, instance.study, instance.lang
    name = person.name
    last, latin = telling(name.last), name.latin.upper()
    first_last = telling(f"{name.first} {name.last}")
    dates = {"D": study.day, "E": study.prior}
    if code in dates:
        said = local_date(lang, dates[code])
        return said, [("date_shifted", said, "date-in-text")]
    if code == "MR":
        return _TITLES[lang][person.sex == "F"], []
    if code == "W":
        if lang == "ja":
            return address(person), [("text_removed", address(person), "address")]
        parts = (street_word(person), person.postcode, person.town)
        return address(person), [("text_removed", part, "address") for part in parts]
    if code == "C":
        said = latin or f"{name.last.upper()}^{name.first.upper()}"
        return said, [("text_removed", telling(said), "patient-name")]
    patient = {
        "N": (name.natural(lang), name.natural(lang) if lang == "ja" else first_last),
        "F": (name.first, telling(name.first)),
        "L": (name.last, last),
        "U": (name.last.upper(), last.upper()),
        "V": (f"{name.last}, {name.first}", telling(f"{name.last} {name.first}")),
        "G": (name.genitive, telling(name.genitive)),
        "J": (
            f"{name.first}{name.last}".replace(" ", ""),
            f"{name.first}{name.last}".replace(" ", ""),
        ),
    }
    if code in patient:
        said, value = patient[code]
        return said, [("text_removed", value, "patient-name")]
    staff = {"R": person.referrer, "K": person.radiologist, "T": person.technologist}
    short = {"S": person.referrer, "k": person.radiologist}
    if code in staff:
        said = staff[code].natural(lang)
        return said, [("text_removed", said, "staff-name")]
    if code in short:
        return short[code].last, [("text_removed", telling(short[code].last), "staff-name")]
    if code == "Z":
        said = person.relative.natural(lang)
        return said, [("text_removed", said if lang == "ja" else telling(said), "relative-name")]
    said, kind = {
        "P": (person.national, "national-id"),
        "Q": (re.sub(r"[ -]", "", person.national), "national-id"),
        "M": (person.mrn, "mrn"),
        "A": (study.accession, "accession"),
        "B": (local_date(lang, person.born), "birth-date"),
        "H": (person.phone, "phone"),
        "X": (person.mail, "mail"),
        "Y": (person.site.name, "institution"),
        "t": (initials(person.technologist, lang), "initials"),
    }[code]
    value = person.site.telling if code == "Y" else said
    return said, [("text_removed", value, kind)]


def _said(template: str, instance: Any) -> Said:
    text, at = "", 0
    checks: list[tuple[str, str, str]] = []
    placed: list[tuple[int, int, tuple[str, str, str]]] = []
    for match in _PART.finditer(template):
        text += template[at : match.start()]
        at = match.end()
        if match.group(1):
            said, wanted = _values(match.group(1), instance)
            placed += [(len(text), len(text) + len(said), one) for one in wanted]
            text += said
        else:
            kept = match.group(2)
            text += kept
            checks.append(("text_retained", kept, "clinical"))
    text = (text + template[at:]).replace("  ", " ").strip()
    for start, end, (action, value, kind) in placed:
        if instance.lang == "ja" and len(value) < 4 and kind != "initials":
            value = _widened(text, start, end)
        checks.append((action, value, kind))
    return Said(text, tuple(checks), tuple(_known(template, instance)))


def _widened(text: str, start: int, end: int) -> str:
    """Return a name of few signs with its neighbours: it is told apart by where it stands."""
    while end - start < 4 and end < len(text):
        end += 1
    while end - start < 4 and start > 0:
        start -= 1
    return text[start:end]


def _known(template: str, instance: Any) -> list[tuple[str, str]]:
    """Return what the whole file must not hold because of this text."""
    person, study = instance.person, instance.study
    found: list[tuple[str, str]] = []
    for code in set(re.findall(r"\{(\w+)\}", template)):
        for one, kind, name in (
            ("RS", "staff-name", person.referrer), ("Kk", "staff-name", person.radiologist),
            ("Tt", "staff-name", person.technologist), ("Z", "relative-name", person.relative),
        ):  # fmt: skip
            if code in one:
                found.append((kind, telling(f"{name.last} {name.first}")))
        values = {
            "A": ("accession", study.accession), "H": ("phone", person.phone),
            "X": ("mail", person.mail), "W": ("address", street_word(person)),
            "Y": ("institution", person.site.telling), "M": ("mrn", person.mrn),
            "G": ("patient-name", telling(person.name.genitive).replace("'", " ").split()[0]),
        }  # fmt: skip
        if code in values:
            found.append(values[code])
    return sorted(found)
