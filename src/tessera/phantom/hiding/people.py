"""Who is hidden: invented patients and staff of six countries, with every number they bear.

Pure but for the package's own data. Names are taken so that none of them is part of a word
that must stay; a few patients bear the name of an eponym (Hodgkin, Parkinson, Gleason, Hill).
"""

import tomllib
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from tessera.phantom.identifiers import amka, personnummer
from tessera.phantom.planted import romanised
from tessera.phantom.streams import pick, stream

LANGUAGES = ("sv", "de", "es", "el", "ja", "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """One country's names and places, as `people.toml` has them."""

    country: str
    charsets: tuple[tuple[str, ...], ...]
    female: tuple[str, ...]
    male: tuple[str, ...]
    family: tuple[str, ...]
    staff: tuple[str, ...]
    institution: str
    department: str
    station: str
    streets: tuple[str, ...]
    cities: tuple[str, ...]
    phones: tuple[str, ...]
    mail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One patient. `family` and `given` are as spoken; `pn` is the DICOM form."""

    number: int
    language: str
    country: Country
    charset: tuple[str, ...]
    sex: str
    family: str
    given: str
    romaji: tuple[str, str]
    """Family and given name in Latin letters without marks."""
    kana: tuple[str, str]
    pn: str
    born: date
    patient_id: str
    national: tuple[str, ...]
    """The national number in two or three forms (with dash, spaced, short)."""
    issuer: str
    street: str
    city: str
    phone: str
    mail: str
    weight_kg: float
    height_m: float
    shown_day: date
    """The first study."""

    @property
    def physician(self) -> str:
        return self.country.staff[0]

    @property
    def reader(self) -> str:
        return self.country.staff[1]

    @property
    def operator(self) -> str:
        return self.country.staff[2]

    @property
    def address(self) -> str:
        return f"{self.street}, {self.city}"


@cache
def countries() -> dict[str, Country]:
    """Every country by language."""
    source = files("tessera.phantom.hiding") / "people.toml"
    raw = tomllib.loads(source.read_text(encoding="utf-8"))
    return {language: _country(entry) for language, entry in raw.items()}


def _country(entry: dict[str, Any]) -> Country:
    charsets = tuple(tuple(terms) for terms in entry.pop("charsets"))
    lists: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    return Country(charsets=charsets, **lists)


def make_patient(seed: int, number: int) -> Patient:
    """Patient `number` (from 0) of the corpus of `seed`; languages and names take turns."""
    rng = stream(seed, "hiding", "patient", number)
    language = LANGUAGES[number % len(LANGUAGES)]
    turn = number // len(LANGUAGES)
    country = countries()[language]
    sex = "F" if rng.random() < 0.5 else "M"
    family = country.family[(turn + seed) % len(country.family)]
    given = pick(rng, country.female if sex == "F" else country.male)
    charset = country.charsets[turn % len(country.charsets)]
    if family == "Wiśniewski":
        charset = ("ISO_IR 101",)
    elif charset == ("ISO_IR 101",):
        charset = ("ISO_IR 100",)
    family_forms, given_forms = family.split("="), given.split("=")
    born = date(1931, 1, 1) + timedelta(days=int(rng.integers(22_000)))
    latin = (ascii_form(family_forms[0]), ascii_form(given_forms[0]))
    if language == "ja":
        spoken = (family_forms[1], given_forms[1])
        kana = (family_forms[2], given_forms[2])
        pn = "=".join(f"{a}^{b}" for a, b in zip(family_forms, given_forms, strict=True))
    else:
        spoken, kana = (family, given), ("", "")
        pn = f"{family}^{given}"
    if charset == ("",):
        pn = f"{latin[0]}^{latin[1]}"
    shown = date(2015, 2, 1) + timedelta(days=int(rng.integers(3000)))
    patient_id, national = _numbers(rng, language, born, sex)
    handle = f"{latin[1]}.{latin[0]}".lower().replace(" ", "").replace("'", "")
    return Patient(
        number=number,
        language=language,
        country=country,
        charset=charset,
        sex=sex,
        family=spoken[0],
        given=spoken[1],
        romaji=latin,
        kana=kana,
        pn=pn,
        born=born,
        patient_id=patient_id,
        national=national,
        issuer=f"{country.country}-PID-{100 + number % 7}",
        street=pick(rng, country.streets),
        city=pick(rng, country.cities),
        phone=pick(rng, country.phones),
        mail=f"{handle}@{country.mail}",
        weight_kg=round(float(rng.uniform(47, 104)), 1),
        height_m=round(float(rng.uniform(1.52, 1.93)), 2),
        shown_day=shown,
    )


def ascii_form(text: str) -> str:
    """`text` in Latin letters without marks, case kept: Großkreutzer, Grosskreutzer."""
    if any("\u0370" <= c <= "\u03ff" for c in unicodedata.normalize("NFC", text)):
        return " ".join(word.capitalize() for word in romanised(text).split())
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ł", "l"))
    return "".join(c for c in plain if c.isascii())


_CODECS = {
    "": "ascii",
    "ISO_IR 100": "latin-1",
    "ISO_IR 101": "iso8859-2",
    "ISO_IR 126": "iso8859-7",
    "ISO 2022 IR 126": "iso8859-7",
    "ISO_IR 192": "utf-8",
    "ISO 2022 IR 13": "ascii",
    "ISO 2022 IR 87": "iso2022_jp",
}


def as_held(text: str, charset: tuple[str, ...]) -> str:
    """`text` as a data set of this character set can hold it; other letters lose their marks."""
    return "".join(c if _holds(c, charset) else ascii_form(c) for c in text)


def _holds(character: str, charset: tuple[str, ...]) -> bool:
    for term in charset:
        try:
            character.encode(_CODECS[term])
        except UnicodeEncodeError:
            continue
        return True
    return False


def _numbers(
    rng: np.random.Generator, language: str, born: date, sex: str
) -> tuple[str, tuple[str, ...]]:
    sex_word = "male" if sex == "M" else "female"
    if language == "sv":
        whole, dashed, short = personnummer(rng, born, sex_word)
        return whole, (dashed, short, whole)
    if language == "el":
        number, _, spaced = amka(rng, born, sex_word)
        return number, (number, spaced)
    if language == "de":
        return f"P{_digits(rng, 7)}", (kvnr(rng),)
    if language == "es":
        dni = int(rng.integers(90_000_000, 99_999_999))
        letter = "TRWAGMYFPDXBNJZSQVHLCKE"[dni % 23]
        return f"NHC-{_digits(rng, 6)}", (f"{dni}{letter}", f"{dni}-{letter}")
    if language == "ja":
        number = my_number(rng)
        spaced = f"{number[:4]} {number[4:8]} {number[8:]}"
        return f"{_digits(rng, 4)}-{_digits(rng, 4)}-{_digits(rng, 1)}", (number, spaced)
    number = nhs_number(rng)
    return f"TBK{_digits(rng, 6)}", (number, f"{number[:3]} {number[3:6]} {number[6:]}")


def _digits(rng: np.random.Generator, n: int) -> str:
    return str(int(rng.integers(10 ** (n - 1), 10**n - 1)))


def kvnr(rng: np.random.Generator) -> str:
    """A German health insurance number: letter, eight digits, check digit (modulo 10)."""
    letter = "ABCDEFGHKLMNPRSTVWXYZ"[int(rng.integers(21))]
    digits = f"{int(rng.integers(10_000_000, 99_999_999))}"
    # The letter counts as two digits; weights 1, 2, 1, 2 ... from the left, digit sums added.
    return letter + digits + luhn_from_left(f"{ord(letter) - 64:02d}{digits}")


def luhn_from_left(digits: str) -> str:
    """Check digit with weights 1, 2, 1, 2 ... from the left: sum of digit sums, modulo 10."""
    total = 0
    for place, character in enumerate(digits):
        value = int(character) * (1 if place % 2 == 0 else 2)
        total += value // 10 + value % 10
    return str(total % 10)


def nhs_number(rng: np.random.Generator) -> str:
    """A British NHS number in the range kept for tests (999 ...), with its check digit."""
    while True:
        nine = f"999{int(rng.integers(100_000, 999_999))}"
        check = 11 - sum(int(c) * w for c, w in zip(nine, range(10, 1, -1), strict=True)) % 11
        if check != 10:
            return nine + str(check % 11)


def my_number(rng: np.random.Generator) -> str:
    """A Japanese individual number: eleven digits and a check digit (modulo 11)."""
    eleven = f"{int(rng.integers(10**10, 10**11 - 1))}"
    total = sum(
        int(c) * (n + 1 if n <= 6 else n - 5) for n, c in enumerate(reversed(eleven), start=1)
    )
    rest = total % 11
    return eleven + str(0 if rest <= 1 else 11 - rest)
