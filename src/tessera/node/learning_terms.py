"""What a person signed for in a training, read and judged by one node. Pure."""

from dataclasses import dataclass
from dataclasses import fields as dataclass_fields

from tessera.domain.access.permit import Permit
from tessera.domain.errors import InvalidInput
from tessera.domain.ids import NodeId
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.learning import LearningPlan


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


def terms_of(arguments: str, permit: Permit, here: NodeId, limits: LearningLimits) -> LearningPlan:
    """Return the terms in the arguments of a use that has been checked. Raises UnusableTerms."""
    if not limits.is_on:
        raise UnusableTerms("this node takes no part in trainings (node.toml: learning)")
    try:
        terms = _read(fields.decode(arguments))
    except UnusableTerms:
        raise
    except InvalidInput as err:
        raise UnusableTerms(f"the terms of the training cannot be read: {err}") from err
    if here not in terms.nodes:
        raise UnusableTerms("nodes: this node is not among them")
    if strangers := sorted(set(terms.nodes) - set(permit.nodes())):
        raise UnusableTerms(f"nodes: {strangers[0]} is not in the permit")
    if terms.rounds > limits.rounds:
        raise UnusableTerms(f"rounds: at most {limits.rounds} (node.toml: learning_rounds)")
    if terms.round_s > limits.seconds:
        raise UnusableTerms(f"round_s: at most {limits.seconds} (node.toml: learning_seconds)")
    return terms


def _read(body: Json) -> LearningPlan:
    known = {field.name for field in dataclass_fields(LearningPlan)}
    if unknown := sorted(body.keys() - known):
        raise UnusableTerms(
            f"{unknown[0][:40]!r} is not known; there are {', '.join(sorted(known))}"
        )
    return LearningPlan.from_json(body)
