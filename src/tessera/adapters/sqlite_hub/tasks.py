"""TaskQueue on SQLite."""

from collections.abc import Sequence
from datetime import datetime

from tessera.adapters.sqlite_hub.database import Database, Row, time_text
from tessera.domain.ids import NodeId
from tessera.ports.access_records import TaskRecord

_TASK = "SELECT task_id, node_id, kind, body, subject"


class SqliteTasks:
    def __init__(self, db: Database) -> None:
        self._db = db

    def put(self, task: TaskRecord, at: datetime) -> None:
        self._db.change(
            "INSERT INTO task (task_id, node_id, kind, body, subject, put_at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (task.task_id, task.node_id, task.kind, task.body, task.subject, time_text(at)),
        )

    def take(
        self, node_id: str, *, given_before: datetime, now: datetime, max_bytes: int
    ) -> Sequence[TaskRecord]:
        if not self._window(node_id, max_bytes):
            return []  # as nearly always: without a transaction
        with self._db.transaction():
            places = self._window(node_id, max_bytes)
            if not any(given is None or given < time_text(given_before) for _, given in places):
                return []
            first, last = places[0][0], places[-1][0]
            where = "WHERE node_id = ? AND done_at IS NULL AND place BETWEEN ? AND ?"
            rows = self._db.rows(
                f"{_TASK} FROM task {where} ORDER BY place",
                (node_id, first, last),
            )
            self._db.change(
                f"UPDATE task SET given_at = ? {where}",  # noqa: S608  a constant is put in
                (time_text(now), node_id, first, last),
            )
            return [_task(row) for row in rows]

    def _window(self, node_id: str, max_bytes: int) -> list[tuple[int, str | None]]:
        """Return place and last giving of the open tasks that fit into one reply."""
        found: list[tuple[int, str | None]] = []
        n_bytes = 0
        for place, given, size in self._db.rows(
            "SELECT place, given_at, length(CAST(body AS BLOB)) FROM task "
            "WHERE node_id = ? AND done_at IS NULL ORDER BY place LIMIT 200",
            (node_id,),
        ):
            n_bytes += size
            if found and n_bytes > max_bytes:
                break
            found.append((place, given))
        return found

    def done(self, node_id: str, task_id: str, at: datetime) -> TaskRecord | None:
        with self._db.transaction():
            row = self._db.row(
                f"{_TASK} FROM task WHERE node_id = ? AND task_id = ? AND done_at IS NULL",
                (node_id, task_id),
            )
            if row is not None:
                # What was asked stays on record; what came along is not needed any more.
                self._db.change(
                    "UPDATE task SET done_at = ?, body = '{}' WHERE task_id = ?",
                    (time_text(at), task_id),
                )
            return None if row is None else _task(row)

    def n_open(self, node_id: str) -> int:
        row = self._db.row(
            "SELECT count(*) FROM task WHERE node_id = ? AND done_at IS NULL", (node_id,)
        )
        return int(row[0]) if row else 0


def _task(row: Row) -> TaskRecord:
    return TaskRecord(
        task_id=row[0], node_id=NodeId(row[1]), kind=row[2], body=row[3], subject=row[4]
    )
