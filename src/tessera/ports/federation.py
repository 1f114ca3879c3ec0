"""Ports: an engine of federated training, as hub and node see it.

The engine moves weights. It sees no data, and runs no code that came over the network: the
node's trainer is behind a Unix socket, in frames, and every update passes the node's gate.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tessera.domain.ids import NodeId
from tessera.wire.frames import Arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class FederationPlan:
    """One training over several nodes."""

    learn_id: str
    """A UUID."""
    nodes: tuple[NodeId, ...]
    rounds: int
    min_nodes: int
    """A round counts with this many updates."""
    round_s: int
    """How long a round may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteUpdate:
    """What one node gave in one round, as the hub received it."""

    node_id: NodeId
    round: int
    n_samples: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The end of a training."""

    weights: Arrays
    rounds: int
    updates: Sequence[SiteUpdate]


class FederationServer(Protocol):
    """The engine at the hub, for one plan."""

    def provision(
        self, plan: FederationPlan, workdir: Path, *, host: str
    ) -> Mapping[NodeId, bytes]:
        """Make keys and certificates; return each node's start-up kit, a zip archive.

        `workdir` is kept by the hub and holds the server's own kit. `host` is the name or
        address under which nodes reach the server; it is in the server's certificate.
        """
        ...

    def run(
        self,
        plan: FederationPlan,
        workdir: Path,
        initial: Arrays | None,
        on_update: Callable[[SiteUpdate], None],
        is_stopped: Callable[[], bool],
    ) -> Trained:
        """Start the server process, wait for the nodes, train, and return the global model.

        Blocks. Without `initial` the first round asks nodes for theirs. Raises Unavailable when
        too few nodes come or stay, or when stopped; the server process has ended by then.
        """
        ...


class FederationClient(Protocol):
    """The engine at a node: a process that talks to the server and to the bridge."""

    def command(self, kit: Path, bridge: Path) -> Sequence[str]:
        """Return the command that runs the client of the unpacked `kit` until the job ends.

        `bridge` is the path of a Unix socket. For each request the client connects, writes one
        frame and reads one frame:
        `{"type": "begin"}` → `{"type": "weights"}` + npz of initial weights;
        `{"type": "train", "round": n}` + npz of global weights →
        `{"type": "update", "n_samples": k, "metrics": {…}}` + npz of new weights;
        `{"type": "final", "rounds": n}` + npz of the global model → `{"type": "kept"}`.
        Any other reply ends the client.
        """
        ...
