"""InstanceIndex on SQLite: one file in the research zone."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import date
from pathlib import Path
from weakref import finalize

from tessera.adapters.sqlite_node.connection import among, connect_for_writing, transaction
from tessera.adapters.sqlite_node.web_tables import WEB_MIGRATION
from tessera.domain.ids import InstanceUid, Pseudonym, StudyUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.zones import Deidentified
from tessera.ports.instance_index import IndexTotals

_NAMES = tuple(field.name for field in fields(InstanceRow))
_DATES = frozenset(("study_date", "acquisition_date"))
_TUPLES = frozenset(("position_mm", "orientation", "spacing_mm"))
MIGRATIONS = (
    """
    CREATE TABLE instance (
        subject TEXT NOT NULL, study_uid TEXT NOT NULL, series_uid TEXT NOT NULL,
        instance_uid TEXT PRIMARY KEY, sop_class_uid TEXT NOT NULL,
        transfer_syntax_uid TEXT NOT NULL, modality TEXT NOT NULL, body_part TEXT NOT NULL,
        laterality TEXT NOT NULL, manufacturer TEXT NOT NULL, model TEXT NOT NULL,
        sex TEXT NOT NULL, age_years REAL, study_date TEXT, acquisition_date TEXT,
        image_type TEXT NOT NULL, series_number INTEGER, instance_number INTEGER,
        acquisition_number INTEGER, rows INTEGER, columns INTEGER, frames INTEGER NOT NULL,
        samples INTEGER NOT NULL, bits_allocated INTEGER, position_mm TEXT, orientation TEXT,
        spacing_mm TEXT, slice_thickness_mm REAL, b_value REAL, temporal_position INTEGER,
        echo_number INTEGER, frame_of_reference_uid TEXT NOT NULL,
        referenced_series_uid TEXT NOT NULL, has_pixels INTEGER NOT NULL,
        pixel_bytes INTEGER NOT NULL, pixel_sha256 TEXT NOT NULL, n_bytes INTEGER NOT NULL,
        sha256 TEXT NOT NULL, path TEXT NOT NULL
    ) STRICT;
    CREATE INDEX instance_series ON instance (study_uid, series_uid, instance_uid);
    CREATE INDEX instance_subject ON instance (subject)
    """,
    WEB_MIGRATION,
)
_SELECT = f"SELECT {', '.join(_NAMES)} FROM instance"  # noqa: S608 - column names of our own
_PUT = (
    f"INSERT OR REPLACE INTO instance ({', '.join(_NAMES)}) "  # noqa: S608 - the same
    f"VALUES ({', '.join('?' * len(_NAMES))})"
)


class SqliteInstanceIndex:
    def __init__(self, path: Path) -> None:
        self._db = connect_for_writing(path, MIGRATIONS)
        finalize(self, self._db.close)

    def put(self, rows: Sequence[Deidentified[InstanceRow]]) -> None:
        self._write(_PUT, [tuple(map(_stored, _NAMES, _values(row.value))) for row in rows])

    def find(self, instance_uids: Sequence[InstanceUid]) -> dict[InstanceUid, InstanceRow]:
        rows = among(self._db, f"{_SELECT} WHERE instance_uid IN (%s)", instance_uids)
        return {row.instance_uid: row for row in map(_row, rows)}

    def all(self) -> Iterator[InstanceRow]:
        order = "ORDER BY study_uid, series_uid, instance_uid"
        yield from map(_row, self._db.execute(f"{_SELECT} {order}"))

    def of_study(self, study_uid: StudyUid) -> Sequence[InstanceRow]:
        order = "ORDER BY series_uid, instance_uid"
        found = self._db.execute(f"{_SELECT} WHERE study_uid = ? {order}", (study_uid,))
        return tuple(map(_row, found))

    def subjects(self) -> frozenset[Pseudonym]:
        rows = self._db.execute("SELECT DISTINCT subject FROM instance")
        return frozenset(Pseudonym(subject) for (subject,) in rows)

    def remove(self, instance_uids: Sequence[InstanceUid]) -> None:
        self._write("DELETE FROM instance WHERE instance_uid = ?", [(u,) for u in instance_uids])

    def totals(self) -> IndexTotals:
        row = self._db.execute(
            "SELECT count(DISTINCT subject), count(DISTINCT study_uid), "
            "count(DISTINCT series_uid), count(*), coalesce(sum(n_bytes), 0) FROM instance"
        ).fetchone()
        return IndexTotals(*row)

    def close(self) -> None:
        self._db.close()

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        with transaction(self._db):
            self._db.executemany(statement, rows)


def _values(row: InstanceRow) -> list[object]:
    return [getattr(row, name) for name in _NAMES]


def _stored(name: str, value: object) -> object:
    if value is None:
        return None
    if name in _DATES and isinstance(value, date):
        return value.isoformat()
    if name in _TUPLES:
        return json.dumps(value)
    return int(value) if isinstance(value, bool) else value


def _row(values: Sequence[object]) -> InstanceRow:
    known = dict(zip(_NAMES, values, strict=True))
    for name in _DATES:
        if known[name]:
            known[name] = date.fromisoformat(str(known[name]))
    for name in _TUPLES:
        if known[name]:
            known[name] = tuple(json.loads(str(known[name])))
    known["has_pixels"] = bool(known["has_pixels"])
    return InstanceRow(**known)  # type: ignore[arg-type]
