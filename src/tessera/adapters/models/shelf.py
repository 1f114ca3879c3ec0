"""ModelShelf as folders: <root>/<sha256>/inputs/model.npz, tool/ and about.json."""

import json
import os
import shutil
from collections.abc import Sequence
from hashlib import file_digest
from pathlib import Path
from tempfile import mkdtemp

from tessera.adapters.files.instance_store import sync_folder
from tessera.adapters.files.tool_folder import read_tool, write_tool
from tessera.domain.access.tool import ToolBundle
from tessera.domain.case.model import ModelCard, ReleasedModel, is_whole_id
from tessera.domain.errors import Conflict, NotFound

FORMAT = "tessera-model/1"
_ABOUT, _GONE = "about.json", ".removed"


class FolderModelShelf:
    def __init__(self, root: Path) -> None:
        """Nothing is made at `root` before the first model."""
        self._root = root

    def put(self, model: ReleasedModel, content: bytes, tool: ToolBundle) -> None:
        self._root.mkdir(mode=0o750, parents=True, exist_ok=True)
        place = self._place(model.sha256)
        if place.is_dir() and _read(place).tool == model.tool:
            _replace(place / _ABOUT, json.dumps(_about(model), indent=1).encode())
            return
        staged = Path(mkdtemp(prefix=".part-", dir=self._root))
        try:
            staged.chmod(0o755)
            (staged / "inputs").mkdir(mode=0o755)
            _write(staged / "inputs" / "model.npz", content)
            sync_folder(staged / "inputs")
            write_tool(tool, staged / "tool")
            _write(staged / _ABOUT, json.dumps(_about(model), indent=1).encode())
            sync_folder(staged)
            if place.exists():
                gone = staged.with_name(f"{staged.name}-old")
                place.rename(gone)
                staged.rename(place)
                shutil.rmtree(gone, ignore_errors=True)
            else:
                staged.rename(place)
            self._mark(model.sha256).unlink(missing_ok=True)
            sync_folder(self._root)
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def all(self) -> Sequence[ReleasedModel]:
        if not self._root.is_dir():
            return ()
        names = sorted(entry.name for entry in self._root.iterdir() if is_whole_id(entry.name))
        return tuple(_read(self._root / name) for name in names)

    def was_removed(self, sha256: str) -> bool:
        return self._mark(sha256).exists()

    def remove(self, sha256: str) -> None:
        place = self._place(sha256)
        if not place.is_dir():
            raise NotFound(f"no model {sha256[:12]} at this node")
        self._mark(sha256).touch()
        gone = Path(mkdtemp(prefix=".part-", dir=self._root)) / "gone"
        place.rename(gone)
        sync_folder(self._root)
        shutil.rmtree(gone.parent, ignore_errors=True)

    def opened(self, sha256: str) -> tuple[ToolBundle, Path, Path]:
        place = self._place(sha256)
        if not place.is_dir():
            raise NotFound(f"no model {sha256[:12]} at this node")
        model = _read(place)
        tool = read_tool(place / "tool")
        with (place / "inputs" / "model.npz").open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        if digest != sha256 or tool.digest != model.tool:
            raise Conflict(f"{place} was changed: remove the model and add it again")
        return tool, place / "tool", place / "inputs"

    def _place(self, sha256: str) -> Path:
        return self._root / sha256

    def _mark(self, sha256: str) -> Path:
        return self._root / f"{sha256}{_GONE}"


def _about(model: ReleasedModel) -> dict[str, object]:
    return {
        "format": FORMAT,
        "sha256": model.sha256,
        "n_bytes": model.n_bytes,
        "tool": {"digest": model.tool, "name": model.tool_name, "version": model.tool_version},
        "card": model.card.as_json(),
        "origin": model.origin,
    }


def _read(place: Path) -> ReleasedModel:
    try:
        raw = json.loads((place / _ABOUT).read_text(encoding="utf-8"))
        return ReleasedModel(
            sha256=place.name,
            n_bytes=int(raw["n_bytes"]),
            tool=str(raw["tool"]["digest"]),
            tool_name=str(raw["tool"]["name"]),
            tool_version=str(raw["tool"]["version"]),
            card=ModelCard.parse(json.dumps(raw["card"]).encode()),
            origin=str(raw["origin"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise Conflict(f"{place} was changed: remove the folder and add the model again") from err


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    _write(part, content)
    part.replace(path)
    sync_folder(path.parent)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o444)
