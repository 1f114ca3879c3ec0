"""ArrivalFiles in a folder: one folder inside for each receiving process."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tessera.adapters.files.dicom_source import opened
from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import OddEncoding, Source, read_file_meta
from tessera.domain.imaging.origin import Origin, origin_of
from tessera.ports.arrivals import Arrival, Arrivals
from tessera.ports.ledger import SourceFile

_SUFFIX: Final = ".dcm"
_PART: Final = ".part"
_TITLE: Final = re.compile(rb"\x02\x00\x16\x00AE(..)", re.DOTALL)
_ROWS: Final = 500


class ArrivalsFolder:
    """`keep`: where what was taken in goes; None removes it."""

    def __init__(self, folder: Path, open_book: Callable[[], Arrivals], keep: Path | None) -> None:
        self._folder = folder
        self._keep = keep
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._book = open_book()

    def mend(self) -> None:
        for path in self._folder.glob(f"[0-9]*/*{_PART}"):
            path.unlink(missing_ok=True)
        self.tidy()
        known = {one.name for one in self._book.waiting()}
        new = [name for name in self._names() if name not in known]
        for first in range(0, len(new), _ROWS):
            self._book.add([self._row(name) for name in new[first : first + _ROWS]])

    def waiting(self, at_most: int) -> Sequence[SourceFile]:
        # The second half of a name is when it was made: folders take their turns.
        names = sorted(self._names(), key=lambda name: (name.partition("/")[2], name))
        found = []
        for name in names[:at_most]:
            path = self._folder / name
            with suppress(FileNotFoundError):  # taken in meanwhile by another process
                info = path.stat()
                found.append(
                    SourceFile(path=str(path), size=info.st_size, modified_ns=info.st_mtime_ns)
                )
        return found

    def settle(self, sources: Sequence[SourceFile]) -> None:
        names = []
        for source in sources:
            path = Path(source.path)
            names.append(str(path.relative_to(self._folder)))
            if self._keep is None:
                path.unlink(missing_ok=True)
            elif path.exists():
                day = self._keep / f"{datetime.now(UTC):%Y-%m-%d}"
                day.mkdir(parents=True, exist_ok=True, mode=0o700)
                path.replace(day / f"{path.parent.name}-{path.name}")
        self._book.remove(names)

    def tidy(self) -> None:
        if self._book.count()[0]:
            files = set(self._names())
            gone = [one.name for one in self._book.waiting() if one.name not in files]
            # A file may be taken in before its row is written.
            self._book.remove([name for name in gone if not (self._folder / name).exists()])

    def _names(self) -> Iterator[str]:
        for folder in os.scandir(self._folder):
            if folder.is_dir(follow_symlinks=False):
                for entry in os.scandir(folder.path):
                    if entry.name.endswith(_SUFFIX):
                        yield f"{folder.name}/{entry.name}"

    def _row(self, name: str) -> Arrival:
        """Read again what the receiver knew of a file."""
        path = self._folder / name
        info = path.stat()
        sop_class, instance, syntax, caller, origin = "", "", "", "", Origin()
        try:
            with opened(path) as file:
                meta = read_file_meta(file)
                sop_class, instance = meta.sop_class_uid, meta.instance_uid
                syntax = meta.transfer_syntax_uid
                caller = _caller(file.read(0, meta.dataset_offset))
                origin = origin_of(_After(file, meta.dataset_offset), syntax)
        except (InvalidDicom, OddEncoding):
            pass  # ingest says what is wrong with it
        return Arrival(
            name=name,
            caller=caller,
            sop_class=sop_class,
            transfer_syntax=syntax,
            instance_uid=instance,
            n_bytes=info.st_size,
            received=datetime.fromtimestamp(info.st_mtime, UTC),
            origin=origin,
        )


class _After:
    """A Source without its first bytes."""

    def __init__(self, source: Source, offset: int) -> None:
        self._source, self._offset = source, offset

    @property
    def size(self) -> int:
        return self._source.size - self._offset

    def read(self, offset: int, length: int) -> bytes:
        return self._source.read(self._offset + offset, length)


def _caller(start: bytes) -> str:
    """Return the SourceApplicationEntityTitle of file meta information, "" without one."""
    found = _TITLE.search(start)
    if found is None:
        return ""
    end = found.end() + int.from_bytes(found.group(1), "little")
    return start[found.end() : end].decode("ascii", "replace").strip()
