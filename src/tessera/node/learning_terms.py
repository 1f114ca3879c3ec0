"""What a person signed for in a training, read and judged by one node. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from tessera.domain.access.permit import Permit
from tessera.domain.errors import InvalidInput
from tessera.domain.ids import NodeId, node_id
from tessera.wire import fields
from tessera.wire.fields import Json


class UnusableTerms(InvalidInput):
    """A training as it was asked for is not one that this node takes part in."""

    code = "unusable-terms"
    public = "The node takes no part in a training of this form."


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningLimits:
    """What this node lets a training use, whatever its person signed for."""

    is_on: bool = True
    rounds: int = 200
    seconds: int = 86_400
    """From the first second of the trainer to the end."""
    wait_s: int = 3600
    """How long a trainer that is ready waits for the other nodes."""
    model_bytes: int = 200_000_000
    change: float = 100.0
    """See `GateRules.max_change`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The same text in the signed use of every node."""

    learn_id: str
    rounds: int
    min_nodes: int
    round_s: int
    nodes: tuple[NodeId, ...]
    seed: int
    arguments: Json
    """Of the tool."""


def terms_of(arguments: str, permit: Permit, here: NodeId, limits: LearningLimits) -> Terms:
    """Return the terms in the arguments of a use that has been checked. Raises UnusableTerms."""
    if not limits.is_on:
        raise UnusableTerms("this node takes no part in trainings (node.toml: learning)")
    try:
        terms = _read(fields.decode(arguments))
    except UnusableTerms:
        raise
    except InvalidInput as err:
        raise UnusableTerms(f"the terms of the training cannot be read: {err}") from err
    if here not in terms.nodes or len(set(terms.nodes)) != len(terms.nodes):
        raise UnusableTerms("nodes: each once, and this node among them")
    if strangers := sorted(set(terms.nodes) - set(permit.nodes())):
        raise UnusableTerms(f"nodes: {strangers[0]} is not in the permit")
    if not 1 <= terms.min_nodes <= len(terms.nodes):
        raise UnusableTerms(f"min_nodes: from 1 to {len(terms.nodes)}")
    if not 1 <= terms.rounds <= limits.rounds:
        raise UnusableTerms(f"rounds: from 1 to {limits.rounds} (node.toml: learning_rounds)")
    if not 1 <= terms.round_s <= limits.seconds:
        raise UnusableTerms(f"round_s: from 1 to {limits.seconds} (node.toml: learning_seconds)")
    return terms


def _read(body: Mapping[str, object]) -> Terms:
    known = {"learn_id", "rounds", "min_nodes", "round_s", "nodes", "seed", "tool"}
    if unknown := sorted(body.keys() - known):
        raise UnusableTerms(
            f"{unknown[0][:40]!r} is not known; there are {', '.join(sorted(known))}"
        )
    return Terms(
        learn_id=fields.text(body, "learn_id"),
        rounds=fields.integer(body, "rounds"),
        min_nodes=fields.integer(body, "min_nodes"),
        round_s=fields.integer(body, "round_s"),
        nodes=tuple(node_id(name) for name in fields.texts(body, "nodes")),
        seed=fields.integer(body, "seed") if "seed" in body else 0,
        arguments=fields.child(body, "tool") if "tool" in body else {},
    )
