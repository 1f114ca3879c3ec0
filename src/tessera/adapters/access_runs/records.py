"""RunRecords in one SQLite file. Each call opens its own connection."""

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from tessera.adapters.access.database import make_database
from tessera.adapters.sqlite_node.connection import connect
from tessera.domain.access.tool import OutputKind
from tessera.domain.errors import Unavailable
from tessera.domain.ids import DatasetId, Pseudonym
from tessera.ports.run_records import Decided, OutputRecord, RunRecord, Seen
from tessera.wire.tasks import RunState

_MIGRATIONS = (
    """
    CREATE TABLE IF NOT EXISTS run (
        use_id TEXT PRIMARY KEY, action TEXT NOT NULL, permit_id TEXT NOT NULL,
        person TEXT NOT NULL, tool TEXT NOT NULL, datasets TEXT NOT NULL, taken_at TEXT NOT NULL,
        task_id TEXT NOT NULL, arguments TEXT NOT NULL, has_inputs INTEGER NOT NULL,
        state TEXT NOT NULL, detail TEXT NOT NULL, attempts INTEGER NOT NULL,
        started_at TEXT, ended_at TEXT, exit_code INTEGER
    ) STRICT;
    CREATE TABLE IF NOT EXISTS seen (
        subject TEXT NOT NULL, use_id TEXT NOT NULL, dataset_id TEXT NOT NULL,
        version INTEGER NOT NULL, PRIMARY KEY (subject, use_id, dataset_id, version)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS seen_use ON seen (use_id);
    CREATE TABLE IF NOT EXISTS output (
        use_id TEXT NOT NULL, name TEXT NOT NULL, kind TEXT, sha256 TEXT NOT NULL,
        n_bytes INTEGER NOT NULL, decided TEXT NOT NULL, decided_by TEXT NOT NULL,
        decided_at TEXT, reason TEXT NOT NULL, PRIMARY KEY (use_id, name)
    ) STRICT, WITHOUT ROWID
    """,
    "ALTER TABLE seen ADD COLUMN is_last INTEGER NOT NULL DEFAULT 1",
)
_COLUMNS = (
    "use_id, action, permit_id, person, tool, datasets, taken_at, task_id, arguments, "
    "has_inputs, state, detail, attempts, started_at, ended_at, exit_code"
)
_PER_QUERY = 500


class SqliteRunRecords:
    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, record: RunRecord) -> bool:
        with self._writing() as database:
            done = database.execute(
                f"INSERT INTO run ({_COLUMNS}) VALUES ({_marks(16)}) "  # noqa: S608
                "ON CONFLICT DO NOTHING",
                _row(record),
            )
            return bool(done.rowcount)

    def change(self, record: RunRecord, *, was: RunState) -> bool:
        with self._writing() as database:
            done = database.execute(
                f"UPDATE run SET ({_COLUMNS}) = ({_marks(16)}) "  # noqa: S608
                "WHERE use_id = ? AND state = ?",
                (*_row(record), record.use_id, was.value),
            )
            return bool(done.rowcount)

    def all(self) -> Sequence[RunRecord]:
        rows = self._read(
            f"SELECT {_COLUMNS} FROM run ORDER BY taken_at, use_id"  # noqa: S608
        )
        return [_record(row) for row in rows]

    def put_subjects(
        self, use_id: str, dataset_id: DatasetId, version: int, subjects: Collection[Pseudonym]
    ) -> None:
        with self._writing() as database:
            database.execute(
                "UPDATE seen SET is_last = 0 WHERE use_id = ? AND dataset_id = ? AND version = ?",
                (use_id, dataset_id, version),
            )
            database.executemany(
                "INSERT INTO seen VALUES (?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET is_last = 1",
                [(subject, use_id, dataset_id, version) for subject in subjects],
            )

    def seen(
        self, *, subjects: Collection[Pseudonym] | None = None, use_id: str = ""
    ) -> Sequence[Seen]:
        select = "SELECT use_id, dataset_id, version, subject, is_last FROM seen WHERE "
        order = " ORDER BY use_id, dataset_id, version, subject"
        if subjects is None:
            return [_seen(row) for row in self._read(f"{select} use_id = ?{order}", use_id)]
        found: list[Seen] = []
        wanted = sorted(subjects)
        for at in range(0, len(wanted), _PER_QUERY):
            some = wanted[at : at + _PER_QUERY]
            query = f"{select} subject IN ({_marks(len(some))}){order}"
            found += [_seen(row) for row in self._read(query, *some)]
        return found

    def put_outputs(self, use_id: str, outputs: Sequence[OutputRecord]) -> None:
        with self._writing() as database:
            database.executemany(
                f"INSERT OR REPLACE INTO output VALUES ({_marks(9)})",  # noqa: S608
                [_output_row(use_id, one) for one in outputs],
            )

    def outputs(self, use_id: str) -> Sequence[OutputRecord]:
        rows = self._read("SELECT * FROM output WHERE use_id = ? ORDER BY name", use_id)
        return [_output(row) for row in rows]

    def _read(self, query: str, *values: object) -> list[tuple[object, ...]]:
        if not self._path.exists():
            return []
        self._check_not_emptied()
        with self._failures(), closing(connect(self._path, _MIGRATIONS)) as database:
            return list(database.execute(query, values))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._failures():
            if not self._path.exists():
                make_database(self._path, _MIGRATIONS)
            self._check_not_emptied()
            with closing(connect(self._path, _MIGRATIONS)) as database:
                database.execute("BEGIN IMMEDIATE")
                try:
                    yield database
                except BaseException:
                    database.execute("ROLLBACK")
                    raise
                database.execute("COMMIT")

    def _check_not_emptied(self) -> None:
        """Raise Unavailable: connect() would make it anew, and who was in which run be lost."""
        if not self._path.stat().st_size:
            raise Unavailable(f"{self._path} is empty; restore the file from a backup")

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as err:
            raise Unavailable(f"{self._path}: {err}; restore the file from a backup") from err


def _marks(n: int) -> str:
    return ", ".join("?" * n)


def _row(record: RunRecord) -> tuple[object, ...]:
    return (
        record.use_id,
        record.action,
        record.permit_id,
        record.person,
        record.tool,
        json.dumps(record.datasets),
        record.taken_at.isoformat(),
        record.task_id,
        record.arguments,
        int(record.has_inputs),
        record.state.value,
        record.detail,
        record.attempts,
        _text(record.started_at),
        _text(record.ended_at),
        record.exit_code,
    )


def _record(row: Sequence[object]) -> RunRecord:
    return RunRecord(
        use_id=str(row[0]),
        action=str(row[1]),
        permit_id=str(row[2]),
        person=str(row[3]),
        tool=str(row[4]),
        datasets=tuple((DatasetId(name), version) for name, version in json.loads(str(row[5]))),
        taken_at=datetime.fromisoformat(str(row[6])),
        task_id=str(row[7]),
        arguments=str(row[8]),
        has_inputs=bool(row[9]),
        state=RunState(str(row[10])),
        detail=str(row[11]),
        attempts=int(str(row[12])),
        started_at=_moment(row[13]),
        ended_at=_moment(row[14]),
        exit_code=None if row[15] is None else int(str(row[15])),
    )


def _output_row(use_id: str, one: OutputRecord) -> tuple[object, ...]:
    kind = None if one.kind is None else one.kind.value
    told = (one.decided.value, one.by, _text(one.at), one.reason)
    return (use_id, one.name, kind, one.sha256, one.n_bytes, *told)


def _output(row: Sequence[object]) -> OutputRecord:
    return OutputRecord(
        use_id=str(row[0]),
        name=str(row[1]),
        kind=None if row[2] is None else OutputKind(str(row[2])),
        sha256=str(row[3]),
        n_bytes=int(str(row[4])),
        decided=Decided(str(row[5])),
        by=str(row[6]),
        at=_moment(row[7]),
        reason=str(row[8]),
    )


def _seen(row: Sequence[object]) -> Seen:
    return Seen(
        use_id=str(row[0]),
        dataset_id=DatasetId(str(row[1])),
        version=int(str(row[2])),
        subject=Pseudonym(str(row[3])),
        is_last=bool(row[4]),
    )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: object) -> datetime | None:
    return None if text is None else datetime.fromisoformat(str(text))
