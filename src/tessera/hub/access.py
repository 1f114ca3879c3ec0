"""What pages and REST may ask of permits, tools and runs, together."""

from dataclasses import dataclass

from tessera.hub.bell import Bell
from tessera.hub.permits import Permits
from tessera.hub.relay import Relay
from tessera.hub.runs import Runs
from tessera.hub.tools import Tools
from tessera.ports.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    permits: Permits
    tools: Tools
    runs: Runs
    bell: Bell
    clock: Clock
    relay: Relay

    def node_name(self, node_id: str) -> str:
        """Return what people call a node; its id when it is not known."""
        node = self.permits.store.nodes.find(node_id)
        return node.name if node else node_id
