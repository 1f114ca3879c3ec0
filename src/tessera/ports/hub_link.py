"""Port: how a node's messages reach its hub. The node calls; nothing calls the node."""

from typing import Protocol

from tessera.wire.envelope import MessageType


class HubLink(Protocol):
    async def send(self, type: MessageType, token: str, *, timeout_s: float) -> str:
        """Hand one signed message to the hub and return its signed reply.

        Raises Unavailable when the hub cannot be reached or has no reply within `timeout_s`
        seconds, and the hub's own reason (a class of `tessera.wire.refusals`, or InvalidInput,
        Conflict) when it does not accept the message.
        """
        ...
