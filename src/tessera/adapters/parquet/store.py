"""The dataset store as folders: <root>/<dataset id>/v<N>/ (research zone)."""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

from tessera.adapters.parquet.table import ALL_TABLES, read_tables, write_table
from tessera.domain.catalogue.manifest import Manifest, TableEntry, parse_manifest
from tessera.domain.clinical.build import CdmTables
from tessera.domain.errors import Conflict, NotFound
from tessera.domain.ids import DatasetId, dataset_id

_VERSION = re.compile(r"v([1-9]\d*)")
_STAGING = ".staging-"
MANIFEST = "manifest.json"


class FolderDatasetStore:
    """Implements `ports.dataset_store.DatasetStore`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def dataset_ids(self) -> tuple[DatasetId, ...]:
        if not self._root.is_dir():
            return ()
        names = sorted(p.name for p in self._root.iterdir() if not p.name.startswith("."))
        return tuple(dataset_id(name) for name in names if self.versions(DatasetId(name)))

    def versions(self, dataset_id: DatasetId) -> tuple[int, ...]:
        folder = self._root / dataset_id
        if not folder.is_dir():
            return ()
        found = [
            int(match[1])
            for child in folder.iterdir()
            if (match := _VERSION.fullmatch(child.name)) and (child / MANIFEST).is_file()
        ]
        return tuple(sorted(found))

    def manifest(self, dataset_id: DatasetId, version: int) -> Manifest:
        return parse_manifest(self.read(dataset_id, version, MANIFEST))

    def read(self, dataset_id: DatasetId, version: int, name: str) -> bytes:
        try:
            return (self.folder(dataset_id, version) / name).read_bytes()
        except FileNotFoundError as cause:
            raise NotFound(f"dataset {dataset_id} version {version} has no file {name}") from cause

    def folder(self, dataset_id: DatasetId, version: int) -> Path:
        folder = self._root / dataset_id / f"v{version}"
        if version in self.versions(dataset_id):
            return folder
        known = ", ".join(str(v) for v in self.versions(dataset_id))
        have = f"it has {known}" if known else "no such dataset"
        raise NotFound(f"dataset {dataset_id} has no version {version}; {have}")

    def tables(
        self, dataset_id: DatasetId, version: int, names: Sequence[str] = ALL_TABLES
    ) -> CdmTables:
        return read_tables(self.folder(dataset_id, version), names)

    @contextmanager
    def stage(self) -> Iterator["StagedFolder"]:
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as cause:
                raise Conflict(
                    "another process is making a dataset version; wait for it"
                ) from cause
            for left_over in self._root.glob(f"{_STAGING}*"):
                shutil.rmtree(left_over)
            staged = StagedFolder(self._root, Path(mkdtemp(prefix=_STAGING, dir=self._root)))
            try:
                yield staged
            finally:
                shutil.rmtree(staged.folder, ignore_errors=True)


class StagedFolder:
    """Implements `ports.dataset_store.StagedVersion`."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self.folder = folder

    def write_tables(self, tables: CdmTables) -> dict[str, TableEntry]:
        for earlier in self.folder.glob("*.parquet"):
            earlier.unlink()
        entries = {}
        for name, table in tables.by_name.items():
            path = self.folder / f"{name}.parquet"
            write_table(path, table)
            entries[name] = TableEntry(_file_sha256(path), len(table.rows))
        return entries

    def write(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)

    def commit(self, manifest: Manifest) -> Path:
        self.write(MANIFEST, manifest.raw)
        for path in self.folder.iterdir():
            _sync(path)
            path.chmod(0o444)
        self.folder.chmod(0o755)
        _sync(self.folder)
        parent = self._root / manifest.dataset_id
        parent.mkdir(exist_ok=True)
        _sync(self._root)
        target = parent / f"v{manifest.version}"
        try:
            self.folder.rename(target)
        except OSError as cause:
            raise Conflict(
                f"dataset {manifest.dataset_id} already has version {manifest.version}"
            ) from cause
        _sync(parent)
        return target


def _file_sha256(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
