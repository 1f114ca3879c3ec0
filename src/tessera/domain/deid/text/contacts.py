"""Telephones, mail, hosts, links and network addresses in running text. Pure.

Grouped digits without a leading zero, "+" or parenthesis are a telephone number only after a
word that says so, or in a grouping that measures never have.
"""
# ruff: noqa: E501 -- word lists inside expressions

import re
from collections.abc import Iterator
from typing import Final

from tessera.domain.deid.text.expression import Expression
from tessera.domain.deid.text.found import Found

_MAIL = Expression(r"(?<![\w.+%-])[\w.+%-]+(?:@|[ ]?\(at\)[ ]?|＠)[\w-]+(?:\.[\w-]+)*")
_URL = Expression(
    r"(?<![^\W_])(?:https?|ftps?|sftp|dicom|dicomweb|hl7|mllp|file|smb|ldap|ssh)://[^\s\"'<>|\\^]+"
    r"|(?<![\w.])www\.[\w-]+(?:\.[\w-]+)+(?:/[^\s\"'<>]*)?|\\\\[\w.-]+\\[\w$.-]+(?:\\[\w$. -]+)*"
)
_SURE_TLD = "com|org|net|edu|gov|eu|info|local|lan|intern|intranet|internal|corp|localdomain|cloud"
_TLD = (
    f"{_SURE_TLD}|se|dk|no|fi|is|ee|lv|lt|pl|cz|sk|hu|ro|bg|gr|it|es|pt|fr|de|nl|be|at|ch|ie|lu|"
    "mt|cy|hr|si|uk|jp|us|int|io|dev|health|nhs|region|ad|li|ca|au"
)
_HOST = Expression(
    rf"(?<![\w.@-])(?:[A-Za-z0-9-]+\.(?:{_SURE_TLD})|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
    rf"\.(?:{_TLD}))(?:/[^\s\"'<>]*)?(?![\w-])(?!\.\w)",
    re.IGNORECASE,
)
_IPV4 = Expression(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{2,5})?(?![\w]|\.\d)")
_IPV6 = Expression(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){3,7}(?![\w:.])")
_MAC = Expression(
    r"(?<![\w:-])[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}(?![\w:-])"
)
_VERSION = Expression(
    r"(?:v|ver|version|release|build|syngo|software|sw|firmware|rev)[ .:]{0,2}$", re.I
)

_WORDS = (
    r"telefon(?:nummer|numero|o|nr|nummer)?|telephone|teléfono|teléf|telef|tfno|tlfn|tlf|tfn|tel|"
    r"phone|ph|mobile|mobil(?:nummer|tel)?|móvil|movil|cell(?:ular)?|handy|fax|sökare|sök|beeper|"
    r"bleep|pager|ext|dect|durchwahl|dw|anknytning|ankn|bip|busca|rufnummer|piepser|funk|puhelin|"
    r"puh|gsm|portable|cellulare|tél|téléphone|telemóvel|telemovel|callback|call|ring|anruf|växel|"
    r"τηλ(?:έφωνο|εφ)?|κιν(?:ητό)?|φαξ|εσωτ|電話(?:番号)?|携帯(?:電話)?|内線|連絡先|ＴＥＬ|ＦＡＸ"
)
_AFTER_WORD = Expression(
    rf"(?:(?<![^\W_])(?:{_WORDS})|[☎☏✆📞])(?:[ ]?(?:nr|no|n[°º])?[ .:;=)（：/-]{{0,4}})"
    r"(?P<n>[+＋(]?\d[\d ()./‐-]{1,22}\d)(?!\w)",
    re.IGNORECASE,
)
_INTERNATIONAL = Expression(
    r"(?<![\w+])(?:\+|＋|00(?=[1-9]\d[ \-]))[ ]?[1-9][\d ()./‐-]{6,20}\d(?!\w)"
)
_LEADING_ZERO = Expression(
    r"(?<![\w.,/-])(?:\(0\d{1,5}\)[ /-]{0,2}|0\d{1,5}[ ]?[/‐-][ ]?|0\d{1,4}[ ](?=\d{2}))"
    r"\d{2,8}(?:[ -]\d{2,4}){0,4}(?![\w]|[.,]\d)"
)
_GROUPED = Expression(
    r"(?<![\w.,/-])(?:\(\d{3}\)[ ]?\d{3}[ -]\d{4}|[2-9]\d{2}-[2-9]\d{2}-\d{4}|[6789]\d{2} \d{3} \d{3}"
    r"|[6789]\d{2} \d{2} \d{2} \d{2}|9\d \d{3} \d{2} \d{2}|0\d(?: \d\d){4}|2[1-8]\d{1,3}[ -]\d{6,7}"
    r"|69\d[ ]?\d{3}[ ]?\d{4}|69\d{8}|2\d \d{3} \d{2} \d{2}|0\d0-\d{4}-\d{4}|0\d{1,3}-\d{2,4}-\d{4})"
    r"(?![\w]|[.,]\d)"
)
_WIDE_GROUPED = Expression(r"(?<!\d)[０][０-９]{1,4}[－ー‐-][０-９]{1,4}[－ー‐-][０-９]{3,4}")
_UNIT_AFTER = Expression(
    r"[ ]?(?:mm|cm|m|ml|mg|g|kg|ms|s|kv|kvp|ma|mas|hz|gy|mgy|bq|kbq|mbq|%|x|×|°|hu|min|px|pixels?)"
    r"(?![^\W\d_])",
    re.IGNORECASE,
)


def find_contacts(text: str) -> Iterator[Found]:
    """Yield telephone numbers, mail addresses, links, hosts and network addresses."""
    if "@" in text or "＠" in text or "(at)" in text:
        for match in _MAIL.finditer(text):
            yield Found("contact", *match.span(), "mail")
    if "." in text or ":/" in text or "\\\\" in text:
        for match in _URL.finditer(text):
            yield Found("url", match.start(), _without_point(match), "url")
        for match in _HOST.finditer(text):
            yield Found("contact", *match.span(), "host")
    yield from _networks(text)
    for match in _AFTER_WORD.finditer(text) if _MAY_FOLLOW.search(text) else ():
        if _n_digits(match["n"]) >= 3 and not _UNIT_AFTER.match(text, match.end()):
            yield Found("contact", *match.span("n"), "phone")
    for pattern, least in _PHONES if _n_digits(text) >= _LEAST_DIGITS else ():
        for match in pattern.finditer(text):
            enough = least <= _n_digits(match.group()) <= 15
            if enough and not _UNIT_AFTER.match(text, match.end()):
                yield Found("contact", *match.span(), "phone")


_MAY_FOLLOW: Final = Expression(r"\d[\d ()./‐-]+\d")
_LEAST_DIGITS: Final = 7
_PHONES: Final = (
    (_INTERNATIONAL, 8),
    (_LEADING_ZERO, 7),
    (_GROUPED, 8),
    (_WIDE_GROUPED, 9),
)


def _networks(text: str) -> Iterator[Found]:
    if text.count(".") >= 3:
        from ipaddress import AddressValueError, IPv4Address

        for match in _IPV4.finditer(text):
            address = match.group().partition(":")[0]
            before = text[max(0, match.start() - 12) : match.start()]
            if int(address.partition(".")[0]) >= 10 and not _VERSION.search(before):
                try:
                    IPv4Address(address)
                except AddressValueError:
                    continue
                yield Found("contact", *match.span(), "ip-address")
    if text.count(":") >= 3 or text.count("-") >= 5:
        from ipaddress import AddressValueError, IPv6Address

        for match in _MAC.finditer(text):
            yield Found("contact", *match.span(), "mac-address")
        for match in _IPV6.finditer(text):
            try:
                IPv6Address(match.group())
            except AddressValueError:
                continue
            yield Found("contact", *match.span(), "ip-address")


def _n_digits(text: str) -> int:
    return sum(c.isdecimal() for c in text)


def _without_point(match: re.Match[str]) -> int:
    """Return the end of a link without the punctuation of the sentence around it."""
    return match.start() + len(match.group().rstrip(".,;:!?)]"))
