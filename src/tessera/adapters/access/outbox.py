"""Outbox on SQLite."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tessera.adapters.access.database import PUT_OUT, AccessDatabase, to_text
from tessera.ports.outbox import Sort, Waiting
from tessera.wire import fields
from tessera.wire.tasks import DeliveredPart, Report

_MAX_REPORTS: Final = 50
"""In one message."""


class SqliteOutbox:
    def __init__(self, path: Path) -> None:
        self._database = AccessDatabase(path)

    def put_reports(self, reports: Sequence[Report]) -> None:
        with self._database.changes() as database:
            for report in reports:
                database.execute(PUT_OUT, (Sort.REPORT.value, to_text(report.to_json())))

    def put_parts(self, parts: Sequence[DeliveredPart]) -> None:
        with self._database.changes() as database:
            for part in parts:
                database.execute(PUT_OUT, (Sort.PART.value, to_text(part.to_json())))

    def first(self) -> Sequence[Waiting]:
        heads = self._database.rows(
            "SELECT number, sort FROM outbox WHERE problem = '' ORDER BY number LIMIT ?",
            _MAX_REPORTS,
        )
        chosen: list[object] = []
        for number, sort in heads:  # a part is half a megabyte: it is read alone
            if sort == Sort.PART:
                chosen = chosen or [number]
                break
            chosen.append(number)
        if not chosen:
            return []
        rows = self._database.rows(
            "SELECT number, sort, body FROM outbox WHERE problem = '' "
            "AND number BETWEEN ? AND ? ORDER BY number",
            chosen[0],
            chosen[-1],
        )
        return [
            Waiting(number=int(str(number)), sort=Sort(str(sort)), body=fields.decode(str(body)))
            for number, sort, body in rows
        ]

    def remove(self, numbers: Sequence[int]) -> None:
        with self._database.changes() as database:
            database.executemany("DELETE FROM outbox WHERE number = ?", [(n,) for n in numbers])

    def set_aside(self, number: int, problem: str) -> None:
        with self._database.changes() as database:
            database.execute("UPDATE outbox SET problem = ? WHERE number = ?", (problem, number))

    def finish(self, task_id: str, report: Report) -> None:
        text = to_text(report.to_json())
        with self._database.changes() as database:
            done = database.execute(
                "INSERT INTO task VALUES (?, ?) ON CONFLICT DO NOTHING", (task_id, text)
            )
            if done.rowcount:
                database.execute(PUT_OUT, (Sort.REPORT.value, text))

    def is_finished(self, task_id: str) -> bool:
        rows = self._database.rows("SELECT report FROM task WHERE task_id = ?", task_id)
        if not rows:
            return False
        ((text,),) = rows
        with self._database.changes() as database:
            database.execute(
                "INSERT INTO outbox (sort, body) SELECT ?, ? WHERE NOT EXISTS "
                "(SELECT 1 FROM outbox WHERE problem = '' AND sort = ? AND body = ?)",
                (Sort.REPORT.value, text, Sort.REPORT.value, text),
            )
        return True
