"""InstanceStore in a folder: staging/ and instances/<2 hex>/<instance uid>.dcm."""

import os
from collections.abc import Mapping, Sequence
from hashlib import file_digest, sha256
from pathlib import Path

from tessera.domain.ids import InstanceUid

_SUFFIX = ".part"


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

    def staged_name(self, instance_uid: str, unique: str) -> str:
        """Return a staging name that tells the instance and is used once."""
        return f"{instance_uid}_{unique}{_SUFFIX}"


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
