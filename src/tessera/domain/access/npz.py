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
from typing import Final

import numpy as np
import numpy.typing as npt

from tessera.domain.errors import InvalidInput

MAX_BYTES: Final = 1_000_000_000
"""Of all arrays, unpacked."""
_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_DTYPE = re.compile(r"[<>|=]?(?:\?|[biufcUS][0-9]{1,6}|b1)")
_HEADER = re.compile(
    r"\{'descr': ('[^']{2,10}'), 'fortran_order': (True|False), "
    r"'shape': (\((?:[0-9]+,? ?)*\)), \} *\n"
)
_ZIP64: Final = 20
"""Bytes of the one extra field that NumPy writes, at the start of a member: its sizes."""


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
    except (struct.error, zlib.error, ValueError, SyntaxError, TypeError, IndexError) as err:
        if isinstance(err, InvalidArchive):
            raise
        raise InvalidArchive(f"no npz archive: {type(err).__name__}") from err


def _members(content: bytes) -> tuple[Member, ...]:
    if content[-22:-18] != _END:
        raise InvalidArchive("no npz archive, or something stands behind it")
    n_here, n_all, n_directory, begin, n_comment = struct.unpack("<HHIIH", content[-14:])
    if n_here != n_all or n_comment or begin + n_directory != len(content) - 22:
        raise InvalidArchive("its directory does not fit its size")
    at, place, n_bytes = 0, begin, 0
    found: list[Member] = []
    for _ in range(n_all):
        entry = struct.unpack("<4s6H3I5H2I", content[place : place + 46])
        method, checksum, n_packed, n_plain, n_name, n_extra, n_note = (
            entry[4],
            entry[7],
            entry[8],
            entry[9],
            entry[10],
            entry[11],
            entry[12],
        )
        name = content[place + 46 : place + 46 + n_name].decode("ascii")
        if entry[0] != _CENTRAL or n_extra or n_note or entry[16] != at:
            raise InvalidArchive("there are bytes in it that belong to no array")
        n_bytes += n_plain
        if n_bytes > MAX_BYTES:
            raise InvalidArchive(f"more than {MAX_BYTES} bytes unpacked")
        packed, at = _packed(content, at, name, n_packed)
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


def _packed(content: bytes, at: int, name: str, n_packed: int) -> tuple[bytes, int]:
    head = struct.unpack("<4s5H3I2H", content[at : at + 30])
    n_name, n_extra = head[9], head[10]
    begin = at + 30 + n_name + n_extra
    named = content[at + 30 : at + 30 + n_name]
    extra = content[at + 30 + n_name : begin]
    is_plain_extra = not extra or (len(extra) == _ZIP64 and extra[:4] == b"\x01\x00\x10\x00")
    if head[0] != _LOCAL or head[2] & 0x09 or named != name.encode() or not is_plain_extra:
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
    if raw[:6] != b"\x93NUMPY" or raw[6] not in (1, 2, 3):
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
