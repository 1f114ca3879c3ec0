"""InstanceIndex on PostgreSQL, in the research schema."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from datetime import date
from typing import Any, Final

from tessera.adapters.postgres_node.connection import Cursor, PostgresDatabase
from tessera.adapters.postgres_node.values import text
from tessera.domain.ids import InstanceUid, Pseudonym, StudyUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.zones import Deidentified
from tessera.ports.instance_index import IndexTotals

NAMES: Final = tuple(field.name for field in fields(InstanceRow))
_DATES: Final = frozenset(("study_date", "acquisition_date"))
_TUPLES: Final = frozenset(("position_mm", "orientation", "spacing_mm"))
COLUMNS: Final = ", ".join(f'"{name}"' for name in NAMES)
_SELECT: Final = f"SELECT {COLUMNS} FROM instance"  # noqa: S608 - column names of our own
_PUT: Final = (
    f"INSERT INTO instance ({COLUMNS}) VALUES ({', '.join(['%s'] * len(NAMES))}) "  # noqa: S608
    "ON CONFLICT (instance_uid) DO UPDATE SET "
    + ", ".join(f'"{name}" = excluded."{name}"' for name in NAMES if name != "instance_uid")
)
_ORDER: Final = "ORDER BY study_uid, series_uid, instance_uid"


class PostgresInstanceIndex:
    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def put(self, rows: Sequence[Deidentified[InstanceRow]]) -> None:
        # In one order: two writers of the same rows would stand still.
        values = [
            [_stored(name, getattr(row, name)) for name in NAMES]
            for row in sorted((one.value for one in rows), key=lambda row: row.instance_uid)
        ]
        if values:
            self._changed(lambda cursor: cursor.executemany(_PUT, values))

    def find(self, instance_uids: Sequence[InstanceUid]) -> dict[InstanceUid, InstanceRow]:
        if not instance_uids:
            return {}
        found = self._database.rows(
            f"{_SELECT} WHERE instance_uid = ANY(%s)", (list(instance_uids),)
        )
        return {row.instance_uid: row for row in map(_row, found)}

    def all(self) -> Iterator[InstanceRow]:
        yield from map(_row, self._database.stream(f"{_SELECT} {_ORDER}"))

    def stored(self) -> Iterator[tuple[Any, ...]]:
        """Yield every row as it is stored, in the order of `NAMES`."""
        yield from self._database.stream(_SELECT)

    def of_study(self, study_uid: StudyUid) -> Sequence[InstanceRow]:
        found = self._database.rows(f"{_SELECT} WHERE study_uid = %s {_ORDER}", (study_uid,))
        return tuple(map(_row, found))

    def subjects(self) -> frozenset[Pseudonym]:
        rows = self._database.rows("SELECT DISTINCT subject FROM instance")
        return frozenset(Pseudonym(subject) for (subject,) in rows)

    def remove(self, instance_uids: Sequence[InstanceUid]) -> None:
        asked = sorted(instance_uids)
        if asked:
            self._changed(
                lambda cursor: cursor.execute(
                    "DELETE FROM instance WHERE instance_uid = ANY(%s)", (asked,)
                )
            )

    def totals(self) -> IndexTotals:
        (row,) = self._database.rows(
            "SELECT count(DISTINCT subject), count(DISTINCT study_uid), "
            "count(DISTINCT series_uid), count(*), coalesce(sum(n_bytes), 0)::bigint FROM instance"
        )
        return IndexTotals(*row)

    def changes(self) -> int:
        """Return how many changes there have been, by whomever."""
        ((n,),) = self._database.rows("SELECT n FROM change")
        return int(n)

    def close(self) -> None:
        self._database.close()

    def _changed(self, change: Callable[[Cursor], object]) -> None:
        def work(cursor: Cursor) -> None:
            change(cursor)
            cursor.execute("UPDATE change SET n = n + 1")

        self._database.write(work)


def _stored(name: str, value: object) -> object:
    if isinstance(value, str):
        return text(value)
    if name in _DATES and isinstance(value, date):
        return value.isoformat()
    if name in _TUPLES and value is not None:
        return json.dumps(value)
    return int(value) if isinstance(value, bool) else value


def _row(values: Sequence[object]) -> InstanceRow:
    known = dict(zip(NAMES, values, strict=True))
    for name in _DATES:
        if known[name]:
            known[name] = date.fromisoformat(str(known[name]))
    for name in _TUPLES:
        if known[name]:
            known[name] = tuple(json.loads(str(known[name])))
    known["has_pixels"] = bool(known["has_pixels"])
    return InstanceRow(**known)  # type: ignore[arg-type]
