"""Say whether a column may identify a person, and why. Pure; identified zone.

The word of a name is enough, and so are check digits, the form of an address, many words, or a
text of its own in almost every row: in doubt a column's values are not shown.
"""

import re
from collections.abc import Mapping
from typing import Final

from tessera.domain.clinical.column_names import match_names
from tessera.domain.clinical.source_table import ColumnNote
from tessera.domain.deid.text.national_ids import SCHEMES

_MAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_PHONE: Final = re.compile(r"(?:\+|00)[0-9][0-9 ()/-]{7,16}|0[0-9]{1,4}[ /-][0-9][0-9 -]{4,12}")
_LONG_NUMBER: Final = re.compile(r"[A-Za-z]{0,3}[-_ ]?[0-9]{5,}[-/ ]?[0-9A-Za-z]*")
_SERIAL: Final = re.compile(r"[A-Za-z]{1,8}[-_ ]?[0-9]{1,6}")
_UID: Final = re.compile(r"[0-9]+(?:\.[0-9]+){5,}")
_SAMPLE: Final = 200
WHYS: Final = {
    "dictionary": "the data dictionary marks it as an identifier",
    "patient_id": "its name says that it is the patient's identifier",
    "name": "its name says that it holds names",
    "address": "its name says that it holds addresses",
    "contact": "its name says that it holds phone numbers or mail addresses",
    "staff": "its name says that it names staff",
    "other_id": "its name says that it holds numbers of their own",
    "free_text": "its name says that it holds free text",
    "imaging": "its dates come with the images",
    "birth": "it holds dates of birth",
    "person-number": "its values are national person numbers with right check digits",
    "mail": "its values are mail addresses",
    "phone": "its values look like phone numbers",
    "uid": "its values are UIDs",
    "own-number": "nearly every row has a long number of its own",
    "many-words": "its values are sentences",
    "many-texts": "nearly every row has a text of its own",
}
"""Reason → what is told."""


def identity_of(
    name: str, note: ColumnNote, kind: str, values: Mapping[str, int], file_format: str = ""
) -> tuple[str, str]:
    """Return (reason of `WHYS` or "", scheme of a national person number or "")."""
    scheme = person_number(values)
    if note.is_identifier:
        return "dictionary", scheme
    if scheme:
        return "person-number", scheme
    said = _name_says(note.label or name) or (_name_says(name) if note.label else "")
    if said and not (said == "free_text" and kind in ("number", "date", "code", "flag")):
        if said == "imaging" and kind != "date":
            return "", ""
        coded = said in ("name", "address", "staff", "other_id") and kind in ("flag", "code")
        if not coded:
            return said, ""
    if file_format == "fhir" and name == "patient":
        return "patient_id", ""
    if kind == "date":
        return "", ""
    return _values_say(kind, values), ""


def _name_says(name: str) -> str:
    found = match_names(name)
    best = max((one.score for one in found.values()), default=0.0)
    hidden = [
        one for one in found.values() if one.target.startswith("!") and one.score >= max(0.75, best)
    ]
    for one in hidden:
        if one.target != "!technical":
            return one.target[1:]
    return "birth" if found.get("birth_date") and found["birth_date"].score >= 0.9 else ""


def person_number(values: Mapping[str, int]) -> str:
    """Return the scheme that at least eight in ten of the values have form and check digits of.

    A scheme without check digits, or with one that every other number passes, is never told by
    its values alone.
    """
    sample = list(values)[:_SAMPLE]
    if len(sample) < 3:
        return ""
    for scheme in SCHEMES:
        if not scheme.sure:
            continue
        good = 0
        for place, text in enumerate(sample):
            good += bool(scheme.form.fullmatch(text)) and _is_valid(scheme.is_valid, text)
            if place >= 9 and good < place / 2:
                break
        if good >= 0.8 * len(sample):
            return scheme.name
    return ""


def _is_valid(check: "object", text: str) -> bool:
    try:
        return bool(check(text))  # type: ignore[operator]
    except (ValueError, IndexError):
        return False


def is_free_text(values: Mapping[str, int]) -> bool:
    """Say whether the values are sentences."""
    total = sum(values.values())
    long = sum(n for text, n in values.items() if len(text.split()) >= 5 or len(text) > 60)
    return long >= 0.3 * total and len(values) >= 0.5 * total


def _values_say(kind: str, values: Mapping[str, int]) -> str:
    total = sum(values.values())
    distinct = len(values)

    def share(form: re.Pattern[str]) -> float:
        return sum(n for text, n in values.items() if form.fullmatch(text)) / total

    if share(_MAIL) > 0.5:
        return "mail"
    if share(_UID) > 0.5:
        return "uid"
    if share(_PHONE) > 0.7 and distinct > 0.6 * total:
        return "phone"
    if kind == "free-text":
        return "many-words"
    is_own = distinct >= 0.9 * total and total >= 5
    if is_own and kind != "code" and share(_LONG_NUMBER) > 0.9:
        return "own-number"
    if is_own and kind == "text" and share(_SERIAL) > 0.9:
        return "own-number"
    return "many-texts" if kind == "text" and distinct > 0.5 * total and distinct > 5 else ""
