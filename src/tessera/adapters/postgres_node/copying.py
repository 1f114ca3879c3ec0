"""A node's state from SQLite to PostgreSQL and back: every row, and proof that it is every row.

A part is what SQLite keeps in one file. Its tables have the same names and columns in both.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final

from psycopg import sql

from tessera.adapters.postgres_node.connection import Cursor, PostgresDatabase
from tessera.adapters.postgres_node.values import text
from tessera.adapters.sqlite_clinical import store as clinical
from tessera.adapters.sqlite_exclusions import store as exclusions
from tessera.adapters.sqlite_node import instance_index, ledger
from tessera.adapters.sqlite_node.connection import connect
from tessera.adapters.sqlite_review import store as review

Row = Sequence[Any]
_BATCH: Final = 2000


@dataclass(frozen=True, slots=True)
class Part:
    file: str
    """Of SQLite, in the home."""
    tables: tuple[str, ...]
    """In an order in which each refers only to those before it."""
    migrations: Sequence[str]
    """Of SQLite."""
    numbered: tuple[str, str] | None = None
    """Table and column whose numbers PostgreSQL gives out itself."""


IDENTIFIED: Final[Mapping[str, Part]] = {
    "ledger": Part("identified/ledger.sqlite", ("intake", "tally"), ledger.MIGRATIONS),
    "opt-out": Part("identified/opt-out.sqlite", ("exclusion",), exclusions.MIGRATIONS),
    "review": Part(
        "identified/review.sqlite",
        ("item", "picture", "verdict", "remembered"),
        review.MIGRATIONS,
    ),
}
RESEARCH: Final[Mapping[str, Part]] = {
    "index": Part("research/index.sqlite", ("instance",), instance_index.MIGRATIONS),
    "clinical": Part(
        "research/clinical.sqlite",
        ("delivery", "record"),
        clinical.MIGRATIONS,
        ("delivery", "delivery_id"),
    ),
}


@dataclass(frozen=True, slots=True)
class Summary:
    """What a table holds: how many rows, and a hash of all of them in any order."""

    n_rows: int
    digest: str


def summary_of(rows: Iterable[Row]) -> Summary:
    n_rows = total = 0
    for row in rows:
        values = [text(one) if isinstance(one, str) else one for one in row]
        line = json.dumps(values, default=bytes.hex).encode()
        total = (total + int.from_bytes(sha256(line).digest())) % (1 << 256)
        n_rows += 1
    return Summary(n_rows, f"{total:064x}")


def sqlite_summary(home: Path, part: Part) -> dict[str, Summary]:
    """Return table → what it holds; nothing where there is no file."""
    with _opened(home, part) as db:
        return {table: summary_of(_sqlite_rows(db, part, table)) for table in part.tables}


def postgres_summary(database: PostgresDatabase, part: Part) -> dict[str, Summary]:
    """Return table → what it holds."""
    return {table: summary_of(database.stream(_select(part, table))) for table in part.tables}


def into_postgres(home: Path, database: PostgresDatabase, part: Part) -> None:
    """Put all rows of a part in place of what the tables hold; all or nothing."""

    def work(cursor: Cursor) -> None:
        for table in reversed(part.tables):
            cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        for table in part.tables:
            names = _columns(part, table)
            put = sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
            )
            with cursor.copy(put) as copy:
                for row in _sqlite_rows(db, part, table):
                    copy.write_row([text(one) if isinstance(one, str) else one for one in row])
        if part.numbered:
            table, column = part.numbered
            cursor.execute(
                sql.SQL(
                    "SELECT setval(pg_get_serial_sequence({name}, {column}), "
                    "(SELECT coalesce(max({identifier}), 0) + 1 FROM {table}), false)"
                ).format(
                    name=sql.Literal(table),
                    column=sql.Literal(column),
                    identifier=sql.Identifier(column),
                    table=sql.Identifier(table),
                )
            )

    with _opened(home, part) as db:
        database.write(work)


def into_sqlite(database: PostgresDatabase, home: Path, part: Part) -> None:
    """Make the file of a part anew with all rows, whole or not at all."""
    path = home / part.file
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    new.touch(mode=0o600)
    with closing(connect(new, part.migrations)) as db:
        db.execute("BEGIN IMMEDIATE")
        for table in part.tables:
            marks = ", ".join("?" * len(_columns(part, table)))
            rows = database.stream(_select(part, table))
            while batch := list(islice(rows, _BATCH)):
                db.executemany(f'INSERT INTO "{table}" VALUES ({marks})', batch)  # noqa: S608
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for end in ("-wal", "-shm"):
        new.with_name(new.name + end).unlink(missing_ok=True)
        path.with_name(path.name + end).unlink(missing_ok=True)
    new.replace(path)


def _select(part: Part, table: str) -> str:
    names = _columns(part, table)
    return f'SELECT {", ".join(f"{chr(34)}{n}{chr(34)}" for n in names)} FROM "{table}"'  # noqa: S608


def _columns(part: Part, table: str) -> list[str]:
    """Return the columns as the newest migration has them, in SQLite's order."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for migration in part.migrations:
            db.executescript(migration)
        return [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]


def _sqlite_rows(db: sqlite3.Connection, part: Part, table: str) -> Iterator[Row]:
    yield from db.execute(_select(part, table))


@contextmanager
def _opened(home: Path, part: Part) -> Iterator[sqlite3.Connection]:
    """Open a part's file at its newest version, or an empty one where there is none."""
    path = home / part.file
    if path.exists():
        connect(path, part.migrations).close()
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as db:
            db.execute("BEGIN")
            yield db
        return
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for migration in part.migrations:
            db.executescript(migration)
        yield db
