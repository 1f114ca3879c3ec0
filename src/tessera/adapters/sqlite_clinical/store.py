"""The clinical store in one SQLite file (WAL, full sync)."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from tessera.adapters.sqlite_node.connection import connect
from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.clinical.record_json import RecordText, record_from_json, text_of
from tessera.domain.ids import Pseudonym
from tessera.domain.zones import Deidentified
from tessera.ports.clinical_store import Delivery

MIGRATIONS = (
    # Homes of before the tables were numbered have them already.
    """
    CREATE TABLE IF NOT EXISTS delivery (
        delivery_id INTEGER PRIMARY KEY,
        mapping_name TEXT NOT NULL,
        mapping_version TEXT NOT NULL,
        delivered_at TEXT NOT NULL,
        n_subjects INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS record (
        subject TEXT PRIMARY KEY,
        delivery_id INTEGER NOT NULL REFERENCES delivery,
        body TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    # A million records come in any order: their texts are appended, the index stays small.
    """
    ALTER TABLE record RENAME TO record_by_key;
    CREATE TABLE record (
        subject TEXT PRIMARY KEY,
        delivery_id INTEGER NOT NULL REFERENCES delivery,
        body TEXT NOT NULL
    ) STRICT;
    INSERT INTO record (subject, delivery_id, body)
        SELECT subject, delivery_id, body FROM record_by_key;
    DROP TABLE record_by_key
    """,
)


_AT_ONCE = 500


class SqliteClinicalStore:
    """Implements `ports.clinical_store.ClinicalStore`. Each call opens its own connection."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._open().close()

    def replace(
        self,
        records: Iterable[Deidentified[ClinicalRecord] | Deidentified[RecordText]],
        delivery: Delivery,
    ) -> None:
        with closing(self._open()) as database, database:
            database.execute("PRAGMA cache_size = -65536")
            database.execute("BEGIN IMMEDIATE")
            row = database.execute(
                "INSERT INTO delivery (mapping_name, mapping_version, delivered_at, n_subjects)"
                " VALUES (?, ?, ?, ?) RETURNING delivery_id",
                (
                    delivery.mapping_name,
                    delivery.mapping_version,
                    delivery.delivered_at.isoformat(),
                    delivery.n_subjects,
                ),
            ).fetchone()
            written = database.executemany(
                "INSERT INTO record (subject, delivery_id, body) VALUES (?, ?, ?)"
                " ON CONFLICT (subject) DO UPDATE"
                " SET delivery_id = excluded.delivery_id, body = excluded.body",
                ((text.subject, row[0], text.body) for text in map(text_of, records)),
            )
            database.execute(
                "UPDATE delivery SET n_subjects = ? WHERE delivery_id = ?",
                (written.rowcount, row[0]),
            )

    def existing(self, subjects: Sequence[Pseudonym]) -> Mapping[Pseudonym, str]:
        found: dict[Pseudonym, str] = {}
        with closing(self._open()) as database:
            for start in range(0, len(subjects), _AT_ONCE):
                some = subjects[start : start + _AT_ONCE]
                marks = ", ".join("?" * len(some))
                found |= dict(
                    database.execute(
                        f"SELECT subject, body FROM record WHERE subject IN ({marks})",  # noqa: S608
                        some,
                    )
                )
        return found

    def delivered_by(self, mapping_name: str) -> Iterator[Pseudonym]:
        with closing(self._open()) as database:
            rows = database.execute(
                "SELECT subject FROM record JOIN delivery USING (delivery_id)"
                " WHERE mapping_name = ? ORDER BY subject",
                (mapping_name,),
            )
            for (subject,) in rows:
                yield subject

    def all(self) -> Iterator[ClinicalRecord]:
        with closing(self._open()) as database:
            for (body,) in database.execute("SELECT body FROM record ORDER BY subject"):
                yield record_from_json(body)

    def remove(self, subjects: Sequence[Pseudonym]) -> None:
        with closing(self._open()) as database, database:
            database.execute("BEGIN IMMEDIATE")
            database.executemany("DELETE FROM record WHERE subject = ?", [(s,) for s in subjects])

    def deliveries(self) -> tuple[Delivery, ...]:
        with closing(self._open()) as database:
            rows = database.execute(
                "SELECT mapping_name, mapping_version, delivered_at, n_subjects"
                " FROM delivery ORDER BY delivery_id"
            ).fetchall()
        return tuple(
            Delivery(
                mapping_name=name,
                mapping_version=version,
                delivered_at=datetime.fromisoformat(when),
                n_subjects=n,
            )
            for name, version, when, n in rows
        )

    def _open(self) -> sqlite3.Connection:
        database = connect(self._path, MIGRATIONS)
        database.execute("PRAGMA foreign_keys = ON")
        return database
