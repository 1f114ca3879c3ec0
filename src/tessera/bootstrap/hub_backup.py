"""Back a hub's home up while the hub runs, and restore it.

The store is taken first and the audit log after it: what the store says of a change, the log of the
same backup says too.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tessera import __version__
from tessera.adapters.files.backup_folder import BackupWriter, read_manifest, restored
from tessera.bootstrap.backup import alone, is_passing, put_audit
from tessera.bootstrap.hub import HubSettings
from tessera.domain.errors import Conflict, InvalidInput, NotFound

_STORE: Final = "hub.sqlite"
_KEPT_APART: Final = ("audit",)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubBackedUp:
    n_files: int
    n_bytes: int


def back_up_hub(home: Path, folder: Path) -> HubBackedUp:
    """Write a backup of a hub's home into a folder, in place of the one that is there.

    The hub's key is in it. Raises NotFound, Conflict, InvalidInput.
    """
    home, folder = home.absolute(), folder.absolute()
    if not (home / _STORE).exists():
        raise NotFound(f"{home} is no home of a hub")
    if folder.is_relative_to(home) or home.is_relative_to(folder):
        raise InvalidInput("the backup must lie outside the home")
    with alone(folder):
        writer = BackupWriter(folder)
        writer.put_database(home / _STORE, _STORE)
        for path, place in _files(home):
            writer.put_file(path, place)
        put_audit(home / "audit", writer)
        writer.commit(
            {
                "made": datetime.now(UTC).isoformat(timespec="seconds"),
                "software": __version__,
                "name": HubSettings.load(home).name,
            }
        )
    _, kept = read_manifest(folder)
    return HubBackedUp(n_files=len(kept), n_bytes=sum(one.n_bytes for one in kept))


def restore_hub(folder: Path, home: Path) -> datetime:
    """Make a hub's home from a backup; return when the backup was made.

    Every file is proved before the home is there; an interrupted restore goes on. Raises
    NotFound, Conflict.
    """
    home, folder = home.absolute(), folder.absolute()
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise Conflict(f"{home} is there already; name a folder that is not")
    head, kept = read_manifest(folder)
    if _STORE not in {one.place for one in kept}:
        raise NotFound(f"{folder} holds no backup of a hub")
    new = home.with_name(f".{home.name}.restoring")
    new.mkdir(mode=0o700, parents=True, exist_ok=True)
    for _ in restored(folder, new):
        pass
    os.sync()
    if home.exists():
        home.rmdir()
    new.rename(home)
    return datetime.fromisoformat(str(head["made"]))


def _files(home: Path) -> Iterator[tuple[Path, str]]:
    for folder, names, files in os.walk(home):
        at = Path(folder)
        if at == home:
            names[:] = [name for name in names if name not in _KEPT_APART]
        names[:] = sorted(name for name in names if not is_passing(name))
        for name in sorted(files):
            path = at / name
            if not (is_passing(name) or path.is_symlink() or path == home / _STORE):
                yield path, str(path.relative_to(home))
