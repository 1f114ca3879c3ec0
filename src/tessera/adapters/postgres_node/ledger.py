"""Ledger on PostgreSQL, in the identified schema."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from tessera.adapters.postgres_node.connection import Cursor, PostgresDatabase
from tessera.adapters.postgres_node.values import text
from tessera.domain.access.exclusions import OPTED_OUT
from tessera.ports.ledger import NOT_READ, LedgerEntry, SourceFile, State, printable

_COLUMNS = (
    "key, path, member, size, modified_ns, state, reason, message, element, mend, "
    "instance_uid, quarantine"
)
_ADD = "INSERT INTO tally VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET n = tally.n + excluded.n"
_PUT = f"""
INSERT INTO intake ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (key_digest(key)) DO UPDATE SET
    path = excluded.path, member = excluded.member, size = excluded.size,
    modified_ns = excluded.modified_ns, state = excluded.state, reason = excluded.reason,
    message = excluded.message, element = excluded.element, mend = excluded.mend,
    instance_uid = excluded.instance_uid, quarantine = excluded.quarantine
"""  # noqa: S608 - column names of our own


class PostgresLedger:
    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def settled(self, sources: Sequence[SourceFile]) -> frozenset[str]:
        if not sources:
            return frozenset()
        asked = {source.key: (source.size, source.modified_ns) for source in sources}
        rows = self._database.rows(
            "SELECT key, size, modified_ns FROM intake "
            "JOIN unnest(%s::text[]) AS asked ON key_digest(key) = key_digest(asked) "
            "WHERE reason NOT IN (%s, %s)",
            (list(asked), OPTED_OUT, NOT_READ),
        )
        return frozenset(key for key, size, when in rows if asked.get(key) == (size, when))

    def record(
        self, entries: Sequence[LedgerEntry], tally: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        rows = [_row(entry) for entry in entries]

        def work(cursor: Cursor) -> None:
            if rows:
                cursor.executemany(_PUT, rows)
            if tally:
                # In one order: two writers that wait for each other's names would stand still.
                cursor.executemany(_ADD, sorted(tally.items()))

        self._database.write(work)

    def tally(self) -> Mapping[str, int]:
        return dict(self._database.rows("SELECT name, n FROM tally ORDER BY name"))

    def stored(self, instance_uids: Sequence[str]) -> dict[str, str]:
        if not instance_uids:
            return {}
        return dict(
            self._database.rows(
                "SELECT instance_uid, min(key) FROM intake "
                "WHERE state = 'stored' AND instance_uid = ANY(%s) GROUP BY instance_uid",
                (list(instance_uids),),
            )
        )

    def counts(self) -> dict[tuple[State, str], int]:
        rows = self._database.rows(
            "SELECT state, reason, count(*) FROM intake GROUP BY state, reason ORDER BY 1, 2"
        )
        return {(State(state), reason): n for state, reason, n in rows}

    def entries(self, states: Sequence[State]) -> Iterator[LedgerEntry]:
        for state in states:
            for row in self._database.stream(
                f"SELECT {_COLUMNS} FROM intake WHERE state = %s ORDER BY key",  # noqa: S608
                (state.value,),
            ):
                yield LedgerEntry(
                    source=SourceFile(path=row[1], member=row[2], size=row[3], modified_ns=row[4]),
                    state=State(row[5]),
                    reason=row[6],
                    message=row[7],
                    element=row[8],
                    mend=row[9],
                    instance_uid=row[10],
                    quarantine=row[11],
                )

    def close(self) -> None:
        self._database.close()


def _row(entry: LedgerEntry) -> tuple[str | int, ...]:
    source = entry.source
    return (
        *(source.key, printable(source.path), printable(source.member)),
        *(source.size, source.modified_ns, entry.state.value),
        *(text(part) for part in (entry.reason, entry.message, entry.element, entry.mend)),
        *(entry.instance_uid, entry.quarantine),
    )
