"""NodeStore, InviteStore and SeenIds on SQLite."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from tessera.adapters.sqlite_hub.database import (
    Database,
    Row,
    time_of,
    time_of_or_none,
    time_text,
    time_text_or_none,
)
from tessera.domain.errors import Conflict, NotFound
from tessera.domain.ids import NodeId
from tessera.ports.hub_store import InviteRecord, NodeRecord, NodeState
from tessera.wire.keys import FormerKey, PublicKey

_NODE = """
SELECT node_id, name, country, public_key, software, state, joined_at, decided_at, last_seen,
    key_since, (
        SELECT json_group_array(json_array(place, node_key.public_key, until, is_revoked))
        FROM node_key WHERE node_key.node_id = node.node_id AND until IS NOT NULL
    )
FROM node
"""


class SqliteNodes:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, node: NodeRecord) -> None:
        try:
            with self._db.transaction():
                self._db.change(
                    "INSERT INTO node VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(node.node_id, node.name, node.country),
                        *(node.public_key.x, node.public_key.fingerprint),
                        *(node.software, node.state.value),
                        *(time_text(node.joined_at), time_text_or_none(node.decided_at)),
                        *(time_text_or_none(node.last_seen), time_text(node.joined_at)),
                    ),
                )
                self._add_key(node.node_id, node.public_key, node.joined_at, "")
        except sqlite3.IntegrityError as err:
            raise Conflict(f"node {node.node_id}: the id or the key is taken") from err

    def find(self, node_id: str) -> NodeRecord | None:
        return self._one(self._db.row(f"{_NODE} WHERE node_id = ?", (node_id,)))

    def find_by_key(self, fingerprint: str) -> NodeRecord | None:
        of_key = "node_id = (SELECT node_id FROM node_key WHERE fingerprint = ?)"
        return self._one(self._db.row(f"{_NODE} WHERE {of_key}", (fingerprint,)))

    def all(self) -> Sequence[NodeRecord]:
        return [_node(row) for row in self._db.rows(f"{_NODE} ORDER BY node_id")]

    def decide(self, node_id: str, state: NodeState, at: datetime) -> None:
        self._changed(
            node_id,
            "UPDATE node SET state = ?, decided_at = ? WHERE node_id = ?",
            (state.value, time_text(at), node_id),
        )

    def renew_key(
        self, node_id: str, key: PublicKey, *, at: datetime, until: datetime, renewal: str
    ) -> None:
        try:
            with self._db.transaction():
                self._changed(
                    node_id,
                    "UPDATE node SET public_key = ?, fingerprint = ?, key_since = ? "
                    "WHERE node_id = ?",
                    (key.x, key.fingerprint, time_text(at), node_id),
                )
                self._db.change(
                    "UPDATE node_key SET until = ? WHERE node_id = ? AND until IS NULL",
                    (time_text(until), node_id),
                )
                self._add_key(node_id, key, at, renewal)
        except sqlite3.IntegrityError as err:
            raise Conflict(f"node {node_id}: the key is or was another's") from err

    def revoke_keys(self, node_id: str) -> None:
        self._changed(node_id, "UPDATE node SET state = state WHERE node_id = ?", (node_id,))
        self._db.change(
            "UPDATE node_key SET is_revoked = 1 WHERE node_id = ? AND until IS NOT NULL",
            (node_id,),
        )

    def renewals(self, node_id: str) -> Sequence[str]:
        sql = "SELECT renewal FROM node_key WHERE node_id = ? AND renewal <> '' ORDER BY place"
        return [str(row[0]) for row in self._db.rows(sql, (node_id,))]

    def _add_key(self, node_id: str, key: PublicKey, since: datetime, renewal: str) -> None:
        self._db.change(
            "INSERT INTO node_key (fingerprint, node_id, public_key, since, renewal) "
            "VALUES (?, ?, ?, ?, ?)",
            (key.fingerprint, node_id, key.x, time_text(since), renewal),
        )

    def seen(self, node_id: str, at: datetime, software: str) -> None:
        self._changed(
            node_id,
            "UPDATE node SET last_seen = ?, software = ? WHERE node_id = ?",
            (time_text(at), software, node_id),
        )

    def _changed(self, node_id: str, sql: str, args: Sequence[object]) -> None:
        if not self._db.change(sql, args):
            raise NotFound(f"no node {node_id}")

    @staticmethod
    def _one(row: Row | None) -> NodeRecord | None:
        return None if row is None else _node(row)


class SqliteInvites:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, invite: InviteRecord) -> None:
        self._db.change(
            "INSERT INTO invite VALUES (?, ?, ?, ?, ?)",
            (
                invite.code_sha256,
                time_text(invite.created_at),
                time_text(invite.expires_at),
                time_text_or_none(invite.used_at),
                invite.node_id,
            ),
        )

    def find(self, code_sha256: str) -> InviteRecord | None:
        row = self._db.row(
            "SELECT code_sha256, created_at, expires_at, used_at, node_id FROM invite "
            "WHERE code_sha256 = ?",
            (code_sha256,),
        )
        if row is None:
            return None
        return InviteRecord(
            code_sha256=row[0],
            created_at=time_of(row[1]),
            expires_at=time_of(row[2]),
            used_at=time_of_or_none(row[3]),
            node_id=row[4],
        )

    def use(self, code_sha256: str, at: datetime) -> bool:
        changed = self._db.change(
            "UPDATE invite SET used_at = ? WHERE code_sha256 = ? AND used_at IS NULL",
            (time_text(at), code_sha256),
        )
        return changed == 1


class SqliteSeenIds:
    def __init__(self, db: Database) -> None:
        self._db = db

    def remember(self, sender: str, message_id: str, until: datetime) -> bool:
        added = self._db.change(
            "INSERT INTO seen_id VALUES (?, ?, ?) ON CONFLICT (sender, message_id) DO NOTHING",
            (sender, message_id, time_text(until)),
        )
        return added == 1

    def forget(self, until_before: datetime) -> None:
        self._db.change("DELETE FROM seen_id WHERE until < ?", (time_text(until_before),))


@lru_cache(maxsize=4096)
def _node(row: Row) -> NodeRecord:
    """Read a row; each is read thousands of times before something in it changes."""
    return NodeRecord(
        node_id=NodeId(row[0]),
        name=row[1],
        country=row[2],
        public_key=PublicKey(row[3]),
        software=row[4],
        state=NodeState(row[5]),
        joined_at=time_of(row[6]),
        decided_at=time_of_or_none(row[7]),
        last_seen=time_of_or_none(row[8]),
        key_since=time_of(row[9]),
        former_keys=() if row[10] == "[]" else _former(row[10]),
    )


def _former(text: str) -> tuple[FormerKey, ...]:
    return tuple(
        FormerKey(PublicKey(x), time_of(until), bool(is_revoked))
        for _, x, until, is_revoked in sorted(json.loads(text))
    )
