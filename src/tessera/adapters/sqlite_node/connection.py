"""How this project opens SQLite: WAL, durable commits, numbered migrations."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tessera.domain.errors import Conflict

_AT_ONCE: Final = 500
"""Parameters of one statement; SQLite takes 999 everywhere."""


def connect(path: Path, migrations: Sequence[str]) -> sqlite3.Connection:
    """Open or create a database and bring it to the newest version.

    Migration N (from 1) is applied when `user_version` is below N. A database of a newer
    program is refused (Conflict).
    """
    db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    if _version(db) != len(migrations):
        try:
            _migrate(db, path.name, migrations)
        except BaseException:
            db.close()  # what was under way is rolled back
            raise
    return db


def connect_for_writing(path: Path, migrations: Sequence[str]) -> sqlite3.Connection:
    """Open as `connect` does. Raises Conflict also where the disk is full or read-only."""
    try:
        return connect(path, migrations)
    except sqlite3.OperationalError as err:
        raise Conflict(
            f"{path} cannot be written: {err}; mend that and run the same command again"
        ) from err


def _version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def _migrate(db: sqlite3.Connection, name: str, migrations: Sequence[str]) -> None:
    """Each migration is a transaction; of several programs that open it at once one does it."""
    while True:
        db.execute("BEGIN IMMEDIATE")
        version = _version(db)
        if version > len(migrations):
            raise Conflict(f"{name} was written by a newer version of Tessera; update it here")
        if version == len(migrations):
            db.execute("ROLLBACK")
            return
        for statement in statements(migrations[version]):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {version + 1}")
        db.execute("COMMIT")


def statements(script: str) -> Iterator[str]:
    """Yield the statements of a script, one at a time; a trigger's own semicolons are kept."""
    text = ""
    for piece in script.split(";"):
        text += f"{piece};"
        if sqlite3.complete_statement(text):
            if text.strip(" \n;"):
                yield text
            text = ""


def among(db: sqlite3.Connection, select: str, names: Sequence[str]) -> Iterator[Any]:
    """Yield the rows of a `select` that ends in `IN (%s)`, for any number of names."""
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        yield from db.execute(select % ", ".join("?" * len(some)), some)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing. Raises Conflict when the database cannot be written, as on a full disk."""
    try:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")
    except BaseException as err:
        if db.in_transaction:
            db.execute("ROLLBACK")
        if isinstance(err, sqlite3.OperationalError):
            name = db.execute("PRAGMA database_list").fetchone()[2]
            raise Conflict(
                f"{name} cannot be written: {err}; mend that and run the same command again"
            ) from err
        raise
