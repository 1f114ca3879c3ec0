"""Write a de-identified instance: new header, then the pixel bytes as they lie in the source."""

import os
import zlib
from hashlib import sha256
from pathlib import Path

from tessera.adapters.files.dicom_source import not_read
from tessera.domain.deid.gate import DeidentifiedInstance, row_as_written
from tessera.domain.imaging.encoding import DEFLATED_LE
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.zones import Deidentified

_CHUNK = 1 << 20


def write_instance(
    instance: Deidentified[DeidentifiedInstance], path: Path, *, place: str, durable: bool
) -> Deidentified[InstanceRow]:
    """Write the file and return its row with sizes and hashes; `place` is the row's path.

    Overwrites `path`. Memory does not depend on the size of the pixel data. With
    `durable` the bytes are on the disk when it returns. A failure leaves no file.
    """
    value = instance.value
    whole, pixel = sha256(), sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        with open(descriptor, "wb", buffering=0) as out:
            packer = (
                zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
                if value.row.transfer_syntax_uid == DEFLATED_LE
                else None
            )

            def put(data: bytes) -> int:
                whole.update(data)
                return _write_all(out.fileno(), data)

            def put_dataset(data: bytes) -> int:
                return put(packer.compress(data)) if packer else put(data)

            size = 0
            if packer or not value.pixels:
                size = put(value.meta) + put_dataset(value.head)
            else:
                size = put(value.meta + value.head)
            if value.pixels:
                offset, left = value.pixels
                skip = left - value.row.pixel_bytes
                while left:
                    chunk = value.source.read(offset, min(left, _CHUNK))
                    if not chunk:
                        raise not_read("the file became shorter while it was read")
                    pixel.update(chunk[skip:] if skip else chunk)
                    skip = 0
                    size += put_dataset(chunk)
                    offset, left = offset + len(chunk), left - len(chunk)
            if packer:
                tail = packer.flush()
                size += put(tail + b"\0" if (size + len(tail)) & 1 else tail)
            if durable:
                os.fdatasync(out.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return row_as_written(
        instance,
        n_bytes=size,
        sha256=whole.hexdigest(),
        pixel_sha256=pixel.hexdigest() if value.pixels else "",
        path=place,
    )


def _write_all(descriptor: int, data: bytes) -> int:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    return len(data)
