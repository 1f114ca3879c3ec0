"""SearchStore on SQLite."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from tessera.adapters.sqlite_hub.database import Database, Row, time_of, time_text
from tessera.domain.cohort.result import Outcome
from tessera.domain.ids import DatasetId, NodeId
from tessera.ports.hub_store import Asked, NodeState, SearchRecord
from tessera.wire import fields
from tessera.wire.cuts import cuts_to_json
from tessera.wire.distributions import distributions_from_json, distributions_to_json
from tessera.wire.search import condition_from_json, condition_to_json

_SEARCH = """
SELECT search_id, query, query_json, explained, asked_at, deadline, asker, statistic FROM search
"""
_ASKED = """
SELECT search_id, node_id, dataset_id, version, title, data_created, node_online,
    outcome, n_subjects, n_studies, not_supported, policy, detail, distributions, cuts
FROM answer
"""
_OPEN = f"""
{_SEARCH}
WHERE asked_at >= ? AND search_id IN (
    SELECT search_id FROM answer
    WHERE node_id = ? AND outcome IS NULL AND (given_at IS NULL OR given_at < ?)
)
ORDER BY asked_at, search_id
LIMIT ?
"""  # noqa: S608  no value is put in, only the other constant
_LATENCIES = """
SELECT search.asked_at, min(answer.answered_at)
FROM answer JOIN search USING (search_id)
WHERE answer.node_id = ? AND answer.node_online = 1 AND answer.answered_at IS NOT NULL
GROUP BY search_id
ORDER BY search.asked_at DESC, search_id
LIMIT ?
"""
_AWAITED = """
SELECT count(*) FROM answer JOIN node USING (node_id)
WHERE search_id = ? AND outcome IS NULL AND node_online = 1 AND node.state = ?
"""
_ANSWER = """
UPDATE answer
SET answered_at = ?, outcome = ?, n_subjects = ?, n_studies = ?, not_supported = ?,
    policy = ?, detail = ?, distributions = ?, cuts = ?
WHERE search_id = ? AND node_id = ? AND dataset_id = ? AND version = ? AND outcome IS NULL
"""


class SqliteSearches:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, search: SearchRecord, asked: Sequence[Asked]) -> None:
        explained = [condition_to_json(condition) for condition in search.explained]
        with self._db.transaction():
            self._db.change(
                "INSERT INTO search VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(search.search_id, search.query, search.query_json),
                    json.dumps(explained, ensure_ascii=False),
                    *(time_text(search.asked_at), time_text(search.deadline), search.asker),
                    search.statistic,
                ),
            )
            for place, row in enumerate(asked):
                self._db.change(
                    "INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, "
                    "?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(row.search_id, place, row.node_id, row.dataset_id, row.version),
                        *(row.title, time_text(row.data_created), int(row.node_online)),
                        *_outcome_columns(row),
                    ),
                )

    def find(self, search_id: str) -> SearchRecord | None:
        row = self._db.row(f"{_SEARCH} WHERE search_id = ?", (search_id,))
        return None if row is None else _search(row)

    def asked(self, search_id: str, node_id: str = "") -> Sequence[Asked]:
        one = "AND node_id = ?" if node_id else ""
        rows = self._db.rows(
            f"{_ASKED} WHERE search_id = ? {one} ORDER BY place",
            (search_id, node_id) if node_id else (search_id,),
        )
        return [_asked(row) for row in rows]

    def n_awaited(self, search_id: str) -> int:
        row = self._db.row(_AWAITED, (search_id, NodeState.APPROVED.value))
        return int(row[0]) if row else 0

    def take_open(
        self,
        node_id: str,
        *,
        asked_since: datetime,
        given_before: datetime,
        now: datetime,
        limit: int,
    ) -> Sequence[tuple[SearchRecord, Sequence[Asked]]]:
        wanted = (time_text(asked_since), node_id, time_text(given_before), limit)
        if not self._db.rows(_OPEN, wanted):
            return []  # as nearly always: without a transaction
        with self._db.transaction():
            rows = self._db.rows(_OPEN, wanted)
            taken = []
            for search in map(_search, rows):
                waiting = self._db.rows(
                    f"{_ASKED} WHERE search_id = ? AND node_id = ? AND outcome IS NULL "
                    "ORDER BY place",
                    (search.search_id, node_id),
                )
                self._db.change(
                    "UPDATE answer SET given_at = ? "
                    "WHERE search_id = ? AND node_id = ? AND outcome IS NULL",
                    (time_text(now), search.search_id, node_id),
                )
                taken.append((search, [_asked(row) for row in waiting]))
            return taken

    def answer(self, answered: Asked, at: datetime) -> bool:
        changed = self._db.change(
            _ANSWER,
            (
                time_text(at),
                *_outcome_columns(answered),
                *(answered.search_id, answered.node_id, answered.dataset_id, answered.version),
            ),
        )
        return changed == 1

    def latencies(self, node_id: str, *, limit: int) -> Sequence[timedelta]:
        rows = self._db.rows(_LATENCIES, (node_id, limit))
        return [time_of(answered) - time_of(asked) for asked, answered in rows]

    def n_open(self, node_id: str, *, asked_since: datetime) -> int:
        row = self._db.row(
            "SELECT count(DISTINCT search_id) FROM answer JOIN search USING (search_id) "
            "WHERE node_id = ? AND outcome IS NULL AND asked_at >= ?",
            (node_id, time_text(asked_since)),
        )
        return int(row[0]) if row else 0

    def forget(self, asked_before: datetime) -> None:
        self._db.change("DELETE FROM search WHERE asked_at < ?", (time_text(asked_before),))


def _outcome_columns(row: Asked) -> tuple[object, ...]:
    return (
        None if row.outcome is None else row.outcome.value,
        row.n_subjects,
        row.n_studies,
        json.dumps(row.not_supported, ensure_ascii=False),
        row.policy,
        row.detail,
        json.dumps(distributions_to_json(row.distributions), ensure_ascii=False),
        json.dumps(cuts_to_json(row.cuts), ensure_ascii=False),
    )


def _search(row: Row) -> SearchRecord:
    explained = (condition_from_json(fields.as_object(c, "explained")) for c in json.loads(row[3]))
    return SearchRecord(
        search_id=row[0],
        query=row[1],
        query_json=row[2],
        explained=tuple(explained),
        asked_at=time_of(row[4]),
        deadline=time_of(row[5]),
        asker=row[6],
        statistic=row[7],
    )


def _asked(row: Row) -> Asked:
    return Asked(
        search_id=row[0],
        node_id=NodeId(row[1]),
        dataset_id=DatasetId(row[2]),
        version=row[3],
        title=row[4],
        data_created=time_of(row[5]),
        node_online=bool(row[6]),
        outcome=None if row[7] is None else Outcome(row[7]),
        n_subjects=row[8],
        n_studies=row[9],
        not_supported=tuple(json.loads(row[10])),
        policy=row[11],
        detail=row[12],
        distributions=distributions_from_json({"distributions": json.loads(row[13])}),
        cuts=json.loads(row[14]),
    )
