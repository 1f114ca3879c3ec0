"""When a training over several nodes begins, goes on, and is released. Pure.

A model holds something of every subject it learned from. So a node whose data are in it has
the last word, each of them: one that left or withholds keeps the model from everybody.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tessera.domain.ids import NodeId


class LearningState(StrEnum):
    """Where a training stands, as all its nodes together make it."""

    WAITING = "waiting"
    """For nodes to be ready."""
    RUNNING = "running"
    IN_AIRLOCK = "in-airlock"
    """It has ended; at each node a person looks at the model."""
    RELEASED = "released"
    WITHHELD = "withheld"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def is_final(self) -> bool:
        return self not in (
            LearningState.WAITING,
            LearningState.RUNNING,
            LearningState.IN_AIRLOCK,
        )


class SiteState(StrEnum):
    """Where one node stands in a training."""

    EXPECTED = "expected"
    """It has not said that it is ready."""
    READY = "ready"
    TRAINING = "training"
    IN_AIRLOCK = "in-airlock"
    RELEASED = "released"
    WITHHELD = "withheld"
    GONE = "gone"
    """It refused, failed or was stopped."""


@dataclass(frozen=True, slots=True)
class Begin:
    """The training begins with these nodes."""

    nodes: tuple[NodeId, ...]


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Too few nodes come."""

    n_nodes: int


def beginning(
    sites: Mapping[NodeId, SiteState], min_nodes: int, *, is_late: bool
) -> Begin | GiveUp | None:
    """Return what to do with a training that waits; None: wait on.

    It begins when every node that still may come is ready. When it `is_late`, `min_nodes` that
    are ready are enough.
    """
    ready = tuple(node for node, state in sites.items() if state is SiteState.READY)
    expected = [node for node, state in sites.items() if state is SiteState.EXPECTED]
    if len(ready) + len(expected) < min_nodes or (is_late and len(ready) < min_nodes):
        return GiveUp(len(ready))
    return None if expected and not is_late else Begin(ready)


def lost_node(sites: Mapping[NodeId, SiteState], gave: Collection[NodeId]) -> NodeId | None:
    """Return a node that has left although something of its data is in the model."""
    return next(
        (node for node, state in sites.items() if node in gave and state is SiteState.GONE), None
    )


def n_left(sites: Mapping[NodeId, SiteState]) -> int:
    """Return how many nodes can still take part in a training under way."""
    return sum(state is not SiteState.GONE for state in sites.values())


def verdict(
    sites: Mapping[NodeId, SiteState], gave: Collection[NodeId]
) -> tuple[LearningState, tuple[NodeId, ...]]:
    """Return where a training that has ended stands, and the nodes that make it so.

    These are: who withholds, who is waited for, or who has released. `gave`: the nodes whose
    updates are in the model; each must be one of `sites`.
    """
    concerned = {node: sites[node] for node in sites if node in gave}
    refused = (SiteState.WITHHELD, SiteState.GONE)
    if against := tuple(node for node, state in concerned.items() if state in refused):
        return LearningState.WITHHELD, against
    waited = tuple(n for n, state in concerned.items() if state is not SiteState.RELEASED)
    if waited or not concerned:
        return LearningState.IN_AIRLOCK, waited
    return LearningState.RELEASED, tuple(concerned)
