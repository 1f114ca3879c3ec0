"""Put an instance together again with other pixel data and a few other elements."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tessera.adapters.pixels.patched import JoinedSource, Scratch
from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import (
    EXPLICIT_LE,
    IMPLICIT_LE,
    ITEM,
    PIXEL_DATA,
    SEQUENCE_END,
    UNDEFINED,
    FileMeta,
    Source,
    WindowTooShort,
    element_at,
    skip_undefined,
)
from tessera.domain.imaging.header import LARGEST_WINDOW
from tessera.domain.imaging.structure import PixelStructure, Stretch

Part = tuple[Source, int, int]
"""Source, offset, length."""


@dataclass(frozen=True, slots=True)
class NewValue:
    """Another value for an element of the head."""

    vr: bytes
    value: bytes


def edited_head(
    source: Source,
    meta: FileMeta,
    end: int,
    drops: Callable[[int], bool],
    sets: Mapping[int, NewValue],
) -> list[Part]:
    """Return the data set from its start to `end`, without some elements and with others.

    Only top-level elements. Raises InvalidDicom for one that is too large to be walked.
    """
    begin = meta.dataset_offset
    if end - begin > LARGEST_WINDOW:
        raise InvalidDicom(
            "too-large", "the header is larger than 96 MB", mend="look at its sender"
        )
    explicit = meta.transfer_syntax_uid != IMPLICIT_LE
    buf = source.read(begin, end - begin)
    waiting = sorted(sets.items())
    scratch = Scratch()
    parts: list[Part] = []
    kept = pos = 0

    def put_waiting(before: int) -> None:
        while waiting and waiting[0][0] < before:
            tag, new = waiting.pop(0)
            if new.value:
                parts.append((scratch, *scratch.add(_element(tag, new, explicit=explicit))))

    while pos < len(buf):
        try:
            tag, vr, start, length = element_at(buf, pos, len(buf), explicit=explicit)
            if length == UNDEFINED:
                inner = explicit and vr != b"UN"
                stop = skip_undefined(buf, start, len(buf), explicit=inner)
            else:
                stop = start + length
        except WindowTooShort:
            break
        gone = tag in sets or drops(tag)
        if gone or (waiting and waiting[0][0] < tag):
            parts.append((source, begin + kept, pos - kept))
            put_waiting(tag + 1)
            kept = stop if gone else pos
        pos = stop
    parts.append((source, begin + kept, len(buf) - kept))
    put_waiting(PIXEL_DATA)
    return parts


def _element(tag: int, new: NewValue, *, explicit: bool) -> bytes:
    head = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
    value = new.value + b"\0" * (len(new.value) % 2)
    if not explicit:
        return head + len(value).to_bytes(4, "little") + value
    if new.vr in (b"OB", b"OW", b"OV", b"SQ", b"UN"):
        return head + new.vr + b"\0\0" + len(value).to_bytes(4, "little") + value
    return head + new.vr + len(value).to_bytes(2, "little") + value


def native_element(frames: Sequence[Stretch], scratch: Scratch, allocated: int) -> list[Part]:
    """Return a native pixel data element in explicit VR, its frames taken from `scratch`."""
    length = sum(size for _, size in frames)
    vr = b"OW" if allocated > 8 else b"OB"
    padded = length + length % 2
    if padded >= UNDEFINED:
        raise InvalidDicom(
            "too-large", "decoded it has more than 4 GB", mend="split it into fewer frames"
        )
    head = b"\xe0\x7f\x10\x00" + vr + b"\0\0" + padded.to_bytes(4, "little")
    parts: list[Part] = [(scratch, *scratch.add(head))]
    parts += [(scratch, *frame) for frame in frames]
    if padded > length:
        parts.append((scratch, *scratch.add(b"\0")))
    return parts


def encapsulated_element(
    source: Source,
    structure: PixelStructure,
    streams: Mapping[int, Stretch],
    scratch: Scratch,
) -> tuple[list[Part], dict[int, NewValue]]:
    """Return the pixel data element with other streams for some frames, and its offset tables.

    Frames that are not in `streams` keep their fragments as they were. The basic offset table
    is written unless the instance has an extended one (PS3.5 A.4), which is then made anew.
    """
    body: list[Part] = []
    offsets, lengths, size = [], [], 0
    for frame, fragments in enumerate(structure.fragments):
        offsets.append(size)
        taken = (
            [(scratch, *streams[frame])]
            if frame in streams
            else [(source, *fragment) for fragment in fragments]
        )
        lengths.append(sum(part[2] for part in taken))
        for part in taken:
            odd = part[2] % 2
            body.append((scratch, *scratch.add(_item(part[2] + odd))))
            body.append(part)
            if odd:
                body.append((scratch, *scratch.add(b"\0")))
            size += 8 + part[2] + odd
    extended = structure.extended_offsets or size >= UNDEFINED
    table = b"" if extended else b"".join(o.to_bytes(4, "little") for o in offsets)
    head = b"\xe0\x7f\x10\x00OB\0\0" + UNDEFINED.to_bytes(4, "little") + _item(len(table)) + table
    parts: list[Part] = [(scratch, *scratch.add(head)), *body]
    end = SEQUENCE_END.to_bytes(4, "big")
    parts.append((scratch, *scratch.add(end[1::-1] + end[3:1:-1] + bytes(4))))
    if not extended:
        return parts, {}
    return parts, {
        0x7FE00001: NewValue(b"OV", b"".join(o.to_bytes(8, "little") for o in offsets)),
        0x7FE00002: NewValue(b"OV", b"".join(n.to_bytes(8, "little") for n in lengths)),
    }


def _item(length: int) -> bytes:
    tag = ITEM.to_bytes(4, "big")
    return tag[1::-1] + tag[3:1:-1] + length.to_bytes(4, "little")


def joined(
    head: Sequence[Part],
    pixels: Sequence[Part],
    source: Source,
    after: int,
    meta: FileMeta,
    *,
    native: bool,
) -> tuple[Source, FileMeta]:
    """Return the whole data set, and its meta: it begins at 0, without preamble.

    `after` is where the source goes on behind its pixel data. `native` says that compressed
    frames became plain ones: the transfer syntax is then Explicit VR Little Endian.
    """
    tail: Part = (source, after, source.size - after)
    new = replace(meta, dataset_offset=0)
    if native:
        new = replace(new, transfer_syntax_uid=EXPLICIT_LE)
    return JoinedSource([*head, *pixels, tail]), new
