"""Looks in the bytes of an output, as they are and unpacked, for what names a subject. Pure.

It finds what lies open and what is wrapped once or a few times (base64, base32, hex, gzip, zlib,
bzip2, lzma, 16- and 32-bit characters, character codes as numbers). Who encrypts, or hides bits in
numbers that are wanted, is not found: that is why code is approved before, and a person decides.
"""

import base64
import binascii
import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from tessera.domain.access.airlock import Finding, Severity

_DEPTH: Final = 3
_MOST_BYTES: Final = 20_000_000
"""Of one layer that is unpacked."""
_MOST_LAYERS: Final = 200
_MOST_SEARCHED: Final = 12_000_000
"""Bytes of all layers: some seconds, whatever a tool writes to hold up the node."""
_MOST_TRIED: Final = 2000
"""Places of a layer that look like the start of something packed."""
_LARGE: Final = 200_000
"""Of larger pieces only what could be written text is searched: the rest is weights."""
_PRINTED = re.compile(rb"[\t\n\r\x20-\x7e]{8,}")
_START: Final = 4096
_LEAST: Final = 8
"""Bytes that can name somebody."""
_TAIL: Final = 16
"""Characters of a pseudonym behind its prefix."""
_HASH: Final = 16
"""So many first digits of a hash name a file well enough."""
_BASE32 = re.compile(rb"[A-Za-z2-7]{16,}")
_ALIKE = re.compile(rb"\b[A-Z][A-Z0-9]{0,11}-[A-Z2-7]{16}\b")
_UID = re.compile(rb"(?<![\d.])[0-2](?:\.\d{1,39}){2,}")
_DIGITS = re.compile(rb"(?<![\d.])\d{9,}(?![\d.])")
_LONG_DIGITS = re.compile(rb"\d{14,}")
_HEX = re.compile(rb"[0-9A-Fa-f]{16,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{20,}={0,2}")
_PERCENT = re.compile(rb"(?:%[0-9A-Fa-f]{2}){8,}")
_BASE85 = re.compile(rb"[0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]{20,400}")
_DATE = re.compile(
    rb"(?<![\d.])(?:19|20)\d\d([-/.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?!\d)"
)
_PERSON = re.compile(
    rb"(?<![\d.])(?:19|20)?\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[-+]\d{4}(?!\d)"
)
_PACKED: Final = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x78\x01", b"\x78\x9c", b"\x78\xda")
_MANY_DATES: Final = 5


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the node knows of the run, so that it can be looked for in what came out."""

    minimum: int
    """Smallest number of subjects that leaves. Subjects."""
    n_subjects: int = 0
    """Of whom the run saw something."""
    subjects: frozenset[str] = frozenset()
    """Pseudonyms of the dataset versions, also of those who were left out."""
    uids: frozenset[str] = frozenset()
    """Of studies, series and instances."""
    hashes: frozenset[str] = frozenset()
    """SHA-256 of the instances."""
    sizes: frozenset[int] = frozenset()
    """Numbers of subjects, studies, series and instances: a table of so many rows tells of each."""
    image_shapes: frozenset[tuple[int, int]] = frozenset()
    """Rows and columns of the images."""
    membership_auc: float | None = None
    """Of a trained model: how well it tells who was in the training, 0.5 not at all; NaN when
    that was not measured. None for anything but a training."""

    @cached_property
    def tails(self) -> frozenset[bytes]:
        """Return pseudonyms without their prefix, forwards and backwards."""
        ends = {one.rpartition("-")[2].upper().encode() for one in self.subjects}
        return frozenset(ends | {one[::-1] for one in ends})

    @cached_property
    def uid_numbers(self) -> frozenset[bytes]:
        """Return the long last components: they name an instance without the rest."""
        ends = (one.rpartition(".")[2].encode() for one in self.uids)
        return frozenset(end for end in ends if len(end) >= 14)

    @cached_property
    def hash_heads(self) -> frozenset[bytes]:
        return frozenset(one[:_HASH].lower().encode() for one in self.hashes)


def search(parts: Iterable[bytes], known: Known, *, is_text: bool) -> tuple[Finding, ...]:
    """Return what names a subject, study or instance in `parts`, each finding once.

    `is_text`: look for dates and long numbers too, which in binary parts mean nothing.
    """
    seen: dict[str, Finding] = {}
    n_layers = n_bytes = 0
    for part in parts:
        for depth, layer in _layers(part, 0):
            n_layers += 1
            n_bytes += len(layer)
            if n_layers > _MOST_LAYERS or n_bytes > _MOST_SEARCHED:
                seen["nested"] = Finding(
                    code="nested",
                    severity=Severity.STOP,
                    text=f"more than {_MOST_LAYERS} packed pieces, or {_MOST_SEARCHED} bytes of "
                    "text; not all was looked through",
                )
                return tuple(seen.values())
            for finding in _in_layer(layer, known, is_text=is_text, is_packed=depth > 0):
                seen.setdefault(finding.code, finding)
    return tuple(seen.values())


def _layers(content: bytes, depth: int) -> Iterator[tuple[int, bytes]]:
    texts = [content]
    if b"\0" in content:
        texts.append(content.replace(b"\0", b""))
    if len(content) > _LARGE:
        texts = [b"\n".join(_PRINTED.findall(text)) for text in texts]
    for text in texts:
        yield depth, text
    if depth >= _DEPTH:
        return
    for inner in (
        *_inflated_in(content),
        *(plain for text in texts for plain in _decoded_in(text)),
    ):
        yield from _layers(inner, depth + 1)


def _inflated_in(content: bytes) -> Iterator[bytes]:
    """Yield what is packed in `content`, wherever in it."""
    for magic in _PACKED:
        at = content.find(magic)
        for _ in range(_MOST_TRIED):
            if at < 0:
                break
            # Mostly chance: the start says so without a copy of all the rest.
            if len(_inflated(content[at : at + _START], magic)) >= _LEAST:
                yield _inflated(content[at:], magic)
            at = content.find(magic, at + 1)


def _decoded_in(content: bytes) -> Iterator[bytes]:
    """Yield what stands in `content` as base64, hexadecimal, base32, base85 or %41."""
    for found in _BASE64.finditer(content):
        word = found[0].rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        whole = word[: len(word) - (len(word) % 4 == 1)]
        with_end = whole + b"=" * (-len(whole) % 4)
        try:
            plain = base64.b64decode(with_end)
        except binascii.Error:
            continue
        if _is_telling(plain):
            yield plain
        elif len(deflated := _inflated(plain, b"")) >= _LEAST:
            yield deflated
    for found in _PERCENT.finditer(content):
        yield bytes.fromhex(found[0].replace(b"%", b"").decode())
    for found in _BASE85.finditer(content):
        try:
            plain = base64.b85decode(found[0])
        except ValueError:
            continue
        if _is_telling(plain):
            yield plain
    for found in _HEX.finditer(content):
        plain = bytes.fromhex(found[0][: len(found[0]) // 2 * 2].decode())
        if _is_telling(plain):
            yield plain
    for found in _BASE32.finditer(content):
        word = found[0].upper()
        try:
            plain = base64.b32decode(word + b"=" * (-len(word) % 8))
        except binascii.Error:
            continue
        if _is_telling(plain):
            yield plain


def _is_telling(plain: bytes) -> bool:
    """Return whether decoded bytes are text or packed: anything else was no code at all."""
    if plain.startswith(_PACKED):
        return True
    text = plain.replace(b"\0", b"")
    n_shown = sum(32 <= byte < 127 or byte in (9, 10, 13) for byte in text[:200])
    return len(text) >= 8 and n_shown >= 0.9 * len(text[:200])


def _inflated(packed: bytes, magic: bytes) -> bytes:
    try:
        if magic == b"BZh":
            return bz2.BZ2Decompressor().decompress(packed, _MOST_BYTES)
        if magic == b"\xfd7zXZ":
            return lzma.LZMADecompressor(memlimit=1 << 28).decompress(packed, _MOST_BYTES)
        bits = {b"\x1f\x8b": 31, b"": -15}.get(magic, 15)
        return zlib.decompressobj(bits).decompress(packed, _MOST_BYTES)
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        return b""


def _in_layer(layer: bytes, known: Known, *, is_text: bool, is_packed: bool) -> Iterator[Finding]:
    where = ", packed or encoded" if is_packed else ""
    if known.tails and _has_window(_BASE32, layer, known.tails, _TAIL, bytes.upper):
        yield _final("pseudonym", f"a pseudonym of the dataset{where}")
    spaced = re.sub(rb"[\s,;:_\"'\[\]-]+", b"", layer) if len(layer) <= 2_000_000 else b""
    if known.tails and spaced and _has_window(_BASE32, spaced, known.tails, _TAIL, bytes.upper):
        yield _final("pseudonym", f"a pseudonym of the dataset, in pieces{where}")
    if is_text and (alike := set(_ALIKE.findall(layer))):
        text = f"{len(alike)} words like pseudonyms{where}"
        yield Finding(code="pseudonym-like", severity=Severity.STOP, text=text)
    uids = {found.decode() for found in _UID.findall(layer)}
    if uids & known.uids or any(_has_number(run, known) for run in _LONG_DIGITS.findall(layer)):
        yield _final("uid", f"the UID of a study, series or instance{where}")
    near = [one for one in uids if one.count(".") > 3 or max(map(len, one.split("."))) > 11]
    if near and not uids & known.uids and (is_text or is_packed):
        yield Finding(
            code="uid-like", severity=Severity.STOP, text=f"{len(near)} numbers like UIDs{where}"
        )
    if known.hash_heads and _has_window(_HEX, layer, known.hash_heads, _HASH, bytes.lower):
        yield _final("hash", f"the hash of an instance{where}")
    if is_text or is_packed:
        yield from _numbers_like_persons(layer, where)


def _numbers_like_persons(layer: bytes, where: str) -> Iterator[Finding]:
    if persons := set(_PERSON.findall(layer)):
        text = f"{len(persons)} numbers that look like personal identity numbers{where}"
        yield Finding(code="person-number", severity=Severity.STOP, text=text)
    dates = {found[0] for found in _DATE.finditer(layer)}
    if dates:
        severity = Severity.STOP if len(dates) >= _MANY_DATES else Severity.LOOK
        text = f"{len(dates)} dates{where}; dates of subjects may not leave"
        yield Finding(code="dates", severity=severity, text=text)
    if digits := set(_DIGITS.findall(layer)):
        text = f"{len(digits)} whole numbers of 9 or more digits{where}"
        yield Finding(code="digits", severity=Severity.STOP, text=text)


def _has_window(
    form: re.Pattern[bytes],
    layer: bytes,
    wanted: frozenset[bytes],
    width: int,
    fold: Callable[[bytes], bytes],
) -> bool:
    for found in form.finditer(layer):
        run = fold(found[0])
        if any(run[at : at + width] in wanted for at in range(len(run) - width + 1)):
            return True
    return False


def _has_number(run: bytes, known: Known) -> bool:
    if run in known.uid_numbers:
        return True
    lengths = {len(one) for one in known.uid_numbers}
    return any(
        run[at : at + length] in known.uid_numbers
        for length in lengths
        for at in range(len(run) - length + 1)
    )


def _final(code: str, text: str) -> Finding:
    return Finding(code=code, severity=Severity.STOP, text=text, is_final=True)
