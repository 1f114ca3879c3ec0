"""A BibTeX entry whose texts print as they were written. Pure.

BibTeX counts braces even after a backslash, so a brace of a text is written as a word. Letters
with an accent are written in TeX's own way, which every style and every engine reads; what TeX
has no such way for (Greek, Arabic) stays as it is, in UTF-8.

Sources: O. Patashnik, BibTeXing (1988); LaTeX2e, source2e, section on text commands.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

_SPECIAL: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{sign: f"\\{sign}" for sign in "#$%&_"},
}
_LETTERS: Final = {
    "å": r"{\aa}",
    "Å": r"{\AA}",
    "æ": r"{\ae}",
    "Æ": r"{\AE}",
    "ø": r"{\o}",
    "Ø": r"{\O}",
    "œ": r"{\oe}",
    "Œ": r"{\OE}",
    "ß": r"{\ss}",
    "ł": r"{\l}",
    "Ł": r"{\L}",
    "ı": r"{\i}",
}
_PAIR: Final = re.compile(r"([-'`,])(?=\1)")
_ACCENTS: Final = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u ",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r ",
    "\u030b": "H ",
    "\u030c": "v ",
    "\u0327": "c ",
    "\u0328": "k ",
}


def bibtex_entry(kind: str, key: str, fields: Mapping[str, str], url: str) -> str:
    """Return an entry of texts that are each one line; empty fields are left out.

    The author is one name, of an organisation. `url` holds no brace and is not escaped: what reads
    the field takes it as it is.
    """
    told = {name: f"{{{tex(text)}}}" for name, text in fields.items() if text}
    for whole in ("author", "title"):  # inner braces: no first name, no change of case
        if whole in told:
            told[whole] = f"{{{told[whole]}}}"
    told["url"] = f"{{{url}}}"
    lines = ",\n".join(f"  {name} = {value}" for name, value in told.items())
    return f"@{kind}{{{key},\n{lines}\n}}\n"


def tex(text: str) -> str:
    """Return a text as TeX prints it: specials escaped, accents in TeX's own way."""
    written = "".join(_sign(sign) for sign in unicodedata.normalize("NFC", text))
    # Two of these in a row are to stay two: TeX makes one dash or one quotation mark of them.
    return _PAIR.sub(r"\1{}", written)


def _sign(sign: str) -> str:
    if sign in _SPECIAL:
        return _SPECIAL[sign]
    if sign in _LETTERS:
        return _LETTERS[sign]
    parts = unicodedata.normalize("NFD", sign)
    base, mark = parts[0], parts[1:]
    if mark in _ACCENTS and base.isascii() and base.isalpha():
        return f"{{\\{_ACCENTS[mark]}{base}}}"
    return sign
