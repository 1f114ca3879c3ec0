"""A node renews the key of its link, and finishes what was interrupted."""

import logging
from dataclasses import dataclass, field, replace

from tessera.domain.audit import events
from tessera.domain.errors import TesseraError
from tessera.node.link import NodeLink
from tessera.ports.renewal import signed_renewal
from tessera.ports.signing import KeyRing, Signer
from tessera.wire.keys import PublicKey
from tessera.wire.refusals import KeyRetired, NodeUnknown

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkKey:
    """The new key is used here only after the hub has said that it knows it.

    Killed at any moment, this side has the former key with the next one beside it, or the next
    one; the hub has pinned one of the two, and `finish` finds out which.
    """

    link: NodeLink
    ring: KeyRing
    _said: list[str] = field(init=False, default_factory=list)
    """What was logged last, so that it is not logged at each turn."""

    async def renew(self) -> PublicKey:
        """Make a new key, have the hub pin it, and use it; returns it.

        Raises what `HubLink.send` raises, and Conflict when another process renews: then the
        former key goes on, and the next call goes on with the same new key.
        """
        with self.ring.renewing():
            return await self._go_on(self.ring.prepare())

    async def finish(self) -> None:
        """Go on with a renewal that was interrupted; nothing when there is none.

        What keeps it from its end is logged: the former key goes on meanwhile.
        """
        if not self.ring.is_prepared():
            return
        try:
            with self.ring.renewing():
                if self.ring.is_prepared():
                    key = await self._go_on(self.ring.prepare())
                    _log.info("the key of the link is renewed: %s", key.fingerprint)
        except TesseraError as err:
            if str(err) not in self._said:
                self._said[:] = [str(err)]
                _log.warning("the renewal of the link's key waits: %s", err)

    async def _go_on(self, following: Signer) -> PublicKey:
        link, former = self.link, self.ring.public_key
        party, now = link.pin.node_id, link.clock.now()
        renewal = signed_renewal(self.ring, following, party=party, at=now)
        try:
            await link.renew_key(renewal)
        except KeyRetired as retired:
            # Perhaps for this very key, and the reply was lost: then the hub knows the new one.
            try:
                await replace(link, signer=following).status()
            except NodeUnknown:
                raise retired from None
        else:
            await replace(link, signer=following).status()
        told = events.link_key_renewed(former.fingerprint, following.public_key.fingerprint)
        link.audit.append(told, now)
        self.ring.adopt(renewal, keeps_former=False)
        return following.public_key
