"""What the gate makes of an instance: new leading bytes, its names, its pixels by place. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from tessera.domain.deid import values
from tessera.domain.errors import InvalidDicom
from tessera.domain.ids import InstanceUid, Pseudonym, SeriesUid, StudyUid
from tessera.domain.imaging.encoding import FileMeta, Source, text_of
from tessera.domain.imaging.header import Header

IMPLEMENTATION_CLASS_UID = "2.25.288134416023214176312340214519786201913"
IMPLEMENTATION_VERSION = b"TESSERA_0_1 "
NAMING: Final = {
    0x00080016: "SOPClassUID",
    0x00080018: "SOPInstanceUID",
    0x0020000D: "StudyInstanceUID",
    0x0020000E: "SeriesInstanceUID",
}
"""What names an instance, its series and its study."""
_UID = re.compile(r"(?=.{1,64}$)\d+(?:\.\d+)*")
Extent = tuple[tuple[int, int], tuple[int, int]]
"""Offset and length of the pixel data element, and of its value."""


@dataclass(frozen=True, slots=True)
class Names:
    """What names an instance in what it becomes; the file's place is made of these."""

    subject: Pseudonym
    study_uid: StudyUid
    series_uid: SeriesUid
    instance_uid: InstanceUid
    sop_class_uid: str


@dataclass(frozen=True, slots=True)
class DeidentifiedInstance:
    """New leading bytes, and pixel data by place in the source."""

    meta: bytes
    """Preamble, prefix and file meta information."""
    head: bytes
    """The data set up to the pixel data."""
    pixels: tuple[int, int] | None
    """Offset and length of the pixel data element in the source, header included."""
    pixel_value: tuple[int, int] | None
    """Offset and length of its value."""
    names: Names
    transfer_syntax_uid: str
    source: Source
    """Where the pixel data lies."""


def instance_of(
    subject: Pseudonym,
    meta: FileMeta,
    head: bytes,
    extent: Extent | None,
    naming: Mapping[int, str],
    file: Source,
) -> DeidentifiedInstance:
    """Return the instance under its new names. Raises InvalidDicom when one of them is no UID."""
    for tag, name in NAMING.items():
        # What names the instance must be one UID: it becomes the name of its file.
        if not _UID.fullmatch(naming.get(tag, "")):
            raise InvalidDicom(
                "no-uid",
                f"{name} is not one UID",
                element=text_of(tag),
                mend="correct it at the sender",
            )
    sop_class, instance, study, series = (naming[tag] for tag in NAMING)
    names = Names(subject, StudyUid(study), SeriesUid(series), InstanceUid(instance), sop_class)
    element, value = extent or (None, None)
    leading = _meta_bytes(names, meta.transfer_syntax_uid)
    return DeidentifiedInstance(
        leading, head, element, value, names, meta.transfer_syntax_uid, file
    )


def require_uids(header: Header) -> None:
    """Raise InvalidDicom when the source does not say what instance it is."""
    for tag, name in NAMING.items():
        if not header.text(tag):
            raise InvalidDicom(
                "no-uid",
                f"{name} is absent or empty",
                element=text_of(tag),
                mend="correct it at the sender",
            )


@lru_cache(64)
def _uid_element(tag: int, uid: str) -> bytes:
    return values.element(tag, b"UI", values.padded_uid(uid), explicit=True)


def _meta_bytes(names: Names, transfer_syntax_uid: str) -> bytes:
    """Encode the file meta information anew. Source: PS3.10 7.1."""
    group = (
        b"\x02\x00\x01\x00OB\x00\x00\x02\x00\x00\x00\x00\x01"
        + _uid_element(0x00020002, names.sop_class_uid)
        + values.element(0x00020003, b"UI", values.padded_uid(names.instance_uid), explicit=True)
        + _uid_element(0x00020010, transfer_syntax_uid)
        + _uid_element(0x00020012, IMPLEMENTATION_CLASS_UID)
        + values.element(0x00020013, b"SH", IMPLEMENTATION_VERSION, explicit=True)
    )
    length = values.element(0x00020000, b"UL", len(group).to_bytes(4, "little"), explicit=True)
    return bytes(128) + b"DICM" + length + group
