r"""Identities that have a form: numbers, contacts, addresses, UIDs and dates. Pure.

`find_patterns` answers at once for a text without digit, "@" or host. Every expression is
bounded, so that the time grows with the length of the text and no text is hostile.
"""
# ruff: noqa: E501 -- word lists inside expressions

import re
from collections.abc import Iterator
from typing import Final

from tessera.domain.deid.text.addresses import find_addresses
from tessera.domain.deid.text.contacts import find_contacts
from tessera.domain.deid.text.dates import find_dates
from tessera.domain.deid.text.expression import Expression
from tessera.domain.deid.text.found import Found
from tessera.domain.deid.text.national_ids import find_national_ids

__all__ = ["Found", "find_patterns"]

_MAY_HOLD = Expression(
    r"[\d@＠〇]|[一二三四五六七八九十元]{1,3}[年月日丁番]|://|\(at\)|(?:県|東京都|[大京][阪都]府)|\\\\"
    r"|\.(?:com|org|net|edu|gov|eu|info|local|lan|se|dk|no|fi|pl|gr|it|es|pt|fr|de|nl|be|at|ch|uk|"
    r"jp|int|intern|intranet)(?![^\W_])|www\.",
    re.IGNORECASE,
)
_UID = Expression(r"(?<![\w.])[012](?:\.\d+){4,}(?![\w])")
_UUID_UID = Expression(r"(?<![\w.])2\.25\.\d{10,39}(?!\w)")
_RUN = Expression(r"(?<!\d)\d{6,}(?!\d)")
_CODE_BEFORE = Expression(
    r"(?<![^\W_])(?:SCT|SNOMED(?:[ -]?CT)?|SRT|LN|LOINC|DCM|RADLEX|RID|UMLS|ICD(?:-?10|-?11|-?O)?|MESH|"
    r"CUI|FMA|NEU|UCUM|ATC|OMIM|CPT|KVÅ|OPS|NCT|concept|code|kod|EudraCT)[ ,:|()\"'=]{0,3}$",
    re.IGNORECASE,
)
_UNIT_AFTER = Expression(
    r"[ ]?(?:[kMG]?Bq|m?Ci|counts?|cts|cells|mm|cm|m[lLgs]|µ|μ|u[sg]|Hz|[kMG]?B(?:ytes?)?|I?[UE]|"
    r"copies|/[ ]?(?:[mµu]?[lL]|mm|ml)|\^|×|x[ ]?10|kopior|voxels?|pixels?|Euro|EUR|€|SEK|kr)"
    r"(?![^\W\d_])"
)
_DECIMAL_BEFORE = Expression(r"(?<![\d.,])[-+]?\d{1,4}[.,]$")
_DATE_BEFORE = Expression(r"(?<!\d)(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[ T_-]?$")
_DATE_TIME = Expression(
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d[0-5]\d"
)
_TIME = Expression(r"(?:[01]\d|2[0-3])[0-5]\d[0-5]\d")

_ID_WORDS = (
    r"acc(?:ession)?(?:[ ._-]?(?:nr|no|num|number|nummer|#))?|a/n|mrn|pid|pat(?:ient(?:en)?)?[ ._-]?"
    r"(?:id|nr|no|nummer|number|num)|patientnummer|hospital[ ]?(?:no|number|nr)|case[ ._-]?(?:id|no|nr|number)|"
    r"fallnummer|fall-?nr|auftrags?-?(?:nr|nummer)|patientenid|aufnahme-?nr|visit(?:[ _-]?(?:id|no))|"
    r"remiss(?:[ ._-]?(?:id|nr|nummer))|remissnr|remissid|rekvisition(?:s-?(?:nr|id|nummer))?|journal(?:[ ._-]?"
    r"(?:nr|nummer|id))|journalnr|kort-?nr|kortnummer|id(?:[ ._-]?(?:nr|no|nummer|number|num|kod))|"
    r"order(?:[ ._-]?(?:id|nr|no|number))|request(?:[ ._-]?(?:id|no|nr))|req(?:[ ._-]?(?:id|no|nr))|"
    r"study[ ._-]?id|exam[ ._-]?(?:id|no|nr)|undersöknings-?(?:id|nr)|specimen(?:[ ._-]?(?:id|no|nr))|"
    r"sample(?:[ ._-]?(?:id|no|nr))|prov-?(?:nr|id)|preparat-?(?:nr|id)|pad-?nr|lab-?(?:nr|no|id)|"
    r"nhc|n[º°]?[ ]?(?:de[ ])?historia(?:[ ]cl[íi]nica)?|hist(?:oria)?\.?[ ]?cl[íi]n(?:ica)?|cip|expediente|"
    r"n[º°][ ]?(?:de[ ])?(?:petici[óo]n|paciente|solicitud|estudio|registro|afiliaci[óo]n|asegurado)|petici[óo]n|"
    r"tarjeta[ ]sanitaria|α\.?μ\.?(?:[ ]?ασθ(?:\.|ενούς)?)?|αρ\.?[ ]?(?:φακέλου|μητρώου|εξέτασης|ιστορικού)|"
    r"αριθμός[ ](?:φακέλου|μητρώου|εξέτασης)|κωδ(?:ικός)?\.?[ ](?:ασθ(?:ενούς|\.)?|εξέτασης)|"
    r"insurance(?:[ ]?(?:no|nr|number|id))|försäkrings?(?:nr|nummer)|police(?:[ ]?(?:no|nr))|policy(?:[ ]?no)|"
    r"konto(?:nr|nummer)?|account(?:[ ]?(?:no|nr|number))|bankgiro|plusgiro|reg\.?-?(?:nr|nummer)|"
    r"kennzeichen|matr[íi]cula|passport(?:[ ]?no)?|pass-?nr|passnummer|pasaporte|licen[cs]e(?:[ ]?(?:no|plate))|"
    r"badge|sign(?:atur)?[ ._-]?id|user(?:[ ._-]?(?:id|name))|login|hsa-?id|employee(?:[ ._-]?(?:id|no))|"
    r"numer[ ](?:pacjenta|badania|historii)|n[°º][ ]?dossier|dossier(?:[ ]?n[°º])?|ipp|nda|nip|tessera[ ]sanitaria|"
    r"dossiernummer|patiëntnummer|patnr|patno|patid|pnr|mrsn|anr|asn|potilas(?:numero|tunnus)|"
    r"患者(?:ID|番号|ＩＤ)|ID番号|受付番号|検査番号|カルテ(?:番号|No)|診察券(?:番号)?|依頼番号|オーダー番号|"
    r"保険証?番号|被保険者番号|症例番号|登録番号|整理番号|検体番号|受診番号"
)
_AFTER_ID_WORD = Expression(
    rf"(?:(?<![^\W_])(?:{_ID_WORDS})(?![^\W\d_])|(?:患者|検査|受付|依頼|オーダー)(?:番号|ID|ＩＤ)|(?<![^\W_])id(?=[ ]?[:=#]))"
    r"[ 　.:：#=№()\"'-]{0,4}(?P<n>(?=[\w./-]{0,20}[\d０-９])[^\W_][\w./-]{1,30})",
    re.IGNORECASE,
)
_ACCESSION = Expression(
    r"(?<![\w.])(?:[A-Z]{1,5}[-/ ]?(?:19|20)?\d{2}[-/.]\d{4,8}|[A-Z]{2,5}-\d{5,}(?:-\d+)?|"
    r"(?:19|20)\d{2}[-/](?![01]\d(?!\d))\d{4,8}|[A-Z]{2,4}\d{2}[A-Z]{1,3}\d{4,}|\d{2}-[A-Z]{1,3}-\d{4,}|"
    r"SE\d{10}-[A-Z0-9]{4}|[A-Z]{1,3}\d{2}-\d{3,})(?![\w]|[.]\d)"
)
_PERSON_NUMBER = Expression(r"(?<![\w.-])(?:19|20)?\d{6}[-+A]\d{3}[\dA-Z](?![\w-])")
"""A date with four characters behind it, whatever the check character says: numbers are mistyped."""
_PLATE = Expression(r"(?<![\w])[A-Z]{3}[ ]\d{2}[0-9A-Z](?![\w])")
_PLATE_WORD = Expression(r"(?:reg\.?-?(?:nr|nummer)|bil|fordon|kennzeichen|plate)[ .:]{1,2}$", re.I)


def find_patterns(text: str, *, month_first: bool = False) -> list[Found]:
    """Return what has the form of an identity or a date, in order and without overlap.

    Parameters
    ----------
    text
        Decoded text of any length, as it stands in the value.
    month_first
        Read 03/04/2021 as 4 March, where both readings are days.

    Returns
    -------
    list
        Where two overlap, the identity of a person stays before a contact, a contact before a
        place, and of the same kind the longer.
    """
    if not _MAY_HOLD.search(text):
        return []
    every = [
        *find_national_ids(text),
        *find_contacts(text),
        *find_addresses(text),
        *find_dates(text, month_first=month_first),
        *_uids(text),
        *_numbers(text),
    ]
    return _apart(every, text)


_RANK: Final = {"uid": 0, "url": 0, "identifier": 2, "date": 2, "contact": 2, "place": 3}
_WEAK: Final = frozenset({"long-digits", "my-number-jp", "kennitala-is"})
_STRONG: Final = frozenset({"birth-date", "mail", "iban", "personnummer-se", "address"})
_UNCERTAIN: Final = frozenset({"date-number-year", "date-year-number", "date-yearless"})


def _weight(found: Found) -> tuple[int, int, int]:
    rank = _RANK[found.kind] * 10
    if found.name in _STRONG:
        rank = 5
    elif found.name in _WEAK:
        rank = 40
    elif found.name in _UNCERTAIN:
        rank = 30
    return rank, found.start - found.end, found.start


def _apart(every: list[Found], text: str) -> list[Found]:
    """Return those that stay where several overlap."""
    if len(every) < 2:
        return every
    taken = bytearray(len(text))
    kept = []
    for found in sorted(every, key=_weight):
        if not any(taken[found.start : found.end]):
            taken[found.start : found.end] = b"\1" * (found.end - found.start)
            kept.append(found)
        elif found.kind != "date" and (rest := _uncovered(found, taken, text)):
            kept += rest
            for piece in rest:
                taken[piece.start : piece.end] = b"\1" * (piece.end - piece.start)
    kept.sort(key=lambda f: f.start)
    return kept


def _uncovered(found: Found, taken: bytearray, text: str) -> list[Found]:
    """Return the pieces of an identity that nothing stronger covers: none of it may stay."""
    pieces, at = [], found.start
    while at < found.end:
        if taken[at]:
            at += 1
            continue
        stop = taken.find(1, at, found.end)
        stop = found.end if stop < 0 else stop
        rest = text[at:stop]
        if any(c.isdigit() if found.name in _WEAK else c.isalnum() for c in rest):
            pieces.append(Found(found.kind, at, stop, found.name))
        at = stop
    return pieces


def _uids(text: str) -> Iterator[Found]:
    for match in _UID.finditer(text):
        uid = match.group()
        if len(uid) >= 14 and uid.startswith(
            ("1.2.", "1.3.", "2.16.", "2.25.", "0.", "1.0.", "2.")
        ):
            yield Found("uid", *match.span(), "uid")
    for match in _UUID_UID.finditer(text):
        yield Found("uid", *match.span(), "uid")


_GROUPED: Final = Expression(r"(?<![\d.,-])(\d{4})[ -](\d{4})[ -](\d{4})(?![\d])(?![.,-]\d)")
"""Three groups of four: a number on a card of insurance or of a person. Lists of b-values end in
zeros."""
_THREE: Final = Expression(r"\d{3}")


def _numbers(text: str) -> Iterator[Found]:
    """Yield numbers after a word that announces one, accession forms, and unexplained digits."""
    for match in _AFTER_ID_WORD.finditer(text):
        yield Found("identifier", *match.span("n"), "announced-number")
    for match in _ACCESSION.finditer(text) if _THREE.search(text) else ():
        if not _UNIT_AFTER.match(text, match.end()) and not _code_before(text, match.start()):
            yield Found("identifier", *match.span(), "accession")
    for match in _PERSON_NUMBER.finditer(text):
        yield Found("identifier", *match.span(), "person-number-form")
    for match in _PLATE.finditer(text):
        if _PLATE_WORD.search(text, max(0, match.start() - 20), match.start()):
            yield Found("identifier", *match.span(), "plate")
    for match in _GROUPED.finditer(text):
        if not all(group.endswith(("00", "50")) for group in match.groups()):
            yield Found("identifier", *match.span(), "grouped-digits")
    for match in _RUN.finditer(text):
        if not _explained(text, match):
            yield Found("identifier", *_token(text, match), "long-digits")


def _explained(text: str, match: re.Match[str]) -> bool:
    start, end = match.span()
    before = text[max(0, start - 24) : start]
    digits = match.group()
    if _UNIT_AFTER.match(text, end) or _code_before(text, start):
        return True
    if _DECIMAL_BEFORE.search(before) and len(digits) <= 12:
        return True
    if len(digits) == 14 and _DATE_TIME.fullmatch(digits):
        return True  # the day in it is found as a date
    if len(digits) == 6 and _DATE_BEFORE.search(before) and _TIME.fullmatch(digits):
        return True
    if len(digits) == 6 and _TIME.fullmatch(digits) and re.match(r"\.\d{1,6}(?!\d)", text[end:]):
        return True
    return set(digits) == {"0"}


def _code_before(text: str, start: int) -> bool:
    return _CODE_BEFORE.search(text, max(0, start - 20), start) is not None


def _token(text: str, match: re.Match[str]) -> tuple[int, int]:
    """Return the run with the letters that are joined to it: K1234567, 1234567B."""
    start, end = match.span()
    first = start
    while (
        first > 0 and start - first < 8 and text[first - 1].isalnum() and text[first - 1] < "\u0250"
    ):
        first -= 1
    last = end
    while last < len(text) and last - end < 4 and text[last].isalnum() and text[last] < "\u0250":
        last += 1
    if first > 0 and text[first - 1].isalnum() and text[first - 1] < "\u0250":
        first = start
    return first, last
