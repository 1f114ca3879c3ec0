"""ExclusionList in one SQLite file. Each call opens its own connection.

So a node that runs for months sees at its next query what an operator's command wrote.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from tessera.adapters.sqlite_node.connection import connect
from tessera.domain.access.exclusions import Exclusion
from tessera.domain.errors import Unavailable
from tessera.domain.ids import Pseudonym

MIGRATIONS = (
    """
    CREATE TABLE exclusion (
        subject TEXT PRIMARY KEY, since TEXT NOT NULL,
        recorded_by TEXT NOT NULL, reason TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)


class SqliteExclusions:
    def __init__(self, path: Path) -> None:
        """Nothing is made at `path` before somebody opts out."""
        self._path = path

    def excluded(self) -> frozenset[Pseudonym]:
        rows = self._read("SELECT subject FROM exclusion")
        return frozenset(Pseudonym(str(subject)) for (subject,) in rows)

    def all(self) -> tuple[Exclusion, ...]:
        return tuple(
            Exclusion(
                subject=Pseudonym(str(subject)),
                since=datetime.fromisoformat(str(since)),
                by=str(by),
                reason=str(reason),
            )
            for subject, since, by, reason in self._read(
                "SELECT subject, since, recorded_by, reason FROM exclusion ORDER BY subject"
            )
        )

    def add(self, exclusions: Sequence[Exclusion]) -> frozenset[Pseudonym]:
        if not exclusions:
            return frozenset()
        added = set()
        with self._failures():
            self._path.touch(mode=0o600)
            with closing(connect(self._path, MIGRATIONS)) as database, _all_or_none(database):
                for one in exclusions:
                    done = database.execute(
                        "INSERT INTO exclusion VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                        (one.subject, one.since.isoformat(), one.by, one.reason),
                    )
                    if done.rowcount:
                        added.add(one.subject)
        return frozenset(added)

    def remove(self, subjects: Sequence[Pseudonym]) -> frozenset[Pseudonym]:
        if not self._path.exists():
            return frozenset()
        removed = set()
        with (
            self._failures(),
            closing(connect(self._path, MIGRATIONS)) as database,
            _all_or_none(database),
        ):
            for subject in subjects:
                done = database.execute("DELETE FROM exclusion WHERE subject = ?", (subject,))
                if done.rowcount:
                    removed.add(subject)
        return frozenset(removed)

    def _read(self, statement: str) -> list[tuple[object, ...]]:
        if not self._path.exists():
            return []
        # connect() would make an emptied file into an empty list, and everybody counted again.
        address = f"{self._path.absolute().as_uri()}?mode=rw"
        with (
            self._failures(),
            closing(sqlite3.connect(address, uri=True, timeout=30)) as database,
        ):
            return database.execute(statement).fetchall()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as err:
            raise Unavailable(
                f"the list of those who opted out cannot be read or written "
                f"({type(err).__name__}); nobody is counted until {self._path.name} is "
                "restored from a backup"
            ) from err


@contextmanager
def _all_or_none(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
