"""InstanceStore in a folder: staging/ and instances/<2 hex>/<instance uid>.dcm."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import file_digest, sha256
from pathlib import Path

from tessera.domain.errors import NotFound
from tessera.domain.ids import InstanceUid
from tessera.ports.intake import ObjectEntry

_SUFFIX = ".part"
_PIECE = 1 << 20
_AT_A_TIME = 16
"""Files that are made durable at the same time."""


class FolderInstanceStore:
    """`root` is the node's research folder; `staging` and `instances` are on one file system."""

    def __init__(self, root: Path) -> None:
        self.staging = root / "staging"
        self.instances = root / "instances"
        self.staging.mkdir(parents=True, exist_ok=True)
        self.instances.mkdir(exist_ok=True)

    @staticmethod
    def place_of(instance_uid: str) -> str:
        return f"{sha256(instance_uid.encode()).hexdigest()[:2]}/{instance_uid}.dcm"

    def place(self, instance_uid: InstanceUid) -> str:
        return self.place_of(instance_uid)

    def path(self, place: str) -> Path:
        return self.instances / place

    def publish(self, staged: Mapping[str, str]) -> None:
        for name, place in staged.items():
            target = self.path(place)
            target.parent.mkdir(exist_ok=True)
            (self.staging / name).replace(target)

    def discard(self, staged: Sequence[str]) -> None:
        for name in staged:
            (self.staging / name).unlink(missing_ok=True)

    def leftovers(self) -> Mapping[str, InstanceUid]:
        return {
            entry.name: InstanceUid(entry.name.split("_", 1)[0])
            for entry in os.scandir(self.staging)
            if entry.name.endswith(_SUFFIX)
        }

    def sha256(self, staged: str) -> str:
        with (self.staging / staged).open("rb") as file:
            return file_digest(file, "sha256").hexdigest()

    def entries(self) -> Iterator[ObjectEntry]:
        """Yield what the store holds: place and size, by place."""
        for folder in sorted(self.instances.iterdir()):
            if folder.is_dir():
                for file in sorted(folder.iterdir()):
                    yield ObjectEntry(f"{folder.name}/{file.name}", file.stat().st_size)

    def find(self, place: str) -> ObjectEntry | None:
        """Return what is at a place, or None."""
        try:
            return ObjectEntry(place, self.path(place).stat().st_size)
        except FileNotFoundError:
            return None

    def digest(self, place: str) -> str:
        """Return the SHA-256 of an instance file's content. Raises NotFound."""
        try:
            with self.path(place).open("rb") as file:
                return file_digest(file, "sha256").hexdigest()
        except FileNotFoundError as err:
            raise NotFound("there is no such file in the store") from err

    def stream(self, place: str, offset: int = 0, n_bytes: int = -1) -> Iterator[bytes]:
        """Yield a range of an instance file, or all from `offset`. Raises NotFound."""
        try:
            with self.path(place).open("rb") as file:
                file.seek(offset)
                left = n_bytes if n_bytes >= 0 else self.path(place).stat().st_size - offset
                while left > 0 and (piece := file.read(min(left, _PIECE))):
                    yield piece
                    left -= len(piece)
        except FileNotFoundError as err:
            raise NotFound("there is no such file in the store") from err

    def remove(self, place: str) -> None:
        """Remove an instance file; an unknown place is no error."""
        self.path(place).unlink(missing_ok=True)

    def staged_name(self, instance_uid: str, unique: str) -> str:
        """Return a staging name that tells the instance and is used once."""
        return f"{instance_uid}_{unique}{_SUFFIX}"


def sync_files(paths: Sequence[Path]) -> None:
    """Make the contents of files durable: asked for at the same time, a disk does them together."""
    if paths:
        with ThreadPoolExecutor(min(_AT_A_TIME, len(paths))) as threads:
            list(threads.map(_sync_file, paths))


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
