"""People at the hub and what they may do there. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from tessera.domain.ids import NodeId


class Role(StrEnum):
    """What a person is at the hub. Two of them are for one node each."""

    RESEARCHER = "researcher"
    """Writes applications, uses permits."""
    COMMITTEE = "committee"
    """Checks applications before the holders see them; closes them."""
    HOLDER = "holder"
    """A data manager: decides for the DataHolder of one node."""
    OPERATOR = "operator"
    """Sees what waits at one node; decides nothing at the hub."""


OF_A_NODE = frozenset({Role.HOLDER, Role.OPERATOR})


@dataclass(frozen=True, slots=True)
class Grant:
    """One role of one person; `node_id` exactly for the roles of a node."""

    role: Role
    node_id: NodeId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who has signed in, as rules see them. Never a patient."""

    person_id: str
    """A UUID; unique user ids are asked for by EHDS Article 73."""
    name: str
    organisation: str
    email: str
    grants: frozenset[Grant]

    def has(self, role: Role, node_id: str | None = None) -> bool:
        """Whether the person has this role, at this node where one is named."""
        return any(g.role is role and node_id in (None, g.node_id) for g in self.grants)

    def nodes(self, role: Role) -> frozenset[NodeId]:
        """Return the nodes for which the person has this role."""
        return frozenset(g.node_id for g in self.grants if g.role is role and g.node_id)
