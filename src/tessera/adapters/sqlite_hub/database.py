"""One SQLite connection shared by threads, with transactions that can be nested."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any
from weakref import finalize

Row = tuple[Any, ...]
_BUSY_S = 10.0
"""How long a statement waits for another process, such as `tessera hub approve`."""


class Database:
    def __init__(self, path: Path) -> None:
        self._lock = RLock()
        self._depth = 0
        # Queries and who joined are nobody else's: SQLite gives its other files the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        # Autocommit: transactions are opened by `transaction`, and by nothing else.
        self.connection = sqlite3.connect(
            path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        finalize(self, self.connection.close)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.execute("PRAGMA foreign_keys = ON")

    def close(self) -> None:
        with self._lock:
            self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self.connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                if outermost:
                    self.connection.execute("ROLLBACK")
                raise
            else:
                if outermost:
                    self.connection.execute("COMMIT")
            finally:
                self._depth -= 1

    @property
    def is_in_transaction(self) -> bool:
        return self._depth > 0

    def rows(self, sql: str, args: Sequence[object] = ()) -> list[Row]:
        with self._lock:
            return self.connection.execute(sql, args).fetchall()

    def row(self, sql: str, args: Sequence[object] = ()) -> Row | None:
        found = self.rows(sql, args)
        return found[0] if found else None

    def change_many(self, sql: str, args: Iterable[Sequence[object]]) -> None:
        with self._lock:
            self.connection.executemany(sql, args)

    def change(self, sql: str, args: Sequence[object] = ()) -> int:
        """Run a statement and return the number of rows that it changed."""
        with self._lock:
            return self.connection.execute(sql, args).rowcount


def time_text(at: datetime) -> str:
    """Return a fixed-width text, so that text order is time order."""
    # Not strftime: it writes the year 1 as "1".
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def time_text_or_none(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def time_of_or_none(text: str | None) -> datetime | None:
    return None if text is None else time_of(text)
