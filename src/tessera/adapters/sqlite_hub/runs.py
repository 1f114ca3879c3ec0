"""RunStore on SQLite; the parts of released files are rows, so that a kill loses none."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from tessera.adapters.sqlite_hub.database import (
    Database,
    Row,
    time_of,
    time_of_or_none,
    time_text,
    time_text_or_none,
)
from tessera.domain.access.permit import Action
from tessera.domain.access.tool import OutputKind
from tessera.domain.ids import DatasetId, NodeId
from tessera.wire.runs import Run, RunFile
from tessera.wire.tasks import DeliveredPart, RunState

_RUN = """
SELECT use_id, permit_id, node_id, person_id, action, tool, datasets, asked_at, state,
    changed_at, detail, stop_asked_at
FROM run
"""
_ORDER = "ORDER BY asked_at DESC, use_id"
_FILES = """
SELECT name, kind, sha256, is_whole,
    (SELECT coalesce(sum(length(content)), 0) FROM run_part p
     WHERE p.use_id = f.use_id AND p.name = f.name)
FROM run_file f WHERE use_id = ? ORDER BY name
"""


class SqliteRuns:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, run: Run) -> bool:
        added = self._db.change(
            "INSERT OR IGNORE INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)",
            (
                *(run.use_id, run.permit_id, run.node_id, run.person_id, run.action.value),
                *(run.tool, json.dumps(run.datasets), time_text(run.asked_at), run.state.value),
                *(time_text(run.changed_at), run.detail, time_text_or_none(run.stop_asked_at)),
            ),
        )
        return added == 1

    def find(self, use_id: str) -> Run | None:
        row = self._db.row(f"{_RUN} WHERE use_id = ?", (use_id,))
        return None if row is None else self._run(row)

    def n_open(self, person_id: str) -> int:
        going = [state.value for state in RunState if not state.is_final]
        row = self._db.row(
            "SELECT count(*) FROM run WHERE person_id = ? "
            "AND state IN (SELECT value FROM json_each(?))",
            (person_id, json.dumps(going)),
        )
        return int(row[0]) if row else 0

    def for_permits(self, permit_ids: Sequence[str]) -> Sequence[Run]:
        rows = self._db.rows(
            f"{_RUN} WHERE permit_id IN (SELECT value FROM json_each(?)) {_ORDER}",  # noqa: S608  constants
            (json.dumps(list(permit_ids)),),
        )
        return [self._run(row) for row in rows]

    def all(self) -> Sequence[Run]:
        return [self._run(row) for row in self._db.rows(f"{_RUN} {_ORDER}")]

    def set_state(self, use_id: str, state: RunState, at: datetime, detail: str) -> None:
        self._db.change(
            "UPDATE run SET state = ?, changed_at = ?, detail = ? WHERE use_id = ?",
            (state.value, time_text(at), detail, use_id),
        )

    def announce(self, use_id: str, names: Sequence[str]) -> None:
        self._db.change(
            "UPDATE run SET announced = ? WHERE use_id = ?", (json.dumps(list(names)), use_id)
        )

    def announced(self, use_id: str) -> tuple[str, ...] | None:
        row = self._db.row("SELECT announced FROM run WHERE use_id = ?", (use_id,))
        return None if row is None or row[0] is None else tuple(json.loads(row[0]))

    def ask_stop(self, use_id: str, at: datetime) -> bool:
        changed = self._db.change(
            "UPDATE run SET stop_asked_at = ? WHERE use_id = ? AND stop_asked_at IS NULL",
            (time_text(at), use_id),
        )
        return changed == 1

    def add_part(self, part: DeliveredPart) -> bool:
        with self._db.transaction():
            self._db.change(
                "INSERT OR IGNORE INTO run_file VALUES (?, ?, ?, ?, ?, 0)",
                (part.use_id, part.name, part.kind, part.sha256, part.n_parts),
            )
            added = self._db.change(
                "INSERT OR IGNORE INTO run_part VALUES (?, ?, ?, ?)",
                (part.use_id, part.name, part.part, part.data),
            )
            return added == 1

    def n_bytes(self, use_id: str) -> int:
        row = self._db.row(
            "SELECT coalesce(sum(length(content)), 0) FROM run_part WHERE use_id = ?", (use_id,)
        )
        return int(row[0]) if row else 0

    def parts(self, use_id: str, name: str) -> Iterator[bytes]:
        numbers = self._db.rows(
            "SELECT part FROM run_part WHERE use_id = ? AND name = ? ORDER BY part", (use_id, name)
        )
        for (number,) in numbers:
            row = self._db.row(
                "SELECT content FROM run_part WHERE use_id = ? AND name = ? AND part = ?",
                (use_id, name, number),
            )
            if row is not None:
                yield row[0]

    def n_parts(self, use_id: str, name: str) -> tuple[int, int]:
        row = self._db.row(
            "SELECT (SELECT count(*) FROM run_part p WHERE p.use_id = f.use_id "
            "AND p.name = f.name), n_parts FROM run_file f WHERE use_id = ? AND name = ?",
            (use_id, name),
        )
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def close_file(self, use_id: str, name: str, *, is_whole: bool) -> None:
        with self._db.transaction():
            if is_whole:
                self._db.change(
                    "UPDATE run_file SET is_whole = 1 WHERE use_id = ? AND name = ?",
                    (use_id, name),
                )
                return
            for table in ("run_part", "run_file"):
                self._db.change(
                    f"DELETE FROM {table} WHERE use_id = ? AND name = ?",  # noqa: S608  a constant
                    (use_id, name),
                )

    def _run(self, row: Row) -> Run:
        return Run(
            use_id=row[0],
            permit_id=row[1],
            node_id=NodeId(row[2]),
            person_id=row[3],
            action=Action(row[4]),
            tool=row[5],
            datasets=tuple((DatasetId(name), n) for name, n in json.loads(row[6])),
            asked_at=time_of(row[7]),
            state=RunState(row[8]),
            changed_at=time_of(row[9]),
            detail=row[10],
            stop_asked_at=time_of_or_none(row[11]),
            files=tuple(map(_file, self._db.rows(_FILES, (row[0],)))),
        )


def _file(row: Row) -> RunFile:
    return RunFile(
        name=row[0],
        kind=OutputKind(row[1]),
        sha256=row[2],
        n_bytes=row[4],
        is_whole=bool(row[3]),
    )
