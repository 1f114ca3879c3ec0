"""Character sets of text values. Pure; source PS3.3 C.12.1.1.2 and PS3.5 section 6.1, annexes H-K.

`decoded` never raises: bytes that a set cannot read are read as Latin-1, in which no two values
become one. `encoded` says None when a set cannot hold the text.
"""

import re
from functools import lru_cache
from typing import Final

CODECS: Final[dict[str, str]] = {
    "": "latin-1",
    "ISO_IR 6": "latin-1",
    "ISO_IR 13": "shift_jis",
    "ISO_IR 100": "latin-1",
    "ISO_IR 101": "iso8859_2",
    "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4",
    "ISO_IR 126": "iso8859_7",
    "ISO_IR 127": "iso8859_6",
    "ISO_IR 138": "iso8859_8",
    "ISO_IR 144": "iso8859_5",
    "ISO_IR 148": "iso8859_9",
    "ISO_IR 166": "tis_620",
    "ISO_IR 203": "iso8859_15",
    "ISO_IR 192": "utf-8",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "ISO 2022 IR 6": "latin-1",
    "ISO 2022 IR 13": "shift_jis",
    "ISO 2022 IR 58": "gb2312",
    "ISO 2022 58": "gb2312",
    "ISO 2022 GBK": "gbk",
    "ISO 2022 IR 87": "iso2022_jp",
    "ISO 2022 IR 100": "latin-1",
    "ISO 2022 IR 101": "iso8859_2",
    "ISO 2022 IR 109": "iso8859_3",
    "ISO 2022 IR 110": "iso8859_4",
    "ISO 2022 IR 126": "iso8859_7",
    "ISO 2022 IR 127": "iso8859_6",
    "ISO 2022 IR 138": "iso8859_8",
    "ISO 2022 IR 144": "iso8859_5",
    "ISO 2022 IR 148": "iso8859_9",
    "ISO 2022 IR 149": "euc_kr",
    "ISO 2022 IR 159": "iso2022_jp_2",
    "ISO 2022 IR 166": "tis_620",
    "ISO 2022 IR 203": "iso8859_15",
}
"""Defined term of SpecificCharacterSet → Python's codec."""
_ESCAPES: Final[dict[bytes, str]] = {
    b"\x1b(B": "latin-1",
    b"\x1b-A": "latin-1",
    b"\x1b)I": "shift_jis",
    b"\x1b(J": "shift_jis",
    b"\x1b$B": "iso2022_jp",
    b"\x1b$(D": "iso2022_jp_2",
    b"\x1b$)C": "euc_kr",
    b"\x1b$)A": "gb2312",
    b"\x1b-B": "iso8859_2",
    b"\x1b-C": "iso8859_3",
    b"\x1b-D": "iso8859_4",
    b"\x1b-F": "iso8859_7",
    b"\x1b-G": "iso8859_6",
    b"\x1b-H": "iso8859_8",
    b"\x1b-L": "iso8859_5",
    b"\x1b-M": "iso8859_9",
    b"\x1b-T": "tis_620",
    b"\x1b-b": "iso8859_15",
}
"""Escape sequence → codec of what follows it (PS3.3 tables C.12-3 and C.12-4)."""
_DESIGNATION: Final = {codec: escape for escape, codec in reversed(_ESCAPES.items())}
_ISO_2022_JP: Final = frozenset(("iso2022_jp", "iso2022_jp_2"))
_ESCAPE = re.compile(rb"(\x1b[\x20-\x2f]+[\x30-\x7e])")
_RESET = re.compile(rb"[\r\n\t\f^=\\]")
"""What brings the first set back (PS3.5 6.1.2.5.3)."""
_LINES = re.compile(r"([\r\n\t\f^=\\])")


@lru_cache(64)
def codecs_of(charset: bytes) -> tuple[str, ...]:
    """Return the codecs of a SpecificCharacterSet value; unknown terms count as Latin-1."""
    names = (name.strip(b" \0").decode("ascii", "replace") for name in charset.split(b"\\"))
    return tuple(CODECS.get(name, "latin-1") for name in names)


def decoded(raw: bytes, charset: bytes) -> str:
    """Return the text of a value, padding kept. Never raises."""
    if raw.isascii() and b"\x1b" not in raw:
        return raw.decode("ascii")
    codec = codecs_of(charset)[0]
    try:
        if b"\x1b" in raw:
            return _with_escapes(raw, codec)
        return raw.decode(codec)
    except (UnicodeError, LookupError):
        return raw.decode("latin-1")


def _with_escapes(raw: bytes, first: str) -> str:
    parts = _ESCAPE.split(raw)
    text = [parts[0].decode(first)]
    for escape, rest in zip(parts[1::2], parts[2::2], strict=True):
        codec = _ESCAPES.get(escape)
        if codec is None:
            raise UnicodeError
        if codec in _ISO_2022_JP:
            text.append((escape + rest).decode(codec))
            continue
        reset = _RESET.search(rest)
        cut = reset.start() if reset else len(rest)
        text += (rest[:cut].decode(codec), rest[cut:].decode(first))
    return "".join(text)


def encoded(text: str, charset: bytes) -> bytes | None:
    """Return the bytes of a text in this set, None when it cannot hold the text."""
    if text.isascii():
        return text.encode("ascii")
    first, *more = codecs_of(charset)
    whole = _in_codec(text, first)
    if whole is not None:
        return whole
    out = []
    for piece in _LINES.split(text):
        raw = _piece(piece, first, more)
        if raw is None:
            return None
        out.append(raw)
    return b"".join(out)


def _piece(piece: str, first: str, more: list[str]) -> bytes | None:
    for codec in (first, *more):
        raw = _in_codec(piece, codec)
        if raw is None:
            continue
        escape = b"" if codec == first or codec in _ISO_2022_JP else _DESIGNATION.get(codec)
        if escape is not None:
            return escape + raw
    return None


def _in_codec(text: str, codec: str) -> bytes | None:
    try:
        raw = text.encode(codec)
    except UnicodeError:
        return None
    # ISO_IR 13 has one byte for each character; Shift JIS would go on with two.
    return None if codec == "shift_jis" and len(raw) != len(text) else raw
