"""The one SQLite file of a node's permits. Each call opens its own connection.

So a node that runs for months sees at once what an operator's command wrote. One file for
permits, tasks and the outbox: a decision and the report of it are one transaction.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from errno import EIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tessera.adapters.files.instance_store import sync_folder
from tessera.adapters.sqlite_node.connection import connect
from tessera.domain.errors import Unavailable

_MIGRATIONS: Final = (
    """
    CREATE TABLE permit (
        permit_id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE,
        token TEXT NOT NULL, received_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE decision (
        permit_id TEXT PRIMARY KEY, verdict TEXT NOT NULL, decided_by TEXT NOT NULL,
        at TEXT NOT NULL, token TEXT NOT NULL, reason TEXT NOT NULL
    ) STRICT;
    CREATE TABLE revocation (
        permit_id TEXT PRIMARY KEY, source TEXT NOT NULL, token TEXT NOT NULL,
        reason TEXT NOT NULL, at TEXT NOT NULL, revoked_by TEXT NOT NULL
    ) STRICT;
    CREATE TABLE taken_up (
        use_id TEXT PRIMARY KEY, task_id TEXT NOT NULL, at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE latest (one INTEGER PRIMARY KEY CHECK (one = 1), at TEXT NOT NULL) STRICT;
    CREATE TABLE task (
        task_id TEXT PRIMARY KEY, report TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE outbox (
        number INTEGER PRIMARY KEY AUTOINCREMENT, sort TEXT NOT NULL, body TEXT NOT NULL,
        problem TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE INDEX outbox_waiting ON outbox (number) WHERE problem = ''
    """,
)
PUT_OUT: Final = "INSERT INTO outbox (sort, body) VALUES (?, ?)"


class AccessDatabase:
    def __init__(self, path: Path) -> None:
        """Nothing is made at `path` before the first change."""
        self._path = path

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Read; a file that is not there has no rows."""
        if not self._path.exists():
            return []
        # connect() would make an emptied file into an empty one with tables, and revocations
        # would be gone without a word.
        address = f"{self._path.absolute().as_uri()}?mode=rw"
        with (
            self._failures(),
            closing(sqlite3.connect(address, uri=True, timeout=30)) as database,
        ):
            return database.execute(statement, values).fetchall()

    @contextmanager
    def changes(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction: all of it or nothing, durable at the end."""
        with self._failures():
            if not self._path.exists():
                make_database(self._path, _MIGRATIONS)
            if not self._path.stat().st_size:
                raise OSError(EIO, "the file is empty")
            with closing(connect(self._path, _MIGRATIONS)) as database:
                database.execute("BEGIN IMMEDIATE")
                try:
                    yield database
                except BaseException:
                    database.execute("ROLLBACK")
                    raise
                database.execute("COMMIT")

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as err:
            raise Unavailable(
                f"the permits cannot be read or written ({type(err).__name__}: {err}); nothing "
                f"is allowed until {self._path} can be, or is restored from a backup"
            ) from err


def make_database(path: Path, migrations: Sequence[str]) -> None:
    """Make the file whole or not at all; of several who make it at once, the first wins."""
    folder = path.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".new-", dir=folder) as place:
        new = Path(place) / path.name
        new.touch(mode=0o600)
        connect(new, migrations).close()
        with suppress(FileExistsError):
            os.link(new, path)
    sync_folder(folder)


def to_text(body: Mapping[str, object]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
