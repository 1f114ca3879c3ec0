"""Ledger on SQLite: one file in the identified zone."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from weakref import finalize

from tessera.adapters.sqlite_node.connection import among, connect_for_writing, transaction
from tessera.domain.access.exclusions import OPTED_OUT
from tessera.ports.ledger import NOT_READ, LedgerEntry, SourceFile, State, printable

MIGRATIONS = (
    """
    CREATE TABLE intake (
        key TEXT PRIMARY KEY, path TEXT NOT NULL, member TEXT NOT NULL,
        size INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
        state TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,
        element TEXT NOT NULL, mend TEXT NOT NULL,
        instance_uid TEXT NOT NULL, quarantine TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX intake_state ON intake (state, reason);
    CREATE INDEX intake_instance ON intake (instance_uid) WHERE state = 'stored'
    """,
    "CREATE TABLE tally (name TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)
_ADD = "INSERT INTO tally VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = n + excluded.n"
_PUT = """
INSERT INTO intake VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET
    path = excluded.path, member = excluded.member, size = excluded.size,
    modified_ns = excluded.modified_ns, state = excluded.state, reason = excluded.reason,
    message = excluded.message, element = excluded.element, mend = excluded.mend,
    instance_uid = excluded.instance_uid, quarantine = excluded.quarantine
"""


class SqliteLedger:
    def __init__(self, path: Path) -> None:
        self._db = connect_for_writing(path, MIGRATIONS)
        finalize(self, self._db.close)

    def settled(self, sources: Sequence[SourceFile]) -> frozenset[str]:
        known = {source.key: (source.size, source.modified_ns) for source in sources}
        found = among(
            self._db,
            "SELECT key, size, modified_ns, reason FROM intake WHERE key IN (%s)",
            list(known),
        )
        return frozenset(
            key
            for key, size, modified_ns, reason in found
            if known[key] == (size, modified_ns) and reason not in (OPTED_OUT, NOT_READ)
        )

    def record(
        self, entries: Sequence[LedgerEntry], tally: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        rows = [_row(entry) for entry in entries]
        with transaction(self._db):
            self._db.executemany(_PUT, rows)
            self._db.executemany(_ADD, list(tally.items()))

    def tally(self) -> Mapping[str, int]:
        return dict(self._db.execute("SELECT name, n FROM tally ORDER BY name").fetchall())

    def stored(self, instance_uids: Sequence[str]) -> dict[str, str]:
        select = (
            "SELECT instance_uid, key FROM intake WHERE state = 'stored' AND instance_uid IN (%s)"
        )
        return dict(among(self._db, select, instance_uids))

    def counts(self) -> dict[tuple[State, str], int]:
        rows = self._db.execute(
            "SELECT state, reason, count(*) FROM intake GROUP BY state, reason ORDER BY 1, 2"
        )
        return {(State(state), reason): n for state, reason, n in rows}

    def entries(self, states: Sequence[State]) -> Iterator[LedgerEntry]:
        for state in states:
            yield from map(
                _entry,
                self._db.execute("SELECT * FROM intake WHERE state = ? ORDER BY key", (state,)),
            )

    def close(self) -> None:
        self._db.close()


def _row(entry: LedgerEntry) -> tuple[str | int, ...]:
    source = entry.source
    return (
        *(
            source.key,
            printable(source.path),
            printable(source.member),
            source.size,
            source.modified_ns,
        ),
        *(entry.state, entry.reason, entry.message, entry.element, entry.mend),
        *(entry.instance_uid, entry.quarantine),
    )


def _entry(row: tuple[str, str, str, int, int, str, str, str, str, str, str, str]) -> LedgerEntry:
    return LedgerEntry(
        source=SourceFile(path=row[1], member=row[2], size=row[3], modified_ns=row[4]),
        state=State(row[5]),
        reason=row[6],
        message=row[7],
        element=row[8],
        mend=row[9],
        instance_uid=row[10],
        quarantine=row[11],
    )
