"""A lossless JPEG of one component, written by hand: process 14, first predictor (T.81 H)."""

import numpy as np
from numpy.typing import NDArray

_LENGTHS = bytes((0, 0, 0, 14, 3, *([0] * 11)))
_CODES = [(n, 4) for n in range(14)] + [(28, 5), (29, 5), (30, 5)]


def lossless_jpeg(picture: NDArray[np.uint16]) -> bytes:
    """Return the stream of a picture of 16 bits."""
    rows, columns = picture.shape
    bits: list[str] = []
    for y in range(rows):
        for x in range(columns):
            before = int(picture[(y, x - 1) if x else (y - 1, 0)]) if x or y else 1 << 15
            bits.append(_coded((int(picture[y, x]) - before + (1 << 15)) % (1 << 16) - (1 << 15)))
    joined = "".join(bits)
    joined += "1" * (-len(joined) % 8)
    data = int(joined, 2).to_bytes(len(joined) // 8, "big").replace(b"\xff", b"\xff\x00")
    size = rows.to_bytes(2, "big") + columns.to_bytes(2, "big")
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xC3, b"\x10" + size + b"\x01\x01\x11\x00"),
            _segment(0xC4, b"\x00" + _LENGTHS + bytes(range(17))),
            _segment(0xDA, b"\x01\x01\x00\x01\x00\x00"),
            data + b"\xff\xd9",
        )
    )


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def _coded(difference: int) -> str:
    size = abs(difference).bit_length()
    code, length = _CODES[size]
    out = f"{code:0{length}b}"
    if 0 < size < 16:
        value = difference if difference > 0 else difference + (1 << size) - 1
        out += f"{value:0{size}b}"
    return out
