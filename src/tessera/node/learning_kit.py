"""The start-up kit of an engine: a small zip from the hub, unpacked without believing it."""

import io
import os
import re
import zipfile
import zlib
from pathlib import Path
from typing import Final

from tessera.domain.errors import InvalidInput

MAX_FILES: Final = 32
MAX_BYTES: Final = 1_000_000
"""Of all files, unpacked: certificates, a key, an address."""
_PLACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,59}(?:/[A-Za-z0-9_][A-Za-z0-9_.-]{0,59}){0,2}")
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class BadKit(InvalidInput):
    """What came as a start-up kit is none."""

    code = "bad-kit"
    public = "The start-up kit of the training cannot be used."


def unpack_kit(content: bytes, folder: Path) -> None:
    """Write the files of a kit into `folder`, which is made, all private. Raises BadKit.

    Only plain files with plain names, at most `MAX_BYTES` in all, each name once.
    """
    if len(content) > MAX_BYTES:
        raise BadKit(f"{len(content)} bytes; at most {MAX_BYTES}")
    files = _files(content)
    folder.mkdir(mode=0o700, parents=True)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)


def _files(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _read(archive)
    except BadKit:
        raise
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError, OSError) as err:
        raise BadKit(f"no zip archive: {type(err).__name__}") from err
    except (RuntimeError, EOFError) as err:  # encrypted, or cut off
        raise BadKit("the archive cannot be read") from err


def _read(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = archive.infolist()
    if not 1 <= len(entries) <= MAX_FILES:
        raise BadKit(f"{len(entries)} files; from 1 to {MAX_FILES}")
    found: dict[str, bytes] = {}
    n_bytes = 0
    for entry in entries:
        is_link = (entry.external_attr >> 16) & 0o170000 not in (0, 0o100000)
        if is_link or not _PLACE.fullmatch(entry.filename) or entry.filename in found:
            raise BadKit(f"{entry.filename[:60]!r} is no plain file")
        if entry.compress_type not in _METHODS:
            raise BadKit(f"{entry.filename!r} is packed in an unknown way")
        with archive.open(entry) as file:
            data = file.read(MAX_BYTES - n_bytes + 1)
        n_bytes += len(data)
        if n_bytes > MAX_BYTES:
            raise BadKit(f"more than {MAX_BYTES} bytes unpacked")
        found[entry.filename] = data
    if any(other.startswith(f"{name}/") for name in found for other in found):
        raise BadKit("a name is a file and a folder")
    return found
