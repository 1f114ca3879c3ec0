"""PermitRecords on SQLite."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from tessera.adapters.access.database import PUT_OUT, AccessDatabase, to_text
from tessera.domain.errors import NotFound
from tessera.ports.outbox import Sort
from tessera.ports.permit_book import Decision, KeptPermit, Revoked, RevokedBy, Verdict
from tessera.wire.tasks import Report

_ALL: Final = """
    SELECT permit.permit_id, permit.token, received_at,
           verdict, decided_by, decision.at, decision.token, decision.reason,
           source, revocation.token, revocation.reason, revocation.at, revoked_by
    FROM permit LEFT JOIN decision USING (permit_id) LEFT JOIN revocation USING (permit_id)
"""
_STEP: Final = timedelta(seconds=60)
"""The latest moment is written down this often, so that a check costs no write each time."""


class SqlitePermitRecords:
    def __init__(self, path: Path) -> None:
        self._database = AccessDatabase(path)

    def put(self, permit_id: str, token: str, at: datetime) -> str:
        with self._database.changes() as database:
            database.execute(
                "INSERT INTO permit SELECT ?, coalesce(max(number), 0) + 1, ?, ? FROM permit "
                "WHERE true ON CONFLICT (permit_id) DO NOTHING",
                (permit_id, token, at.isoformat()),
            )
            (kept,) = database.execute(
                "SELECT token FROM permit WHERE permit_id = ?", (permit_id,)
            ).fetchone()
        return str(kept)

    def find(self, permit_id: str) -> KeptPermit | None:
        rows = self._database.rows(f"{_ALL} WHERE permit.permit_id = ?", permit_id)
        return _kept(rows[0]) if rows else None

    def all(self) -> Sequence[KeptPermit]:
        return [_kept(row) for row in self._database.rows(f"{_ALL} ORDER BY number")]

    def decide(self, permit_id: str, decision: Decision, report: Report) -> Decision:
        with self._database.changes() as database:
            known = database.execute("SELECT 1 FROM permit WHERE permit_id = ?", (permit_id,))
            if known.fetchone() is None:
                raise NotFound(f"no permit {permit_id} has come to this node")
            done = database.execute(
                "INSERT INTO decision VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    permit_id,
                    decision.verdict.value,
                    decision.by,
                    decision.at.isoformat(),
                    decision.token,
                    decision.reason,
                ),
            )
            if done.rowcount:
                _put_out(database, report)
            row = database.execute(
                "SELECT verdict, decided_by, at, token, reason FROM decision WHERE permit_id = ?",
                (permit_id,),
            ).fetchone()
        return _decision(row)

    def revoke(self, permit_id: str, revoked: Revoked, report: Report | None) -> bool:
        with self._database.changes() as database:
            done = database.execute(
                "INSERT INTO revocation VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    permit_id,
                    revoked.source.value,
                    revoked.token,
                    revoked.reason,
                    revoked.at.isoformat(),
                    revoked.by,
                ),
            )
            if done.rowcount and report is not None:
                _put_out(database, report)
        return bool(done.rowcount)

    def take_up(self, use_id: str, task_id: str, at: datetime) -> bool:
        with self._database.changes() as database:
            done = database.execute(
                "INSERT INTO taken_up VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (use_id, task_id, at.isoformat()),
            )
            (taken,) = database.execute(
                "SELECT task_id FROM taken_up WHERE use_id = ?", (use_id,)
            ).fetchone()
        return bool(done.rowcount) or (bool(task_id) and taken == task_id)

    def latest(self, now: datetime, *, anew: bool = False) -> datetime:
        if anew:
            with self._database.changes() as database:
                database.execute("DELETE FROM latest")
        rows = self._database.rows("SELECT at FROM latest")
        known = datetime.fromisoformat(str(rows[0][0])) if rows else None
        if known is None or now >= known + _STEP:
            with self._database.changes() as database:
                database.execute(
                    "INSERT INTO latest VALUES (1, ?) ON CONFLICT DO UPDATE SET at = excluded.at "
                    "WHERE excluded.at > latest.at",
                    (now.isoformat(timespec="microseconds"),),
                )
        return now if known is None else max(known, now)


def _put_out(database: sqlite3.Connection, report: Report) -> None:
    database.execute(PUT_OUT, (Sort.REPORT.value, to_text(report.to_json())))


def _kept(row: tuple[object, ...]) -> KeptPermit:
    source, token, reason, at, by = row[8:]
    return KeptPermit(
        permit_id=str(row[0]),
        token=str(row[1]),
        received_at=datetime.fromisoformat(str(row[2])),
        decision=None if row[3] is None else _decision(row[3:8]),
        revoked=None
        if source is None
        else Revoked(
            source=RevokedBy(str(source)),
            token=str(token),
            reason=str(reason),
            at=datetime.fromisoformat(str(at)),
            by=str(by),
        ),
    )


def _decision(row: tuple[object, ...]) -> Decision:
    verdict, by, at, token, reason = row
    return Decision(
        verdict=Verdict(str(verdict)),
        by=str(by),
        at=datetime.fromisoformat(str(at)),
        token=str(token),
        reason=str(reason),
    )
