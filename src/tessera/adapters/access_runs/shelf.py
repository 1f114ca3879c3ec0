"""AirlockShelf as folders: <root>/<use id>/findings.json and files/."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from tessera.adapters.files.instance_store import sync_folder
from tessera.domain.access.airlock import Inspection
from tessera.domain.errors import NotFound

FORMAT = "tessera-findings/1"


class FolderAirlock:
    def __init__(self, root: Path) -> None:
        self._root = root

    def put(
        self, use_id: str, files: Mapping[str, bytes], inspections: Mapping[str, Inspection]
    ) -> None:
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = self._folder(use_id)
        part = self._root / f".part-{target.name}"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        (part / "files").mkdir(mode=0o700)
        for name, content in files.items():
            _write(part / "files" / name, content)
        body = {
            "format": FORMAT,
            "use_id": use_id,
            "outputs": [_shown(name, files[name], inspections[name]) for name in sorted(files)],
        }
        _write(part / "findings.json", json.dumps(body, ensure_ascii=False, indent=1).encode())
        sync_folder(part / "files")
        sync_folder(part)
        if target.exists():
            shutil.rmtree(target)
        part.rename(target)
        sync_folder(self._root)

    @contextmanager
    def alone(self, use_id: str) -> Iterator[None]:
        # Beside the outputs, which somebody may have removed: then they are withheld.
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._root / f".lock-{self._folder(use_id).name}"
        path.touch(mode=0o600)
        with path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def has(self, use_id: str) -> bool:
        return (self._folder(use_id) / "findings.json").is_file()

    def sweep(self) -> None:
        for part in self._root.glob(".part-*"):
            shutil.rmtree(part, ignore_errors=True)

    def read(self, use_id: str, name: str) -> bytes:
        path = self._folder(use_id) / "files" / name
        if Path(name).name != name or path.is_symlink():
            raise NotFound(f"no output {name!r:.100} in the airlock of {use_id}")
        try:
            return path.read_bytes()
        except OSError as err:
            raise NotFound(f"no output {name!r:.100} in the airlock of {use_id}") from err

    def place(self, use_id: str) -> str:
        return str(self._folder(use_id) / "files")

    def _folder(self, use_id: str) -> Path:
        try:
            return self._root / str(UUID(use_id))
        except ValueError as err:
            raise NotFound(f"{use_id!r:.60} names no run: it is a UUID") from err


def _shown(name: str, content: bytes, inspection: Inspection) -> dict[str, object]:
    return {
        "name": name,
        "sha256": inspection.sha256,
        "n_bytes": len(content),
        "findings": [
            {
                "code": one.code,
                "severity": one.severity.value,
                "final": one.is_final,
                "text": one.text,
            }
            for one in inspection.findings
        ],
    }


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o400)
