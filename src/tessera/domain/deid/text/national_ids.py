"""National person numbers of Europe in running text, with their check digits. Pure.

A number is found when its form and its check digit are right, or when the form is right and a
word before it says what it is. Check digits are python-stdnum's where it has the scheme (LGPL,
used as a library); the others follow the description that the issuing state publishes.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from importlib import import_module
from typing import Any, Final, NamedTuple

from tessera.domain.deid.patient_ids import luhn
from tessera.domain.deid.text.expression import Expression
from tessera.domain.deid.text.found import Found


def digits(text: str) -> str:
    """Return the decimal digits of a text, narrow."""
    return "".join(str(int(c)) for c in text if c.isdecimal())


def _weighted(number: str, weights: tuple[int, ...], modulus: int) -> int:
    return sum(int(c) * w for c, w in zip(number, weights, strict=False)) % modulus


def is_day(year: int, month: int, day: int) -> bool:
    """Say whether there is such a day."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def swedish(text: str) -> bool:
    """Personnummer and samordningsnummer (day + 60); reserve numbers have letters or no day."""
    number = digits(text)[-10:]
    month, day = int(number[2:4]), int(number[4:6])
    return 1 <= month <= 12 and (1 <= day <= 31 or 61 <= day <= 91) and luhn(number)


def _danish(text: str) -> bool:
    """CPR: the day; since 2007 the modulus-11 check does not hold for every number."""
    number = digits(text)
    return is_day(2000, int(number[2:4]), int(number[:2]) % 60) and (
        _dated(number, "dmy") or bool(_library("dk.cpr").is_valid(number))
    )


def _dated(number: str, order: str) -> bool:
    """Say whether six digits are a day, in an order such as "dmy"."""
    part = {c: int(number[2 * i : 2 * i + 2]) for i, c in enumerate(order)}
    return any(is_day(century + part["y"], part["m"], part["d"]) for century in (1900, 2000))


def _latvian(text: str) -> bool:
    number = digits(text)
    if number.startswith("32"):
        return True
    weights = (1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    check = (1101 - sum(int(c) * w for c, w in zip(number, weights, strict=False))) % 11 % 10
    return _dated(number, "dmy") and check == int(number[10])


def _hungarian(text: str) -> bool:
    """TAJ: weights 3 and 7, modulus 10."""
    number = digits(text)
    return _weighted(number[:8], (3, 7) * 4, 10) == int(number[8])


def _spanish_nss(text: str) -> bool:
    """Affiliation number: the first ten digits modulus 97."""
    number = digits(text)
    body = int(number[:2] + number[2:10].lstrip("0")) if number[2] == "0" else int(number[:10])
    return body % 97 == int(number[10:])


def _unchecked(text: str) -> bool:
    """The number has no check digit: found only after its word."""
    return not text


def _german_kvnr(text: str) -> bool:
    """Krankenversichertennummer: letter as two digits, then Luhn with weights 1 and 2."""
    letter = f"{ord(text[0].upper()) - 64:02d}"
    number = letter + text[1:9]
    total = sum(sum(divmod(int(c) * (2 if place % 2 else 1), 10)) for place, c in enumerate(number))
    return total % 10 == int(text[9])


def _german_rvnr(text: str) -> bool:
    """Rentenversicherungsnummer: area, birth day, letter, serial, check."""
    plain = re.sub(r"\s", "", text).upper()
    number = plain[:8] + f"{ord(plain[8]) - 64:02d}" + plain[9:11]
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = sum(sum(divmod(int(c) * w, 10)) for c, w in zip(number, weights, strict=True))
    return total % 10 == int(plain[11])


def _luxembourgish(text: str) -> bool:
    """Matricule of 13 digits: Luhn over the first 11 with the 12th."""
    number = digits(text)
    return is_day(int(number[:4]), int(number[4:6]), int(number[6:8])) and luhn(number[:12])


@cache
def _library(scheme: str) -> Any:
    """Return python-stdnum's module of a scheme; its import costs more than a text does."""
    return import_module(f"stdnum.{scheme}")


def _stdnum(scheme: str) -> Callable[[str], bool]:
    def is_valid(text: str) -> bool:
        return bool(_library(scheme).is_valid(re.sub(r"[\s.\-/]", "", text)))

    return is_valid


def _plain(scheme: str) -> Callable[[str], bool]:
    def is_valid(text: str) -> bool:
        return bool(_library(scheme).is_valid(text))

    return is_valid


def _belgian(text: str) -> bool:
    number = digits(text)
    return bool(_library("be.nn").is_valid(number) or _library("be.bis").is_valid(number))


def _iban(text: str) -> bool:
    return bool(_library("iban").is_valid(text, check_country=False))


def _reserve(text: str) -> bool:
    """Say whether a reserve number begins with a day of birth, as most regions make them."""
    number = re.match(r"\d+", text)
    part = number.group() if number else ""
    part = part[-6:] if len(part) >= 8 else part[:6]
    return len(part) == 6 and 1 <= int(part[2:4]) <= 12 and 1 <= int(part[4:6]) % 60 <= 31


def _my_number(text: str) -> bool:
    """Japanese individual number: modulus 11 over eleven digits."""
    number = digits(text)
    total = sum(
        int(c) * (place + 1 if place <= 6 else place - 5)
        for place, c in enumerate(reversed(number[:11]), start=1)
    )
    rest = total % 11
    return int(number[11]) == (0 if rest <= 1 else 11 - rest)


class Scheme(NamedTuple):
    """One kind of number."""

    name: str
    form: Expression
    is_valid: Callable[[str], bool]
    words: Expression
    """What may stand before it."""
    least: int
    """How many digits in a row, separators aside, it has at least."""
    sure: bool
    """Whether form and check digit suffice; if not, a word must stand before it."""


_LEAST: Final = {
    9: "rodne-cislo taj-hu afm-gr nif-pt sns-pt bsn-nl",
    10: "personnummer-se cpr-dk kennitala-is egn-bg svnr-at nhs-gb",
    11: "fodselsnummer-no isikukood-ee personas-kods-lv asmens-kodas-lt pesel-pl amka-gr"
    " steuer-id-de rijksregister-be oib-hr",
    12: "nss-es my-number-jp",
    13: "cnp-ro ahv-ch matricule-lu emso-si",
}
_N_DIGITS: Final = {name: least for least, names in _LEAST.items() for name in names.split()}
"""Digits of the schemes that have no letter inside."""


def _scheme(
    name: str, form: str, is_valid: Callable[[str], bool], words: str, *, sure: bool = True
) -> Scheme:
    edge = r"(?<![\w])(?<!\d[.,])"
    before = Expression(
        rf"(?:^|[^\w])(?:{words})[ .:#=]{{0,3}}(?:(?:nr|no|n[°º]|number|nummer)[ .:]{{0,2}})?$",
        re.IGNORECASE,
    )
    whole = Expression(f"{edge}(?:{form})(?![\\w])(?![.,]\\d)")
    return Scheme(name, whole, is_valid, before, _N_DIGITS.get(name, 0), sure)


_DAY6 = r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_SE_DAY = r"\d\d(?:0[1-9]|1[0-2])(?:[06][1-9]|[1278]\d|[39][01])"
_DMY = r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d"

SCHEMES: Final = (
    _scheme("personnummer-se", rf"(?:19|20|18)?{_SE_DAY}[-+–−]?\d{{4}}", swedish,
            r"pnr|p-?nr|personnr|personnummer|person-?id|samordningsnummer|samnr|pers\.?nr"),
    _scheme("personnummer-se", rf"(?:19|20|18)?{_SE_DAY}[ ][-+–−]?[ ]?\d{{4}}", swedish,
            r"pnr|p-?nr|personnr|personnummer|samordningsnummer|pers\.?nr"),
    _scheme("reservnummer-se", rf"(?:(?:19|20)?{_SE_DAY}|\d{{6}}|\d{{8}})[-+ ]?(?:[A-ZÅÄÖ]{{1,2}}"
            r"\d{2,3}|\d[A-ZÅÄÖ]{1,2}\d{1,2}|\d{2}[A-ZÅÄÖ]\d|\d{3}[A-ZÅÄÖ]|[A-ZÅÄÖ]{3}\d|TF\d{2}|"
            r"[A-ZÅÄÖ]{4})", _reserve,
            r"reservnr|reservnummer|pnr|personnummer"),
    _scheme("cpr-dk", rf"{_DMY}[- ]?\d{{4}}", _danish, r"cpr(?:[-. ]?(?:nr|nummer))?|personnummer"),
    _scheme("fodselsnummer-no", r"[0-7]\d[0-9]\d\d{2}[ ]?\d{5}", _stdnum("no.fodselsnummer"),
            r"f(?:ø|o|oe)dselsnummer|fnr|f\.nr|d-?nummer|personnummer|pnr"),
    _scheme("hetu-fi", r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d[-+A-FU-Ya-fu-y]\d{3}"
            r"[0-9A-FHJ-NPR-Ya-fhj-npr-y]", _plain("fi.hetu"), r"hetu|henkilötunnus|sotu"),
    _scheme("kennitala-is", rf"{_DMY}-?\d{{4}}", _plain("is_.kennitala"), r"kennitala|kt"),
    _scheme("isikukood-ee", r"[1-8]\d{10}", _plain("ee.ik"), r"isikukood|ik"),
    _scheme("personas-kods-lv", r"(?:(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d|32\d{4})-?"
            r"\d{5}", _latvian, r"personas kods|p\.?k"),
    _scheme("asmens-kodas-lt", r"[1-6]\d{10}", _plain("lt.asmens"), r"asmens kodas|a\.?k"),
    _scheme("pesel-pl", r"\d{11}|\d{6}[- ]\d{5}", _stdnum("pl.pesel"), r"pesel"),
    _scheme("rodne-cislo", r"\d{6}[/ ]?\d{3,4}", _stdnum("cz.rc"),
            r"rodn[ée] [čc][íi]slo|r[čc]|r\.?[čc]\.?"),
    _scheme("taj-hu", r"\d{3}[ -]\d{3}[ -]\d{3}|\d{9}", _hungarian,
            r"taj(?:[- ]?sz[áa]m)?", sure=False),
    _scheme("cnp-ro", r"[1-9]\d{12}", _plain("ro.cnp"), r"cnp"),
    _scheme("egn-bg", r"\d{10}", _plain("bg.egn"), r"егн|egn"),
    _scheme("amka-gr", rf"{_DMY}[ -]?\d{{5}}", _stdnum("gr.amka"),
            r"α\.?μ\.?κ\.?α\.?|amka"),
    _scheme("afm-gr", r"\d{9}", _plain("gr.vat"), r"α\.?φ\.?μ\.?|afm", sure=False),
    _scheme("codice-fiscale-it", r"[A-Za-z]{6}[0-9LMNP-Vlmnp-v]{2}[ABCDEHLMPRSTabcdehlmprst]"
            r"[0-9LMNP-Vlmnp-v]{2}[A-Za-z][0-9LMNP-Vlmnp-v]{3}[A-Za-z]",
            _plain("it.codicefiscale"), r"codice fiscale|c\.?f\.?"),
    _scheme("dni-es", r"\d{2}[. ]?\d{3}[. ]?\d{3}[- ]?[A-Za-z]", _stdnum("es.dni"),
            r"d\.?n\.?i\.?|n\.?i\.?f\.?"),
    _scheme("nie-es", r"[XYZxyz][- ]?\d{7}[- ]?[A-Za-z]", _stdnum("es.nie"), r"n\.?i\.?e\.?"),
    _scheme("nss-es", r"\d{2}[/ -]?\d{8}[/ -]?\d{2}|\d{2}[/ -]\d{10}", _spanish_nss,
            r"n\.?s\.?s\.?|seguridad social|afiliaci[óo]n"),
    _scheme("nif-pt", r"\d{3}[ .]?\d{3}[ .]?\d{3}", _stdnum("pt.nif"),
            r"nif|contribuinte", sure=False),
    _scheme("sns-pt", r"\d{3}[ ]?\d{3}[ ]?\d{3}", _unchecked,
            r"sns|n\.?[ºo]? ?(?:de )?utente|utente", sure=False),
    _scheme("nir-fr", r"[1278][ ]?\d\d[ ]?[0-9]\d[ ]?(?:\d\d|2[ABab])[ ]?\d{3}[ ]?\d{3}"
            r"(?:[ ]?\d\d)?", _stdnum("fr.nir"),
            r"nir|s[ée]curit[ée] sociale|n[°o] ?(?:de )?s[ée]cu|insee|ins"),
    _scheme("kvnr-de", r"[A-Za-z]\d{9}", _german_kvnr,
            r"kv-?nr|kvnr|versicherten-?(?:nr|nummer)|krankenversicherten-?(?:nr|nummer)"),
    _scheme("rvnr-de", r"\d{2}[ ]?\d{6}[ ]?[A-Za-z][ ]?\d{3}", _german_rvnr,
            r"rv-?nr|rvnr|rentenversicherungs-?(?:nr|nummer)|sv-?nr|svnr"),
    _scheme("steuer-id-de", r"[1-9]\d[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}", _stdnum("de.idnr"),
            r"steuer-?id|idnr|steueridentifikationsnummer|tin"),
    _scheme("bsn-nl", r"\d{9}|\d{4}[. ]\d{2}[. ]\d{3}", _stdnum("nl.bsn"),
            r"bsn|burgerservicenummer|sofi(?:nummer)?", sure=False),
    _scheme("rijksregister-be", r"\d{2}[.\s]?\d{2}[.\s]?\d{2}[- ]?\d{3}[. ]?\d{2}",
            _belgian,
            r"rr(?:n|nr)?|insz|niss|rijksregister(?:nummer)?|registre national"),
    _scheme("svnr-at", rf"[1-9]\d{{3}}[ ]?{_DMY}", _stdnum("at.vnr"),
            r"sv-?nr|svnr|sozialversicherungs(?:nr|nummer)|vsnr|vers\.?nr"),
    _scheme("ahv-ch", r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}", _stdnum("ch.ssn"),
            r"ahv(?:-?nr)?|avs|nss"),
    _scheme("pps-ie", r"\d{7}[A-Wa-w][A-IWa-iw]?", _plain("ie.pps"), r"pps(?:n|s)?(?: no)?"),
    _scheme("matricule-lu", r"(?:19|20)\d{2}[ ]?\d{4}[ ]?\d{5}|(?:19|20)\d{11}", _luxembourgish,
            r"matricule"),
    _scheme("id-card-mt", r"\d{3,7}[ ]?[MGAPLHBZmgaplhbz]", _unchecked,
            r"id(?: card)?(?: no)?|identity card", sure=False),
    _scheme("arc-cy", r"\d{6,10}", _unchecked,
            r"arc|δελτίο ταυτότητας|α\.?δ\.?τ\.?|αρ\.? ?ταυτ(?:ότητας)?", sure=False),
    _scheme("adt-gr", r"[A-ZΑ-Ω]{1,2}[ -]?\d{6}", _unchecked,
            r"α\.?δ\.?τ\.?|ταυτότητας?|ταυτ\.?", sure=False),
    _scheme("oib-hr", r"\d{11}", _plain("hr.oib"), r"oib"),
    _scheme("emso-si", r"\d{13}", _plain("si.emso"), r"em[šs]o|jmbg"),
    _scheme("nhs-gb", r"\d{3}[ -]?\d{3}[ -]?\d{4}", _stdnum("gb.nhs"),
            r"nhs(?: ?(?:no|number|nr|#))?|chi(?: no)?"),
    _scheme("nino-gb", r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ ]?\d\d[ ]?\d\d[ ]?\d\d[ ]?[A-D]",
            bool, r"ni(?:no)?|national insurance"),
    _scheme("my-number-jp", r"\d{4}[ -]?\d{4}[ -]?\d{4}", _my_number,
            r"マイナンバー|個人番号|my ?number"),
    _scheme("iban", r"[A-Z]{2}\d\d(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,4})?",
            _iban, r"iban|konto|account"),
)  # fmt: skip


_MAY_BE: Final = Expression(r"(?:\d[ .\-/+–−]?){6}|\d{5,7}[A-Za-z]|\d[A-ZÅÄÖ]{1,4}\d")
_ROW: Final = Expression(r"\d(?:[\s.\-/+–−]{0,3}\d)*")
_UNIT_AFTER: Final = Expression(
    r"[ ]?(?:[kmg]?bq|m?ci|counts|mm|cm|m[lgs]|µ|hz|[kmg]b|iu|ie|/)(?![^\W\d_])", re.IGNORECASE
)


def find_national_ids(text: str) -> Iterator[Found]:
    """Yield the person numbers, national bank and insurance numbers of a text."""
    if not _MAY_BE.search(text):
        return
    longest = max(sum(map(str.isdecimal, row.group())) for row in _ROW.finditer(text))
    for scheme in SCHEMES:
        if longest < scheme.least:
            continue
        for match in scheme.form.finditer(text):
            if _UNIT_AFTER.match(text, match.end()):
                continue
            start = match.start()
            if (scheme.sure and _checked(scheme, match.group())) or scheme.words.search(
                text, max(0, start - 32), start
            ):
                yield Found("identifier", start, match.end(), scheme.name)


def _checked(scheme: Scheme, text: str) -> bool:
    try:
        return scheme.is_valid(text)
    except (ValueError, IndexError):
        return False
