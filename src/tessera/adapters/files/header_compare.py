"""What leaves: an instance's header before and after, element by element. For the node alone.

pydicom reads both files, not the code that wrote the second: an independent look.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pydicom
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset as DicomDataset

from tessera.domain.errors import InvalidDicom
from tessera.domain.zones import Identified

Change = Literal["kept", "changed", "removed", "added"]
_SHOWN = 200
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Line:
    """One element of either header."""

    path: str
    """`(0040,0275)[1](0040,0007)`; items are counted from 1."""
    keyword: str
    vr: str
    before: Identified[str]
    """"" when it was not there."""
    after: str
    change: Change
    depth: int


def compare_headers(before: Path, after: Path) -> list[Line]:
    """Return every element of both headers in order of tag, with what became of it.

    Pixel data and other bulk is told by its length. Raises InvalidDicom, OSError.
    """
    old = {line[0]: line for line in _lines(_read(before))}
    new = {line[0]: line for line in _lines(_read(after))}
    return [_line(old.get(path), new.get(path)) for path in _merged(list(old), list(new))]


_Element = tuple[str, str, str, str, int]
"""path, keyword, VR, value as text, depth."""


def _line(old: _Element | None, new: _Element | None) -> Line:
    path, keyword, vr, _, depth = new or old or ("", "", "", "", 0)
    change: Change
    if old is None:
        change = "added"
    elif new is None:
        change = "removed"
    else:
        change = "kept" if old[3] == new[3] else "changed"
    return Line(
        path, keyword, vr, Identified(old[3] if old else ""), new[3] if new else "", change, depth
    )


def _merged(old: list[str], new: list[str]) -> list[str]:
    """Return the paths of both in the order of their tags; each list is in that order already."""
    left = set(old)
    merged = old + [path for path in new if path not in left]
    return sorted(merged)


def _read(path: Path) -> DicomDataset:
    try:
        ds: DicomDataset = pydicom.dcmread(path, force=True, defer_size=1 << 16)
    except OSError:
        raise
    except Exception as err:  # pydicom raises nearly anything
        raise InvalidDicom(
            "unreadable",
            f"its header cannot be read ({type(err).__name__})",
            mend="look at it with dcmdump",
        ) from err
    return ds


def _lines(ds: DicomDataset, prefix: str = "", depth: int = 0) -> Iterator[_Element]:
    if not prefix and hasattr(ds, "file_meta"):
        yield from _lines(ds.file_meta, " ", depth)
    for tag in sorted(ds.keys()):
        path = f"{prefix.strip()}({tag >> 16:04X},{tag & 0xFFFF:04X})"
        try:
            element = ds[tag]
            value = element.value
        except Exception:  # one odd value must not hide the others
            yield path, keyword_for_tag(tag), "??", "(cannot be read)", depth
            continue
        keyword = element.keyword or (f"private {element.private_creator or ''}".strip())
        if element.VR == "SQ" and depth < _DEEPEST:
            yield path, keyword, "SQ", f"{len(value)}", depth
            for number, item in enumerate(value, start=1):
                yield from _lines(item, f"{path}[{number}]", depth + 1)
        else:
            yield path, keyword, element.VR, _text(value), depth


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return f"({len(value)} bytes)" if len(value) > 32 else value.hex(" ")
    values = value if isinstance(value, (list, pydicom.multival.MultiValue)) else [value]
    text = "\\".join(str(one) for one in values)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)})"
