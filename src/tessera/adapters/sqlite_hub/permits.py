"""PermitStore on SQLite."""

from collections.abc import Sequence
from datetime import datetime

from tessera.adapters.sqlite_hub.database import (
    Database,
    Row,
    time_of,
    time_of_or_none,
    time_text,
)
from tessera.domain.access.permit import Permit
from tessera.domain.ids import NodeId
from tessera.wire.permit import permit_payload, read_permit
from tessera.wire.runs import HeldPermit, PermitAtNode, PermitState

_PERMIT = "SELECT permit_id, payload, token, revoked_at, revoked_reason FROM permit"
_ORDER = "ORDER BY issued_at DESC, permit_id"


class SqlitePermits:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, permit: Permit, token: str, nodes: Sequence[PermitAtNode]) -> bool:
        with self._db.transaction():
            added = self._db.change(
                "INSERT OR IGNORE INTO permit (permit_id, issued_at, payload, token) "
                "VALUES (?, ?, ?, ?)",
                (
                    *(permit.permit_id, time_text(permit.issued_at)),
                    *(permit_payload(permit).decode(), token),
                ),
            )
            if not added:
                return False
            for person in permit.persons:
                self._db.change(
                    "INSERT OR IGNORE INTO permit_person VALUES (?, ?)",
                    (permit.permit_id, person.person_id),
                )
            for place, one in enumerate(nodes):
                self._db.change(
                    "INSERT INTO permit_node VALUES (?, ?, ?, ?, ?, ?, '')",
                    (
                        *(permit.permit_id, place, one.node_id, one.state.value),
                        *(time_text(one.at), one.detail),
                    ),
                )
            return True

    def find(self, permit_id: str) -> HeldPermit | None:
        row = self._db.row(f"{_PERMIT} WHERE permit_id = ?", (permit_id,))
        return None if row is None else self._held(row)

    def all(self) -> Sequence[HeldPermit]:
        return [self._held(row) for row in self._db.rows(f"{_PERMIT} {_ORDER}")]

    def for_person(self, person_id: str) -> Sequence[HeldPermit]:
        rows = self._db.rows(
            f"{_PERMIT} WHERE permit_id IN "  # noqa: S608  constants are put in
            f"(SELECT permit_id FROM permit_person WHERE person_id = ?) {_ORDER}",
            (person_id,),
        )
        return [self._held(row) for row in rows]

    def set_at_node(self, permit_id: str, standing: PermitAtNode, token: str = "") -> bool:
        changed = self._db.change(
            "UPDATE permit_node SET state = ?, at = ?, detail = ?, "
            "token = CASE WHEN ? = '' THEN token ELSE ? END WHERE permit_id = ? AND node_id = ?",
            (
                *(standing.state.value, time_text(standing.at), standing.detail),
                *(token, token, permit_id, standing.node_id),
            ),
        )
        return changed == 1

    def countersignature(self, permit_id: str, node_id: str) -> str:
        row = self._db.row(
            "SELECT token FROM permit_node WHERE permit_id = ? AND node_id = ?",
            (permit_id, node_id),
        )
        return str(row[0]) if row else ""

    def revoke(self, permit_id: str, at: datetime, reason: str) -> bool:
        changed = self._db.change(
            "UPDATE permit SET revoked_at = ?, revoked_reason = ? "
            "WHERE permit_id = ? AND revoked_at IS NULL",
            (time_text(at), reason, permit_id),
        )
        return changed == 1

    def _held(self, row: Row) -> HeldPermit:
        nodes = self._db.rows(
            "SELECT node_id, state, at, detail FROM permit_node WHERE permit_id = ? ORDER BY place",
            (row[0],),
        )
        return HeldPermit(
            permit=read_permit(row[1].encode()),
            token=row[2],
            nodes=tuple(map(_standing, nodes)),
            revoked_at=time_of_or_none(row[3]),
            revoked_reason=row[4],
        )


def _standing(row: Row) -> PermitAtNode:
    return PermitAtNode(
        node_id=NodeId(row[0]), state=PermitState(row[1]), at=time_of(row[2]), detail=row[3]
    )
