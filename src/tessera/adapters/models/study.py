"""StudyViews with hard links: a folder with the images of one study and nothing else."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import IO, Final

from tessera.domain.errors import Conflict
from tessera.domain.imaging.instance import InstanceRow

_PREFIX: Final = "case-"


class LinkedStudies:
    """`file_of` returns the file at a place of the store, `folder` is where views are made."""

    def __init__(self, file_of: Callable[[str], Path], folder: Path) -> None:
        self._file_of = file_of
        self._folder = folder

    @contextmanager
    def study(self, rows: Sequence[InstanceRow]) -> Iterator[Path]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / ".lock").open("a") as lock:
            self._clear_if_alone(lock)
            fcntl.flock(lock, fcntl.LOCK_SH)
            made = Path(mkdtemp(prefix=_PREFIX, dir=self._folder))
            try:
                made.chmod(0o755)
                for row in rows:
                    target = made / "case" / "instances" / row.path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    _link(self._file_of(row.path), target)
                yield made
            finally:
                shutil.rmtree(made, ignore_errors=True)

    def _clear_if_alone(self, lock: IO[str]) -> None:
        """Remove what a kill has left, unless another case is under way."""
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        for left in self._folder.glob(f"{_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError as err:
        raise Conflict(f"{source.name} is missing in the store; restore it from a backup") from err
    except OSError:  # a file system, or its rules, that lets no file be linked
        shutil.copyfile(source, target)
