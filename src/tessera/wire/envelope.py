"""The claims that every message of a link carries, and when they are accepted. Pure.

The claims travel as the payload of a compact JWS (RFC 7515) whose algorithm is Ed25519
(RFC 9864) and whose `kid` is the fingerprint of the sender's key.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.refusals import BadMessage, WrongRecipient, WrongTime, WrongType

VERSION: Final = 1
"""Rises when a message can no longer be read by an older program."""
MAX_SKEW: Final = timedelta(seconds=300)
"""How far a message's time may be from the reader's clock."""
REMEMBER: Final = timedelta(seconds=600)
"""How long an id is remembered: twice MAX_SKEW, so no message outlives the memory of it."""

OVERLAP: Final = timedelta(seconds=600)
"""How long a former key still speaks: as long as a message signed by it may be under way."""


class MessageType(StrEnum):
    """Every message of the link; a reply has the name of its request and `-reply`."""

    JOIN = "join"
    JOIN_REPLY = "join-reply"
    STATUS = "status"
    STATUS_REPLY = "status-reply"
    PUBLISH = "publish"
    PUBLISH_REPLY = "publish-reply"
    POLL = "poll"
    POLL_REPLY = "poll-reply"
    ANSWER = "answer"
    ANSWER_REPLY = "answer-reply"
    ANSWERS = "answers"
    ANSWERS_REPLY = "answers-reply"
    REPORT = "report"
    REPORT_REPLY = "report-reply"
    DELIVER = "deliver"
    DELIVER_REPLY = "deliver-reply"
    RELAY = "relay"
    RELAY_REPLY = "relay-reply"
    NOTICE = "notice"
    NOTICE_REPLY = "notice-reply"
    RENEW_KEY = "renew-key"
    RENEW_KEY_REPLY = "renew-key-reply"

    @property
    def reply(self) -> "MessageType":
        """Return the type of the reply to this request."""
        return MessageType(f"{self.value}-reply")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One message. Sender and recipient are node ids; the hub is named by its fingerprint."""

    type: MessageType
    sender: str
    recipient: str
    id: str
    """A UUID, version 4."""
    at: datetime
    """When it was written, UTC."""
    body: Json
    reply_to: str = ""
    """The id of the request, in a reply."""

    def encode(self) -> bytes:
        """Return the payload to sign."""
        claims: dict[str, object] = {
            "v": VERSION,
            "type": self.type.value,
            "from": self.sender,
            "to": self.recipient,
            "id": self.id,
            "at": fields.moment_text(self.at),
            "body": self.body,
        }
        if self.reply_to:
            claims["re"] = self.reply_to
        return fields.encode(claims)

    @classmethod
    def decode(cls, payload: bytes) -> "Envelope":
        """Read a payload whose signature has been checked. Raises BadMessage, WrongType."""
        claims = fields.decode(payload)
        if fields.integer(claims, "v") != VERSION:
            raise WrongType("version of the message is not known here")
        name = fields.text(claims, "type")
        try:
            kind = MessageType(name)
        except ValueError as err:
            raise WrongType("type of the message is not known here") from err
        return cls(
            type=kind,
            sender=fields.text(claims, "from"),
            recipient=fields.text(claims, "to"),
            id=_uuid(fields.text(claims, "id")),
            at=fields.moment(claims, "at"),
            body=fields.child(claims, "body"),
            reply_to=fields.text(claims, "re", ""),
        )

    def check(self, *, type: MessageType, recipient: str, now: datetime) -> None:
        """Raise the reason why this message is not accepted at `now` by `recipient`.

        The caller checks the signature before, and that `id` is new after.
        """
        if self.type is not type:
            raise WrongType(f"expected {type.value}, got {self.type.value}")
        if self.recipient != recipient:
            raise WrongRecipient("the message names another recipient")
        if abs(now - self.at) > MAX_SKEW:
            raise WrongTime(f"written at {self.at:%Y-%m-%dT%H:%M:%SZ}, this side has another time")


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as err:
        raise BadMessage("id", "a UUID") from err
