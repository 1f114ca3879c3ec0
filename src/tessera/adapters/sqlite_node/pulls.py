"""PullBook on SQLite: one file in the identified zone, one set of rows for each archive."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from weakref import finalize

from tessera.adapters.sqlite_node.connection import connect, transaction
from tessera.ports.pacs import FoundStudy, Kind, PullRequest, PullState, PullStudy

MIGRATIONS = (
    """
    CREATE TABLE request (
        number INTEGER PRIMARY KEY, pacs TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
        state TEXT NOT NULL, problem TEXT NOT NULL, UNIQUE (pacs, kind, value)
    ) STRICT;
    CREATE TABLE study (
        number INTEGER PRIMARY KEY, pacs TEXT NOT NULL, study_uid TEXT NOT NULL,
        accession TEXT NOT NULL, n_instances INTEGER, state TEXT NOT NULL,
        attempts INTEGER NOT NULL, n_received INTEGER NOT NULL, problem TEXT NOT NULL,
        UNIQUE (pacs, study_uid)
    ) STRICT;
    """,
)


class SqlitePullBook:
    def __init__(self, path: Path, pacs: str) -> None:
        if not path.exists():
            path.touch(0o600)
        self._db = connect(path, MIGRATIONS)
        self._pacs = pacs
        finalize(self, self._db.close)

    def add(self, requests: Sequence[PullRequest]) -> int:
        before = self._db.total_changes
        rows = [(self._pacs, r.kind, r.value, r.state, r.problem) for r in requests]
        with transaction(self._db):
            self._db.executemany(
                "INSERT OR IGNORE INTO request (pacs, kind, value, state, problem) "
                "VALUES (?, ?, ?, ?, ?)",
                rows,
            )
        return self._db.total_changes - before

    def requests(self, state: PullState | None = None) -> Sequence[PullRequest]:
        rows = self._db.execute(
            "SELECT kind, value, state, problem FROM request "
            "WHERE pacs = ? AND state LIKE ? ORDER BY number",
            (self._pacs, state or "%"),
        )
        return [
            PullRequest(kind=Kind(kind), value=value, state=PullState(now), problem=problem)
            for kind, value, now, problem in rows
        ]

    def answered(self, request: PullRequest, studies: Sequence[FoundStudy]) -> None:
        state = PullState.FOUND if studies else PullState.NOTHING
        with transaction(self._db):
            self._db.executemany(
                "INSERT OR IGNORE INTO study (pacs, study_uid, accession, n_instances, state, "
                "attempts, n_received, problem) VALUES (?, ?, ?, ?, 'waiting', 0, 0, '')",
                [(self._pacs, s.study_uid, s.accession, s.n_instances) for s in studies],
            )
            self._db.execute(
                "UPDATE request SET state = ?, problem = '' "
                "WHERE pacs = ? AND kind = ? AND value = ?",
                (state, self._pacs, request.kind, request.value),
            )

    def studies(self, state: PullState | None = None) -> Sequence[PullStudy]:
        rows = self._db.execute(
            "SELECT study_uid, accession, n_instances, state, attempts, n_received, problem "
            "FROM study WHERE pacs = ? AND state LIKE ? ORDER BY number",
            (self._pacs, state or "%"),
        )
        return [
            PullStudy(
                found=FoundStudy(study_uid=uid, accession=accession, n_instances=n),
                state=PullState(now),
                attempts=attempts,
                n_received=received,
                problem=problem,
            )
            for uid, accession, n, now, attempts, received, problem in rows
        ]

    def put(self, study: PullStudy) -> None:
        with transaction(self._db):
            self._db.execute(
                "UPDATE study SET state = ?, attempts = ?, n_received = ?, problem = ? "
                "WHERE pacs = ? AND study_uid = ?",
                (
                    study.state,
                    study.attempts,
                    study.n_received,
                    study.problem,
                    self._pacs,
                    study.found.study_uid,
                ),
            )

    def again(self) -> int:
        before = self._db.total_changes
        with transaction(self._db):
            self._db.execute(
                "UPDATE study SET state = 'waiting', attempts = 0, problem = '' "
                "WHERE pacs = ? AND state = 'failed'",
                (self._pacs,),
            )
            self._db.execute(
                "UPDATE request SET state = 'waiting' WHERE pacs = ? AND state = 'nothing'",
                (self._pacs,),
            )
        return self._db.total_changes - before

    def close(self) -> None:
        self._db.close()


def n_waiting(path: Path) -> tuple[int, int]:
    """Return how many requests and how many studies wait, at all archives together."""
    with closing(connect(path, MIGRATIONS)) as db:
        requests, studies = (
            db.execute(f"SELECT count(*) FROM {table} WHERE state = 'waiting'").fetchone()[0]  # noqa: S608
            for table in ("request", "study")
        )
    return requests, studies
