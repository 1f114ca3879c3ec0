"""A backup as a folder: `state/` is made anew each time, `instances/` grows by what is new.

`state/manifest.jsonl` names every file with its size and hash and is written last: a folder
without it is no backup, and one that was interrupted keeps the state that it had.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from tessera.adapters.files.instance_store import sync_folder
from tessera.domain.errors import Conflict, NotFound

FORMAT: Final = "tessera-backup/1"
_MANIFEST: Final = "manifest.jsonl"
_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """One file of a backup. `place` is from the home, or from the instance store."""

    place: str
    n_bytes: int
    sha256: str
    mode: int = 0o600
    is_instance: bool = False


class BackupWriter:
    """Writes one backup into `folder`, beside what an earlier one left there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self.folder = folder
        self._state = folder / "state.new"
        self._instances = folder / "instances"
        self._kept: dict[str, Kept] = {}
        self._before = {}
        with suppress(NotFound, Conflict):
            _, kept = read_manifest(folder)
            self._before = {one.place: one for one in kept if one.is_instance}
        shutil.rmtree(self._state, ignore_errors=True)
        self._state.mkdir(mode=0o700)
        self._instances.mkdir(mode=0o700, exist_ok=True)

    def put_file(self, source: Path, place: str, *, link: bool = False) -> None:
        """Keep a file of the home; one that is gone meanwhile is left out."""
        target = self._room(self._state, place)
        try:
            mode = source.stat().st_mode & 0o777
            n_bytes, digest = _taken(source, target, link=link)
        except FileNotFoundError:
            return
        self._kept[place] = Kept(place, n_bytes, digest, mode)

    def has_like(self, source: Path, place: str) -> bool:
        """Say whether this backup has a file of the same size and time."""
        target = self._state / place
        try:
            now, then = source.stat(), target.stat()
        except FileNotFoundError:
            return False
        return place in self._kept and (now.st_size, now.st_mtime_ns) == (
            then.st_size,
            then.st_mtime_ns,
        )

    def put_database(self, source: Path, place: str) -> None:
        """Keep a SQLite file as one moment has it, while others write to it."""
        target = self._room(self._state, place)
        target.touch(mode=0o600)
        address = f"{source.absolute().as_uri()}?mode=rw"
        with (
            closing(sqlite3.connect(address, uri=True, timeout=30)) as db,
            closing(sqlite3.connect(target)) as copy,
        ):
            db.backup(copy, pages=4096, sleep=0)
            copy.execute("PRAGMA journal_mode = DELETE")
        self.adopt(place)

    def place_for(self, place: str) -> Path:
        """Return where the caller writes a file of its own; then it calls `adopt`."""
        return self._room(self._state, place)

    def adopt(self, place: str) -> None:
        n_bytes, digest = _measured(self._state / place)
        self._kept[place] = Kept(place, n_bytes, digest, 0o600)

    @property
    def root(self) -> Path:
        """The state under way, laid out as a home is."""
        return self._state

    def put_instance(
        self, place: str, n_bytes: int, digest: str, pieces: Callable[[], Iterable[bytes]]
    ) -> bool:
        """Keep an instance file; False when what comes is not what the index says.

        One that an earlier backup has is not written again.
        """
        target = self._room(self._instances, place)
        kept = Kept(place, n_bytes, digest, 0o600, is_instance=True)
        if self._before.get(place) == kept and _size(target) == n_bytes:
            self._kept[f"instances:{place}"] = kept
            return True
        part = target.with_name(f".{target.name}.part")
        whole = sha256()
        with part.open("wb") as file:
            for piece in pieces():
                whole.update(piece)
                file.write(piece)
        if whole.hexdigest() != digest:
            part.unlink()
            return False
        part.chmod(0o600)
        part.replace(target)
        self._kept[f"instances:{place}"] = kept
        return True

    def link_instance(self, source: Path, place: str, n_bytes: int, digest: str) -> bool:
        """Keep an instance file by a second name on the same file system; its content is not read.

        False when it cannot be linked, or has another size.
        """
        target = self._room(self._instances, place)
        if _size(source) != n_bytes:
            return False
        if _size(target) != n_bytes or not target.samefile(source):
            part = target.with_name(f".{target.name}.part")
            part.unlink(missing_ok=True)
            try:
                os.link(source, part)
            except OSError:
                return False
            part.replace(target)
        self._kept[f"instances:{place}"] = Kept(place, n_bytes, digest, 0o600, is_instance=True)
        return True

    def commit(self, head: dict[str, Any]) -> None:
        """Make this the backup, durably; instances that it does not name are removed."""
        os.sync()
        with (self._state / _MANIFEST).open("w", encoding="utf-8") as file:
            file.write(json.dumps({"format": FORMAT, **head}, ensure_ascii=False) + "\n")
            for kept in self._kept.values():
                file.write(json.dumps(asdict(kept), ensure_ascii=False) + "\n")
            file.write(json.dumps({"end": len(self._kept)}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        state, old = self.folder / "state", self.folder / "state.old"
        shutil.rmtree(old, ignore_errors=True)
        if state.exists():
            state.rename(old)
        self._state.rename(state)
        sync_folder(self.folder)
        shutil.rmtree(old, ignore_errors=True)
        for path in self._instances.glob("*/*"):
            if f"instances:{path.relative_to(self._instances)}" not in self._kept:
                path.unlink()

    def _room(self, root: Path, place: str) -> Path:
        target = root / place
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return target


def read_manifest(folder: Path) -> tuple[dict[str, Any], list[Kept]]:
    """Return what is said of a backup, and its files. Raises NotFound, Conflict."""
    state = folder / "state"
    if not state.exists() and (folder / "state.old").exists():
        state = folder / "state.old"  # killed between two names
    try:
        lines = (state / _MANIFEST).read_text("utf-8").splitlines()
        head, *rest, end = (json.loads(line) for line in lines)
        kept = [Kept(**one) for one in rest]
        if head.get("format") != FORMAT or end != {"end": len(kept)}:
            raise ValueError
    except FileNotFoundError as err:
        raise NotFound(f"{folder} holds no backup") from err
    except (ValueError, TypeError) as err:
        raise Conflict(f"{folder}: its manifest is damaged or of a newer version") from err
    return {**head, "state": state.name}, kept


def restored(folder: Path, home: Path) -> Iterator[Kept]:
    """Copy a backup into `home`, and yield each file after its content was proved.

    What `home` has already with the same content is left. Raises NotFound, Conflict.
    """
    head, kept = read_manifest(folder)
    for one in kept:
        source = folder / ("instances" if one.is_instance else head["state"]) / one.place
        target = home / ("research/instances" if one.is_instance else "") / one.place
        if Path(one.place).is_absolute() or ".." in Path(one.place).parts:
            raise Conflict(f"{folder}: its manifest leads out of the home")
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _size(target) == one.n_bytes and _measured(target)[1] == one.sha256:
            yield one
            continue
        part = target.with_name(f".{target.name}.part")
        try:
            n_bytes, digest = _taken(source, part, link=False)
        except FileNotFoundError as err:
            raise Conflict(f"{folder}: {one.place} is missing in the backup") from err
        if (n_bytes, digest) != (one.n_bytes, one.sha256):
            part.unlink()
            raise Conflict(f"{folder}: {one.place} has changed in the backup")
        part.chmod(one.mode)
        part.replace(target)
        yield one


def _taken(source: Path, target: Path, *, link: bool) -> tuple[int, str]:
    """Link or copy; return size and hash of what is there now."""
    target.unlink(missing_ok=True)
    if link:
        with suppress(OSError):
            os.link(source, target)
            return _measured(target)
    whole, n_bytes = sha256(), 0
    with source.open("rb") as file, target.open("xb") as out:
        status = os.fstat(file.fileno())
        left = status.st_size  # a log that grows meanwhile is kept as it was
        while left and (piece := file.read(min(left, _PIECE))):
            whole.update(piece)
            out.write(piece)
            n_bytes += len(piece)
            left -= len(piece)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    return n_bytes, whole.hexdigest()


def _measured(path: Path) -> tuple[int, str]:
    whole, n_bytes = sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            whole.update(piece)
            n_bytes += len(piece)
    return n_bytes, whole.hexdigest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1
