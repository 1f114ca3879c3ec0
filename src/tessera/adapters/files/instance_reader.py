"""Read what the index keeps of one instance, from a file of any encoding."""

from hashlib import sha256
from pathlib import Path

from tessera.adapters.files.dicom_source import dataset_source, normalised, opened
from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import FileMeta, OddEncoding, Source
from tessera.domain.imaging.header import ROW_TAGS, Header, instance_row, scan
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.facts import FACT_TAGS, Facts, facts_of

_CHUNK = 1 << 20


def read_instance(path: Path, *, hash_pixels: bool = False) -> InstanceRow:
    """Return the row of one instance; `path` in it is as given. Raises InvalidDicom.

    With `hash_pixels` the row carries the SHA-256 of the pixel data as encoded. The
    file is read in pieces: memory does not depend on its size.
    """
    with opened(path) as file:
        source, meta, header = read_header(file)
        return _row(file, source, meta, header, path, hash_pixels=hash_pixels)


def read_instance_with_facts(path: Path) -> tuple[InstanceRow, Facts]:
    """Return the row, with the hash of its pixel data, and what the checks read besides it."""
    with opened(path) as file:
        source, meta, header = read_header(file, ROW_TAGS | FACT_TAGS)
        row = _row(file, source, meta, header, path, hash_pixels=True)
        return row, facts_of(header, meta)


def _row(
    file: Source, source: Source, meta: FileMeta, header: Header, path: Path, *, hash_pixels: bool
) -> InstanceRow:
    row = instance_row(header, meta, n_bytes=file.size, path=str(path))
    if not row.instance_uid:
        raise InvalidDicom(
            "no-uid", "SOPInstanceUID is absent", element="(0008,0018)", mend="check the sender"
        )
    if hash_pixels and header.pixel_offset:
        return _with_pixel_hash(row, source, header)
    return row


def read_header(file: Source, wanted: frozenset[int] = ROW_TAGS) -> tuple[Source, FileMeta, Header]:
    """Scan a file's header, through pydicom where the encoding is odd. Raises InvalidDicom."""
    try:
        source, meta = dataset_source(file)
        return source, meta, scan(source, meta, wanted)
    except OddEncoding:
        source, meta = normalised(file)
    try:
        return source, meta, scan(source, meta, wanted)
    except OddEncoding as err:
        raise InvalidDicom("unreadable", "its encoding is not understood") from err


def _with_pixel_hash(row: InstanceRow, source: Source, header: Header) -> InstanceRow:
    from dataclasses import replace

    digest = sha256()
    offset, left = header.pixel_offset, header.pixel_length
    while left > 0:
        chunk = source.read(offset, min(left, _CHUNK))
        if not chunk:
            break
        digest.update(chunk)
        offset += len(chunk)
        left -= len(chunk)
    return replace(row, pixel_sha256=digest.hexdigest())
