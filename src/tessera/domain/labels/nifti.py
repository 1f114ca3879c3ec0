"""NIfTI-1 and NIfTI-2 in one file. Pure; bytes in, bytes out.

NIfTI counts x to the right hand's side left-to-right (RAS+), DICOM the other way in x and y.
Source: nifti1.h and nifti2.h of the NIfTI Data Format Working Group (public domain).
"""

import gzip
import struct
import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tessera.domain.imaging.geometry import FloatArray
from tessera.domain.imaging.grid import AnyArray, Grid
from tessera.domain.labels.errors import InvalidLabels

MOST_BYTES: Final = 4 << 30
"""Of a file when unpacked."""
_FLIP: Final = np.diag([-1.0, -1.0, 1.0, 1.0])
"""RAS to LPS, and back."""
_TYPES: Final = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8",
    1280: "u8",
}  # fmt: skip
_CODES: Final = {name: code for code, name in _TYPES.items()}
_MM: Final = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
"""Spatial unit (lower three bits of xyzt_units) to millimetres; unknown is taken as such."""
_SCANNER: Final = 1


@dataclass(frozen=True, slots=True)
class NiftiImage:
    """`array` is (slices, rows, columns), with a first axis more for a time or a vector."""

    grid: Grid
    array: AnyArray


@dataclass(frozen=True, slots=True)
class _Head:
    order: str
    dim: tuple[int, ...]
    code: int
    pixdim: tuple[float, ...]
    offset: int
    slope: float
    intercept: float
    qform: int
    sform: int
    quaternion: tuple[float, ...]
    """b, c, d, x, y, z."""
    rows: tuple[float, ...]
    units: int


def read_nifti(content: bytes) -> NiftiImage:
    """Return the image of a .nii or .nii.gz file. Raises InvalidLabels."""
    content = unpacked(content)
    head = _head(content)
    if head.code not in _TYPES:
        raise InvalidLabels(f"NIfTI: data type {head.code} is none of whole or real numbers")
    n_axes = head.dim[0]
    sizes = head.dim[1 : n_axes + 1]
    if not 1 <= n_axes <= 7 or any(size < 1 for size in sizes):
        raise InvalidLabels("NIfTI: the sizes of its axes are none")
    sizes = (*sizes, 1, 1)[: max(3, n_axes)]
    dtype = np.dtype(head.order + _TYPES[head.code])
    n_bytes = dtype.itemsize
    for size in sizes:
        n_bytes *= size
    if n_bytes > MOST_BYTES or head.offset < 0 or head.offset + n_bytes > len(content):
        raise InvalidLabels("NIfTI: the file is shorter than its header says")
    raw = np.frombuffer(content, dtype, n_bytes // dtype.itemsize, head.offset)
    array: AnyArray = raw.reshape(sizes[::-1])
    while array.ndim > 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim > 4:
        raise InvalidLabels("NIfTI: more than four axes")
    if head.slope not in (0.0, 1.0) or (head.slope and head.intercept):
        array = array.astype(np.float64) * head.slope + head.intercept
    return NiftiImage(Grid(_FLIP @ _affine(head), (sizes[2], sizes[1], sizes[0])), array)


def write_nifti(array: AnyArray, grid: Grid, *, packed: bool = True) -> bytes:
    """Return a NIfTI-1 file; the same input gives the same bytes.

    `array` is (slices, rows, columns), or (n, slices, rows, columns) for n volumes. The affine
    stands in sform and, as far as it has no shear, in qform. An axis of more than 32767 voxels
    makes it NIfTI-2.
    """
    kind = array.dtype.newbyteorder("<").str[1:]
    if kind not in _CODES:
        raise InvalidLabels(f"NIfTI has no data type for {array.dtype}")
    sizes = array.shape[::-1]
    ras = _FLIP @ grid.affine
    qfac, quaternion = _quaternion(ras)
    dim = (len(sizes), *sizes, *(1,) * (7 - len(sizes)))
    pixdim = (qfac or 1.0, *grid.spacing_mm, *(1.0,) * 4)
    numbers = (*quaternion, *ras[:3, 3])
    bits = array.dtype.itemsize * 8
    q_code = _SCANNER if qfac else 0
    if max(sizes) <= 32767:
        head = struct.pack(
            "<i35xB8h3f4h8f3fhbb4f2i80s24s2h6f12f16s4s",
            *(348, 0, *dim, 0, 0, 0, 0, _CODES[kind], bits, 0, *pixdim),
            *(352.0, 1.0, 0.0, 0, 0, 2, 0, 0, 0, 0, 0, 0, b"", b"", q_code, _SCANNER),
            *(*numbers, *ras[:3].reshape(-1), b"", b"n+1\0"),
        ) + bytes(4)
    else:
        head = struct.pack(
            "<i8s2h8q3d8dq2d4d2q80s24s2i6d12d3i16sB15x",
            *(540, b"n+2\0\r\n\x1a\n", _CODES[kind], bits, *dim, 0.0, 0.0, 0.0, *pixdim),
            *(544, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0, b"", b"", q_code, _SCANNER),
            *(*numbers, *ras[:3].reshape(-1), 0, 2, 0, b"", 0),
        ) + bytes(4)
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    body = head + little.tobytes()
    return gzip.compress(body, 1, mtime=0) if packed else body


def unpacked(content: bytes) -> bytes:
    """Return the content of a gzip file, or what is none as it is. Raises InvalidLabels."""
    if content[:2] != b"\x1f\x8b":
        return content
    found = []
    left, rest = MOST_BYTES, content
    try:
        while rest:
            unpacker = zlib.decompressobj(31)
            found.append(unpacker.decompress(rest, left + 1))
            left -= len(found[-1])
            if left < 0:
                raise InvalidLabels(f"the file holds more than {MOST_BYTES} bytes")
            if not unpacker.eof:
                raise InvalidLabels("the file ends before its end: copy it again")
            rest = unpacker.unused_data.lstrip(b"\0")
    except zlib.error as err:
        raise InvalidLabels("the file is damaged: it cannot be unpacked") from err
    return b"".join(found)


def is_nifti(content: bytes) -> bool:
    """Say whether unpacked content begins as NIfTI in one file."""
    return content[344:348] == b"n+1\0" or content[4:8] == b"n+2\0"


def _head(content: bytes) -> _Head:
    for order in "<>":
        if content[344:348] == b"n+1\0" and content[:4] == struct.pack(order + "i", 348):
            return _first(content, order)
        if content[4:8] == b"n+2\0" and content[:4] == struct.pack(order + "i", 540):
            return _second(content, order)
    if content[344:348] == b"ni1\0":
        raise InvalidLabels("NIfTI in two files (.hdr and .img): convert it to one .nii")
    raise InvalidLabels("it is no NIfTI file")


def _first(content: bytes, order: str) -> _Head:
    if len(content) < 352:
        raise InvalidLabels("NIfTI: the file ends within its header")
    part = struct.Struct(order + "8h").unpack_from(content, 40)
    floats = struct.Struct(order + "8f3f").unpack_from(content, 76)
    q_code, s_code, *rest = struct.unpack_from(order + "2h6f12f", content, 252)
    (code,) = struct.unpack_from(order + "h", content, 70)
    return _Head(
        order, part, code, floats[:8], int(floats[8]), floats[9], floats[10],
        q_code, s_code, tuple(rest[:6]), tuple(rest[6:]), content[123],
    )  # fmt: skip


def _second(content: bytes, order: str) -> _Head:
    if len(content) < 544:
        raise InvalidLabels("NIfTI: the file ends within its header")
    (code,) = struct.unpack_from(order + "h", content, 12)
    dim = struct.unpack_from(order + "8q", content, 16)
    pixdim = struct.unpack_from(order + "8d", content, 104)
    offset, slope, intercept = struct.unpack_from(order + "q2d", content, 168)
    q_code, s_code, *rest = struct.unpack_from(order + "2i6d12d", content, 344)
    (units,) = struct.unpack_from(order + "i", content, 500)
    return _Head(
        order, dim, code, pixdim, offset, slope, intercept, q_code, s_code,
        tuple(rest[:6]), tuple(rest[6:]), units,
    )  # fmt: skip


def _affine(head: _Head) -> FloatArray:
    """Return the affine in RAS+, mm: sform, else qform. Raises InvalidLabels when it has none."""
    affine = np.eye(4)
    if head.sform > 0:
        affine[:3] = np.array(head.rows, dtype=np.float64).reshape(3, 4)
    elif head.qform > 0:
        affine[:3, :3] = _rotation(head.quaternion[:3]) * np.abs(head.pixdim[1:4])
        if head.pixdim[0] < 0:
            affine[:3, 2] *= -1.0
        affine[:3, 3] = head.quaternion[3:]
    else:
        raise InvalidLabels("NIfTI: it has no place in space (neither sform nor qform)")
    affine[:3] *= _MM.get(head.units & 7, 1.0)
    if not np.isfinite(affine).all():
        raise InvalidLabels("NIfTI: its place in space is no number")
    return affine


def _rotation(quaternion: tuple[float, ...]) -> FloatArray:
    b, c, d = quaternion
    rest = 1.0 - (b * b + c * c + d * d)
    if rest < 1e-7:
        length = (b * b + c * c + d * d) ** 0.5
        a, b, c, d = 0.0, b / length, c / length, d / length
    else:
        a = rest**0.5
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ]
    )


def _quaternion(affine: FloatArray) -> tuple[float, tuple[float, float, float]]:
    """Return qfac and b, c, d of an affine's rotation; qfac 0 when it is sheared."""
    turn = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    if not np.allclose(turn.T @ turn, np.eye(3), atol=1e-4):
        return 0.0, (0.0, 0.0, 0.0)
    qfac = 1.0
    if np.linalg.det(turn) < 0:
        qfac = -1.0
        turn = turn * np.array([1.0, 1.0, -1.0])
    return qfac, _from_rotation(turn)


def _from_rotation(turn: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(turn[axis, axis]) for axis in range(3))
    squares = np.array([1 + x + y + z, 1 + x - y - z, 1 - x + y - z, 1 - x - y + z])
    largest = int(np.argmax(squares))
    part = float(np.sqrt(squares[largest])) / 2
    down = [float(turn[2, 1] - turn[1, 2]), float(turn[0, 2] - turn[2, 0])]
    down.append(float(turn[1, 0] - turn[0, 1]))
    sums = {(1, 2): turn[0, 1] + turn[1, 0], (1, 3): turn[0, 2] + turn[2, 0]}
    sums[2, 3] = turn[1, 2] + turn[2, 1]
    if largest == 0:
        b, c, d = (value / (4 * part) for value in down)
        return b, c, d
    found = [0.0, 0.0, 0.0]
    found[largest - 1] = part
    for (one, other), value in sums.items():
        if largest in (one, other):
            found[(other if one == largest else one) - 1] = float(value) / (4 * part)
    sign = -1.0 if down[largest - 1] < 0 else 1.0
    return found[0] * sign, found[1] * sign, found[2] * sign
