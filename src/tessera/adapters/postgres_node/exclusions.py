"""ExclusionList on PostgreSQL, in the identified schema."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from tessera.adapters.postgres_node.connection import Cursor, PostgresDatabase
from tessera.adapters.postgres_node.values import text
from tessera.domain.access.exclusions import Exclusion
from tessera.domain.errors import Conflict, Unavailable
from tessera.domain.ids import Pseudonym

_PATIENCE_S: Final = 5.0
"""Queries of the hub and pages wait for this answer, one after the other."""


class PostgresExclusions:
    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def excluded(self) -> frozenset[Pseudonym]:
        with _failures():
            rows = self._database.rows("SELECT subject FROM exclusion", patience_s=_PATIENCE_S)
        return frozenset(Pseudonym(subject) for (subject,) in rows)

    def all(self) -> tuple[Exclusion, ...]:
        with _failures():
            rows = self._database.rows(
                "SELECT subject, since, recorded_by, reason FROM exclusion ORDER BY subject"
            )
        return tuple(
            Exclusion(
                subject=Pseudonym(subject),
                since=datetime.fromisoformat(since),
                by=by,
                reason=reason,
            )
            for subject, since, by, reason in rows
        )

    def add(self, exclusions: Sequence[Exclusion]) -> frozenset[Pseudonym]:
        def work(cursor: Cursor) -> frozenset[Pseudonym]:
            added = set()
            for one in sorted(exclusions, key=lambda one: one.subject):
                cursor.execute(
                    "INSERT INTO exclusion VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    (one.subject, one.since.isoformat(), text(one.by), text(one.reason)),
                )
                if cursor.rowcount:
                    added.add(one.subject)
            return frozenset(added)

        with _failures():
            return self._database.write(work) if exclusions else frozenset()

    def remove(self, subjects: Sequence[Pseudonym]) -> frozenset[Pseudonym]:
        def work(cursor: Cursor) -> frozenset[Pseudonym]:
            cursor.execute(
                "DELETE FROM exclusion WHERE subject = ANY(%s) RETURNING subject",
                (sorted(subjects),),
            )
            return frozenset(Pseudonym(subject) for (subject,) in cursor.fetchall())

        with _failures():
            return self._database.write(work) if subjects else frozenset()


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (Conflict, Unavailable) as err:
        raise Unavailable(
            f"the list of those who opted out cannot be read or written; nobody is counted until "
            f"it can be: {err}"
        ) from err
