"""Write a de-identified instance: new header, then the pixel bytes as they lie in the source."""

import os
import zlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from tessera.adapters.files.dicom_source import FileSource, not_read
from tessera.domain.deid.gate import DeidentifiedInstance, row_as_written
from tessera.domain.imaging.encoding import DEFLATED_LE, Source
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.zones import Deidentified

_CHUNK = 1 << 20
_UNNAMED = os.O_WRONLY | os.O_CLOEXEC | getattr(os, "O_TMPFILE", os.O_EXCL | os.O_CREAT)
"""A file in a folder that has no name yet; where there is no such thing, opening fails."""


def write_instance(
    instance: Deidentified[DeidentifiedInstance], path: Path, *, place: str, durable: bool
) -> Deidentified[InstanceRow]:
    """Write the file and return its row with sizes and hashes; `place` is the row's path.

    Overwrites `path`. Memory does not depend on the size of the pixel data. With
    `durable` the bytes are on the disk when it returns. A failure leaves no file.
    """
    value = instance.value
    whole, pixel = sha256(), sha256()
    size = 0
    with _Created(path) as out:
        for data, is_pixels in _pieces(value):
            whole.update(data)
            if is_pixels:
                pixel.update(data)
            size += _write_all(out, data)
        if value.transfer_syntax_uid == DEFLATED_LE and value.pixel_value:
            for chunk in _read(value.source, *value.pixel_value):
                pixel.update(chunk)
        if durable:
            os.fdatasync(out)
    return row_as_written(
        instance,
        n_bytes=size,
        file_sha256=whole.hexdigest(),
        pixel_sha256=pixel.hexdigest() if value.pixels else "",
        path=place,
    )


def place_instance(value: DeidentifiedInstance, file: FileSource, target: str) -> int:
    """Write the file without looking at its pixel data; return its size.

    The kernel copies the pixel data from file to file. The file gets its name when it is whole
    and its source is as it was: no kill leaves a part. `file` is what was opened, whatever its
    bytes were made into.

    Raises InvalidDicom when the source changed, and FileExistsError when the name is taken.
    """
    folder, _, name = target.rpartition("/")
    try:
        out = os.open(folder, _UNNAMED, 0o644)
    except OSError:  # a file system without unnamed files
        return _placed_by_name(value, file, target, f"{folder}/.{os.getpid()}-{name}.part")
    try:
        size = _copied(value, out)
        file.require_unchanged()
        os.link(f"/proc/self/fd/{out}", target, src_dir_fd=out, follow_symlinks=True)
    finally:
        os.close(out)
    return size


def _placed_by_name(value: DeidentifiedInstance, file: FileSource, target: str, part: str) -> int:
    with _Created(Path(part)) as out:
        size = _copied(value, out)
    try:
        file.require_unchanged()
        os.link(part, target)
    finally:
        Path(part).unlink()
    return size


def _copied(value: DeidentifiedInstance, out: int) -> int:
    if value.transfer_syntax_uid == DEFLATED_LE or not isinstance(value.source, FileSource):
        return sum(_write_all(out, data) for data, _ in _pieces(value))
    size = _write_all(out, value.meta + value.head)
    if value.pixels:
        offset, left = value.pixels
        size += left
        while left:
            copied = _copy_range(value.source.descriptor, out, left, offset)
            if not copied:
                raise _shorter()
            offset, left = offset + copied, left - copied
    return size


def is_written(value: DeidentifiedInstance, path: str) -> bool:
    """Say whether a file holds exactly this instance."""
    with open(path, "rb") as file:
        for data, _ in _pieces(value):
            if file.read(len(data)) != data:
                return False
        return not file.read(1)


def _pieces(value: DeidentifiedInstance) -> Iterator[tuple[bytes, bool]]:
    """Yield the bytes of the file, and whether they are pixel data as it stands."""
    if value.transfer_syntax_uid == DEFLATED_LE:
        yield from ((data, False) for data in _deflated(value))
        return
    yield value.meta + value.head, False
    if value.pixels and value.pixel_value:
        (start, length), (inner, inner_length) = value.pixels, value.pixel_value
        for data in _read(value.source, start, inner - start):
            yield data, False
        for data in _read(value.source, inner, inner_length):
            yield data, True
        rest = inner + inner_length
        for data in _read(value.source, rest, start + length - rest):
            yield data, False


def _deflated(value: DeidentifiedInstance) -> Iterator[bytes]:
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    yield value.meta
    size = len(value.meta)
    parts = _read(value.source, *value.pixels) if value.pixels else iter(())
    for data in (value.head, *parts):
        packed = packer.compress(data)
        size += len(packed)
        yield packed
    tail = packer.flush()
    yield tail + b"\0" if (size + len(tail)) & 1 else tail


def _read(source: Source, offset: int, left: int) -> Iterator[bytes]:
    while left:
        chunk = source.read(offset, min(left, _CHUNK))
        if not chunk:
            raise _shorter()
        yield chunk
        offset, left = offset + len(chunk), left - len(chunk)


class _Created:
    """A file that is gone again when its block fails."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o644)
        return self._descriptor

    def __exit__(self, kind: object, _error: object, _trace: object) -> None:
        os.close(self._descriptor)
        if kind is not None:
            self._path.unlink(missing_ok=True)


def _copy_range(source: int, target: int, length: int, offset: int) -> int:
    try:
        return os.copy_file_range(source, target, length, offset)
    except OSError:  # between two file systems, or one that cannot
        return os.sendfile(target, source, offset, length)


def _shorter() -> Exception:
    return not_read("the file became shorter while it was read")


def _write_all(descriptor: int, data: bytes) -> int:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    return len(data)
