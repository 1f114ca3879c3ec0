"""HarvestStore on SQLite."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from tessera.adapters.sqlite_hub.database import (
    Database,
    Row,
    time_of,
    time_of_or_none,
    time_text,
    time_text_or_none,
)
from tessera.domain.catalogue.harvested import HarvestedEntry, HarvestSource, RunState
from tessera.domain.errors import Conflict, NotFound
from tessera.wire import fields
from tessera.wire.harvested import dataset_from_json, dataset_to_json

_SOURCE = """
SELECT source_id, name, address, every_h, allow_private, added_at, run_at, state, detail
FROM harvest_source
"""
_ENTRY = "SELECT source_id, dataset, first_seen, last_seen, withdrawn_at FROM harvested"
_PUT = """
INSERT INTO harvested VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (source_id, iri) DO UPDATE SET
    dataset = excluded.dataset, first_seen = excluded.first_seen,
    last_seen = excluded.last_seen, withdrawn_at = excluded.withdrawn_at
"""


class SqliteHarvest:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, source: HarvestSource) -> None:
        try:
            self._db.change(
                "INSERT INTO harvest_source VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(source.source_id, source.name, source.address, source.every_h),
                    *(int(source.allow_private), time_text(source.added_at)),
                    *(time_text_or_none(source.run_at), source.state.value, source.detail),
                ),
            )
        except sqlite3.IntegrityError as err:
            raise Conflict(
                f"a source with the id {source.source_id} or the address {source.address} is there"
            ) from err

    def remove(self, source_id: str) -> None:
        if not self._db.change("DELETE FROM harvest_source WHERE source_id = ?", (source_id,)):
            raise _unknown(source_id)

    def source(self, source_id: str) -> HarvestSource | None:
        row = self._db.row(f"{_SOURCE} WHERE source_id = ?", (source_id,))
        return None if row is None else _source(row)

    def sources(self) -> Sequence[HarvestSource]:
        return [_source(row) for row in self._db.rows(f"{_SOURCE} ORDER BY added_at, source_id")]

    def ran(self, source_id: str, at: datetime, state: RunState, detail: str) -> None:
        if not self._db.change(
            "UPDATE harvest_source SET run_at = ?, state = ?, detail = ? WHERE source_id = ?",
            (time_text(at), state.value, detail, source_id),
        ):
            raise _unknown(source_id)

    def put(self, entries: Sequence[HarvestedEntry]) -> None:
        with self._db.transaction():
            for entry in entries:
                text = fields.encode(dataset_to_json(entry.dataset)).decode()
                self._db.change(
                    _PUT,
                    (
                        *(entry.source_id, entry.dataset.iri, entry.key, text),
                        *(time_text(entry.first_seen), time_text(entry.last_seen)),
                        time_text_or_none(entry.withdrawn_at),
                    ),
                )

    def entries(self, source_id: str | None = None) -> Sequence[HarvestedEntry]:
        where, given = ("", ()) if source_id is None else ("WHERE source_id = ?", (source_id,))
        rows = self._db.rows(f"{_ENTRY} {where} ORDER BY last_seen DESC, iri, source_id", given)
        return [_entry(row) for row in rows]

    def entry(self, key: str) -> HarvestedEntry | None:
        row = self._db.row(f"{_ENTRY} WHERE entry_key = ?", (key,))
        return None if row is None else _entry(row)


def _unknown(source_id: str) -> NotFound:
    return NotFound(f"no source {source_id}; `tessera hub harvest list` shows them")


def _source(row: Row) -> HarvestSource:
    return HarvestSource(
        source_id=row[0],
        name=row[1],
        address=row[2],
        every_h=row[3],
        allow_private=bool(row[4]),
        added_at=time_of(row[5]),
        run_at=time_of_or_none(row[6]),
        state=RunState(row[7]),
        detail=row[8],
    )


def _entry(row: Row) -> HarvestedEntry:
    return HarvestedEntry(
        source_id=row[0],
        dataset=dataset_from_json(fields.decode(row[1])),
        first_seen=time_of(row[2]),
        last_seen=time_of(row[3]),
        withdrawn_at=time_of_or_none(row[4]),
    )
