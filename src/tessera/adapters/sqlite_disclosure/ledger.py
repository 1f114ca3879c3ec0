"""DisclosureLedger in one SQLite file, and in memory what it holds of the datasets asked about.

The file has exact numbers and the secret; it stays in the node and is readable by its owner only.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from secrets import token_bytes
from threading import Lock

import numpy as np

from tessera.adapters.sqlite_node.connection import connect
from tessera.domain.cohort.disclosure import CountPolicy
from tessera.domain.cohort.exact import ExactSet
from tessera.domain.cohort.sticky import Told, ToldSets, numbers_for, told_again
from tessera.domain.errors import Conflict, Unavailable
from tessera.domain.ids import DatasetId
from tessera.ports.disclosure_ledger import Budget

MIGRATIONS = (
    """
    CREATE TABLE secret (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL) STRICT;
    CREATE TABLE told (
        number INTEGER PRIMARY KEY, about TEXT NOT NULL, label TEXT NOT NULL,
        n INTEGER NOT NULL, sketch BLOB NOT NULL, released INTEGER
    ) STRICT;
    CREATE INDEX told_of ON told (about, number);
    CREATE TABLE asked (
        dataset TEXT NOT NULL, asker TEXT NOT NULL, question BLOB NOT NULL, at TEXT NOT NULL,
        PRIMARY KEY (dataset, asker, question)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX asked_at ON asked (dataset, at)
    """,
    # Rows of before belong to no answer whose parts could be followed.
    "ALTER TABLE told ADD COLUMN answer INTEGER NOT NULL DEFAULT 0",
)


class SqliteDisclosureLedger:
    """Safe to use from several threads, and beside other processes at the same file."""

    def __init__(self, path: Path) -> None:
        """Nothing is made at `path` before the first question."""
        self._path = path
        self._lock = Lock()
        self._database: sqlite3.Connection | None = None
        self._key = b""
        self._told: dict[str, tuple[ToldSets, int]] = {}

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def key(self) -> bytes:
        """See the port."""
        with self._lock:
            if not self._key:
                with self._failures():
                    (self._key,) = self._open().execute("SELECT key FROM secret").fetchone()
            return self._key

    def ask(
        self, dataset_id: DatasetId, asker: str, question: str, budget: Budget, now: datetime
    ) -> bool:
        """See the port."""
        hashed = blake2b(question.encode(), key=self.key(), digest_size=16).digest()
        since = (now - budget.during).isoformat()
        with self._lock, self._transaction() as database:
            database.execute("DELETE FROM asked WHERE dataset = ? AND at <= ?", (dataset_id, since))
            mine = (
                "SELECT count(*), coalesce(max(question = ?), 0) FROM asked"
                " WHERE dataset = ? AND asker = ?"
            )
            n_mine, is_known = database.execute(mine, (hashed, dataset_id, asker)).fetchone()
            if is_known:
                return True
            every = "SELECT count(*) FROM asked WHERE dataset = ?"
            (n_all,) = database.execute(every, (dataset_id,)).fetchone()
            if n_mine >= budget.each or n_all >= budget.together:
                return False
            row = (dataset_id, asker, hashed, now.isoformat())
            database.execute("INSERT INTO asked VALUES (?, ?, ?, ?)", row)
            return True

    def tell(
        self, dataset_id: DatasetId, sets: Mapping[str, ExactSet], policy: CountPolicy
    ) -> Mapping[str, int | None]:
        """See the port."""
        key = self.key()
        # Under another policy other numbers may leave: its record begins anew.
        about = f"{dataset_id} {policy.minimum}/{policy.step}/{policy.noise}"
        with self._lock:
            known, _ = self._kept(about)
            if (again := told_again(known, sets, policy, key)) is not None:
                return again
            try:
                with self._transaction() as database:
                    return self._tell(database, about, sets, policy, key)
            except BaseException:
                self._told.pop(about, None)  # it may hold what is not in the file
                raise

    def _tell(
        self,
        database: sqlite3.Connection,
        about: str,
        sets: Mapping[str, ExactSet],
        policy: CountPolicy,
        key: bytes,
    ) -> Mapping[str, int | None]:
        known, newest = self._kept(about)
        numbers, kept = numbers_for(known, sets, policy, key, answer=newest + 1)
        for one in kept:
            sketch = one.sketch.astype("<u4").tobytes()
            row = (about, one.label, one.n, sketch, one.number, one.answer)
            done = database.execute(
                "INSERT INTO told (about, label, n, sketch, released, answer)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )
            newest = done.lastrowid or newest
        self._told[about] = known, newest
        return numbers

    def _kept(self, about: str) -> tuple[ToldSets, int]:
        """Return what the file holds of the dataset, and up to which row."""
        known, newest = self._told.get(about, (ToldSets(), 0))
        with self._failures():
            rows = self._open().execute(
                "SELECT number, label, n, sketch, released, answer FROM told"
                " WHERE about = ? AND number > ? ORDER BY number",
                (about, newest),
            )
            for row, label, n, sketch, released, answer in rows:
                known.add(Told(label, n, np.frombuffer(sketch, "<u4"), released, answer))
                newest = row
        self._told[about] = known, newest
        return known, newest

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            self._path.touch(mode=0o600)
            self._database = connect(self._path, MIGRATIONS)
            with self._failures():
                fresh = (token_bytes(32),)
                self._database.execute(
                    "INSERT INTO secret VALUES (1, ?) ON CONFLICT DO NOTHING", fresh
                )
            # The secret is on the device. Of the rest a power failure may take the last moments,
            # which the secret tells again; the end of the process takes nothing.
            self._database.execute("PRAGMA synchronous = NORMAL")
        return self._database

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._failures():
            database = self._open()
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
        except (sqlite3.Error, OSError, Conflict) as err:
            raise Unavailable(
                f"the record of what was told cannot be read or written ({type(err).__name__});"
                f" nobody is counted until {self._path.name} is mended or restored"
            ) from err
