"""How nodes stand at the hub: for its administrators, and for those who run the node."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tessera.domain.access.people import Person, Role
from tessera.domain.catalogue.standing import NodeStanding, StandingKey, median_ms
from tessera.domain.errors import NotFound
from tessera.hub.catalogue import is_online
from tessera.hub.searching import OPEN_FOR
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore, NodeRecord

_ANSWERS: Final = 50
"""Recent answers that the latency is the median of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    store: HubStore
    clock: Clock

    def seen_by(self, person: Person | None) -> Sequence[NodeStanding]:
        """Return the nodes that this person may look into, by name; none for a visitor."""
        found = [one for one in self.store.nodes.all() if _may_see(person, one.node_id)]
        return [self._standing(one) for one in sorted(found, key=_by_name)]

    def of(self, node_id: str, person: Person | None) -> NodeStanding:
        """Return one node. Raises NotFound, also when the person may not look into it."""
        node = self.store.nodes.find(node_id) if _may_see(person, node_id) else None
        if node is None:
            raise NotFound("no such node")
        return self._standing(node)

    def _standing(self, node: NodeRecord) -> NodeStanding:
        now = self.clock.now()
        latencies = self.store.searches.latencies(node.node_id, limit=_ANSWERS)
        former = (
            StandingKey(fingerprint=one.key.fingerprint, until=one.until, is_revoked=one.is_revoked)
            for one in reversed(node.former_keys)
        )
        present = StandingKey(fingerprint=node.public_key.fingerprint, since=node.key_since)
        return NodeStanding(
            node_id=node.node_id,
            name=node.name,
            country=node.country,
            state=node.state.value,
            joined_at=node.joined_at,
            decided_at=node.decided_at,
            last_seen=node.last_seen,
            online=is_online(node, now),
            software=node.software,
            keys=(present, *former),
            latency_ms=median_ms(latencies),
            n_answers=len(latencies),
            n_tasks=self.store.tasks.n_open(node.node_id),
            n_queries=self.store.searches.n_open(node.node_id, asked_since=now - OPEN_FOR),
        )


def _may_see(person: Person | None, node_id: str) -> bool:
    if person is None:
        return False
    runs_node = person.has(Role.OPERATOR, node_id) or person.has(Role.HOLDER, node_id)
    return runs_node or person.has(Role.ADMINISTRATOR)


def _by_name(node: NodeRecord) -> tuple[str, str]:
    return node.name.casefold(), node.node_id
