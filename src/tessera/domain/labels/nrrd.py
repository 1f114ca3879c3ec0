"""NRRD with its data in the same file, raw or gzip. Pure; bytes in, bytes out.

Source: "Definition of NRRD File Format" (teem.sourceforge.net/nrrd/format.html), and the keys
that 3D Slicer writes into segmentations (.seg.nrrd).
"""

import re
from collections.abc import Mapping
from typing import Final

import numpy as np

from tessera.domain.imaging.geometry import FloatArray
from tessera.domain.imaging.grid import AnyArray, Grid
from tessera.domain.labels.errors import InvalidLabels
from tessera.domain.labels.label_map import Colour, LabelMap, Named, as_labels
from tessera.domain.labels.nifti import MOST_BYTES, unpacked

_TYPES: Final = {
    "i1": "signed char|int8|int8_t",
    "u1": "uchar|unsigned char|uint8|uint8_t",
    "i2": "short|short int|signed short|signed short int|int16|int16_t",
    "u2": "ushort|unsigned short|unsigned short int|uint16|uint16_t",
    "i4": "int|signed int|int32|int32_t",
    "u4": "uint|unsigned int|uint32|uint32_t",
    "i8": "longlong|long long|long long int|signed long long|signed long long int|int64|int64_t",
    "u8": "ulonglong|unsigned long long|unsigned long long int|uint64|uint64_t",
    "f4": "float",
    "f8": "double",
}
_DTYPES: Final = {name: code for code, names in _TYPES.items() for name in names.split("|")}
_WRITTEN: Final = {
    "u1": "uint8", "i1": "int8", "u2": "uint16", "i2": "int16", "u4": "uint32", "i4": "int32",
    "f4": "float", "f8": "double",
}  # fmt: skip
_SPACES: Final = {
    "left-posterior-superior": (1, 1, 1), "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1), "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1), "las": (1, -1, 1),
}  # fmt: skip
_NO_SPACE: Final = frozenset(("list", "vector", "none"))
_SEGMENT: Final = re.compile(r"Segment(\d{1,5})_(Name|Color|LabelValue|Layer)")


def is_nrrd(content: bytes) -> bool:
    return content[:7] == b"NRRD000"


def read_nrrd(content: bytes) -> LabelMap:
    """Return the labels of a .nrrd or .seg.nrrd file. Raises InvalidLabels."""
    fields, keys, data = _header(content)
    sizes = _numbers(fields, "sizes", int)
    array = _array(fields, data, sizes)
    directions = _directions(fields, len(sizes))
    spatial = [axis for axis, found in enumerate(directions) if found is not None]
    if len(spatial) != 3:
        raise InvalidLabels("NRRD: it needs three axes in space (space directions)")
    lists = [axis for axis in range(len(sizes)) if axis not in spatial]
    n_axes = len(sizes)
    array = array.transpose([n_axes - 1 - axis for axis in (*lists, *reversed(spatial))])
    array = array.reshape(-1, *array.shape[len(lists) :])
    affine = np.eye(4)
    for column, axis in enumerate(spatial):
        affine[:3, column] = directions[axis]
    affine[:3, 3] = _vector(fields.get("space origin", ""), "space origin")
    affine[:3] *= _signs(fields)[:, None]
    try:
        layers = tuple(as_labels(layer) for layer in array)
    except ValueError as err:
        raise InvalidLabels(f"NRRD: {err}") from err
    grid = Grid(affine, (layers[0].shape[0], layers[0].shape[1], layers[0].shape[2]))
    return _with_segments(LabelMap(grid, layers), keys)


def write_nrrd(array: AnyArray, grid: Grid, keys: Mapping[str, str] | None = None) -> bytes:
    """Return a .nrrd file, packed; `array` is (slices, rows, columns) or (n, slices, …)."""
    import gzip

    kind = array.dtype.newbyteorder("<").str[1:]
    if kind not in _WRITTEN:
        raise InvalidLabels(f"NRRD has no data type for {array.dtype}")
    with_list = array.ndim == 4
    if with_list:
        array = np.moveaxis(array, 0, -1)  # the axis of the list is the fastest
    vectors = " ".join(_written(grid.affine[:3, axis]) for axis in range(3))
    lines = [
        "NRRD0004",
        f"type: {_WRITTEN[kind]}",
        f"dimension: {array.ndim}",
        "space: left-posterior-superior",
        "sizes: " + " ".join(map(str, array.shape[::-1])),
        f"space directions: {'none ' if with_list else ''}{vectors}",
        f"kinds: {'list ' if with_list else ''}domain domain domain",
        "endian: little",
        "encoding: gzip",
        f"space origin: {_written(grid.affine[:3, 3])}",
        *(f"{key}:={value}" for key, value in (keys or {}).items()),
    ]
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return "\n".join([*lines, "", ""]).encode() + gzip.compress(little.tobytes(), 1, mtime=0)


def segment_keys(named: Mapping[int, Named], layer_of: Mapping[int, int]) -> dict[str, str]:
    """Return the keys by which 3D Slicer knows segments: name, colour, label and layer."""
    keys = {}
    for number, (label, one) in enumerate(sorted(named.items())):
        keys[f"Segment{number}_ID"] = f"Segment_{label}"
        keys[f"Segment{number}_Name"] = one.name or f"Segment {label}"
        keys[f"Segment{number}_LabelValue"] = str(label)
        keys[f"Segment{number}_Layer"] = str(layer_of.get(label, 0))
        if one.colour is not None:
            parts = (f"{part / 255:.6g}" for part in one.colour)
            keys[f"Segment{number}_Color"] = " ".join(parts)
    return keys


def _header(content: bytes) -> tuple[dict[str, str], dict[str, str], bytes]:
    if not is_nrrd(content):
        raise InvalidLabels("it is no NRRD file")
    found = re.search(rb"\r?\n\r?\n", content[: 1 << 20])
    if found is None:
        raise InvalidLabels("NRRD: no empty line ends its header")
    fields: dict[str, str] = {}
    keys: dict[str, str] = {}
    for line in content[: found.start()].decode("utf-8", "replace").splitlines()[1:]:
        if line.startswith("#"):
            continue
        key, equals, value = line.partition(":=")
        name, colon, said = line.partition(":")
        if equals and len(key) <= len(name):
            keys[key] = value
        elif colon:
            fields[name.strip().lower()] = said.strip()
    if "data file" in fields or "datafile" in fields:
        raise InvalidLabels("NRRD: its data lies in another file: write header and data as one")
    return fields, keys, content[found.end() :]


def _array(fields: Mapping[str, str], data: bytes, sizes: tuple[int, ...]) -> AnyArray:
    kind = _DTYPES.get(fields.get("type", "").lower())
    if kind is None:
        raise InvalidLabels("NRRD: its type is none of whole or real numbers")
    if not 3 <= len(sizes) <= 5 or any(size < 1 for size in sizes):
        raise InvalidLabels("NRRD: it needs three axes, and one more for layers")
    order = ">" if fields.get("endian", "little").lower() == "big" else "<"
    encoding = fields.get("encoding", "").lower()
    if encoding in ("gzip", "gz"):
        data = unpacked(data)
    elif encoding != "raw":
        raise InvalidLabels(f"NRRD: encoding {encoding or '(none)'}: write it as raw or gzip")
    dtype = np.dtype(order + kind)
    count = 1
    for size in sizes:
        count *= size
    if count * dtype.itemsize > min(len(data), MOST_BYTES):
        raise InvalidLabels("NRRD: the file is shorter than its header says")
    skipped = int(fields.get("byte skip", "0") or 0)
    if skipped not in (0, -1) or fields.get("line skip", "0") not in ("", "0"):
        raise InvalidLabels("NRRD: it skips bytes or lines: write it without")
    start = len(data) - count * dtype.itemsize if skipped == -1 else 0
    return np.frombuffer(data, dtype, count, start).reshape(sizes[::-1])


def _directions(fields: Mapping[str, str], n_axes: int) -> list[FloatArray | None]:
    said = re.findall(r"none|\([^)]*\)", fields.get("space directions", "").lower())
    if len(said) != n_axes:
        raise InvalidLabels("NRRD: its axes have no place in space (space directions)")
    kinds = fields.get("kinds", "").lower().split()
    found: list[FloatArray | None] = []
    for axis, one in enumerate(said):
        kind = kinds[axis] if len(kinds) == n_axes else ""
        is_list = one == "none" or kind in _NO_SPACE or "nan" in one
        found.append(None if is_list else _vector(one, "space directions"))
    return found


def _signs(fields: Mapping[str, str]) -> FloatArray:
    space = fields.get("space", "").lower()
    if space not in _SPACES:
        raise InvalidLabels("NRRD: its space is none of LPS, RAS and LAS")
    return np.array(_SPACES[space], dtype=np.float64)


def _vector(text: str, what: str) -> FloatArray:
    try:
        found = np.array([float(part) for part in text.strip("() ").split(",")])
    except ValueError:
        found = np.array([])
    if found.shape != (3,) or not np.isfinite(found).all():
        raise InvalidLabels(f"NRRD: {what}: expected three numbers")
    return found


def _numbers(fields: Mapping[str, str], key: str, kind: type[int]) -> tuple[int, ...]:
    try:
        return tuple(kind(part) for part in fields.get(key, "").split())
    except ValueError as err:
        raise InvalidLabels(f"NRRD: {key}: expected whole numbers") from err


def _with_segments(plain: LabelMap, keys: Mapping[str, str]) -> LabelMap:
    """Take in what 3D Slicer says; a label that two layers use is given one of its own."""
    told: dict[int, dict[str, str]] = {}
    for key, value in keys.items():
        matched = _SEGMENT.fullmatch(key)
        if matched:
            told.setdefault(int(matched[1]), {})[matched[2]] = value.strip()
    used: set[tuple[int, int]] = set()
    named: dict[int, Named] = {}
    layers = [layer.copy() for layer in plain.layers] if told else list(plain.layers)
    fresh = 1 + max((int(layer.max(initial=0)) for layer in layers), default=0)
    for number, one in sorted(told.items()):
        try:
            label, layer = int(one.get("LabelValue", number + 1)), int(one.get("Layer", 0))
        except ValueError as err:
            raise InvalidLabels(f"NRRD: Segment{number}: its label or layer is no number") from err
        if not 0 < label <= 65535 or not 0 <= layer < len(layers) or (layer, label) in used:
            raise InvalidLabels(f"NRRD: Segment{number}: its label or layer is not in the data")
        used.add((layer, label))
        if label in named:
            layers[layer][plain.layers[layer] == label] = fresh
            label, fresh = fresh, fresh + 1
        named[label] = Named(one.get("Name", ""), _colour(one.get("Color", "")))
    return LabelMap(plain.grid, tuple(layers), named)


def _colour(text: str) -> Colour | None:
    try:
        red, green, blue = (round(min(1.0, max(0.0, float(part))) * 255) for part in text.split())
    except ValueError:
        return None
    return red, green, blue


def _written(vector: FloatArray) -> str:
    return f"({','.join(repr(float(part)) for part in vector)})"
