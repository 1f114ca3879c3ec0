"""StowInbox in the folder of arrivals: one folder inside it, as each receiving process has one."""

import os
import secrets
from pathlib import Path
from typing import Final

_UNFINISHED: Final = ".writing"


class StowFolder:
    def __init__(self, received: Path) -> None:
        self._folder = received / "stow"
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def new(self) -> "StowFile":
        return StowFile(self._folder, secrets.token_hex(12))

    def clear(self) -> None:
        """Remove what an earlier server left unfinished; its senders were told no success."""
        for path in self._folder.glob(f"*{_UNFINISHED}"):
            path.unlink(missing_ok=True)


class StowFile:
    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._unfinished = folder / (name + _UNFINISHED)
        self._path = folder / f"{name}.dcm"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(self._unfinished, flags, 0o600)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def publish(self) -> None:
        os.fdatasync(self._descriptor)
        self._close()
        self._unfinished.rename(self._path)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def abandon(self) -> None:
        self._close()
        self._unfinished.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
