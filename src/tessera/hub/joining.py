"""How a node joins: an invite, a key, an approval."""

import re
import secrets
import unicodedata
from base64 import b32encode
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from tessera.domain.audit import events
from tessera.domain.errors import Conflict, InvalidInput, NotFound
from tessera.domain.ids import NodeId
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore, InviteRecord, NodeRecord, NodeState
from tessera.ports.signing import Signer
from tessera.wire.keys import InviteCode
from tessera.wire.messages import JoinReply, JoinRequest
from tessera.wire.refusals import (
    BadMessage,
    InviteExpired,
    InviteUnknown,
    InviteUsed,
    KeyRetired,
)
from tessera.wire.text import one_line

DEFAULT_HOURS = 7 * 24
_SECRET_BYTES = 10
_NAME_LENGTH = 100
_MAY_BECOME = {
    NodeState.PENDING: (NodeState.APPROVED, NodeState.REJECTED),
    NodeState.APPROVED: (NodeState.REVOKED,),
    NodeState.REJECTED: (NodeState.APPROVED,),
    NodeState.REVOKED: (NodeState.APPROVED,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    store: HubStore
    clock: Clock
    hub_name: str
    signer: Signer
    audit: AuditLog

    def invite(self, hours: int = DEFAULT_HOURS, *, node_id: str = "") -> InviteCode:
        """Make a code that serves once within `hours`. It is shown now and kept nowhere.

        `node_id`: a node that has been revoked and may join anew, under its id, with another
        key. Raises NotFound, and Conflict when it has not been revoked.
        """
        if hours < 1:
            raise InvalidInput("an invite is valid for at least 1 hour")
        if node_id:
            self._require_revoked(node_id)
        secret = b32encode(secrets.token_bytes(_SECRET_BYTES)).decode().lower()
        now = self.clock.now()
        record = InviteRecord(
            code_sha256=_sha256(secret),
            created_at=now,
            expires_at=now + timedelta(hours=hours),
            node_id=node_id,
        )
        self.store.invites.add(record)
        self.audit.append(events.node_invited(hours, node_id), now)
        return InviteCode(secret, self.signer.public_key.fingerprint)

    def join(self, request: JoinRequest) -> JoinReply:
        """Take the node in as pending. The caller has checked that it owns the key.

        The same key again gets the same reply, so that a node whose reply was lost can repeat.
        """
        with self.store.transaction():
            known = self.store.nodes.find_by_key(request.public_key.fingerprint)
            if known is None:
                invite = self._use_invite(request.secret)
                known = self._rejoined(invite, request) if invite.node_id else self._joined(request)
            elif known.public_key != request.public_key:
                raise KeyRetired("the node had this key before; make a new one")
        return JoinReply(
            node_id=known.node_id, hub_name=self.hub_name, hub_key=self.signer.public_key
        )

    def is_expected(self, request: JoinRequest) -> bool:
        """Whether the request has a known key or an invite that was made here, in any state."""
        known = self.store.nodes.find_by_key(request.public_key.fingerprint)
        return known is not None or self.store.invites.find(_sha256(request.secret)) is not None

    def decide(self, node_id: str, state: NodeState) -> NodeRecord:
        """Approve, reject or revoke. Raises NotFound, Conflict."""
        with self.store.transaction():
            node = self.store.nodes.find(node_id)
            if node is None:
                raise NotFound(f"no node {node_id} has joined this hub")
            if node.state is state:
                return node
            if state not in _MAY_BECOME[node.state]:
                raise Conflict(f"node {node_id} is {node.state.value}: it cannot be {state.value}")
            now = self.clock.now()
            self.store.nodes.decide(node_id, state, now)
            self.audit.append(events.node_decided(node_id, state.value), now)
        return self.store.nodes.find(node_id) or node

    def _joined(self, request: JoinRequest) -> NodeRecord:
        node = self._add(request)
        joined = events.node_joined(node.node_id, node.public_key.fingerprint)
        self.audit.append(joined, self.clock.now())
        return node

    def _rejoined(self, invite: InviteRecord, request: JoinRequest) -> NodeRecord:
        """Give the node of the invite its new key, and wait for approval again."""
        node = self._require_revoked(invite.node_id)
        now, key = self.clock.now(), request.public_key
        self.store.nodes.renew_key(node.node_id, key, at=now, until=now, renewal="")
        self.store.nodes.revoke_keys(node.node_id)
        self.store.nodes.decide(node.node_id, NodeState.PENDING, now)
        replaced = events.node_key_replaced(
            node.node_id, node.public_key.fingerprint, key.fingerprint
        )
        self.audit.append(replaced, now)
        return self.store.nodes.find(node.node_id) or node

    def _require_revoked(self, node_id: str) -> NodeRecord:
        node = self.store.nodes.find(node_id)
        if node is None:
            raise NotFound(f"no node {node_id} has joined this hub")
        if node.state is not NodeState.REVOKED:
            raise Conflict(
                f"node {node_id} is {node.state.value}: revoke it before it joins with another "
                "key; a node that still has its key renews it by itself"
            )
        return node

    def _use_invite(self, secret: str) -> InviteRecord:
        now = self.clock.now()
        invite = self.store.invites.find(_sha256(secret))
        if invite is None:
            raise InviteUnknown("no such invite")
        if invite.used_at is not None or not self.store.invites.use(invite.code_sha256, now):
            raise InviteUsed(f"invite was used at {invite.used_at}")
        if now > invite.expires_at:
            raise InviteExpired(f"invite expired at {invite.expires_at}")
        return invite

    def _add(self, request: JoinRequest) -> NodeRecord:
        name = " ".join(request.name.split())
        if not 1 <= len(name) <= _NAME_LENGTH or not name.isprintable():
            raise BadMessage("name", f"1 to {_NAME_LENGTH} printable characters")
        if not re.fullmatch(r"[A-Z]{2}", request.country):
            raise BadMessage("country", "a country code of two capitals")
        if any(_is_called(node, name) for node in self.store.nodes.all()):
            # Pages show a node by its name: nobody may appear under another's.
            raise BadMessage("name", "a name that no other node of this hub has")
        node = NodeRecord(
            node_id=self._free_id(name, request.country),
            name=name,
            country=request.country,
            public_key=request.public_key,
            software=one_line(request.software, 100),
            state=NodeState.PENDING,
            joined_at=self.clock.now(),
        )
        self.store.nodes.add(node)
        return node

    def _free_id(self, name: str, country: str) -> NodeId:
        stem = slug(name) or f"node-{country.lower()}"
        candidate, number = stem, 1
        while self.store.nodes.find(candidate) is not None:
            number += 1
            candidate = f"{stem}-{number}"
        return NodeId(candidate)


def _is_called(node: NodeRecord, name: str) -> bool:
    plain = unicodedata.normalize("NFKC", name).casefold()
    is_here = node.state in (NodeState.PENDING, NodeState.APPROVED)
    return is_here and unicodedata.normalize("NFKC", node.name).casefold() == plain


def slug(name: str) -> str:
    """Return the Latin letters and digits of `name`, lower case, hyphens between; may be empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-")


def _sha256(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
