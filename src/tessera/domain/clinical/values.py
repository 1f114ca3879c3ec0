"""Read single values of a hospital's table: dates, numbers, stage, Gleason, codes. Pure.

Each reader returns None when the text does not say what is asked; the caller makes
the problem. None of them guesses between two readings.
"""

import re
from datetime import date
from functools import cache
from typing import Final

_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_DATE_PARTS: Final = {
    "MON": r"(?P<name>[A-Za-z]{3})",
    "YYYY": r"(?P<year>[0-9]{4})",
    "YY": r"(?P<short>[0-9]{2})",
    "MM": r"(?P<month>[0-9]{2})",
    "M": r"(?P<month>[0-9]{1,2})",
    "DD": r"(?P<day>[0-9]{2})",
    "D": r"(?P<day>[0-9]{1,2})",
}
_TOKEN = re.compile(r"YYYY|YY|MON|MM|M|DD|D")
_ISO = "YYYY-MM-DD"
_NUMBER = re.compile(
    r"(?P<number>[<>≤≥]?\s*[-+]?[0-9.,\u00a0\u202f' ]*[0-9])\s*(?P<unit>(?:[^\W\d_].*)?)", re.DOTALL
)
_PLAIN = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?")
_STAGE = re.compile(r"(?:[^\W\d_]{4,}\.?\s*)?(?P<group>0|IV|I{1,3}|[1-4])(?:\s*[A-D][0-9]?)?", re.I)
_ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV"}
_GLEASON = (
    re.compile(r"(?P<a>[1-5])\s*\+\s*(?P<b>[1-5])(?:\s*=\s*(?P<sum>[0-9]{1,2}))?"),
    re.compile(r"(?P<sum>[0-9]{1,2})\s*\(\s*(?P<a>[1-5])\s*\+\s*(?P<b>[1-5])\s*\)"),
    re.compile(r"(?P<sum>[0-9]{1,2})(?:[.,]0+)?"),
)
TOPOGRAPHY: Final = re.compile(r"C[0-9]{2}(?:\.[0-9])?")
"""ICD-O-3 topography, for example C61.9."""
ICD10: Final = re.compile(r"[A-Z][0-9]{2}(?:\.[0-9]{1,2})?")
"""ICD-10, for example C50.4."""
MORPHOLOGY: Final = re.compile(r"[0-9]{4}/[012369]")
"""ICD-O-3 morphology with behaviour, for example 8140/3."""


def is_date_form(form: str) -> bool:
    """Say whether `form` names year, month and day once each, for example DD/MM/YYYY.

    YYYY or YY; MM, M or MON (English abbreviation); DD or D.
    """
    tokens = _TOKEN.findall(form)
    return sorted(token[0] for token in tokens) == ["D", "M", "Y"]


def read_date(text: str, forms: tuple[str, ...]) -> date | None:
    """Return the date in one of `forms`; ISO 8601 is always understood.

    A two-digit year is 1930 to 2029. A time of day after the date is left out.
    """
    for form in (*forms, _ISO):
        pattern = _date_pattern(form)
        match = pattern.fullmatch(text)
        if not match:
            continue
        parts = match.groupdict()
        if parts.get("short"):
            short = int(parts["short"])
            year = 2000 + short if short < 30 else 1900 + short
        else:
            year = int(parts["year"])
        try:
            month = (
                _MONTHS.index(parts["name"].lower()) + 1
                if parts.get("name")
                else int(parts["month"])
            )
            return date(year, month, int(parts["day"]))
        except ValueError:
            continue
    return None


@cache
def _date_pattern(form: str) -> re.Pattern[str]:
    out, at = "", 0
    for token in _TOKEN.finditer(form):
        out += re.escape(form[at : token.start()]) + _DATE_PARTS[token.group()]
        at = token.end()
    return re.compile(
        out + re.escape(form[at:]) + r"(?:[T ][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
    )


def read_number(text: str, decimal: str) -> tuple[float, str] | None:
    """Return a number and the unit written after it ("" when none).

    `decimal` is "." or ",". The other sign is a thousands separator where it groups
    three digits, and a decimal sign where it cannot. Limits ("<0.1") are not numbers.
    """
    match = _NUMBER.fullmatch(text.strip())
    if not match:
        return None
    digits = re.sub(r"[\u00a0\u202f' ]", "", match["number"])
    other = "," if decimal == "." else "."
    if re.fullmatch(rf"[-+]?[0-9]{{1,3}}(?:\{other}[0-9]{{3}})+(?:\{decimal}[0-9]+)?", digits):
        digits = digits.replace(other, "")
    elif digits.count(other) == 1 and decimal not in digits:
        digits = digits.replace(other, decimal)
    digits = digits.replace(decimal, ".")
    return (float(digits), match["unit"].strip()) if _PLAIN.fullmatch(digits) else None


def read_stage(text: str) -> str | None:
    """Return the stage group: IIA and 2 are II, "Stadium IV" is IV."""
    match = _STAGE.fullmatch(text.strip())
    if not match:
        return None
    group = match["group"].upper()
    return _ROMAN.get(group, group)


def read_limit(text: str, decimal: str) -> tuple[str, float, str] | None:
    """Return comparator, number and unit of a limit such as "<0,1 ng/mL", "≥ 20" or ">1000"."""
    sign = text.strip()[:2].replace("≤", "<=").replace("≥", ">=")
    comparator = next((one for one in ("<=", ">=", "<", ">") if sign.startswith(one)), "")
    read = read_number(text.strip().lstrip("<>≤≥= "), decimal) if comparator else None
    return (comparator, *read) if read else None


def read_gleason(text: str) -> int | None:
    """Return the Gleason total of "7", "3+4", "3+4=7" or "7 (3+4)", 2 to 10."""
    read = read_gleason_patterns(text)
    return read[0] if read else None


def read_gleason_patterns(text: str) -> tuple[int, int | None, int | None] | None:
    """Return the Gleason total, 2 to 10, and its two patterns where they are written."""
    for pattern in _GLEASON:
        match = pattern.fullmatch(text.strip())
        if not match:
            continue
        parts = match.groupdict()
        added = int(parts["a"]) + int(parts["b"]) if parts.get("a") else None
        total = int(parts["sum"]) if parts.get("sum") else added
        agrees = added is None or added == total
        if total is None or not agrees or not 2 <= total <= 10:
            return None
        a, b = parts.get("a"), parts.get("b")
        return total, int(a) if a else None, int(b) if b else None
    return None


def read_icd10(text: str) -> str | None:
    """Return an ICD-10 code as C50 or C50.4; C504 is read too."""
    code = text.strip().upper()
    if re.fullmatch(r"[A-Z][0-9]{3,4}", code):
        code = f"{code[:3]}.{code[3:]}"
    return code if ICD10.fullmatch(code) else None


def read_topography(text: str) -> str | None:
    """Return an ICD-O-3 topography as C61 or C61.9; C619 is read too."""
    code = text.strip().upper()
    if re.fullmatch(r"C[0-9]{3}", code):
        code = f"{code[:3]}.{code[3]}"
    return code if TOPOGRAPHY.fullmatch(code) else None


def read_morphology(text: str) -> str | None:
    """Return an ICD-O-3 morphology as 8140/3; M8140/3 and 81403 are read too."""
    code = text.strip().upper().removeprefix("M").removeprefix("-")
    if re.fullmatch(r"[0-9]{5}", code):
        code = f"{code[:4]}/{code[4]}"
    return code if MORPHOLOGY.fullmatch(code) else None
