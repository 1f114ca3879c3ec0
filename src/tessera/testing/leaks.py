"""A byte search for identities in files, independent of every parser that Tessera has.

It looks into the raw bytes of each file, and into what is packed in them: gzip, zlib, deflated
DICOM, zip, PDF streams, Parquet columns and base64 (as in signed envelopes). It knows each
identity in many spellings and encodings (`tessera.testing.identity_forms`).

Pixel data and other noise hold every short string by chance. There, only forms of eight bytes
or more count (fourteen in UTF-16, which dark 16-bit pixels look like); elsewhere a form of less
than six bytes must stand as a word. A short form inside base64 is chance too: what was coded is
looked for in what it decodes to.
"""

import base64
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tessera.testing.identity_forms import ByteForm, byte_forms

_NOISE_FLOOR = 8
_NOISE_FLOOR_UTF16 = 14
_START = 14
_MAX_DEPTH = 4
_MAX_INFLATED = 512 * 1024 * 1024
_CHUNK = 64 * 1024 * 1024
_DEFLATED_SYNTAX = b"1.2.840.10008.1.2.1.99"
# (7FE0,0010) with its length: explicit VR little and big endian, implicit VR.
_PIXEL_DATA = re.compile(
    rb"\xe0\x7f\x10\x00(?:O[BW]\x00\x00)?....|\x7f\xe0\x00\x10O[BW]\x00\x00....", re.DOTALL
)
_SEQUENCE_END = b"\xfe\xff\xdd\xe0"
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}")
_KINDS = bytes(
    0 if 65 <= octet <= 90 else 1 if 97 <= octet <= 122 else 2 if 48 <= octet <= 57 else 3
    for octet in range(256)
)
"""Upper case, lower case, digit, other: in base64 two neighbours differ 65 times in a hundred."""
_PDF_STREAM = re.compile(rb"stream\r?\n")
_NOT_IN_TEXT = bytes(set(range(32)) - {0, 9, 10, 13, 27})


@dataclass(frozen=True, slots=True)
class Leak:
    """One identity found.

    Parameters
    ----------
    path
        The file; its name is searched too (`offset` is then -1).
    offset
        Byte offset in the file, or in the content named by `where`.
    identity
        What was looked for, as the caller gave it.
    form
        How it was written.
    where
        Empty for the file's own bytes; else what it was packed in.
    """

    path: Path
    offset: int
    identity: str
    form: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class _Region:
    """Bytes to search: noise, or text where short forms count too."""

    data: bytes
    where: str
    start: int
    is_noise: bool


class _Matcher:
    """Finds thousands of byte strings in one pass: a table of first pairs, then first fours."""

    def __init__(self, forms: Sequence[tuple[ByteForm, str]]) -> None:
        self._by_head: dict[int, list[tuple[ByteForm, str]]] = {}
        self._by_start: dict[bytes, list[tuple[ByteForm, str]]] = {}
        """Long forms by more of their start: a thousand UIDs share their first four bytes."""
        self._pairs = np.zeros(1 << 16, dtype=bool)
        for form, identity in forms:
            head = int.from_bytes(form.pattern[:4], "little")
            few = self._by_head.setdefault(head, [])
            if len(form.pattern) >= _START:
                start = form.pattern[:_START]
                self._by_start.setdefault(start, []).append((form, identity))
            else:
                few.append((form, identity))
            self._pairs[head & 0xFFFF] = True
        self._heads = np.array(sorted(self._by_head), dtype=np.uint32)

    def find(self, data: bytes) -> Iterator[tuple[int, ByteForm, str]]:
        """Yield (offset, form, identity) for `data`, which must be ASCII-lower-cased."""
        if len(data) < 4 or not len(self._heads):
            return
        for at in self._candidates(np.frombuffer(data, dtype=np.uint8)).tolist():
            head = int.from_bytes(data[at : at + 4], "little")
            long = self._by_start.get(data[at : at + _START], ())
            for form, identity in (*self._by_head.get(head, ()), *long):
                if data.startswith(form.pattern, at) and not (
                    form.edge and _inside(data, at, at + len(form.pattern), form.edge)
                ):
                    yield at, form, identity

    def _candidates(self, octets: NDArray[np.uint8]) -> NDArray[np.int64]:
        pair = octets[:-1].astype(np.uint16)
        pair |= octets[1:].astype(np.uint16) << np.uint16(8)
        at = np.flatnonzero(self._pairs[pair[:-2]])
        heads = pair[at].astype(np.uint32) | (pair[at + 2].astype(np.uint32) << np.uint32(16))
        slot = np.minimum(np.searchsorted(self._heads, heads), len(self._heads) - 1)
        found: NDArray[np.int64] = at[self._heads[slot] == heads]
        return found


def _inside(data: bytes, start: int, end: int, edge: str) -> bool:
    """Say whether the bytes from `start` to `end` are only part of a longer word or number."""
    before, after = data[max(start - 1, 0) : start], data[end : end + 2]
    if edge == "word":
        genitive = after[:1] == b"s" and not after[1:].isalpha()
        return before.isalpha() or (after[:1].isalpha() and not genitive)
    if data[max(start - 5, 0) : start] == b"2.25." and data[end : end + 28].isdigit():
        return end + 28 <= len(data)  # the random number of a UID, which a date opens by chance
    return before.isdigit() or (edge == "number" and after[:1].isdigit())


def find_identities(roots: Sequence[Path], identities: Sequence[str]) -> list[Leak]:
    """Search all files under `roots` for `identities`; the first place of each form per file.

    Parameters
    ----------
    roots
        Files and folders. Folders are searched to the bottom, hidden files too.
    identities
        Names (``Family^Given`` or plain), dates (YYYYMMDD), identifiers, addresses, numbers.
        The kind is seen from the form.

    Raises
    ------
    ValueError
        When an identity is too short to be looked for, so that no test passes for lack of it.
    """
    forms: list[tuple[ByteForm, str]] = []
    for identity in dict.fromkeys(identities):
        own = [(form, identity) for form in byte_forms(identity)]
        if not own:
            raise ValueError(f"identity {identity!r} is too short or too common to be looked for")
        forms += own
    everything = _Matcher(forms)
    long_only = _Matcher([f for f in forms if _stands_out(f[0])])
    found: list[Leak] = []
    for root in roots:
        for path in _files(root):
            found += _in_file(path, root, everything, long_only)
    return found


def _stands_out(form: ByteForm) -> bool:
    """Say whether a form found in noise is more than chance."""
    floor = _NOISE_FLOOR_UTF16 if "utf-16" in form.written else _NOISE_FLOOR
    return len(form.pattern) >= floor


def _in_base64(data: bytes, place: slice) -> bool:
    """Say whether `place` lies within base64: case and kind of its letters change at random."""
    first = max(place.start - 64, 0)
    for run in _BASE64.finditer(data, first, place.stop + 64):
        if run.start() <= place.start and place.stop <= run.end():
            around = data[run.start() : place.start] + data[place.stop : run.end()]
            kinds = around.translate(_KINDS)
            changes = sum(one != other for one, other in pairwise(kinds))
            return len(kinds) >= 16 and changes > 0.45 * len(kinds)
    return False


def _files(root: Path) -> Iterator[Path]:
    if root.is_dir():
        yield from sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink())
    elif root.is_file():
        yield root
    else:
        raise FileNotFoundError(root)


def _in_file(path: Path, root: Path, everything: _Matcher, long_only: _Matcher) -> Iterator[Leak]:
    name = path.relative_to(root) if root.is_dir() else Path(path.name)
    seen: set[tuple[str, str, str]] = set()
    for _, form, identity in everything.find(f"/{name}/".encode().lower()):
        if (identity, form.written, "file name") not in seen:
            seen.add((identity, form.written, "file name"))
            yield Leak(path, -1, identity, form.written, "file name")
    for region in _regions(path.read_bytes(), "", 0):
        matcher = long_only if region.is_noise else everything
        for start in range(0, max(len(region.data), 1), _CHUNK):
            # 1 KiB of overlap: no form is longer.
            chunk = region.data[start : start + _CHUNK + 1024].lower()
            for at, form, identity in matcher.find(chunk):
                key = (identity, form.written, region.where)
                place = slice(start + at, start + at + len(form.pattern))
                if key not in seen and (_stands_out(form) or not _in_base64(region.data, place)):
                    seen.add(key)
                    offset = region.start + start + at
                    yield Leak(path, offset, identity, form.written, region.where)


def _regions(data: bytes, where: str, depth: int) -> Iterator[_Region]:
    """Yield the bytes themselves, then what is packed in them."""
    if data[128:132] == b"DICM":
        yield from _dicom_regions(data, where)
    else:
        is_noise = _is_packed(data) or (depth > 0 and _looks_random(data))
        yield _Region(data, where, 0, is_noise)
    if depth >= _MAX_DEPTH:
        return
    for content, what in _unpacked(data):
        yield from _regions(content, f"{where} > {what}" if where else what, depth + 1)


def _is_packed(data: bytes) -> bool:
    return data[:2] == b"\x1f\x8b" or data[:4] in (b"PK\x03\x04", b"PAR1")


def _dicom_regions(data: bytes, where: str) -> Iterator[_Region]:
    """Split a DICOM file into headers and pixel data (PS3.5 7.1 and A.4), icons' too."""
    at, look = 0, 132
    while match := _PIXEL_DATA.search(data, look):
        end = _pixel_end(data, match)
        if end > match.end():
            yield _Region(data[at : match.start()], where, at, False)
            yield _Region(data[match.start() : end], where, match.start(), True)
            at = look = end
        else:
            look = match.start() + 4  # the tag's bytes by chance
    deflated = _DEFLATED_SYNTAX in data[132:1024]
    yield _Region(data[at:], where, at, deflated)


def _pixel_end(data: bytes, match: re.Match[bytes]) -> int:
    order: Literal["little", "big"] = "little" if match[0][:1] == b"\xe0" else "big"
    length = int.from_bytes(match[0][-4:], order)
    if length == 0xFFFFFFFF:
        end = data.rfind(_SEQUENCE_END)
        return end if end > match.end() else len(data)
    return match.end() + length if match.end() + length <= len(data) else -1


def _looks_random(data: bytes) -> bool:
    """Say whether a decoded blob is noise: many bytes that no text has."""
    if len(data) < 24:
        return False
    sample = data[:4096]
    return len(sample) - len(sample.translate(None, _NOT_IN_TEXT)) > 0.04 * len(sample)


def _unpacked(data: bytes) -> Iterator[tuple[bytes, str]]:
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
                yield stream.read(_MAX_INFLATED), "gzip"
        except (OSError, EOFError, zlib.error):
            return
    elif data[:4] == b"PK\x03\x04":
        yield from _zip_members(data)
    elif data[:4] == b"PAR1" and data[-4:] == b"PAR1":
        yield from _parquet_columns(data)
    elif data[128:132] == b"DICM":
        yield from _dicom_contents(data)
    elif data[:1] == b"\x78" and int.from_bytes(data[:2], "big") % 31 == 0:
        content = _inflated(data, zlib.MAX_WBITS)
        if content:
            yield content, "zlib"
    else:
        yield from _base64_runs(data)
        if data[:5] == b"%PDF-":
            yield from _pdf_streams(data)


def _dicom_contents(data: bytes) -> Iterator[tuple[bytes, str]]:
    if data[132:136] == b"\x02\x00\x00\x00" and _DEFLATED_SYNTAX in data[132:1024]:
        start = 144 + int.from_bytes(data[140:144], "little")
        content = _inflated(data[start:], -zlib.MAX_WBITS)
        if content:
            # A preamble and prefix make it a DICOM file again, so pixels are told apart.
            yield b"\x00" * 128 + b"DICM" + content, "deflated data set"
    else:
        at = data.find(b"%PDF-", 132)
        if at >= 0:
            yield from _pdf_streams(data[at:])


def _inflated(data: bytes, window_bits: int) -> bytes:
    try:
        return zlib.decompressobj(window_bits).decompress(data, _MAX_INFLATED)
    except zlib.error:
        return b""


def _pdf_streams(data: bytes) -> Iterator[tuple[bytes, str]]:
    for number, match in enumerate(_PDF_STREAM.finditer(data)):
        content = _inflated(data[match.end() :], zlib.MAX_WBITS)
        if content:
            yield content, f"PDF stream {number}"


def _zip_members(data: bytes) -> Iterator[tuple[bytes, str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                yield member.filename.encode(), "zip member name"
                if not member.is_dir() and member.file_size <= _MAX_INFLATED:
                    yield archive.read(member), f"zip member {member.filename}"
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error):
        return


def _parquet_columns(data: bytes) -> Iterator[tuple[bytes, str]]:
    table = pq.read_table(io.BytesIO(data))
    metadata = table.schema.metadata or {}
    yield b"\n".join(k + b"=" + v for k, v in metadata.items()), "parquet metadata"
    for name in table.column_names:
        column = table.column(name)
        try:
            values = pc.cast(column, "string").to_pylist()
        except (ValueError, NotImplementedError):
            values = [str(v) for v in column.to_pylist()]
        text = "\n".join(v for v in values if v is not None)
        yield f"{name}\n{text}".encode(), f"parquet column {name}"


def _base64_runs(data: bytes) -> Iterator[tuple[bytes, str]]:
    for match in _BASE64.finditer(data):
        run = match[0].replace(b"+", b"-").replace(b"/", b"_")
        yield (
            base64.urlsafe_b64decode(run[: len(run) // 4 * 4 or None]),
            f"base64 at {match.start()}",
        )
