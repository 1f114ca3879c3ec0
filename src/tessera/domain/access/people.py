"""People at the hub and what they may do there. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tessera.domain.errors import InvalidInput
from tessera.domain.ids import NodeId, node_id


class Role(StrEnum):
    """What a person is at the hub. Two of them are for one node each."""

    RESEARCHER = "researcher"
    """Writes applications, uses permits."""
    COMMITTEE = "committee"
    """Checks applications before the holders see them; closes them."""
    ADMINISTRATOR = "administrator"
    """Runs the hub: sees how every node stands. Decides nothing about applications."""
    HOLDER = "holder"
    """A data manager: decides for the DataHolder of one node."""
    OPERATOR = "operator"
    """Sees what waits at one node; decides nothing at the hub."""


OF_A_NODE = frozenset({Role.HOLDER, Role.OPERATOR})
_USER_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._@+-]{0,62}[a-z0-9])?")
_MAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_LONGEST: Final = 200
"""Characters of a name or an organisation."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One role of one person; `node_id` exactly for the roles of a node."""

    role: Role
    node_id: NodeId | None = None

    def __str__(self) -> str:
        return f"{self.role}@{self.node_id}" if self.node_id else str(self.role)

    @classmethod
    def parse(cls, text: str) -> "Grant":
        """Read `researcher` or `holder@linkoping`. Raises InvalidInput."""
        word, _, node = text.strip().partition("@")
        try:
            role = Role(word)
        except ValueError as err:
            known = ", ".join(f"{r}@NODE" if r in OF_A_NODE else r for r in Role)
            raise InvalidInput(f"role {text!r}: expected one of {known}") from err
        if (role in OF_A_NODE) != bool(node):
            wanted = f"{role}@NODE" if role in OF_A_NODE else str(role)
            raise InvalidInput(f"role {text!r}: expected {wanted}")
        return cls(role, node_id(node) if node else None)


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


def user_name(text: str) -> str:
    """Return the name under which somebody signs in, in lower case. Raises InvalidInput."""
    plain = text.strip().lower()
    if not _USER_NAME.fullmatch(plain):
        raise InvalidInput(
            f"user name {text[:80]!r}: use 1 to 64 letters a to z, digits and . _ @ + -, "
            "starting and ending with a letter or digit"
        )
    return plain


def person_name(text: str, what: str = "name") -> str:
    """Return a person's or organisation's name in one line. Raises InvalidInput."""
    plain = " ".join(text.split())
    if not 1 <= len(plain) <= _LONGEST or not plain.isprintable():
        raise InvalidInput(f"{what}: use 1 to {_LONGEST} printable characters")
    return plain


def mail_address(text: str) -> str:
    """Return an e-mail address as written; empty when there is none. Raises InvalidInput."""
    plain = text.strip()
    if plain and (not _MAIL.fullmatch(plain) or not plain.isprintable()):
        raise InvalidInput("email: expected an address such as anna@example.org")
    return plain
