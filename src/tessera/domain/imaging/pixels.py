"""Where pixel data lies in a file. Pure; nothing of it is read but the fragment headers."""

from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import (
    ITEM,
    SEQUENCE_END,
    UNDEFINED,
    Source,
    element_at,
    truncated,
)


def pixel_extent(
    source: Source, offset: int, *, explicit: bool
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (offset, length) of the element at `offset`, and of its value.

    Encapsulated pixel data is followed fragment by fragment to its delimiter (PS3.5 A.4).
    Raises InvalidDicom when it does not end inside the file.
    """
    header = source.read(offset, 12)
    tag, _, start, length = element_at(header, 0, len(header), explicit=explicit)
    value = offset + start
    if length != UNDEFINED:
        if value + length > source.size:
            raise truncated(tag)
        return (offset, start + length), (value, length)
    pos = value
    while True:
        fragment = source.read(pos, 8)
        if len(fragment) < 8:
            raise truncated(tag)
        name, _, _, size = element_at(fragment, 0, 8, explicit=False)
        pos += 8
        if name == SEQUENCE_END:
            break
        if name != ITEM or pos + size > source.size:
            raise truncated(tag) if name == ITEM else _broken_fragments()
        pos += size
    return (offset, pos - offset), (value, pos - value)


def _broken_fragments() -> InvalidDicom:
    return InvalidDicom(
        "damaged",
        "the encapsulated pixel data is not a list of fragments",
        element="(7FE0,0010)",
        mend="send it again from its source",
    )
