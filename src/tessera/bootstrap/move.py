"""Move a home's state or files from one kind of store to the other, and switch when it is proved.

What was copied is read back from where it now is, and compared row by row and byte by byte with
where it was. Only then does node.toml name the new store, in one step. The old store is kept,
under a name at which nothing looks for it. An interrupted move goes on where it stopped.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import file_digest
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from tessera.adapters.files.instance_store import sync_folder
from tessera.bootstrap.ingest import only_one_ingest
from tessera.bootstrap.node import Node, NodeSettings, open_node
from tessera.bootstrap.store_settings import (
    STORE_KEYS,
    StoreSettings,
    store_values,
    with_settings,
    without_settings,
)
from tessera.bootstrap.stores import INDEX_FILE, MOVED, bucket_of, database_of, mirrored_index_of
from tessera.domain.errors import Conflict, InvalidInput, InvalidSettings
from tessera.domain.imaging.instance import InstanceRow
from tessera.node.ingest import recover

if TYPE_CHECKING:
    from tessera.adapters.postgres_node import PostgresDatabase
    from tessera.adapters.postgres_node.copying import Part
    from tessera.adapters.s3 import S3Bucket

Target = Literal["postgresql", "sqlite", "s3", "folder"]
OnStep = Callable[[str, int], None]
_MARKER: Final = "move.json"
_AT_ONCE: Final = 8
_BATCH: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    to: Target
    n_copied: int
    """Rows, or files."""
    n_bytes: int
    """Of files."""
    left: tuple[str, ...]
    """What is kept of the old store; it can be removed when all is well."""


def move(
    home: Path,
    to: Target,
    values: Mapping[str, str],
    *,
    on_step: OnStep = lambda _step, _n: None,
) -> Moved:
    """Copy, prove, switch. `values` are the settings of the new store.

    Raises InvalidSettings, Conflict, Unavailable; then the settings are as they were.
    """
    node = open_node(home)
    kind = "postgres_dsn_file" if to in ("postgresql", "sqlite") else "s3_bucket"
    is_there = bool(getattr(node.settings, kind)) == (to in ("postgresql", "s3"))
    if is_there and _switched_to(node.home) == to:
        return _finished(node, to)  # killed after the switch
    if is_there:
        raise Conflict(f"{node.home} keeps this in {to} already")
    if to in ("postgresql", "s3") and not values.get(kind):
        raise InvalidInput("say where to: --dsn-file for postgresql, --bucket for s3")
    new = replace(node.settings, **store_values(values))  # type: ignore[arg-type]
    with (
        _stopped(node),
        only_one_ingest(node),
        _under_way(node.home, to, values) as is_again,
    ):
        recover(node.index, node.store)
        match to:
            case "postgresql":
                return _to_postgres(node, new, values, is_again=is_again, on_step=on_step)
            case "sqlite":
                return _to_sqlite(node, on_step)
            case "s3":
                return _to_bucket(node, new, values, on_step)
            case "folder":
                return _to_folder(node, on_step)


def _to_postgres(
    node: Node,
    new: NodeSettings,
    values: Mapping[str, str],
    *,
    is_again: bool,
    on_step: OnStep,
) -> Moved:
    from tessera.adapters.postgres_node import copying

    zones = _zones(node.home, new)
    for database, parts in zones:
        if database.exists() and not is_again and _holds_rows(database, parts):
            raise Conflict(
                f"the schema {database.schema} holds rows already: another node's? Name another "
                "with --schema, or drop it"
            )
        database.prepare()
    n_rows = 0
    for database, parts in zones:
        for name, part in parts.items():
            on_step(name, 0)
            before = copying.sqlite_summary(node.home, part)
            if copying.postgres_summary(database, part) != before:
                copying.into_postgres(node.home, database, part)
                _require_same(name, before, copying.postgres_summary(database, part))
            _require_same(name, before, copying.sqlite_summary(node.home, part))
            n_rows += sum(one.n_rows for one in before.values())
    _switch(node.home, lambda text: with_settings(text, values))
    return replace(_finished(node, "postgresql"), n_copied=n_rows)


def _to_sqlite(node: Node, on_step: OnStep) -> Moved:
    from tessera.adapters.postgres_node import copying

    n_rows, zones = 0, _zones(node.home, node.settings)
    for database, parts in zones:
        for name, part in parts.items():
            on_step(name, 0)
            before = copying.postgres_summary(database, part)
            if copying.sqlite_summary(node.home, part) != before:
                if part.file == INDEX_FILE:
                    mirrored_index_of(node.home, node.settings).copy_to(node.home / INDEX_FILE)
                else:
                    copying.into_sqlite(database, node.home, part)
                _require_same(name, before, copying.sqlite_summary(node.home, part))
            _require_same(name, before, copying.postgres_summary(database, part))
            n_rows += sum(one.n_rows for one in before.values())
    for _, parts in zones:
        for part in parts.values():
            (node.home / f"{part.file}{MOVED}").unlink(missing_ok=True)
    _switch(node.home, lambda text: without_settings(text, _of("postgres_")))
    stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
    return Moved(
        to="sqlite",
        n_copied=n_rows,
        n_bytes=0,
        left=tuple(database.retire(stamp) for database, _ in zones),
    )


def _to_bucket(node: Node, new: NodeSettings, values: Mapping[str, str], on_step: OnStep) -> Moved:
    bucket = bucket_of(node.home, new)
    bucket.require()
    totals = node.index.totals()
    on_step("files", totals.n_instances)

    def put(row: InstanceRow) -> None:
        found = bucket.find(row.path)
        if found is None or (found.n_bytes, found.sha256) != (row.n_bytes, row.sha256):
            try:
                found = bucket.put(row.path, node.store.path(row.path))
            except FileNotFoundError:
                found = None
        if found is None or (found.n_bytes, found.sha256) != (row.n_bytes, row.sha256):
            raise _not_whole(node, row)
        on_step("file", 1)

    _each(node.index.all(), put)
    on_step("listing", 0)
    there = {entry.place: entry.n_bytes for entry in bucket.entries()}
    for row in node.index.all():
        if there.get(row.path) != row.n_bytes:
            raise Conflict(f"{row.path} is not in the bucket as it should be; run it again")
    _switch(node.home, lambda text: with_settings(text, values))
    done = _finished(node, "s3")
    return replace(done, n_copied=totals.n_instances, n_bytes=totals.n_bytes)


def _finished(node: Node, to: Target) -> Moved:
    """Put what was left behind out of the way."""
    left: list[str] = []
    if to == "postgresql":
        (node.home / f"{INDEX_FILE}.seen").unlink(missing_ok=True)
        left += _retired_files(node.home)
    elif to == "s3":
        folder = node.research / "instances"
        moved = folder.with_name(folder.name + MOVED)
        if folder.exists() and not moved.exists():
            folder.rename(moved)
        left.append(str(moved))
    (node.home / _MARKER).unlink(missing_ok=True)
    return Moved(to=to, n_copied=0, n_bytes=0, left=tuple(left))


def _switched_to(home: Path) -> str:
    """Return where a move that was interrupted went; empty when none was."""
    try:
        return str(json.loads((home / _MARKER).read_text("utf-8"))["to"])
    except (FileNotFoundError, ValueError, KeyError):
        return ""


def _to_folder(node: Node, on_step: OnStep) -> Moved:
    bucket, folder = bucket_of(node.home, node.settings), node.research / "instances"
    totals = node.index.totals()
    on_step("files", totals.n_instances)

    def get(row: InstanceRow) -> None:
        target = folder / row.path
        if not _is_whole(target, row):
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}.part")
            part.unlink(missing_ok=True)
            _fetch(bucket, node, row, part)
            part.replace(target)
            if not _is_whole(target, row):
                raise _not_whole(node, row)
        on_step("file", 1)

    folder.mkdir(exist_ok=True)
    _each(node.index.all(), get)
    os.sync()
    old = node.research / f"instances{MOVED}"
    if old.exists():
        old.rename(node.research / f"instances-{datetime.now(UTC):%Y%m%d%H%M%S}.old")
    _switch(node.home, lambda text: without_settings(text, _of("s3_")))
    return Moved(
        to="folder",
        n_copied=totals.n_instances,
        n_bytes=totals.n_bytes,
        left=(f"the objects in the bucket {node.settings.s3_bucket}", str(node.store.instances)),
    )


def _fetch(bucket: "S3Bucket", node: Node, row: InstanceRow, part: Path) -> None:
    from tessera.domain.errors import NotFound

    try:
        bucket.fetch(row.path, part)
    except NotFound:
        raise _not_whole(node, row) from None


def _each(rows: Iterator[InstanceRow], do: Callable[[InstanceRow], None]) -> None:
    """Do it for all rows, some at a time; the first that fails stops it."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while batch := list(islice(rows, _BATCH)):
            for done in [pool.submit(do, row) for row in batch]:
                done.result()


def _is_whole(path: Path, row: InstanceRow) -> bool:
    try:
        if path.stat().st_size != row.n_bytes:
            return False
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest() == row.sha256
    except FileNotFoundError:
        return False


def _not_whole(node: Node, row: InstanceRow) -> Conflict:
    return Conflict(
        f"{row.path} is missing in the store or not what the index says; nothing was switched. "
        f"Mend that first: tessera node fsck {node.home} --deep"
    )


def _zones(
    home: Path, settings: StoreSettings
) -> "list[tuple[PostgresDatabase, Mapping[str, Part]]]":
    from tessera.adapters.postgres_node import copying

    return [
        (database_of(home, settings, "identified"), copying.IDENTIFIED),
        (database_of(home, settings, "research"), copying.RESEARCH),
    ]


def _holds_rows(database: "PostgresDatabase", parts: "Mapping[str, Part]") -> bool:
    from tessera.adapters.postgres_node import copying

    return any(
        one.n_rows
        for part in parts.values()
        for one in copying.postgres_summary(database, part).values()
    )


def _require_same(name: str, before: object, after: object) -> None:
    if before != after:
        raise Conflict(
            f"{name} is not the same in both: the node changed it meanwhile, or something was "
            "lost. Nothing was switched; stop the node and run it again"
        )


def _retired_files(home: Path) -> Iterator[str]:
    from tessera.adapters.postgres_node import copying

    for part in (*copying.IDENTIFIED.values(), *copying.RESEARCH.values()):
        if part.file == INDEX_FILE:
            continue  # it stays as the copy from which DICOMweb answers
        path = home / part.file
        moved = path.with_name(path.name + MOVED)
        if path.exists():
            for end in ("-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
            path.rename(moved)
            yield str(moved)
        elif not moved.exists():
            moved.touch(mode=0o600)  # what nobody had written yet is not to be begun here either


def _of(prefix: str) -> list[str]:
    return [key for key in STORE_KEYS if key.startswith(prefix)]


def _switch(home: Path, changed: Callable[[str], str]) -> None:
    """Write node.toml anew, whole and durable; what it says is read back first."""
    path = home / "node.toml"
    part = path.with_name("node.toml.part")
    with part.open("w", encoding="utf-8") as file:
        file.write(changed(path.read_text("utf-8")))
        file.flush()
        os.fsync(file.fileno())
    import tomllib

    NodeSettings.parse(tomllib.loads(part.read_text("utf-8")))
    part.chmod(path.stat().st_mode & 0o777)
    part.replace(path)
    sync_folder(home)


@contextmanager
def _stopped(node: Node) -> Iterator[None]:
    """Let neither the link nor the receiver run meanwhile. Raises Conflict when one does."""
    with ExitStack() as held:
        for path in (node.link / "run.lock", node.identified / "receive.lock"):
            if not path.parent.exists():
                continue
            file = held.enter_context(path.open("a"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as err:
                raise Conflict("the node is running; stop it, and run this again") from err
        yield


@contextmanager
def _under_way(home: Path, to: Target, values: Mapping[str, str]) -> Iterator[bool]:
    """Remember which move is under way; yield whether this one goes on. Raises Conflict."""
    marker = home / _MARKER
    said: dict[str, Any] = {"to": to, "values": dict(values)}
    is_again = marker.exists()
    if is_again and json.loads(marker.read_text("utf-8")) != said:
        raise Conflict(
            f"another move is under way: go on with that, or remove {marker} to give it up"
        )
    marker.write_text(json.dumps(said, ensure_ascii=False), "utf-8")
    try:
        yield is_again
    except InvalidSettings:
        if not is_again:
            marker.unlink(missing_ok=True)
        raise
    marker.unlink(missing_ok=True)
