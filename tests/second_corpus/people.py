"""Invented patients and staff of six countries, with numbers whose check digits are right."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random

_PARTICLES = frozenset("von van de la del i der den af ó y freiherr".split())


@dataclass(frozen=True)
class Name:
    """A person: the names as written in text and in a header."""

    first: str
    last: str
    genitive: str = ""
    latin: str = ""
    """LAST^FIRST in Latin letters where the country has others."""
    kana: str = ""

    def natural(self, lang: str) -> str:
        return f"{self.last}{self.first}" if lang == "ja" else f"{self.first} {self.last}"


def telling(text: str) -> str:
    """Return the words of a name that identify: without particles."""
    words = text.replace("^", " ").replace(",", " ").replace("=", " ").split()
    return " ".join(word for word in words if word.lower().strip(".") not in _PARTICLES)


@dataclass(frozen=True)
class Site:
    """A hospital: its name, the word of it that identifies, its staff."""

    name: str
    telling: str
    address: tuple[str, str, str]
    staff: tuple[Name, ...] = field(repr=False)


@dataclass(frozen=True)
class Person:
    """A patient with all that is known of them."""

    lang: str
    name: Name
    sex: str
    born: date
    national: str
    mrn: str
    phone: str
    mail: str
    street: str
    house: str
    postcode: str
    town: str
    relative: Name
    site: Site
    referrer: Name
    technologist: Name
    radiologist: Name
    charset: tuple[str, ...]


def luhn(digits: str) -> str:
    """Return the check digit that completes `digits`."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        n = int(digit) * (2 if place % 2 == 0 else 1)
        total += n - 9 if n > 9 else n
    return str(-total % 10)


def national_number(lang: str, born: date, sex: str, rng: Random) -> str:
    """Return a national number as it is written in the country, its check digit right."""
    if lang == "sv":
        serial = f"{rng.randrange(10, 99)}{rng.randrange(0, 5) * 2 + (sex == 'M')}"
        body = born.strftime("%y%m%d") + serial
        return f"{born:%Y%m%d}-{serial}{luhn(body)}"
    if lang == "el":
        body = born.strftime("%d%m%y") + f"{rng.randrange(100, 999)}{rng.randrange(0, 9)}"
        return body + luhn(body)
    if lang == "es":
        number = rng.randrange(11_000_000, 78_999_999)
        return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"
    if lang == "de":
        letter = rng.choice("ABCDEFGHKLMNPRSTVWXYZ")
        digits = f"{rng.randrange(10_000_000, 99_999_999)}"
        weighed = f"{ord(letter) - 64:02d}{digits}"
        total = sum(
            sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(weighed)
        )
        return f"{letter}{digits}{total % 10}"
    if lang == "ja":
        body = f"{rng.randrange(10**10, 10**11 - 1)}"
        weights = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
        rest = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11
        whole = body + str(0 if rest <= 1 else 11 - rest)
        return f"{whole[:4]} {whole[4:8]} {whole[8:]}"
    while True:  # NHS number, modulus 11
        body = f"{rng.randrange(400_000_000, 499_999_999)}"
        check = 11 - sum(int(digit) * (10 - place) for place, digit in enumerate(body)) % 11
        if check != 10:
            whole = body + str(check % 11)
            return f"{whole[:3]} {whole[3:6]} {whole[6:]}"


def _names(*rows: str) -> tuple[Name, ...]:
    return tuple(Name(*(part.strip() for part in row.split("|"))) for row in rows)


SITES = {
    "en": (
        Site(
            "Ravensmoor General Hospital", "Ravensmoor",
            ("Thackley Rise 2", "BD18 4QX", "Ravensmoor"),
            _names("Priyanka|Chowdhury", "Thomas|Bright", "Eleanor|Gleeson", "Hamish|McVeigh"),
        ),
        Site(
            "St Finnian's Hospital", "Finnian", ("Ballinteer Quay 7", "D08 X7Y2", "Dublin"),
            _names("Lorcan|Tiernan", "Bee|Oduya", "Siobhan|Quill", "Niall|Ashgrove"),
        ),
    ),
    "sv": (
        Site(
            "Gimo Länslasarett", "Gimo", ("Tallbacksvägen 1", "747 40", "Gimo"),
            _names("Gunilla|Åkerlind", "Kjell|Bäckman", "Leyla|Demirel", "Torvald|Nyqvist"),
        ),
        Site(
            "Hjortviks Sjukhus", "Hjortvik", ("Lasarettsgränd 9", "593 31", "Hjortvik"),
            _names("Margareta|Stolpe", "Jonas|Wikander", "Pär|Öhrn", "Shirin|Rostami"),
        ),
    ),
    "de": (
        Site(
            "Klinikum Wiesenbrück", "Wiesenbrück", ("Am Eichholz 3", "37412", "Wiesenbrück"),
            _names("Hannelore|Döring", "Kai|Brandt", "Ulrich|Wächtler", "Svenja|Osterkamp"),
        ),
        Site(
            "Sankt-Gertrudis-Krankenhaus", "Gertrudis", ("Domplatz 11", "48231", "Ahlenfeld"),
            _names("Mehmet|Aydın", "Ruth|Feldhaus", "Gisbert|Nüßlein", "Tanja|Vogt"),
        ),
    ),
    "es": (
        Site(
            "Hospital Comarcal de Valdehermoso", "Valdehermoso",
            ("Ronda Norte 5", "40301", "Valdehermoso"),
            _names("Begoña|Arrieta", "Iker|Saldaña", "Lucía|Montoro", "Ramón|Quiroga"),
        ),
        Site(
            "Clínica Santa Eulogia", "Eulogia", ("Paseo del Olmo 21", "08712", "Montbrell"),
            _names("Nuria|Ferrús", "Óscar|Bermejo", "Aitana|Lledó", "Fermín|Zubiri"),
        ),
    ),
    "el": (
        Site(
            "Γενικό Νοσοκομείο Αμπελοχωρίου", "Αμπελοχωρίου",
            ("Ελαιώνων 4", "26221", "Αμπελοχώρι"),
            _names("Σπύρος|Καλογήρου", "Δέσποινα|Μανιάτη", "Θανάσης|Ζερβός", "Ιωάννα|Τσιρίγου"),
        ),
        Site(
            "Κλινική Άγιος Ευμένιος", "Ευμένιος", ("Θησέως 18", "71305", "Ηράκλειο"),
            _names("Μαρίνα|Φουντούλη", "Λευτέρης|Γκίκας", "Χρήστος|Δραγάτης", "Ευγενία|Πολίτη"),
        ),
    ),
    "ja": (
        Site(
            "霞台総合病院", "霞台総合病院", ("青葉通3-2-1", "983-0841", "霞台市"),
            _names("修一|黒木", "由美子|西園寺", "拓也|土屋", "真理|遠山"),
        ),
        Site(
            "桜ヶ原医療センター", "桜ヶ原医療センター", ("松風町12-8", "662-0912", "桜ヶ原市"),
            _names("大輔|相沢", "恵子|岩波", "亮|三枝", "智子|榊原"),
        ),
    ),
}  # fmt: skip

_ROWS = tuple(
    line
    for line in (Path(__file__).parent / "patients.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
)


def people(rng: Random) -> list[Person]:
    """Return the patients; their numbers and who treats them depend on `rng`."""
    found = []
    for number, row in enumerate(_ROWS):
        lang, name, sex, born, phone, mail, home, relative, charset = row.split(";")
        site = SITES[lang][number % 2]
        staff = rng.sample(site.staff, 3)
        day = date.fromisoformat(born)
        found.append(
            Person(
                lang, Name(*name.split("|")), sex, day, national_number(lang, day, sex, rng),
                f"{'RGDVAK'[number % 6]}{rng.randrange(1_000_000, 9_999_999)}", phone, mail,
                *home.split("|"), Name(*relative.split("|")), site, *staff,
                tuple(charset.split(",")) if charset else (),
            )
        )  # fmt: skip
    return found
