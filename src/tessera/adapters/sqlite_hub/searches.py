"""SearchStore on SQLite."""

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Final
from zlib import crc32

from tessera.adapters.sqlite_hub.database import Database, Row, time_of, time_text
from tessera.domain.catalogue.description import Facet
from tessera.domain.cohort.result import Outcome
from tessera.domain.ids import DatasetId, NodeId
from tessera.ports.hub_store import Asked, NodeState, SearchRecord
from tessera.wire import fields
from tessera.wire.cuts import cuts_to_json
from tessera.wire.distributions import distributions_from_json, distributions_to_json
from tessera.wire.search import condition_from_json, condition_to_json

_SPREAD_S: Final = 30
"""Two searches are mixed when the second is asked so soon after the first. Seconds."""
_READ_BYTES: Final = 200_000_000
"""Of rows that are kept as read: of fifty searches over a thousand datasets, or some ten where
every answer has long distributions."""
_SEARCH = """
SELECT search_id, query, query_json, explained, asked_at, deadline, asker, statistic FROM search
"""
_ASKED = """
SELECT search_id, node_id, dataset_id, version, title, data_created, node_online,
    outcome, n_subjects, n_studies, not_supported, policy, detail, distributions, cuts
FROM answer
"""
_OPEN = """
SELECT DISTINCT search.search_id, query, query_json, explained, asked_at, deadline, asker, statistic
FROM answer JOIN search USING (search_id)
WHERE answer.node_id = ? AND answer.outcome IS NULL AND asked_at >= ?
ORDER BY asked_at, search.search_id
LIMIT 500
"""
_LATENCIES = """
SELECT search.asked_at, min(answer.answered_at)
FROM answer JOIN search USING (search_id)
WHERE answer.node_id = ? AND answer.node_online = 1 AND answer.answered_at IS NOT NULL
GROUP BY search_id
ORDER BY search.asked_at DESC, search_id
LIMIT ?
"""
_PROGRESS = """
SELECT count(outcome), count(*) FILTER (
    WHERE outcome IS NULL AND node_online = 1 AND node.state = ?
)
FROM answer JOIN node USING (node_id) WHERE search_id = ?
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
        self._given: dict[str, dict[str, datetime]] = {}
        """When this process gave which search to a node; another hub's process gives none."""
        self._read = _ReadRows(_READ_BYTES)

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
            self._db.change_many(
                "INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, "
                "?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        *(row.search_id, place, row.node_id, row.dataset_id, row.version),
                        *(row.title, time_text(row.data_created), int(row.node_online)),
                        *_outcome_columns(row),
                    )
                    for place, row in enumerate(asked)
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
        return [self._read.read(row) for row in rows]

    def progress(self, search_id: str) -> tuple[int, int]:
        ((answered, awaited),) = self._db.rows(_PROGRESS, (NodeState.APPROVED.value, search_id))
        return answered, awaited

    def take_open(
        self,
        node_id: str,
        *,
        asked_since: datetime,
        given_before: datetime,
        now: datetime,
        limit: int,
    ) -> Sequence[tuple[SearchRecord, Sequence[Asked]]]:
        open_rows = self._db.rows(_OPEN, (node_id, time_text(asked_since)))
        ids = {row[0] for row in open_rows}
        # In memory: written down, it would cost a commit for each node of each search.
        given = {
            search_id: at
            for search_id, at in self._given.get(node_id, {}).items()
            if at >= given_before and search_id in ids
        }
        waiting = [row for row in open_rows if row[0] not in given]
        chosen = sorted(waiting, key=lambda row: _turn(row, node_id))[:limit]
        self._given[node_id] = given | {row[0]: now for row in chosen}
        return [
            (
                _search(row),
                [asked for asked in self.asked(row[0], node_id) if asked.outcome is None],
            )
            for row in chosen
        ]

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


def _distributions(text: str) -> dict[str, tuple[Facet, ...]]:
    return distributions_from_json({"distributions": json.loads(text)})


def _outcome_columns(row: Asked) -> tuple[object, ...]:
    return (
        None if row.outcome is None else row.outcome.value,
        row.n_subjects,
        row.n_studies,
        json.dumps(row.not_supported, ensure_ascii=False) if row.not_supported else "[]",
        row.policy,
        row.detail,
        _json(distributions_to_json(row.distributions)),
        _json(cuts_to_json(row.cuts)),
    )


def _json(body: Mapping[str, object]) -> str:
    return json.dumps(body, ensure_ascii=False) if body else "{}"


def _turn(row: Row, node_id: str) -> float:
    """Return when a search has its turn at a node: a while after it was asked, each node another.

    So everybody who asks soon sees some answers, and nobody waits for all who asked before.
    """
    share = crc32(f"{row[0]} {node_id}".encode()) / 2**32
    return time_of(row[4]).timestamp() + share * _SPREAD_S


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


class _ReadRows:
    """Answers as they were read: those of a search are read each time that somebody looks."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._n_bytes = most_bytes, 0
        self._kept: OrderedDict[Row, Asked] = OrderedDict()
        self._lock = Lock()

    def read(self, row: Row) -> Asked:
        if row[7] is None:
            return _asked(row)
        found = self._kept.get(row)
        if found is None:
            found = _asked(row)
            with self._lock:
                if self._kept.setdefault(row, found) is found:
                    self._n_bytes += _about_bytes(row)
                while self._n_bytes > self._most:
                    self._n_bytes -= _about_bytes(self._kept.popitem(last=False)[0])
        return found


def _about_bytes(row: Row) -> int:
    """Return about how much memory a row takes, with what is made of it."""
    return 1500 + 6 * (len(row[13]) + len(row[14]))


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
        not_supported=() if row[10] == "[]" else tuple(json.loads(row[10])),
        policy=row[11],
        detail=row[12],
        distributions={} if row[13] == "{}" else _distributions(row[13]),
        cuts={} if row[14] == "{}" else json.loads(row[14]),
    )
