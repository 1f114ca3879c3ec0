"""The gate for objects that are made from de-identified ones. Pure.

What is made from de-identified images by a program is de-identified too, as long as it names
the same subject and study, and nobody and nothing else. That is looked at here, in the bytes
that are about to be stored.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from hashlib import sha256

from tessera.domain.errors import Conflict
from tessera.domain.imaging.encoding import BytesSource, read_file_meta
from tessera.domain.imaging.header import ROW_TAGS, Header, instance_row, scan
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.zones import Deidentified, seal_deidentified

_PERSONS = {
    0x00080050: "AccessionNumber",
    0x00080080: "InstitutionName",
    0x00080081: "InstitutionAddress",
    0x00080090: "ReferringPhysicianName",
    0x00081048: "PhysiciansOfRecord",
    0x00081050: "PerformingPhysicianName",
    0x00081070: "OperatorsName",
    0x00100030: "PatientBirthDate",
    0x00101000: "OtherPatientIDs",
    0x00101040: "PatientAddress",
}
"""What the profile may have kept in a source; in an object made here it has no place."""
_NAME, _REMOVED = 0x00100010, 0x00120062
NO_DAY = date(1900, 1, 1)
"""Where an object must have a date and its sources have none left."""
_DATES = (0x00080020, 0x00080021, 0x00080023)
_WANTED = ROW_TAGS | frozenset((_NAME, _REMOVED, *_DATES, *_PERSONS))


class NotDerived(Conflict):
    """An object that was made here is not clearly of its sources' subject and study alone."""

    code = "not-derived"
    public = "The object made from the images cannot be kept."


def derived_instance(
    content: bytes, sources: Sequence[InstanceRow], *, place: str
) -> Deidentified[InstanceRow]:
    """Return the row of an object made from `sources`, de-identified instances of one study.

    `content` is the whole file, `place` where it goes in the store. Raises NotDerived when
    it names another subject, another study, a person, or a day that is not the study's.
    """
    meta = read_file_meta(BytesSource(content))
    header = scan(BytesSource(content), meta, _WANTED)
    row = instance_row(header, meta, n_bytes=len(content), path=place)
    first = sources[0]
    if (row.subject, row.study_uid) != (first.subject, first.study_uid):
        raise _refused("is of another subject or study than its sources", "(0010,0020)")
    if header.text(_REMOVED) != "YES":
        raise _refused("does not say that identity was removed", "(0012,0062)")
    if row.instance_uid in {one.instance_uid for one in sources}:
        raise _refused("has the UID of a source", "(0008,0018)")
    if header.text(_NAME) not in ("", first.subject):
        raise _refused("names somebody", "(0010,0010)")
    for tag, keyword in _PERSONS.items():
        if header.text(tag) not in ("", "REMOVED"):
            raise _refused(f"holds {keyword}", _element(tag))
    _require_days(header, sources)
    pixels = content[header.pixel_offset : header.pixel_offset + header.pixel_length]
    return seal_deidentified(
        replace(
            row,
            sha256=sha256(content).hexdigest(),
            pixel_sha256=sha256(pixels).hexdigest() if header.pixel_offset else "",
        )
    )


def _require_days(header: Header, sources: Sequence[InstanceRow]) -> None:
    known = {day for one in sources for day in (one.study_date, one.acquisition_date) if day}
    for tag in _DATES:
        day = header.day(tag)
        if day is not None and day not in (known or {NO_DAY}):
            raise _refused("has a day that is not the study's", _element(tag))


def _refused(what: str, element: str) -> NotDerived:
    return NotDerived(f"the object made from the images {what} at {element}")


def _element(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
