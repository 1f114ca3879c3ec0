"""Why the other side of a link does not accept a message: one class per cause. Pure.

InvalidInput
 ├─ BadMessage        a key is missing or holds the wrong kind of value
 └─ TooLarge          the body is over the limit
Refused
 ├─ BadSignature      not signed by the pinned key, or not in the one algorithm
 ├─ BadSeal           sealed for another key, or changed on the way
 ├─ WrongRecipient    meant for someone else
 ├─ WrongTime         written too long ago, or one of the two clocks is wrong
 ├─ Replayed          seen before
 ├─ WrongType         signed well, but not the kind of message expected here
 ├─ InviteUnknown, InviteUsed, InviteExpired
 ├─ NodeUnknown, NodePending, NodeRejected, NodeRevoked
 ├─ KeyRetired        signed by a key that the sender has replaced, or that was revoked
 ├─ HubKeyRenewed     addressed to a former key of the hub; brings the renewals
 └─ TooManyRequests   one address asked too often
Conflict
 └─ VersionTaken      a dataset version was published before with other content
"""

from collections.abc import Sequence

from tessera.domain.errors import Conflict, InvalidInput, Refused


class BadMessage(InvalidInput):
    """A message cannot be read; `key` names the place, as `description.title`."""

    code = "bad-message"
    public = "A key of the message is missing or holds the wrong kind of value."

    def __init__(self, key: str, expected: str) -> None:
        super().__init__(f"{key}: expected {expected}")
        self.key = key
        self.expected = expected


class TooLarge(InvalidInput):
    """The body is over the limit of this hub."""

    code = "too-large"
    public = "The body is larger than this hub accepts."


class BadSignature(Refused):
    """Not signed by the key that was pinned for the sender, or in another algorithm."""

    code = "bad-signature"
    public = "The message is not signed by the key that was agreed on joining."


class BadSeal(Refused):
    """A sealed answer cannot be opened with the key that was made for it."""

    code = "bad-seal"
    public = "The answer was sealed for another reader, or changed on the way."


class WrongRecipient(Refused):
    """The message names another recipient, or answers another question."""

    code = "wrong-recipient"
    public = "The message is meant for someone else."


class WrongTime(Refused):
    """The message's time is too far from this side's clock."""

    code = "wrong-time"
    public = "The message is too old, or the clocks differ by over 300 seconds: set the clock."


class Replayed(Refused):
    """A message with this id came before."""

    code = "replayed"
    public = "This message was received before."


class WrongType(Refused):
    """A well-signed message of another kind, or of a version that is not known here."""

    code = "wrong-type"
    public = "This is not the kind of message that belongs here."


class InviteUnknown(Refused):
    """No invite has this code."""

    code = "invite-unknown"
    public = "This hub does not know the invite code; check it, or ask for a new one."


class InviteUsed(Refused):
    """An invite code serves once."""

    code = "invite-used"
    public = "This invite code has been used; ask the hub for a new one."


class InviteExpired(Refused):
    """An invite code has an end."""

    code = "invite-expired"
    public = "This invite code has expired; ask the hub for a new one."


class NodeUnknown(Refused):
    """No node has joined with this key."""

    code = "node-unknown"
    public = "This hub does not know the node; join it with an invite code."


class NodePending(Refused):
    """The node has joined, and the hub's operator has not decided yet."""

    code = "node-pending"
    public = "The hub has not approved this node yet."


class NodeRejected(Refused):
    """The hub's operator said no."""

    code = "node-rejected"
    public = "The hub has rejected this node."


class NodeRevoked(Refused):
    """The hub's operator took the approval back."""

    code = "node-revoked"
    public = (
        "The hub's operator has revoked this node: it takes nothing from it. Call the operator."
    )


class KeyRetired(Refused):
    """Signed by a former key after its overlap, or by one that the hub's operator revoked."""

    code = "key-retired"
    public = (
        "The hub knows this node by another key now. If nobody here renewed it, somebody else "
        "has it: call the hub's operator."
    )


class HubKeyRenewed(Refused):
    """The message names a former key of the hub."""

    code = "hub-key-renewed"
    public = "The hub has a new key."

    def __init__(self, renewals: Sequence[str]) -> None:
        super().__init__(self.public)
        self.renewals = tuple(renewals)
        """Signed, from the key that the message named to the one of now, oldest first."""


class TooManyRequests(Refused):
    """One address asked too often."""

    code = "too-many-requests"
    public = "Too many requests from this address; wait a little."


class VersionTaken(Conflict):
    """A published version does not change."""

    code = "version-taken"
    public = "This version was published before with other content; make a new version."
