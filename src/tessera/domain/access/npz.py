"""An npz archive read strictly: plain arrays, and not one byte that is not part of one. Pure.

`numpy.load` skips what it does not know: bytes before, between and behind the members, comments,
extra fields, padding. All of that could carry something out, so that here it is an error.

Source: PKWARE APPNOTE 6.3.10; NumPy, `numpy.lib.format` versions 1.0 to 3.0.
"""

import re
import struct
import zlib
from ast import literal_eval
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tessera.domain.errors import InvalidInput

MAX_BYTES: Final = 1_000_000_000
"""Of all arrays, unpacked."""
_ALWAYS_BYTES: Final = 64_000_000
_MOST_PACKED: Final = 4
"""Weights pack to little less than they are: what unpacks to more than this is a trap."""
_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_DTYPE = re.compile(r"[<>|=]?(?:\?|[biufcUS][0-9]{1,6}|b1)")
_HEADER = re.compile(
    r"\{'descr': ('[^']{2,10}'), 'fortran_order': (True|False), "
    r"'shape': (\((?:[0-9]{1,15}(?:, [0-9]{1,15})*,?)?\)), \} {0,128}\n"
)
_VERSIONS: Final = (20, 45)
_MADE_ON: Final = 3 << 8
_NO_TIME: Final = (0, 33)
"""1980-01-01, as NumPy writes it."""
_MODE: Final = 0o600 << 16
_ZIP64: Final = 20
"""Bytes of the one extra field that NumPy writes, at the start of a member: its sizes."""


_NO_PYTHON: Final = (SyntaxError, TypeError, IndexError)


class InvalidArchive(InvalidInput):
    """An output is no archive of plain arrays, or carries something beside them."""

    code = "invalid-archive"
    public = "The file is no archive of plain arrays."


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    """Without `.npy`."""
    array: npt.NDArray[np.generic]
    raw: bytes = field(repr=False)
    """Unpacked, with its header."""


def members_of(content: bytes) -> tuple[Member, ...]:
    """Return the arrays. Raises InvalidArchive; never unpickles."""
    try:
        return _members(content)
    except (struct.error, zlib.error, ValueError, ArithmeticError, *_NO_PYTHON) as err:
        if isinstance(err, InvalidArchive):
            raise
        raise InvalidArchive(f"no npz archive: {type(err).__name__}") from err


def _members(content: bytes) -> tuple[Member, ...]:
    if content[-22:-18] != _END:
        raise InvalidArchive("no npz archive, or something stands behind it")
    n_here, n_all, n_directory, begin, n_comment = struct.unpack("<HHIIH", content[-14:])
    is_plain = n_here == n_all and not n_comment and content[-18:-14] == bytes(4)
    if not is_plain or begin + n_directory != len(content) - 22:
        raise InvalidArchive("its directory does not fit its size")
    at, place, n_bytes = 0, begin, 0
    most = min(MAX_BYTES, max(_ALWAYS_BYTES, _MOST_PACKED * len(content)))
    found: list[Member] = []
    for _ in range(n_all):
        entry = struct.unpack("<4s6H3I5H2I", content[place : place + 46])
        method, checksum, n_plain = entry[4], entry[7], entry[9]
        n_name, n_extra, n_note = entry[10:13]
        name = content[place + 46 : place + 46 + n_name].decode("ascii")
        n_bytes += n_plain
        if n_bytes > most:
            raise InvalidArchive(f"more than {most} bytes unpacked")
        if entry[0] != _CENTRAL or n_extra or n_note or entry[16] != at or not _is_plain(entry):
            raise InvalidArchive("there are bytes in it that belong to no array")
        packed, at = _packed(content, at, name, entry)
        raw = packed if method == 0 else _inflated(packed, n_plain)
        if method not in (0, 8) or len(raw) != n_plain or zlib.crc32(raw) != checksum:
            raise InvalidArchive(f"{name[:80]!r} is damaged")
        found.append(_member(name, raw))
        place += 46 + n_name
    if at != begin or place != begin + n_directory:
        raise InvalidArchive("there are bytes in it that belong to no array")
    if len({one.name for one in found}) != len(found):
        raise InvalidArchive("two arrays have one name")
    return tuple(found)


def _is_plain(entry: tuple[Any, ...]) -> bool:
    """Whether the fields that nobody reads are as NumPy writes them: they hold nothing."""
    made, needed, flags, _, at, day, *_ = entry[1:]
    disk, internal, external = entry[13:16]
    return (
        made - _MADE_ON in _VERSIONS
        and needed in _VERSIONS
        and (flags, (at, day), disk, internal, external) == (0, _NO_TIME, 0, 0, _MODE)
    )


def _packed(content: bytes, at: int, name: str, entry: tuple[Any, ...]) -> tuple[bytes, int]:
    method, checksum, n_packed, n_plain = entry[4], *entry[7:10]
    head = struct.unpack("<4s5H3I2H", content[at : at + 30])
    n_name, n_extra = head[9], head[10]
    begin = at + 30 + n_name + n_extra
    named = content[at + 30 : at + 30 + n_name]
    extra = content[at + 30 + n_name : begin]
    told = (head[2], head[3], (head[4], head[5]), head[6])
    sizes = (n_packed, n_plain)
    if extra:
        is_plain_extra = extra == struct.pack("<HHQQ", 1, _ZIP64 - 4, n_plain, n_packed)
        # Python before 3.11.4 writes the sizes here too, and a version that knows no extra field.
        sizes = sizes if head[1] == _VERSIONS[0] else (0xFFFFFFFF, 0xFFFFFFFF)
    else:
        is_plain_extra = True
    is_same = told == (0, method, _NO_TIME, checksum) and (head[7], head[8]) == sizes
    is_known = head[0] == _LOCAL and head[1] in _VERSIONS and named == name.encode()
    if not is_known or not is_same or not is_plain_extra:
        raise InvalidArchive("there are bytes in it that belong to no array")
    return content[begin : begin + n_packed], begin + n_packed


def _inflated(packed: bytes, n_plain: int) -> bytes:
    inflater = zlib.decompressobj(-15)
    raw = inflater.decompress(packed, n_plain + 1)
    if inflater.unused_data or not inflater.eof:
        raise InvalidArchive("a member is longer than it says")
    return raw


def _member(name: str, raw: bytes) -> Member:
    if not name.endswith(".npy"):
        raise InvalidArchive(f"{name[:80]!r} is no array (.npy)")
    if raw[:6] != b"\x93NUMPY" or raw[6] not in (1, 2, 3) or raw[7]:
        raise InvalidArchive(f"{name[:80]!r} is no array")
    n_length = 2 if raw[6] == 1 else 4
    begin = 8 + n_length + int.from_bytes(raw[8 : 8 + n_length], "little")
    header = raw[8 + n_length : begin].decode("ascii")
    matched = _HEADER.fullmatch(header)
    if matched is None or not _DTYPE.fullmatch(matched[1].strip("'")):
        raise InvalidArchive(f"{name[:80]!r} is no plain array: pickled, or of records")
    shape = literal_eval(matched[3])
    dtype = np.dtype(matched[1].strip("'"))
    n_items = 1
    for length in shape:
        n_items *= length
    if len(shape) > 16 or n_items * dtype.itemsize != len(raw) - begin:
        raise InvalidArchive(f"{name[:80]!r} has another size than it says")
    array = np.frombuffer(raw, dtype=dtype, offset=begin) if n_items else np.empty(0, dtype)
    shaped = array.reshape(shape, order="F") if matched[2] == "True" else array.reshape(shape)
    return Member(name.removesuffix(".npy"), shaped, raw)
