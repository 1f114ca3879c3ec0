"""What a person names on the command line, as sources: folders, zips, single files; by content."""

import os
import stat
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tessera.domain.errors import InvalidInput
from tessera.ports.ledger import SourceFile

ZIP_MAGIC = b"PK\x03\x04"
_NAMES = (".dcm", ".DCM")
"""What ends like this is taken for an instance; a zip of such a name is refused, with its mend."""


def sources_under(paths: Iterable[Path]) -> Iterator[SourceFile]:
    """Yield every file under `paths`, sorted; a zip yields its members.

    Links to folders are not followed. What cannot be read here (a folder without
    permission, a pipe) is a source as well, so that the worker refuses it by name.
    Raises InvalidInput for a path that is not there.
    """
    for path in paths:
        if not path.exists():
            raise InvalidInput(f"{path}: no such file or folder")
        if path.is_dir():
            for file in _files(path.absolute()):
                yield from _sources(file)
        else:
            yield from _sources(str(path.absolute()))


def zip_members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the files of a zip by a name that is used once: a zip may repeat names."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name, n = info.filename, 1
        while name in members:
            n += 1
            name = f"{info.filename}#{n}"
        if not info.is_dir():
            members[name] = info
    return members


def _files(folder: Path) -> Iterator[str]:
    closed: list[str] = []
    for where, folders, names in os.walk(
        folder, onerror=lambda err: closed.append(os.fsdecode(err.filename))
    ):
        folders.sort()
        for name in sorted(names):
            yield f"{where}/{name}"
    yield from closed


def _sources(where: str) -> Iterator[SourceFile]:
    try:
        info = Path(where).stat()
        # A pipe would wait for ever to be opened, a device may never end.
        regular = stat.S_ISREG(info.st_mode)
        # To open each file here would take as long as to take its header in.
        head = _head(where) if regular and not where.endswith(_NAMES) else b""
    except OSError:
        regular = False
    if not regular:
        yield SourceFile(path=where, size=0, modified_ns=0)
        return
    plain = SourceFile(path=where, size=info.st_size, modified_ns=info.st_mtime_ns)
    if head != ZIP_MAGIC:
        yield plain
        return
    try:
        with zipfile.ZipFile(where) as archive:
            members = zip_members(archive)
    except Exception:  # zipfile raises nearly anything on damage; the worker refuses it
        yield plain
        return
    for name, member in members.items():
        yield SourceFile(
            path=where, member=name, size=member.file_size, modified_ns=plain.modified_ns
        )


def _head(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(len(ZIP_MAGIC))
