"""Wire `tessera node fsck`: the home's stores, its databases, and where doubtful files go."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path

from tessera.adapters.files.instance_store import sync_folder
from tessera.bootstrap.datasets import dataset_store
from tessera.bootstrap.ingest import only_one_ingest
from tessera.bootstrap.node import Node, open_node
from tessera.bootstrap.stores import bucket_of
from tessera.domain.ids import DatasetId
from tessera.node import fsck as use_case
from tessera.node.fsck import Found


def fsck(
    home: Path,
    *,
    deep: bool = False,
    repair: bool = False,
    on_step: Callable[[str, int], None] = lambda _step, _n: None,
) -> Iterator[Found]:
    """Yield what is wrong in a home, and with `repair` what came of mending it.

    Raises NotFound, Unavailable; Conflict when an ingest runs that a repair would meet.
    """
    node = open_node(home)
    damaged = list(_damaged_databases(node.home, deep=deep))
    yield from damaged
    if damaged:
        return  # what a damaged database says is no reason to change anything
    if node.settings.s3_bucket:
        bucket_of(node.home, node.settings).require()
    parts = _parts(node, repairing=repair)
    if not repair:
        yield from use_case.find_faults(parts, deep=deep, on_step=on_step)
        return
    with only_one_ingest(node):
        faults = list(use_case.find_faults(parts, deep=deep, on_step=on_step))
        yield from use_case.repair(parts, faults)


def _parts(node: Node, *, repairing: bool) -> use_case.Node:
    datasets = dataset_store(node)

    def table_sha256(dataset_id: DatasetId, version: int, table: str) -> str:
        try:
            with (datasets.folder(dataset_id, version) / f"{table}.parquet").open("rb") as file:
                return file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return ""

    return use_case.Node(
        index=node.index,
        store=node.store,
        ledger=node.ledger,
        datasets=datasets,
        in_quarantine=lambda name: (node.identified / "quarantine" / name).exists(),
        table_sha256=table_sha256,
        is_ingesting=lambda: not repairing and _is_locked(node.identified / "ingest.lock"),
        set_aside=lambda place: _set_aside(node, place),
    )


def _is_locked(path: Path) -> bool:
    """Say whether somebody holds a lock on a file, without a try that would be in the way."""
    try:
        inode = path.stat().st_ino
        lines = Path("/proc/locks").read_text("ascii").splitlines()
    except OSError:
        return False
    return any(
        line.split()[5].rpartition(":")[2] == str(inode) for line in lines if "->" not in line
    )


def _set_aside(node: Node, place: str) -> None:
    folder = node.research / "set-aside"
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / place.replace("/", "-")
    part = target.with_name(f"{target.name}.part")
    with part.open("wb") as file:
        for piece in node.store.stream(place):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)
    sync_folder(folder)
    node.store.remove(place)


def databases_of(home: Path) -> Iterator[Path]:
    """Yield the SQLite files of a home, by name."""
    yield from sorted(path for depth in ("", "*/") for path in home.glob(f"{depth}*.sqlite"))


def _damaged_databases(home: Path, *, deep: bool) -> Iterator[Found]:
    for path in databases_of(home):
        found = Found("database", str(path.relative_to(home)))
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=30)) as db:
                (said,) = db.execute(
                    "PRAGMA integrity_check(1)" if deep else "PRAGMA quick_check(1)"
                ).fetchone()
        except sqlite3.DatabaseError as err:
            yield replace(found, detail=type(err).__name__)
            continue
        if said != "ok" or not path.stat().st_size:
            yield replace(found, detail="empty" if said == "ok" else "damaged")
