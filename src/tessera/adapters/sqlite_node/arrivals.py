"""Arrivals on SQLite: one file in the identified zone, written by several receivers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from weakref import finalize

from tessera.adapters.sqlite_node.connection import connect, transaction
from tessera.domain.imaging.origin import Origin
from tessera.ports.arrivals import Arrival, ArrivedStudy

MIGRATIONS = (
    """
    CREATE TABLE arrival (
        name TEXT PRIMARY KEY, caller TEXT NOT NULL, sop_class TEXT NOT NULL,
        transfer_syntax TEXT NOT NULL, instance_uid TEXT NOT NULL, series_uid TEXT NOT NULL,
        study_uid TEXT NOT NULL, patient_id TEXT NOT NULL, accession TEXT NOT NULL,
        n_bytes INTEGER NOT NULL, received_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE study (
        study_uid TEXT PRIMARY KEY, patient_id TEXT NOT NULL, accession TEXT NOT NULL,
        n_received INTEGER NOT NULL, last_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER arrived AFTER INSERT ON arrival WHEN new.study_uid <> '' BEGIN
        INSERT INTO study VALUES (
            new.study_uid, new.patient_id, new.accession, 1, new.received_ms
        ) ON CONFLICT (study_uid) DO UPDATE SET
            n_received = n_received + 1, last_ms = max(last_ms, excluded.last_ms);
    END
    """,
)
_ADD = "INSERT OR IGNORE INTO arrival VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class SqliteArrivals:
    """Commits are not flushed one by one: what a crash takes is read from the files again."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.touch(0o600)
        self._db = connect(path, MIGRATIONS)
        self._db.execute("PRAGMA synchronous = NORMAL")
        finalize(self, self._db.close)

    def add(self, arrivals: Sequence[Arrival]) -> None:
        rows = [_row(one) for one in arrivals]
        with transaction(self._db):
            self._db.executemany(_ADD, rows)

    def remove(self, names: Sequence[str]) -> None:
        with transaction(self._db):
            self._db.executemany("DELETE FROM arrival WHERE name = ?", [(n,) for n in names])

    def waiting(self) -> Sequence[Arrival]:
        return [_arrival(row) for row in self._db.execute("SELECT * FROM arrival ORDER BY name")]

    def count(self) -> tuple[int, int]:
        n, n_bytes = self._db.execute(
            "SELECT count(*), coalesce(sum(n_bytes), 0) FROM arrival"
        ).fetchone()
        return n, n_bytes

    def studies(self, study_uids: Sequence[str] | None = None) -> Sequence[ArrivedStudy]:
        if study_uids is None:
            rows = self._db.execute("SELECT * FROM study").fetchall()
        else:
            rows = []
            for uid in dict.fromkeys(study_uids):
                rows += self._db.execute("SELECT * FROM study WHERE study_uid = ?", (uid,))
        return [_study(row) for row in sorted(rows, key=lambda row: (row[4], row[0]))]

    def close(self) -> None:
        self._db.close()


def _row(one: Arrival) -> tuple[str | int, ...]:
    origin = one.origin
    return (
        one.name,
        one.caller,
        one.sop_class,
        one.transfer_syntax,
        one.instance_uid,
        origin.series_uid,
        origin.study_uid,
        origin.patient_id,
        origin.accession,
        one.n_bytes,
        int(one.received.timestamp() * 1000),
    )


def _arrival(row: tuple[str, str, str, str, str, str, str, str, str, int, int]) -> Arrival:
    return Arrival(
        name=row[0],
        caller=row[1],
        sop_class=row[2],
        transfer_syntax=row[3],
        instance_uid=row[4],
        n_bytes=row[9],
        received=_time(row[10]),
        origin=Origin(
            sop_class=row[2],
            instance_uid=row[4],
            series_uid=row[5],
            study_uid=row[6],
            patient_id=row[7],
            accession=row[8],
        ),
    )


def _study(row: tuple[str, str, str, int, int]) -> ArrivedStudy:
    return ArrivedStudy(
        study_uid=row[0],
        patient_id=row[1],
        accession=row[2],
        n_received=row[3],
        last=_time(row[4]),
    )


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
