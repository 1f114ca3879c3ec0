r"""Dates in running text, in the forms and languages of the reports. Pure.

Rules where a date can be read in two ways: three numbers with the year last are day, month,
year; month, day, year when only that is a date or the caller says so. Two-digit years below 50
are of the 2000s; three two-digit numbers with dashes are read year first only when they cannot be
day first. A year alone is no date. A day and month without a year is one after a word that
announces it, or with the month in full; it moves within a leap year.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from tessera.domain.deid.text.date_evidence import UNIT_AFTER, is_day_and_month, measures
from tessera.domain.deid.text.date_forms import Reading, number
from tessera.domain.deid.text.expression import Expression
from tessera.domain.deid.text.found import Found
from tessera.domain.deid.text.months import MONTH_WORDS, folded, stands_alone

_YEAR4 = r"(?P<y>(?:1[89]|20)\d\d)"
_WORD = r"(?P<mw>[^\W\d_]{3,13})"
_UNIT: Final = (
    r"(?![ ]?(?:mm|cm|ml|mg|kg|kv|ma|ms|hz|gy|mbq|mci|%|x|°|deg|cc|min|sec|sek|slices|frames)\b)"
)
_ISO = Expression(
    rf"(?<!\d)(?<![\d][.,-]){_YEAR4}(?P<s>[-./_])(?P<m>\d{{1,2}})(?P=s)(?P<d>\d{{1,2}})"
    r"(?![\d])(?![.]\d)"
)
_COMPACT = Expression(
    rf"(?<![\d.,]){_YEAR4}(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])"
    r"(?:(?=(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?(?:\.\d+)?(?!\d))|(?![\d]))"
)
_NUMERIC = Expression(
    r"(?<!\d)(?<!\d[./-])(?:(?P<d0>\d{1,2})\.?[ ]?[-–][ ]?)?(?P<d>\d{1,2})(?P<s>[./-]|\.[ ])"
    r"(?P<m>\d{1,2})(?P=s)(?P<y>(?:1[89]|20)\d\d|\d\d)(?!\d)(?![./-]\d)"
)
_STROKE_SHORT = Expression(
    r"(?<!\d)(?<!\d[./-])(?P<d>\d{1,2})(?P<s>/)(?P<m>\d{1,2})(?:[ ][-–]|[ ]?['’´])(?P<y>\d\d)"
    r"(?!\d)(?![./-]\d)" + _UNIT
)
_DAY_WORD = Expression(
    r"(?<!\d)(?<!\d[.,])(?:(?P<d0>\d{1,2})\.?[ ]?(?:[-–]|to|till|bis|al|au|a|tot|do)[ ]?)?"
    r"(?P<d>\d{1,2})(?P<o>st|nd|rd|th|er|η|ης|º|ª|:e|e)?[ ./-]{0,2}(?:de[ ]|of[ ]|d')?"
    rf"{_WORD}(?![^\W\d_])\.?(?:[ ,./-]{{0,2}}(?:de[ ]|del[ ]|του[ ])?{_YEAR4}(?!\d))?"
)
_DAY_WORD_SHORT = Expression(
    rf"(?<![\w.,])(?P<d>\d{{1,2}})[ ./-]?{_WORD}\.?[ ./'-](?P<y>\d\d)(?![\w.,]?\d)"
    rf"(?![^\W_]){_UNIT}",
)
_JOINED_SHORT = Expression(r"(?<![^\W_])(?P<d>\d\d)(?P<mw>[^\W\d_]{3})(?P<y>\d\d)(?![^\W_])")
_WORD_DAY = Expression(
    rf"(?<![^\W_]){_WORD}\.?[ -](?P<d>\d{{1,2}})(?P<o>st|nd|rd|th)?(?![\w])"
    rf"(?:,?[ ]{_YEAR4}(?!\d))?"
)
_YEAR_WORD_DAY = Expression(
    rf"(?<!\d){_YEAR4}[. ,m-]{{1,4}}{_WORD}[. -]{{1,2}}(?P<d>\d{{1,2}})(?!\d)"
)
_MONTH_YEAR = Expression(
    rf"(?<![^\W_]){_WORD}\.?[ ,'/-]{{0,2}}(?:de[ ]|del[ ]|of[ ]|του[ ])?{_YEAR4}(?!\d)"
)
_NUMBER_YEAR = Expression(rf"(?<![\d./,-])(?P<m>0?[1-9]|1[0-2])[/.]{_YEAR4}(?![\d/]|[.]\d)")
_YEAR_NUMBER = Expression(rf"(?<![\d./,-]){_YEAR4}[-/](?P<m>0[1-9]|1[0-2])(?![\d/-])")
_QUARTER = Expression(
    rf"(?<![^\W_])(?:(?:[QK]|kv\.?|Τρίμηνο|T)[ ]?(?P<q>[1-4])[ ,/-]{{1,2}}{_YEAR4}(?!\d))"
)
_JA_DIGIT = r"[\d〇一二三四五六七八九十]"
_JA_REST = (
    rf"年[ 　]?(?P<m>{_JA_DIGIT}{{1,3}})月"
    rf"(?:[ 　]?(?P<d>{_JA_DIGIT}{{1,3}})日(?:[ 　]?[(（](?P<w>[月火水木金土日])(?:曜日?)?[)）])?)?"
)
_JA_ERA = Expression(
    rf"(?P<e>令和|平成|昭和|大正|明治)[ 　]?(?P<y>元|{_JA_DIGIT}{{1,3}}){_JA_REST}"
)
_JA_YEAR = Expression(
    rf"(?<!{_JA_DIGIT})(?P<y>(?:1[89]|20|１[８９]|２０)\d\d|[一二][〇九八][〇一二三四五六七八九]{{2}})"
    rf"{_JA_REST}"
)
_JA_YEARLESS = Expression(rf"(?<![年{_JA_DIGIT[1:-1]}])(?P<m>\d{{1,2}})月(?P<d>\d{{1,2}})日")
_JA_ERA_SHORT = Expression(
    r"(?<![^\W_])(?P<e>[RHS])(?P<y>[1-9]\d?|0[1-9])(?P<s>[./-])"
    r"(?P<m>0?[1-9]|1[0-2])(?P=s)(?P<d>0?[1-9]|[12]\d|3[01])(?![\d])"
)
_YEARLESS = Expression(
    r"(?P<d>\d{1,2})(?P<s>[./])[ ]?(?P<m>\d{1,2})(?:(?<=\d)\.)?(?![\d/])(?![.]\d)" + _UNIT
)
_VERSION = Expression(
    r"(?:version|vers|ver|v|release|rel|build|syngo|software|sw|firmware|rev|w|mrsc|va|vb|ve|r)"
    r"[ .:]{0,2}$",
    re.IGNORECASE,
)
_BIRTH = Expression(
    r"(?:(?<![^\W_])(?:f(?:ö|oe)dd|född[ae]|f(?:ø|oe)dt|f|born|b|dob|d\.o\.b|date[ ]of[ ]birth|"
    r"birth(?:[ ]?date|day)?|bdate|geb|geboren|geburtsdatum|geb\.?[ -]?datum|geburtstag|"
    r"födelsedatum|"
    r"födelsedag|född[ ]den|födelsetid|nac|nacid[oa]|f(?:echa|\.)?[ ]?(?:de[ ])?nac(?:imiento)?|fn|"
    r"fnac|γεν|γέν|γεννηθείς|γεννήθηκε|γεννηθείσα|ημ(?:/νία|ερομηνία|\.)?[ ]?γ(?:έννησης|εν)?|"
    r"γεννήσεως|γέννηση|γέννησης|né|née|ne|nee|né\(e\)|naissance|ddn|nat[oa]|nascita|"
    r"data[ ]di[ ]nascita|nascid[oa]|nascimento|dn|geboortedatum|gebdat|ur|urodzon[ya]|"
    r"data[ ]urodzenia|synt|syntynyt|syntymäaika|syntymäpäivä|fødselsdato|fødselsdag|födelseår|"
    r"fødeår|nar|narozen[aá]?|geb\.am|\*)|生年月日|誕生日|生まれ|\*)"
    r"[ .:=,()（：]{0,3}(?:den[ ]|am[ ]|d\.[ ]|on[ ]|el[ ]|le[ ]|il[ ]|in[ ]|στις[ ]|στις[ ]|"
    r"date[ ]|dato[ ]|:[ ])?$",
    re.IGNORECASE,
)
_BORN_AFTER = Expression(r"[ 　]?(?:生まれ|生(?![検体存化理活命成])|syntynyt|született)")
_BIRTH_YEAR = Expression(r"(?<![\d.,/-])(?:(?:18[5-9]|19\d|20[0-4])\d|[-'’´]\d\d)(?![\d.,/-]?\d)")
_YEAR_ONLY_TRIGGER = Expression(
    r"(?:(?<![^\W_])(?:född[ae]?|födelseår|f|born(?:[ ]in)?|yob|dob|geb|geboren|jahrgang|nacid[oa]"
    r"(?:[ ]en)?|nac|γεν|γεννηθείς|né|née|né[ ]en|née[ ]en|nat[oa](?:[ ]nel)?|født|fødeår|"
    r"nascid[oa](?:[ ]em)?|urodzon[ya]|synt|årgång)|\*|生年)[ .:=(]{0,2}$",
    re.IGNORECASE,
)


def find_dates(text: str, *, month_first: bool = False) -> Iterator[Found]:
    """Yield the dates of a text, in no order; the longer of two that overlap comes first.

    A date after a word of birth is an identifier, not a date to shift.
    """
    if not _DIGIT.search(text):
        return
    year = _MAY_BE_YEAR.search(text) is not None
    words = any(_is_month(word) for word in _LETTERS.findall(text))
    for pattern, name in _PATTERNS:
        needs = _NEEDS.get(name)
        if name in _WITH_YEAR:
            if not year:
                continue
        elif name in _WITH_WORD:
            if not words:
                continue
        elif needs is not None and not needs.search(text):
            continue
        for match in pattern.finditer(text):
            found = _read(match, name, month_first=month_first)
            if found is not None:
                yield found
    if not year and not _SHORT_YEAR.search(text):
        return
    for match in _BIRTH_YEAR.finditer(text):
        if _YEAR_ONLY_TRIGGER.search(text[max(0, match.start() - 24) : match.start()]):
            yield Found("identifier", match.start(), match.end(), "birth-year")


def _read(match: re.Match[str], name: str, *, month_first: bool) -> Found | None:
    text, start = match.string, match.start()
    before = text[max(0, start - 24) : start]
    if name == "numeric" and not _plausible(match, before):
        return None
    after = text[match.end() : match.end() + 16]
    if name in _BARE and (UNIT_AFTER.match(after) or before[-1:] == "^"):
        return None
    if name == "yearless" and not is_day_and_month(
        text[max(0, start - 48) : start], match.group(), after
    ):
        return None
    if name == "era-short" and match["e"] == "S" and number(match["y"]) < 10:
        return None  # a spine or a segment, not the first years of Shōwa
    orders = ((True, False) if month_first else (False, True)) if name == "numeric" else (False,)
    readings = (Reading.of(match, month_first=order) for order in orders)
    reading = next((r for r in readings if r is not None), None)
    if reading is None:
        return None
    yearless = name in ("day-word", "word-day") and match["y"] is None
    if yearless and not stands_alone(match["mw"]):
        return None
    start, end = reading.start, match.end()
    born = _BIRTH.search(text[max(0, start - 32) : start]) or _BORN_AFTER.match(text, end)
    if born:
        return Found("identifier", start, end, "birth-date", reading.day)
    return Found("date", start, end, f"date-{name}", reading.day, reading.written)


def _plausible(match: re.Match[str], before: str) -> bool:
    """Say whether three numbers with a two-digit year are a date and no version or list."""
    if len(match["y"]) == 4:
        return True
    if _VERSION.search(before) or before[-1:].isalpha() or measures(before):
        return False
    after = match.string[match.end() : match.end() + 8]
    if re.match(r"[ ]?(?:mm|cm|ml|mg|kv|kvp|ma|mas|ms|gy|x|%|hz|fr)\b", after, re.IGNORECASE):
        return False
    if match["s"] == ".":
        return number(match["d"]) > 3 or len(match["m"]) == 2
    return True


_DIGIT: Final = Expression(r"[\d〇一二三四五六七八九十元]")
_MAY_BE_YEAR: Final = Expression(r"(?:1[89]|20)\d\d")
_SHORT_YEAR: Final = Expression(r"[-'’´]\d\d")
_LETTERS: Final = re.compile(r"[^\W\d_]{3,}")
_WITH_YEAR: Final = frozenset(
    "iso compact year-word-day month-year number-year year-number quarter".split()
)
_WITH_WORD: Final = frozenset("day-word day-word-short word-day".split())
_NEEDS: Final = {
    "numeric": Expression(r"\d[./-][ ]?\d{1,2}[./-][ ]?\d\d"),
    "stroke-short": Expression(r"/\d{1,2}[ '’´]"),
    "ja": Expression("年"),
    "ja-yearless": Expression("月"),
    "era-short": Expression(r"[RHS]\d"),
    "yearless": Expression(r"\d[./][ ]?\d"),
}
"""What a text must hold before the longer expression is tried."""


@lru_cache(1 << 14)
def _is_month(word: str) -> bool:
    # "12thMarch" and "1erMars" are runs of letters that begin with the ordinal.
    folds = folded(word)
    bare = re.sub(r"^(?:st|nd|rd|th|er|ης|η|e|º|ª)", "", folds)
    return folds in MONTH_WORDS or bare in MONTH_WORDS


_BARE: Final = frozenset(
    "stroke-short yearless word-day day-word day-word-short month-year number-year quarter".split()
)
"""Forms whose numbers are those of a measure when a unit follows."""
_PATTERNS: Final = (
    (_ISO, "iso"),
    (_COMPACT, "compact"),
    (_NUMERIC, "numeric"),
    (_STROKE_SHORT, "stroke-short"),
    (_DAY_WORD, "day-word"),
    (_DAY_WORD_SHORT, "day-word-short"),
    (_JOINED_SHORT, "day-word-short"),
    (_WORD_DAY, "word-day"),
    (_YEAR_WORD_DAY, "year-word-day"),
    (_MONTH_YEAR, "month-year"),
    (_NUMBER_YEAR, "number-year"),
    (_YEAR_NUMBER, "year-number"),
    (_QUARTER, "quarter"),
    (_JA_ERA, "ja"),
    (_JA_YEAR, "ja"),
    (_JA_YEARLESS, "ja-yearless"),
    (_JA_ERA_SHORT, "era-short"),
    (_YEARLESS, "yearless"),
)
