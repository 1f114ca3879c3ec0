"""Ports: how a node's messages reach its hub, and what the node keeps about it.

The node calls; nothing calls the node.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tessera.domain.catalogue.notice import Notice
from tessera.domain.ids import DatasetId, NodeId
from tessera.wire.envelope import MessageType
from tessera.wire.fields import Json
from tessera.wire.keys import FormerKey, Keys, PublicKey


class HubLink(Protocol):
    async def send(self, type: MessageType, token: str, *, timeout_s: float) -> str:
        """Hand one signed message to the hub and return its signed reply.

        Raises Unavailable when the hub cannot be reached or has no reply within `timeout_s`
        seconds, and the hub's own reason (a class of `tessera.wire.refusals`, or InvalidInput,
        Conflict) when it does not accept the message.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HubPin:
    """The one hub of this node, as agreed on joining."""

    hub_url: str
    hub_name: str
    hub_key: PublicKey
    node_id: NodeId
    former_keys: tuple[FormerKey, ...] = ()
    """The hub's, the newest last. What it signed by them, as a permit, still holds."""

    @property
    def keys(self) -> Keys:
        return Keys(self.hub_key, self.former_keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredVersion:
    """A dataset version that the hub has accepted; the node answers queries about it."""

    dataset_id: DatasetId
    version: int
    created: datetime
    folder: str
    """The version's folder, relative to the node's home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A description on its way: `body` was encoded from a released value and nothing else."""

    version: AnsweredVersion
    body: Json


class LinkRecords(Protocol):
    """What the node keeps about its hub. Every change is durable when it returns."""

    def pin(self) -> HubPin | None: ...

    def set_pin(self, pin: HubPin) -> None: ...

    def answered(self) -> Sequence[AnsweredVersion]:
        """Return what the node answers for, in the order of publication."""
        ...

    def add_answered(self, version: AnsweredVersion) -> None:
        """Add a version; adding it again changes nothing."""
        ...

    def remove_answered(self, dataset_id: DatasetId) -> None:
        """Forget every version of it: what is answered for, what was sent, what is on its way."""
        ...

    def sent(self, version: AnsweredVersion) -> Json | None:
        """Return what the hub was sent of an answered version; None when it was not kept."""
        ...

    def put_sent(self, outgoing: Outgoing) -> None: ...

    def notices(self) -> Sequence[Notice]:
        """Return the notices that have not reached the hub yet, the oldest first."""
        ...

    def put_notice(self, notice: Notice) -> None:
        """Keep a notice for the hub; a newer one of its kind takes its place."""
        ...

    def remove_notice(self, notice: Notice) -> None:
        """Remove it; an unknown one is no error."""
        ...

    def outgoing(self) -> Sequence[Outgoing]:
        """Return what has not reached the hub yet, by dataset id and version."""
        ...

    def put_outgoing(self, outgoing: Outgoing) -> None: ...

    def remove_outgoing(self, version: AnsweredVersion) -> None:
        """Remove it; an unknown one is no error."""
        ...
