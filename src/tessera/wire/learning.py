"""Trainings as the hub shows them to the persons of a permit, and what asks for one. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tessera.domain.ids import DatasetId, NodeId, dataset_id, node_id
from tessera.domain.learning.plan import LearningState, SiteState
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.refusals import BadMessage
from tessera.wire.tasks import RunState
from tessera.wire.text import one_line

MODEL: Final = "model.npz"
"""The file by which each node lays the model in its airlock and releases it."""
_SITE_STATES: Final = {
    RunState.RUNNING: SiteState.TRAINING,
    RunState.IN_AIRLOCK: SiteState.IN_AIRLOCK,
    RunState.RELEASED: SiteState.RELEASED,
    RunState.WITHHELD: SiteState.WITHHELD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningPlan:
    """What the person signs for every node: the `arguments` of each use, the same text in all."""

    learn_id: str
    rounds: int
    min_nodes: int
    round_s: int
    nodes: tuple[NodeId, ...]
    seed: int = 0
    tool: Mapping[str, object] = field(default_factory=dict)
    """Arguments of the tool."""

    def to_json(self) -> dict[str, object]:
        return {
            "learn_id": self.learn_id,
            "rounds": self.rounds,
            "min_nodes": self.min_nodes,
            "round_s": self.round_s,
            "nodes": list(self.nodes),
            "seed": self.seed,
            "tool": dict(self.tool),
        }

    @classmethod
    def from_json(cls, body: Json) -> "LearningPlan":
        """Read a plan. Raises BadMessage."""
        plan = cls(
            learn_id=fields.uuid(body, "learn_id"),
            rounds=fields.integer(body, "rounds"),
            min_nodes=fields.integer(body, "min_nodes"),
            round_s=fields.integer(body, "round_s"),
            nodes=tuple(node_id(name) for name in fields.texts(body, "nodes")),
            seed=fields.integer(body, "seed"),
            tool=fields.child(body, "tool"),
        )
        if not plan.nodes or len(set(plan.nodes)) != len(plan.nodes):
            raise BadMessage("nodes", "each node once")
        if not 1 <= plan.min_nodes <= len(plan.nodes):
            raise BadMessage("min_nodes", f"a number from 1 to {len(plan.nodes)}")
        for key, number, most in (
            ("rounds", plan.rounds, 1000),
            ("round_s", plan.round_s, 86_400),
        ):
            if not 1 <= number <= most:
                raise BadMessage(key, f"a number from 1 to {most}")
        return plan


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundUpdate:
    """What one node gave in one round."""

    node_id: NodeId
    round: int
    n_samples: int
    metrics: Mapping[str, float]

    def to_json(self) -> dict[str, object]:
        return {
            "node_id": self.node_id,
            "round": self.round,
            "n_samples": self.n_samples,
            "metrics": dict(self.metrics),
        }

    @classmethod
    def from_json(cls, body: Json) -> "RoundUpdate":
        return cls(
            node_id=node_id(fields.text(body, "node_id")),
            round=fields.integer(body, "round"),
            n_samples=fields.integer(body, "n_samples"),
            metrics=read_metrics(fields.child(body, "metrics")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningSite:
    """One node in a training; `use_id` names its run."""

    node_id: NodeId
    use_id: str
    datasets: tuple[tuple[DatasetId, int], ...] = ()
    key: str = ""
    """For the node's start-up kit; empty until it is ready. Is not shown."""
    state: RunState = RunState.WAITING
    detail: str = ""
    changed_at: datetime | None = None
    sha256: str = ""
    """Of the model that the node has released; empty until then."""

    @property
    def standing(self) -> SiteState:
        if self.state is RunState.WAITING:
            return SiteState.READY if self.key else SiteState.EXPECTED
        if self.state is RunState.RELEASED and not self.sha256:
            return SiteState.WITHHELD  # released was something else, not the model
        return _SITE_STATES.get(self.state, SiteState.GONE)

    def to_json(self) -> dict[str, object]:
        return {
            "node_id": self.node_id,
            "use_id": self.use_id,
            "datasets": [{"dataset_id": name, "version": n} for name, n in self.datasets],
            "is_ready": bool(self.key),
            "state": self.state.value,
            "detail": self.detail,
            "changed_at": fields.moment_text_or_none(self.changed_at),
            "sha256": self.sha256,
        }

    @classmethod
    def from_json(cls, body: Json) -> "LearningSite":
        return cls(
            node_id=node_id(fields.text(body, "node_id")),
            use_id=fields.uuid(body, "use_id"),
            datasets=fields.objects(body, "datasets", _version),
            key="ready" if fields.flag(body, "is_ready") else "",
            state=fields.word(RunState, body, "state"),
            detail=one_line(fields.text(body, "detail", "")),
            changed_at=fields.moment_or_none(body, "changed_at"),
            sha256=fields.text(body, "sha256", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """One training over several nodes, and where it stands."""

    learn_id: str
    permit_id: str
    person_id: str
    title: str
    tool: str
    rounds: int
    min_nodes: int
    round_s: int
    asked_at: datetime
    state: LearningState
    changed_at: datetime
    detail: str = ""
    """A word, and then whom or what it is about."""
    model_sha256: str = ""
    """Of the global model, in canonical bytes; empty until it has ended."""
    rounds_done: int = 0
    sites: tuple[LearningSite, ...] = ()
    updates: tuple[RoundUpdate, ...] = ()

    @property
    def standings(self) -> dict[NodeId, SiteState]:
        return {site.node_id: site.standing for site in self.sites}

    @property
    def gave(self) -> frozenset[NodeId]:
        """The nodes of whose data something is in the model."""
        return frozenset(update.node_id for update in self.updates)

    def to_json(self) -> dict[str, object]:
        return {
            "learn_id": self.learn_id,
            "permit_id": self.permit_id,
            "person_id": self.person_id,
            "title": self.title,
            "tool": self.tool,
            "rounds": self.rounds,
            "min_nodes": self.min_nodes,
            "round_s": self.round_s,
            "asked_at": fields.moment_text(self.asked_at),
            "state": self.state.value,
            "is_final": self.state.is_final,
            "changed_at": fields.moment_text(self.changed_at),
            "detail": self.detail,
            "model_sha256": self.model_sha256,
            "rounds_done": self.rounds_done,
            "sites": [site.to_json() for site in self.sites],
            "updates": [update.to_json() for update in self.updates],
        }

    @classmethod
    def from_json(cls, body: Json) -> "Learning":
        try:
            state = LearningState(fields.text(body, "state"))
        except ValueError as err:
            raise BadMessage("state", f"one of {', '.join(LearningState)}") from err
        return cls(
            learn_id=fields.uuid(body, "learn_id"),
            permit_id=fields.uuid(body, "permit_id"),
            person_id=fields.uuid(body, "person_id"),
            title=one_line(fields.text(body, "title")),
            tool=one_line(fields.text(body, "tool"), 80),
            rounds=fields.integer(body, "rounds"),
            min_nodes=fields.integer(body, "min_nodes"),
            round_s=fields.integer(body, "round_s"),
            asked_at=fields.moment(body, "asked_at"),
            state=state,
            changed_at=fields.moment(body, "changed_at"),
            detail=one_line(fields.text(body, "detail", "")),
            model_sha256=fields.text(body, "model_sha256", ""),
            rounds_done=fields.integer(body, "rounds_done"),
            sites=fields.objects(body, "sites", LearningSite.from_json),
            updates=fields.objects(body, "updates", RoundUpdate.from_json),
        )


def read_metrics(body: Json) -> dict[str, float]:
    """Return what is a finite number of it, by name."""
    return {
        one_line(name, 60): float(value)
        for name, value in body.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


def _version(body: Json) -> tuple[DatasetId, int]:
    return dataset_id(fields.text(body, "dataset_id")), fields.integer(body, "version")
