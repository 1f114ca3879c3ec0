"""Invented patients and staff of six countries, with numbers whose check digits are right."""

from dataclasses import dataclass, field
from datetime import date
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

# name; sex; born; phone; mail; street | number | postcode | town; relative; charset
_ROWS = """
en;Marjorie|Pott|Pott's;F;1948-06-21;01274 960 417;m.pott48@mailbox.example.uk;Hollinbeck Lane|14|BD17 6HT|Shipley;Desmond|Pott;
en;Seán|Ó Braonáin|Ó Braonáin's;M;1979-11-02;087 550 1384;sean.obraonain@post.example.ie;Glenmalure Park|33|D08 K3T6|Dublin;Gráinne|Ó Braonáin;ISO_IR 100
en;Grace-Anne|Whitfield-Marsh|Whitfield-Marsh's;F;1990-02-14;0113 496 0821;gawm@inbox.example.uk;Kirkstall View|5|LS5 3BW|Leeds;Roland|Whitfield;ISO_IR 192
en;Ian|Wood|Wood's;M;1931-09-30;07700 900 462;ian.wood@home.example.uk;Saltaire Road|118|BD18 3JN|Shipley;Maureen|Wood;
sv;Åke|Ljungdahl|Ljungdahls;M;1944-01-17;070-174 06 51;ake.ljungdahl@brev.example.se;Rönnbärsvägen|12|747 42|Gimo;Birgit|Ljungdahl;ISO_IR 100
sv;Ulla-Britt|von Schéele|von Schéeles;F;1957-08-05;0173-555 13;ubvs@epost.example.se;Kvarngatan|4 B|593 32|Västervik;Claes|von Schéele;ISO_IR 192
sv;Bo|Ek|Eks;M;1968-04-29;073-990 17 62;bo.ek@epost.example.se;Storgärdet|27|747 40|Gimo;Ann-Sofi|Ek;ISO_IR 100
sv;Linnéa|Frisk|Frisks;F;1999-12-11;076-119 84 03;l.frisk@brev.example.se;Ekbacken|3|593 40|Västervik;Helge|Frisk;ISO_IR 192
de;Heike|Klein|Kleins;F;1961-03-08;05552 48 17 90;heike.klein@post.example.de;Lindenstieg|8|37414|Wiesenbrück;Jochen|Klein;ISO_IR 100
de;Friedrich|Freiherr von Thalbach|von Thalbachs;M;1939-10-24;0171 555 20 63;f.thalbach@netz.example.de;Schlossallee|1|48233|Ahlenfeld;Wilhelmine|von Thalbach;ISO_IR 192
de;Ayşe|Yıldız|Yıldız';F;1986-07-19;0157 330 4412;ayse.yildiz@netz.example.de;Gerberweg|46|37412|Wiesenbrück;Fatma|Yıldız;ISO_IR 192
de;Anneliese|Kahler|Kahlers;F;1952-05-30;02382 771 09;a.kahler@post.example.de;Münsterstraße|102|48231|Ahlenfeld;Rüdiger|Kahler;ISO_IR 100
es;José María|de la Fuente Ríos|de la Fuente;M;1955-03-19;921 550 184;jmfuente@correo.example.es;Calle Olivar|9|40302|Valdehermoso;Pilar|Ríos Bravo;ISO_IR 100
es;Inés|Paz|Paz;F;1973-01-26;655 018 347;ines.paz@correo.example.es;Calle Tejedores|31|40301|Valdehermoso;Tomás|Paz;ISO_IR 192
es;María del Carmen|Etxeberria Núñez|Etxeberria;F;1966-09-12;938 551 276;mc.etxeberria@buzon.example.es;Avenida Marina|77|08713|Montbrell;Joseba|Etxeberria;ISO_IR 100
es;Xavier|Puig i Soler|Puig;M;1982-12-03;612 774 905;xpuig@buzon.example.es;Carrer Major|16|08712|Montbrell;Montserrat|Soler;ISO_IR 192
el;Νίκος|Βλάχος|Βλάχου|VLACHOS^NIKOS;M;1950-02-09;2610 550 381;n.vlachos@tachy.example.gr;Κανακάρη|52|26223|Πάτρα;Βασιλική|Βλάχου;ISO_IR 126
el;Ελένη|Παπασταθοπούλου|Παπασταθοπούλου|PAPASTATHOPOULOU^ELENI;F;1977-06-15;6944 120 756;e.papastath@tachy.example.gr;Δημοκρατίας|8|71306|Ηράκλειο;Στέφανος|Παπασταθόπουλος;ISO_IR 192
el;Γιώργος|Χατζής|Χατζή|CHATZIS^GIORGOS;M;1963-10-28;2810 551 940;gchatzis@grammi.example.gr;Ικάρου|113|71307|Ηράκλειο;Καλλιόπη|Χατζή;ISO_IR 126
el;Άννα-Μαρία|Κάτου|Κάτου|KATOU^ANNA-MARIA;F;1994-04-04;6932 884 107;am.katou@grammi.example.gr;Μαιζώνος|21|26221|Πάτρα;Αντιγόνη|Κάτου;ISO_IR 192
ja;健一|森|森|Mori^Kenichi|もり^けんいち;M;1946-12-01;022-555-1839;k.mori@tayori.example.jp;若竹町|4-17|983-0842|霞台市;和子|森;,ISO 2022 IR 87
ja;さくら|東野|東野|Higashino^Sakura|ひがしの^さくら;F;1988-03-27;090-5550-7214;higashino@tayori.example.jp;緑山|2-9-5|662-0913|桜ヶ原市;正夫|東野;ISO_IR 192
ja;美穂|長谷川|長谷川|Hasegawa^Miho|はせがわ^みほ;F;1970-07-07;022-555-6602;miho.hasegawa@fumi.example.jp;白鳥通|8-3|983-0844|霞台市;隆|長谷川;,ISO 2022 IR 87
ja;直人|関口|関口|Sekiguchi^Naoto|せきぐち^なおと;M;1959-05-18;080-5550-3391;n.sekiguchi@fumi.example.jp;若宮|1-22|662-0914|桜ヶ原市;春子|関口;ISO_IR 13,ISO 2022 IR 87
"""


def people(rng: Random) -> list[Person]:
    """Return the patients; their numbers and who treats them depend on `rng`."""
    found = []
    for number, row in enumerate(_ROWS.strip().splitlines()):
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
