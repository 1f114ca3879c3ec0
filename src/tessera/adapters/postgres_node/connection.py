"""One schema of a PostgreSQL database: connections, transactions, and a server that goes away.

A call waits for a server that restarts, and goes on by itself. A write is made once: each
carries a mark that is stored with it, so that after a connection was lost in the middle of a
commit the next attempt sees whether the first one came through.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, Final, TypeVar
from uuid import uuid4
from weakref import finalize

import psycopg
from psycopg import sql

from tessera.adapters.postgres_node.tables import FRAME
from tessera.domain.errors import Conflict, InvalidSettings, Unavailable

T = TypeVar("T")
Cursor = psycopg.Cursor[tuple[Any, ...]]
Connection = psycopg.Connection[tuple[Any, ...]]
PATIENCE_S: Final = 60.0
"""How long a call waits for a server that does not answer, before it raises Unavailable."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.05, 2.0
_PASSING_CLASSES: Final = frozenset(("08", "57", "40"))
"""SQLSTATE classes that pass: connection lost, server stopping or starting, serialisation."""
_PASSING: Final = frozenset(("53300", "55P03"))
_UNWRITABLE: Final = {
    "53100": "its disk is full",
    "25006": "it is read-only",
    "42501": "its user may not do this",
    "3D000": "the database does not exist",
}
_KEEP_ALIVE: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_IDLE: Final = 4


class PostgresDatabase:
    """One schema. Safe to use from several threads; a fork begins with connections of its own."""

    def __init__(
        self,
        dsn: str,
        schema: str,
        parts: Mapping[str, tuple[str, ...]],
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Nothing is opened before the first use. `dsn` is never shown."""
        self._dsn, self.schema, self._parts = dsn, schema, parts
        self._patience_s = patience_s
        self._lock, self._pid = Lock(), os.getpid()
        self._idle: list[Connection] = []
        self._is_ready = False
        finalize(self, _close_idle, self._idle, self._pid)

    def __repr__(self) -> str:
        return f"PostgresDatabase({self.schema!r})"

    def exists(self) -> bool:
        """Say whether the schema is there and holds a node's tables."""
        found = self._patiently(self._schema_exists)
        return bool(found)

    def prepare(self) -> None:
        """Make the schema and its tables, or bring them up to date. Raises Conflict."""
        self._patiently(lambda: self._migrate(create=True))
        self._is_ready = True

    def retire(self, stamp: str) -> str:
        """Rename the schema, so that nobody takes it for the node's, and return its name."""
        name = f"{self.schema}_moved_{stamp}"
        self._ready()
        self.close()
        with self._connection() as connection:
            connection.execute(
                sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(
                    sql.Identifier(self.schema), sql.Identifier(name)
                )
            )
        self.close()
        self._is_ready = False
        return name

    def rows(
        self, statement: str, args: Sequence[object] = (), *, patience_s: float | None = None
    ) -> list[tuple[Any, ...]]:
        """Return all rows of a question; with `patience_s` it waits no longer than that."""
        return self.read(
            lambda cursor: cursor.execute(statement, args or None).fetchall(), patience_s=patience_s
        )

    def read(self, work: Callable[[Cursor], T], *, patience_s: float | None = None) -> T:
        """Return what `work` reads; it is called again when the server was lost."""

        def attempt() -> T:
            if not self._is_ready:
                self._migrate(create=False)
                self._is_ready = True
            with self._connection() as connection, connection.cursor() as cursor:
                return work(cursor)

        return self._patiently(attempt, patience_s)

    def stream(self, statement: str, args: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a question as one moment saw them, however many there are.

        Raises Unavailable when the server is lost on the way.
        """
        self._ready()
        connection = self._patiently(self._connect)
        try:
            with connection.transaction(), connection.cursor("rows") as cursor:
                cursor.itersize = 2000
                cursor.execute(statement, args or None)
                yield from cursor
        except psycopg.Error as err:
            raise _told(err, passing=True) from None
        finally:
            connection.close()

    def write(self, work: Callable[[Cursor], T]) -> T:
        """Return what `work` returns, all of it stored or nothing, durable, and once."""
        self._ready()
        mark, results = uuid4(), list[T]()

        def attempt() -> T:
            with (
                self._connection() as connection,
                connection.transaction(),
                connection.cursor() as cursor,
            ):
                # Waits for an earlier attempt that may still be committing.
                cursor.execute(
                    "INSERT INTO commit_mark (mark) VALUES (%s) ON CONFLICT DO NOTHING", (mark,)
                )
                if cursor.rowcount:
                    results.append(work(cursor))
            return results[-1]

        return self._patiently(attempt)

    def close(self) -> None:
        """Close what lies idle; the next call opens a connection again."""
        with self._lock:
            _close_idle(self._idle, self._pid)

    def _ready(self) -> None:
        if not self._is_ready:
            self._patiently(lambda: self._migrate(create=False))
            self._is_ready = True

    def _schema_exists(self) -> bool:
        with self._connection() as connection:
            found = connection.execute(
                "SELECT count(*) FROM pg_tables WHERE schemaname = %s AND tablename = %s",
                (self.schema, "schema_version"),
            ).fetchone()
        return found is not None and found[0] == 1

    def _migrate(self, *, create: bool) -> None:
        if not create and not self._schema_exists():
            # An empty database would be an empty list of those who opted out.
            raise Conflict(
                f"the PostgreSQL database has no schema {self.schema}: is it the right one? "
                "`tessera node move --to postgresql` makes it, or restore it from a backup"
            )
        with self._connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (self.schema,))
            encoding = connection.execute("SHOW server_encoding").fetchone()
            if encoding is None or encoding[0] != "UTF8":
                raise InvalidSettings("the PostgreSQL database must have the encoding UTF8")
            name = sql.Identifier(self.schema)
            if create:
                connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
                connection.execute(FRAME)
            done = dict(connection.execute("SELECT part, version FROM schema_version").fetchall())
            for part, migrations in self._parts.items():
                version = int(done.get(part, 0))
                if version > len(migrations):
                    raise Conflict(
                        f"{part} in PostgreSQL was written by a newer version of Tessera; "
                        "update it here"
                    )
                if version == len(migrations):
                    continue
                for migration in migrations[version:]:
                    connection.execute(migration)
                connection.execute(
                    "INSERT INTO schema_version VALUES (%s, %s) "
                    "ON CONFLICT (part) DO UPDATE SET version = excluded.version",
                    (part, len(migrations)),
                )
            connection.execute("DELETE FROM commit_mark WHERE at < now() - interval '1 day'")

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        connection = self._taken() or self._connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._lock:
            if len(self._idle) < _IDLE and self._pid == os.getpid():
                self._idle.append(connection)
                return
        connection.close()

    def _taken(self) -> Connection | None:
        with self._lock:
            if self._pid != os.getpid():
                self._idle.clear()
                self._pid = os.getpid()
            return self._idle.pop() if self._idle else None

    def _connect(self) -> Connection:
        try:
            connection = psycopg.connect(
                self._dsn,
                autocommit=True,
                client_encoding="UTF8",
                application_name="tessera",
                **_KEEP_ALIVE,  # type: ignore[arg-type]
            )
        except psycopg.ProgrammingError:
            raise InvalidSettings(
                "postgres_dsn_file: what it holds is no PostgreSQL address"
            ) from None
        try:
            connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(self.schema)))
        except BaseException:
            connection.close()
            raise
        return connection

    def _patiently(self, attempt: Callable[[], T], patience_s: float | None = None) -> T:
        """Call until it succeeds, as long as what stops it may pass."""
        patience_s = self._patience_s if patience_s is None else min(patience_s, self._patience_s)
        until, wait = time.monotonic() + patience_s, _FIRST_WAIT_S
        while True:
            try:
                return attempt()
            except psycopg.Error as err:
                may_pass = _may_pass(err)
                if not may_pass or time.monotonic() + wait > until:
                    raise _told(err, passing=may_pass) from None
            self.close()  # connections that lie idle are lost as well
            time.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT_S)


def _close_idle(idle: list[Connection], pid: int) -> None:
    """Close connections of this process; those of a parent are its own."""
    while pid == os.getpid() and idle:
        idle.pop().close()


def _may_pass(err: psycopg.Error) -> bool:
    state = err.sqlstate
    if state is None:
        return isinstance(err, psycopg.OperationalError | psycopg.InterfaceError)
    return state[:2] in _PASSING_CLASSES or state in _PASSING


def _told(err: psycopg.Error, *, passing: bool) -> Exception:
    """Return our own error. Never the server's text: it may quote a row."""
    state = f"{type(err).__name__}, SQLSTATE {err.sqlstate or 'none'}"
    if passing:
        return Unavailable(
            f"PostgreSQL does not answer ({state}); nothing is lost. When it answers, the node "
            "goes on by itself, and a command goes on when it is run again"
        )
    why = _UNWRITABLE.get(err.sqlstate or "", "")
    if why:
        return Conflict(f"PostgreSQL: {why} ({state}); mend that and run the same command again")
    return Conflict(f"PostgreSQL refused a statement ({state}); its own log says more")
