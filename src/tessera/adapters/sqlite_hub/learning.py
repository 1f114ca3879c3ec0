"""LearningStore on SQLite; where a site stands is read from its run."""

import json
from collections.abc import Sequence
from datetime import datetime

from tessera.adapters.sqlite_hub.database import Database, Row, time_of, time_text
from tessera.domain.ids import DatasetId, NodeId
from tessera.domain.learning.plan import LearningState
from tessera.wire.learning import MODEL, Learning, LearningSite, RoundUpdate
from tessera.wire.tasks import RunState

_LEARNING = """
SELECT learn_id, permit_id, person_id, title, tool, rounds, min_nodes, round_s, asked_at, state,
    changed_at, detail, model_sha256, rounds_done
FROM learning
"""
_SITES = """
SELECT r.node_id, r.use_id, r.datasets, s.kit_key, r.state, r.detail, r.changed_at,
    coalesce((SELECT sha256 FROM run_file f
              WHERE f.use_id = r.use_id AND f.name = ? AND f.is_whole AND r.state = ?), '')
FROM learning_site s JOIN run r ON r.use_id = s.use_id
WHERE s.learn_id = ? ORDER BY s.place
"""
_UPDATES = """
SELECT node_id, round, n_samples, metrics FROM learning_update
WHERE learn_id = ? ORDER BY round, node_id
"""


class SqliteLearning:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, learning: Learning) -> bool:
        with self._db.transaction():
            added = self._db.change(
                "INSERT OR IGNORE INTO learning VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(learning.learn_id, learning.permit_id, learning.person_id, learning.title),
                    *(learning.tool, learning.rounds, learning.min_nodes, learning.round_s),
                    *(time_text(learning.asked_at), learning.state.value),
                    *(time_text(learning.changed_at), learning.detail),
                    *(learning.model_sha256, learning.rounds_done),
                ),
            )
            for place, site in enumerate(learning.sites if added else ()):
                self._db.change(
                    "INSERT INTO learning_site VALUES (?, ?, ?, ?)",
                    (learning.learn_id, place, site.use_id, site.key),
                )
        return added == 1

    def find(self, learn_id: str) -> Learning | None:
        row = self._db.row(f"{_LEARNING} WHERE learn_id = ?", (learn_id,))
        return None if row is None else self._learning(row)

    def of_use(self, use_id: str) -> Learning | None:
        row = self._db.row("SELECT learn_id FROM learning_site WHERE use_id = ?", (use_id,))
        return None if row is None else self.find(row[0])

    def all(self) -> Sequence[Learning]:
        rows = self._db.rows(f"{_LEARNING} ORDER BY asked_at DESC, learn_id")
        return [self._learning(row) for row in rows]

    def open(self) -> Sequence[Learning]:
        states = [state.value for state in LearningState if not state.is_final]
        rows = self._db.rows(
            f"{_LEARNING} WHERE state IN (SELECT value FROM json_each(?))"  # noqa: S608  constants
            " ORDER BY asked_at, learn_id",
            (json.dumps(states),),
        )
        return [self._learning(row) for row in rows]

    def change(
        self,
        learn_id: str,
        state: LearningState,
        at: datetime,
        *,
        was: LearningState,
        detail: str = "",
    ) -> bool:
        changed = self._db.change(
            "UPDATE learning SET state = ?, changed_at = ?, detail = ?"
            " WHERE learn_id = ? AND state = ?",
            (state.value, time_text(at), detail, learn_id, was.value),
        )
        return changed == 1

    def set_model(self, learn_id: str, sha256: str, rounds: int) -> None:
        self._db.change(
            "UPDATE learning SET model_sha256 = ?, rounds_done = ? WHERE learn_id = ?",
            (sha256, rounds, learn_id),
        )

    def set_key(self, use_id: str, key: str) -> bool:
        sql = "UPDATE learning_site SET kit_key = ? WHERE use_id = ?"
        return self._db.change(sql, (key, use_id)) == 1

    def add_update(self, learn_id: str, update: RoundUpdate) -> bool:
        added = self._db.change(
            "INSERT OR IGNORE INTO learning_update VALUES (?, ?, ?, ?, ?)",
            (
                *(learn_id, update.round, update.node_id, update.n_samples),
                json.dumps(dict(update.metrics)),
            ),
        )
        return added == 1

    def note_inputs(self, use_id: str, hashes: Sequence[str]) -> None:
        with self._db.transaction():
            for one in hashes:
                self._db.change("INSERT OR IGNORE INTO run_input VALUES (?, ?)", (one, use_id))

    def uses_with_input(self, sha256: str) -> Sequence[str]:
        rows = self._db.rows(
            "SELECT use_id FROM run_input WHERE sha256 = ? ORDER BY use_id", (sha256,)
        )
        return [row[0] for row in rows]

    def _learning(self, row: Row) -> Learning:
        learn_id = row[0]
        sites = self._db.rows(_SITES, (MODEL, RunState.RELEASED.value, learn_id))
        return Learning(
            learn_id=learn_id,
            permit_id=row[1],
            person_id=row[2],
            title=row[3],
            tool=row[4],
            rounds=row[5],
            min_nodes=row[6],
            round_s=row[7],
            asked_at=time_of(row[8]),
            state=LearningState(row[9]),
            changed_at=time_of(row[10]),
            detail=row[11],
            model_sha256=row[12],
            rounds_done=row[13],
            sites=tuple(_site(site) for site in sites),
            updates=tuple(_update(update) for update in self._db.rows(_UPDATES, (learn_id,))),
        )


def _site(row: Row) -> LearningSite:
    return LearningSite(
        node_id=NodeId(row[0]),
        use_id=row[1],
        datasets=tuple((DatasetId(name), version) for name, version in json.loads(row[2])),
        key=row[3],
        state=RunState(row[4]),
        detail=row[5],
        changed_at=time_of(row[6]),
        sha256=row[7],
    )


def _update(row: Row) -> RoundUpdate:
    return RoundUpdate(
        node_id=NodeId(row[0]), round=row[1], n_samples=row[2], metrics=json.loads(row[3])
    )
