"""WebKeys on SQLite, beside the index that they open."""

import sqlite3
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from tessera.adapters.sqlite_node.connection import connect, transaction
from tessera.adapters.sqlite_node.instance_index import MIGRATIONS
from tessera.domain.errors import Conflict, NotFound
from tessera.ports.web_keys import WebKey

_SELECT: Final = (
    "SELECT name, sees_all, may_store, made, ends, "
    "(SELECT count(*) FROM web_key_study WHERE key = name) FROM web_key"
)


class SqliteWebKeys:
    """One connection, which threads take turns with: a look-up takes microseconds."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path, MIGRATIONS)
        self._lock = threading.Lock()

    def add(self, key: WebKey, digest: bytes, study_uids: Sequence[str]) -> None:
        row = (key.name, digest, key.sees_all, key.may_store, _told(key.made), _told(key.ends))
        try:
            with self._lock, transaction(self._db):
                self._db.execute("INSERT INTO web_key VALUES (?, ?, ?, ?, ?, ?)", row)
                self._db.executemany(
                    "INSERT OR IGNORE INTO web_key_study VALUES (?, ?)",
                    [(key.name, uid) for uid in study_uids],
                )
        except sqlite3.IntegrityError as err:
            raise Conflict(f"there is a key {key.name} already; remove it first") from err

    def remove(self, name: str) -> None:
        with self._lock, transaction(self._db):
            n = self._db.execute("DELETE FROM web_key WHERE name = ?", (name,)).rowcount
            self._db.execute("DELETE FROM web_key_study WHERE key = ?", (name,))
        if not n:
            raise NotFound(f"there is no key {name}")

    def find(self, digest: bytes) -> WebKey | None:
        with self._lock:
            row = self._db.execute(f"{_SELECT} WHERE digest = ?", (digest,)).fetchone()
        return _key(row) if row else None

    def all(self) -> Sequence[WebKey]:
        with self._lock:
            return [_key(row) for row in self._db.execute(f"{_SELECT} ORDER BY name")]

    def close(self) -> None:
        self._db.close()


def _told(when: datetime) -> str:
    return when.isoformat(timespec="seconds")


def _key(row: tuple[str, int, int, str, str, int]) -> WebKey:
    return WebKey(
        name=row[0],
        sees_all=bool(row[1]),
        may_store=bool(row[2]),
        made=datetime.fromisoformat(row[3]),
        ends=datetime.fromisoformat(row[4]),
        n_studies=row[5],
    )
