"""Which instance a data set is, and whose, from its first bytes. Identified zone. Pure."""

import zlib
from dataclasses import dataclass, field
from typing import Final

from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import (
    DEFLATED_LE,
    EXPLICIT_BE,
    BytesSource,
    FileMeta,
    OddEncoding,
    Source,
)
from tessera.domain.imaging.header import Header, scan

_WANTED: Final = frozenset(
    (0x00080005, 0x00080016, 0x00080018, 0x00080050, 0x00100020, 0x0020000D, 0x0020000E)
)
_WINDOW: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Origin:
    """What a data set says that it is. A value that is not there, or cannot be read, is ""."""

    sop_class: str = ""
    instance_uid: str = field(default="", repr=False)
    series_uid: str = field(default="", repr=False)
    study_uid: str = field(default="", repr=False)
    patient_id: str = field(default="", repr=False)
    accession: str = field(default="", repr=False)


def origin_of(data_set: Source, transfer_syntax: str) -> Origin:
    """Return what a data set says that it is; never raises for what it holds.

    `data_set` begins with its first element. Big endian and odd encodings tell nothing here:
    whoever takes the instance in reads them the slow way.
    """
    if transfer_syntax == EXPLICIT_BE:
        return Origin()
    source: Source = data_set
    try:
        if transfer_syntax == DEFLATED_LE:
            engine = zlib.decompressobj(-zlib.MAX_WBITS)
            source = BytesSource(engine.decompress(data_set.read(0, _WINDOW), _WINDOW))
        return _origin(scan(source, FileMeta(transfer_syntax, "", "", 0), _WANTED))
    except (InvalidDicom, OddEncoding, zlib.error):
        return Origin()


def _origin(header: Header) -> Origin:
    return Origin(
        sop_class=header.text(0x00080016),
        instance_uid=header.text(0x00080018),
        series_uid=header.text(0x0020000E),
        study_uid=header.text(0x0020000D),
        patient_id=header.text(0x00100020),
        accession=header.text(0x00080050),
    )
