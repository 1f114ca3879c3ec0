"""Keys of the link at the hub: nodes renew theirs, the operator renews the hub's."""

from dataclasses import dataclass
from datetime import datetime

from tessera.domain.audit import events
from tessera.domain.errors import Conflict
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore, NodeRecord
from tessera.ports.renewal import read_renewal, signed_renewal
from tessera.ports.signing import KeyRing, Verifier
from tessera.wire.envelope import OVERLAP
from tessera.wire.fields import Json
from tessera.wire.keys import PublicKey
from tessera.wire.refusals import BadSignature, KeyRetired
from tessera.wire.renewal import HUB, KeyRenewed, RenewKey


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkKeys:
    store: HubStore
    clock: Clock
    verifier: Verifier
    audit: AuditLog
    ring: KeyRing

    def take_renewal(self, node: NodeRecord, body: Json) -> Json:
        """Pin the node's new key; the former one speaks for a short overlap.

        Again changes nothing, so that a node whose reply was lost can repeat. Raises
        KeyRetired when the renewal is by a former key, BadSignature, BadMessage, and Conflict
        when the key is or was another's.
        """
        token = RenewKey.from_json(body).renewal
        renewal = read_renewal(self.verifier, token, party=node.node_id)
        with self.store.transaction():
            now = self.clock.now()
            found = self.store.nodes.find(node.node_id) or node
            if found.public_key == renewal.key:
                return self._reply(found, now)
            if found.public_key != renewal.former:
                if found.keys.known(renewal.former.fingerprint) is None:
                    raise BadSignature("the renewal is by no key of this node")
                raise KeyRetired(f"{renewal.former.fingerprint} is no longer the node's key")
            if self.ring.keys().known(renewal.key.fingerprint) is not None:
                raise Conflict("the new key is the hub's")
            self.store.nodes.renew_key(
                node.node_id, renewal.key, at=now, until=now + OVERLAP, renewal=token
            )
            told = events.node_key_renewed(
                node.node_id, renewal.former.fingerprint, renewal.key.fingerprint
            )
            self.audit.append(told, now)
        return self._reply(self.store.nodes.find(node.node_id) or found, now)

    def renew(self) -> PublicKey:
        """Give the hub a new key, or finish a renewal that was interrupted; returns it.

        Nodes that pinned the former key follow the signed renewal. Raises Conflict while the
        key before the present one still answers.
        """
        now = self.clock.now()
        keys = self.ring.keys()
        if keys.former and keys.former[-1].until > now:
            raise Conflict(
                f"the hub's key is new: the one before it answers until "
                f"{keys.former[-1].until:%Y-%m-%d %H:%M} UTC; renew it again after that"
            )
        following = self.ring.prepare()
        token = signed_renewal(self.ring, following, party=HUB, at=now)
        told = events.hub_key_renewed(keys.current.fingerprint, following.public_key.fingerprint)
        self.audit.append(told, now)
        self.ring.adopt(token, keeps_former=True)
        return following.public_key

    @staticmethod
    def _reply(node: NodeRecord, now: datetime) -> Json:
        until = node.former_keys[-1].until if node.former_keys else now
        reply = KeyRenewed(fingerprint=node.public_key.fingerprint, former_until=until)
        return reply.to_json()
