"""What a person names on the command line, as sources: folders, zips, single files; by content."""

import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tessera.domain.errors import InvalidInput
from tessera.ports.ledger import SourceFile

_ZIP = b"PK\x03\x04"


def sources_under(paths: Iterable[Path]) -> Iterator[SourceFile]:
    """Yield every file under `paths`, sorted; a zip yields its members.

    Links to folders are not followed. Raises InvalidInput for a path that is not there.
    """
    for path in paths:
        if not path.exists():
            raise InvalidInput(f"{path}: no such file or folder")
        if path.is_dir():
            for file in _files(path):
                yield from _sources(file)
        else:
            yield from _sources(path)


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield Path(where, name)


def _sources(path: Path) -> Iterator[SourceFile]:
    try:
        info = path.stat()
        with path.open("rb") as file:
            is_zip = file.read(4) == _ZIP
    except OSError:
        # Unreadable here is unreadable to the worker, which refuses it with the reason.
        yield SourceFile(path=str(path.absolute()), size=0, modified_ns=0)
        return
    plain = SourceFile(path=str(path.absolute()), size=info.st_size, modified_ns=info.st_mtime_ns)
    if not is_zip:
        yield plain
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
    except zipfile.BadZipFile:
        yield plain
        return
    for member in members:
        yield SourceFile(
            path=plain.path,
            member=member.filename,
            size=member.file_size,
            modified_ns=plain.modified_ns,
        )
