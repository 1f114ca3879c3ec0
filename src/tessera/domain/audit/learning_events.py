"""What the hub writes down of trainings. Pure."""

from collections.abc import Sequence

from tessera.domain.audit.entry import Event, Fact
from tessera.domain.audit.events import OPERATOR


def learning_asked(learn_id: str, permit_id: str, tool: str, nodes: Sequence[str]) -> Event:
    facts: dict[str, Fact] = {
        "learning": learn_id,
        "permit": permit_id,
        "tool": tool,
        "nodes": tuple(nodes),
    }
    return Event("learning-asked", OPERATOR, facts)


def learning_moved(learn_id: str, state: str, model_sha256: str) -> Event:
    """`state`: running, in-airlock, released, withheld, failed or stopped."""
    facts = {"learning": learn_id} | ({"sha256": model_sha256} if model_sha256 else {})
    return Event(f"learning-{state}", OPERATOR, facts)
