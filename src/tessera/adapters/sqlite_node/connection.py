"""How this project opens SQLite: WAL, durable commits, numbered migrations."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tessera.domain.errors import Conflict


def connect(path: Path, migrations: Sequence[str]) -> sqlite3.Connection:
    """Open or create a database and bring it to the newest version.

    Migration N (from 1) is applied when `user_version` is below N. A database of a newer
    program is refused (Conflict).
    """
    db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        db.close()
        raise Conflict(f"{path.name} was written by a newer version of Tessera; update it here")
    for number in range(version, len(migrations)):
        db.executescript(
            f"BEGIN IMMEDIATE; {migrations[number]}; PRAGMA user_version = {number + 1}; COMMIT;"
        )
    return db


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
