"""Back a home up while it is in use, and restore it.

The order makes it one moment (decision record 0005): datasets and waiting files, then the ledger,
then the index, then the instances that this index names. So each row of the backup has its file.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tessera import __version__
from tessera.adapters.files.backup_folder import BackupWriter, Kept, read_manifest, restored
from tessera.adapters.sqlite_node import SqliteInstanceIndex
from tessera.bootstrap.fsck import databases_of
from tessera.bootstrap.node import Node, open_node
from tessera.bootstrap.store_settings import STORE_KEYS, without_settings
from tessera.bootstrap.stores import INDEX_FILE, LEDGER_FILE, database_of, mirrored_index_of
from tessera.bootstrap.vault import vault_of
from tessera.domain.errors import Conflict, InvalidInput, NotFound, TesseraError
from tessera.domain.imaging.instance import InstanceRow

_NOT_KEPT: Final = frozenset(
    (
        "research/instances",
        "research/cache",
        "research/staging",
        "identified/inbox",
        "runs",
        "audit",
    )
)
"""Folders that hold nothing of their own, or what is kept in another way."""
_ENDS: Final = (".lock", ".part", ".sqlite-wal", ".sqlite-shm", ".moved", ".new", ".seen")
_STARTS: Final = (".staging-", ".part-", ".new-")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    n_files: int
    n_instances: int
    n_bytes: int
    damaged: tuple[str, ...]
    """Places of instances that are missing or not what the index says: not in the backup."""


def back_up(
    home: Path,
    folder: Path,
    *,
    link: bool = False,
    on_step: Callable[[str, int], None] = lambda _step, _n: None,
) -> BackedUp:
    """Write a backup of a home into a folder, in place of the one that is there.

    With `link` what never changes is not copied where `folder` is on the same file system.
    Raises NotFound, Conflict, Unavailable, InvalidInput.
    """
    node, folder = open_node(home), folder.absolute()
    if folder.is_relative_to(node.home) or node.home.is_relative_to(folder):
        raise InvalidInput("the backup must lie outside the home")
    with alone(folder):
        writer, n_files = BackupWriter(folder), 0
        on_step("files", 0)
        for path, place in _files(node):
            writer.put_file(path, place, link=link and _never_changes(place))
            n_files += 1
        on_step("databases", 0)
        _put_databases(node, writer)
        put_audit(node.home / "audit", writer)
        for path, place in _files(node):  # what came meanwhile, as to quarantine
            if not place.startswith("research/datasets/") and not writer.has_like(path, place):
                writer.put_file(path, place)
        if node.settings.postgres_dsn_file:
            mirrored_index_of(node.home, node.settings).copy_to(writer.place_for(INDEX_FILE))
        index = SqliteInstanceIndex(writer.place_for(INDEX_FILE))
        totals = index.totals()
        on_step("instances", totals.n_instances)
        damaged: list[InstanceRow] = []
        gone: list[InstanceRow] = []
        for row in index.all():
            if not _put_instance(node, writer, row, link=link):
                (damaged if node.index.find([row.instance_uid]) else gone).append(row)
            on_step("instance", 1)
        index.remove([row.instance_uid for row in gone])
        index.close()
        _as_one_file(writer, INDEX_FILE)
        writer.commit(
            {
                "made": datetime.now(UTC).isoformat(timespec="seconds"),
                "software": __version__,
                "name": node.settings.name,
            }
        )
    return BackedUp(
        n_files=n_files,
        n_instances=totals.n_instances - len(damaged) - len(gone),
        n_bytes=totals.n_bytes,
        damaged=tuple(row.path for row in damaged),
    )


def restore(
    folder: Path, home: Path, *, on_step: Callable[[str, int], None] = lambda _step, _n: None
) -> Path:
    """Make a home from a backup; return it. Every file is proved before the home is there.

    It keeps its state in SQLite and its files in a folder, wherever they were. An interrupted
    restore goes on. Raises NotFound, Conflict.
    """
    home, folder = home.absolute(), folder.absolute()
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise Conflict(f"{home} is there already; name a folder that is not")
    _, kept = read_manifest(folder)
    on_step("files", len(kept))
    new = home.with_name(f".{home.name}.restoring")
    new.mkdir(mode=0o700, parents=True, exist_ok=True)
    for _ in restored(folder, new):
        on_step("file", 1)
    _made_whole(new)
    if home.exists():
        home.rmdir()
    new.rename(home)
    return home


def _made_whole(home: Path) -> None:
    for name in ("identified/inbox", "identified/quarantine", "research/staging", "link"):
        (home / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("identified", "link"):
        (home / name).chmod(0o700)
    settings = home / "node.toml"
    if not settings.exists():
        raise NotFound("the backup has no node.toml: it is not of a node")
    text = without_settings(settings.read_text("utf-8"), STORE_KEYS)
    settings.write_text(text, "utf-8")
    for version in (home / "research").glob("datasets/*/v*"):
        version.chmod(0o755)
    os.sync()


def _put_databases(node: Node, writer: BackupWriter) -> None:
    """The ledger first and the index last: a stored source then always has its row."""
    if node.settings.postgres_dsn_file:
        from tessera.adapters.postgres_node import copying

        for zone, parts in (("identified", copying.IDENTIFIED), ("research", copying.RESEARCH)):
            database = database_of(node.home, node.settings, zone)  # type: ignore[arg-type]
            for part in parts.values():
                if part.file != INDEX_FILE:
                    copying.into_sqlite(database, writer.root, part)
                    _as_one_file(writer, part.file)
    found = {*databases_of(node.home), *_walked(node, (".sqlite",))}
    places = [str(path.relative_to(node.home)) for path in found]
    places.sort(key=lambda place: (place != LEDGER_FILE, place == INDEX_FILE, place))
    for place in places:
        if not writer.place_for(place).exists():
            writer.put_database(node.home / place, place)


def _as_one_file(writer: BackupWriter, place: str) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(writer.root / place)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    writer.adopt(place)


def _put_instance(node: Node, writer: BackupWriter, row: InstanceRow, *, link: bool) -> bool:
    """Keep one instance; from staging when it is on its way to its place just now."""
    if link and not node.settings.s3_bucket:
        path = node.store.path(row.path)
        if writer.link_instance(path, row.path, row.n_bytes, row.sha256):
            return True
    with suppress(NotFound):
        if writer.put_instance(
            row.path, row.n_bytes, row.sha256, lambda: node.store.stream(row.path)
        ):
            return True
    for name, uid in node.store.leftovers().items():
        if uid == row.instance_uid:
            with suppress(FileNotFoundError):
                content = (node.store.staging / name).read_bytes()
                if writer.put_instance(row.path, row.n_bytes, row.sha256, lambda: [content]):  # noqa: B023
                    return True
    with suppress(NotFound):  # it was moved while staging was looked through
        return writer.put_instance(
            row.path, row.n_bytes, row.sha256, lambda: node.store.stream(row.path)
        )
    return False


def put_audit(audit: Path, writer: BackupWriter) -> None:
    """Keep the files of an audit log as one moment has them: they speak of each other."""
    if not audit.exists():
        return
    with (audit / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for path in sorted(audit.rglob("*")):
            if path.is_file() and path.name != "lock":
                writer.put_file(path, f"audit/{path.relative_to(audit)}")


def _files(node: Node) -> Iterator[tuple[Path, str]]:
    """Yield the files of a home that are neither databases nor instances, and never a key."""
    key_file = _vault_key_file(node)
    for path in _walked(node):
        if path != key_file and path.suffix != ".sqlite":
            yield path, str(path.relative_to(node.home))


def _walked(node: Node, ends: tuple[str, ...] = ("",)) -> Iterator[Path]:
    home = node.home
    for folder, names, files in os.walk(home):
        at = Path(folder)
        inside = "" if at == home else str(at.relative_to(home))
        names[:] = sorted(
            name
            for name in names
            if f"{inside}/{name}".lstrip("/") not in _NOT_KEPT and not is_passing(name)
        )
        for name in sorted(files):
            path = at / name
            if name.endswith(ends) and not is_passing(name) and not path.is_symlink():
                yield path


def is_passing(name: str) -> bool:
    """Say whether a file or folder of this name is under way, or a lock."""
    return name.endswith(_ENDS) or name.startswith(_STARTS)


def _never_changes(place: str) -> bool:
    return place.startswith(("identified/quarantine/", "research/datasets/"))


def _vault_key_file(node: Node) -> Path | None:
    """The key that opens the vault is in no backup, also where it was put into the home."""
    try:
        wrapping = vault_of(node.home).wrapping()
    except TesseraError:
        return None
    return Path(wrapping.place).absolute() if wrapping.kind == "file" else None


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder of a backup. Raises Conflict while another holds it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "backup.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise Conflict("another backup is being written into this folder") from err
        yield


__all__ = ["BackedUp", "Kept", "alone", "back_up", "is_passing", "put_audit", "restore"]
