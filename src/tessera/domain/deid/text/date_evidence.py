"""Whether two or three bare numbers are a day, or a measure. Pure.

A measure that is moved as a date is a wrong number in a report; so numbers without a month in
words, or a year in full, need a word that announces a day and none that announces a measure.
"""

import re
from typing import Final

from tessera.domain.deid.text.expression import Expression

UNIT_AFTER: Final = Expression(
    r"[ ]?(?:mm|cm|m|ml|mg|kg|g|kv|kvp|ma|mas|ms|hz|gy|mgy|mbq|mci|%|x|×|°|deg|cc|fr|min|sec|sek|s|"
    r"hu|mmhg|suv|t|slices?|frames?|snitt|bilder|points?|poäng|punkte|puntos|"
    r"proximal\w*|distal\w*|superior|inferior|medi[oa]|moyen\w*|externe?|interne?|upper|lower|middle|övre|nedre|obere|untere)"
    r"(?![^\W\d_])",
    re.IGNORECASE,
)
_MEASURE: Final = Expression(
    r"(?<![^\W_])(?:suv\w*|ratio|kvot\w*|verhältnis|quotient|cociente|rapport|score\w*|skala|skalan|scale|"
    r"poäng|grade?|grad|gleason|stage|stadium|pi-?rads|bi-?rads|ti-?rads|li-?rads|isup|ecog|nrs|vas|"
    r"bp|rr|blodtryck|blutdruck|tensión|slices?|snitt|schicht\w*|images?|bild|frame|seg|segment\w*|"
    r"te|tr|ti|kv|kvp|mas?|kernel|matrix|matris|flip|echos?|eko|b|bval\w*|adc|fa|hu|dosis|dose|dos|"
    r"size|storlek|größe|tamaño|diameter|diametern|durchmesser|diámetro|volume?n?|volym|bredd|width|"
    r"thickness|tjocklek|dicke|espesor|längd|length|länge|crp|psa|hb|egfr|krea\w*|kreatinin|ki-?67|"
    r"faktor|factor|index|ef|lvef|μέγεθος|διάμετρος|βαθμός|λόγος|step|level|part|teil|no|nr|"
    r"series|serie|serien|increased|decreased|ökat|minskat|gesunken|gestiegen|aumentó|aumentado|"
    r"disminuyó|measures?|mäter|misst|mide)(?![^\W_])[^;\n]{0,28}$",
    re.IGNORECASE,
)
_SURE: Final = Expression(
    r"(?:^|\W)(?:den|vom|am|d\.|dated|dnia|στις|datum|date|fecha|dato|datert|dateret)[ .:]{1,2}$",
    re.IGNORECASE,
)
_LIKELY: Final = Expression(
    r"(?:^|\W)(?:från|fr|från och med|till|på|op|on|from|since|el|del|al|le|du|dal|il|της|την|data|"
    r"sedan|seit|ab|bis|zum|jfr|vs)[ .:]{1,2}$",
    re.IGNORECASE,
)
_RANGE: Final = Expression(
    r"(?:vom|am|den)[ ]\d{1,2}[./]\d{1,2}\.?[ ](?:bis|till|til|zum)[ ]{1,2}$", re.I
)
_TO_NUMBER: Final = Expression(
    r"[ ]?(?:to|till|til|bis|a|al|until|->|→|-|–|vs)[ ]?\d", re.IGNORECASE
)


def measures(before: str) -> bool:
    """Say whether a word of measure stands in the 40 characters before a number."""
    return _MEASURE.search(before[-40:]) is not None


def is_day_and_month(before: str, numbers: str, after: str) -> bool:
    """Say whether "12/3" or "12.3." is a day, from what stands around it.

    A word that only a day follows is enough (den, vom, στις). After a word that may also lead a
    measure (from, till, el) the form must be one of days, with a stroke or a closing point, and
    no measure and no second number may stand by.
    """
    if UNIT_AFTER.match(after):
        return False
    if _RANGE.search(before):
        return True
    if _SURE.search(before):
        return not (measures(before) and "/" not in numbers and not numbers.endswith("."))
    if not _LIKELY.search(before) or measures(before):
        return False
    if "/" in numbers:
        return not _TO_NUMBER.match(after)
    return numbers.endswith(".") and after[:1] == " " and after[1:2].islower()
