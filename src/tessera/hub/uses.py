"""Signed uses as they come to the hub: what it can check, it checks; the node decides anyway."""

from dataclasses import dataclass

from tessera.domain.access.permit import PermitRefused, Reason, Use, check_use
from tessera.hub.permits import Permits
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore, NodeState
from tessera.ports.signing import Verifier
from tessera.wire.keys import PublicKey
from tessera.wire.permit import read_use
from tessera.wire.refusals import BadSignature
from tessera.wire.runs import HeldPermit, PermitState


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedUse:
    use: Use
    held: HeldPermit
    token: str
    """As the person signed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    store: HubStore
    clock: Clock
    verifier: Verifier
    permits: Permits

    def check(self, person_id: str, token: str) -> Use:
        """Return the use alone; raises as `accept`."""
        return self.accept(person_id, token).use

    def accept(self, person_id: str, token: str) -> AcceptedUse:
        """Return a use that this person has signed and that a permit of theirs allows now.

        Raises BadSignature, BadMessage, PermitRefused with its reason.
        """
        claimed = read_use(self.verifier.unverified(token))
        held = self.store.permits.find(claimed.permit_id)
        if held is None or all(one.person_id != person_id for one in held.permit.persons):
            # That a permit exists is nobody else's to know.
            raise PermitRefused(Reason.UNKNOWN, "no permit of yours has this id")
        key = self._key_of(person_id, held, self.verifier.key_name(token))
        use = read_use(self.verifier.verify(token, key))
        if use.permit_sha256 != held.sha256:
            raise PermitRefused(Reason.ALTERED, "the use was signed for another text")
        if held.revoked_at is not None:
            raise PermitRefused(Reason.REVOKED, f"on {held.revoked_at:%Y-%m-%d}")
        now = self.clock.now()
        check_use(held.permit, use, signed_by=key.x, node_id=use.node_id, now=now)
        self._check_node(held, use)
        return AcceptedUse(use=use, held=held, token=token)

    def _key_of(self, person_id: str, held: HeldPermit, kid: str) -> PublicKey:
        """Return the person's own key by its name: never that of a colleague in the permit."""
        for one in held.permit.persons:
            for x in one.keys if one.person_id == person_id else ():
                key = PublicKey(x)
                if key.fingerprint == kid:
                    if not self._is_active(person_id, kid):
                        raise PermitRefused(Reason.OTHER_PERSON, "the key is no longer active")
                    return key
        raise BadSignature("not signed by a key of yours that is in the permit")

    def _is_active(self, person_id: str, fingerprint: str) -> bool:
        known = self.store.accounts.keys.find(fingerprint)
        return known is not None and known.person_id == person_id and known.revoked_at is None

    def _check_node(self, held: HeldPermit, use: Use) -> None:
        at_node = held.at_node(use.node_id)
        if at_node is None:
            raise PermitRefused(Reason.OTHER_NODE, use.node_id)
        if at_node.state is PermitState.REVOKED:
            raise PermitRefused(Reason.REVOKED, f"by {use.node_id}")
        if at_node.state is not PermitState.COUNTERSIGNED:
            raise PermitRefused(Reason.NOT_COUNTERSIGNED, f"{use.node_id}: {at_node.state}")
        node = self.store.nodes.find(use.node_id)
        if node is None or node.state is not NodeState.APPROVED:
            raise PermitRefused(Reason.OTHER_NODE, f"{use.node_id} has left this hub")
