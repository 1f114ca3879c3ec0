"""The clinical store in one SQLite file (WAL, full sync)."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

from tessera.adapters.sqlite_node.connection import connect
from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord, Subject
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
)


class SqliteClinicalStore:
    """Implements `ports.clinical_store.ClinicalStore`. Each call opens its own connection."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._open().close()

    def replace(self, records: Sequence[Deidentified[ClinicalRecord]], delivery: Delivery) -> None:
        with closing(self._open()) as database, database:
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
            database.executemany(
                "INSERT INTO record (subject, delivery_id, body) VALUES (?, ?, ?)"
                " ON CONFLICT (subject) DO UPDATE"
                " SET delivery_id = excluded.delivery_id, body = excluded.body",
                [(r.value.subject.subject, row[0], record_to_json(r.value)) for r in records],
            )

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


def record_to_json(record: ClinicalRecord) -> str:
    """Return the text that a record is stored as. Any JSON escapes U+0000."""
    return json.dumps(asdict(record), ensure_ascii=False, sort_keys=True, default=_encode_date)


def _encode_date(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no JSON form for {type(value).__name__}")


def record_from_json(body: str) -> ClinicalRecord:
    """Return the record that `record_to_json` wrote."""
    document: dict[str, Any] = json.loads(body)
    return ClinicalRecord(
        Subject(**document["subject"]),
        tuple(_condition(condition) for condition in document["conditions"]),
    )


def _condition(fields: dict[str, Any]) -> CancerCondition:
    day = fields.get("diagnosis_date")
    return CancerCondition(**{**fields, "diagnosis_date": date.fromisoformat(day) if day else None})
