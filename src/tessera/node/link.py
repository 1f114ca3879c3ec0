"""A node talks to its hub: join, status, publish, take queries and tasks, answer, report."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import uuid4

from tessera.domain.audit import events
from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.catalogue.notice import Notice, NoticeKind
from tessera.domain.errors import Conflict, TesseraError, Unavailable
from tessera.domain.zones import Released
from tessera.ports.audit_log import AuditLog, Verdict
from tessera.ports.clock import Clock
from tessera.ports.hub_link import AnsweredVersion, HubLink, HubPin, LinkRecords, Outgoing
from tessera.ports.renewal import followed
from tessera.ports.signing import Signer, Verifier
from tessera.wire import fields
from tessera.wire.answers import AnswerMessage, answers_to_json
from tessera.wire.envelope import REMEMBER, Envelope, MessageType
from tessera.wire.fields import Json
from tessera.wire.heads import ShownHead
from tessera.wire.keys import FormerKey, InviteCode, PublicKey
from tessera.wire.messages import (
    Accepted,
    JoinReply,
    JoinRequest,
    Poll,
    PollReply,
    PublishDataset,
    StatusReply,
    StatusRequest,
)
from tessera.wire.notice import notice_to_json
from tessera.wire.refusals import (
    BadSignature,
    HubKeyRenewed,
    NodePending,
    Replayed,
    TooManyRequests,
    WrongRecipient,
    WrongTime,
)
from tessera.wire.renewal import KeyRenewed, RenewKey
from tessera.wire.tasks import ReportMessage

_log = logging.getLogger(__name__)
_HUB: Final = "hub"
"""The hub's name in this node's audit log: a node has one."""
MAY_PASS: Final = (Unavailable, NodePending, TooManyRequests, WrongTime)
"""Refusals that have nothing to do with what was sent: it is kept and sent again."""
_REPLY_S: Final = 30.0
"""How long the hub may take for a reply that it can give at once."""
_DELIVERY_S: Final = 120.0
"""The same for a large message over a slow line."""


class SeenInMemory:
    """SeenIds of one process: enough for replies, each of which names one request of it."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], datetime] = {}

    def remember(self, sender: str, message_id: str, until: datetime) -> bool:
        is_new = (sender, message_id) not in self._until
        if is_new:
            self._until[sender, message_id] = until
        return is_new

    def forget(self, until_before: datetime) -> None:
        self._until = {key: until for key, until in self._until.items() if until >= until_before}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLink:
    """The signed conversation of a node that has joined. Raises what `HubLink.send` raises.

    When the hub says that it has a new key, its signed renewals are followed from the key that
    is pinned here, and the message goes out once more.
    """

    records: LinkRecords
    link: HubLink
    signer: Signer
    verifier: Verifier
    clock: Clock
    software: str
    audit: AuditLog
    _seen: SeenInMemory = field(init=False, default_factory=SeenInMemory)
    _kept_there: list[int] = field(init=False, default_factory=lambda: [0])
    """Entries of the head of this node's log that the hub keeps, as it said last."""

    @property
    def pin(self) -> HubPin:
        """Return the hub and its key as they are pinned now. Raises Conflict without a hub."""
        pin = self.records.pin()
        if pin is None:
            raise Conflict("this node has not joined a hub")
        return pin

    async def status(self) -> StatusReply:
        body = StatusRequest(software=self.software).to_json()
        return StatusReply.from_json(await self._ask(MessageType.STATUS, body, _REPLY_S))

    async def publish(self, outgoing: Outgoing) -> Accepted:
        reply = await self._ask(MessageType.PUBLISH, outgoing.body, _REPLY_S)
        accepted = Accepted.from_json(reply)
        described = fields.child(outgoing.body, "description")
        published = events.dataset_published(
            self.pin.node_id,
            outgoing.version.dataset_id,
            outgoing.version.version,
            fields.text(described, "manifest_sha256"),
        )
        self.audit.append(published, self.clock.now())
        return accepted

    async def notice(self, notice: Notice) -> Accepted:
        reply = await self._ask(MessageType.NOTICE, notice_to_json(notice), _REPLY_S)
        told = events.dataset_noted(
            self.pin.node_id, notice.dataset_id, notice.kind.value, notice.reason
        )
        self.audit.append(told, self.clock.now())
        return Accepted.from_json(reply)

    async def poll(self, wait_s: int) -> PollReply:
        """Wait up to `wait_s` seconds at the hub for work; each side shows its log's head."""
        kept_there = self._kept_there[0]
        shown = self.audit.show(self.clock.now(), party=_HUB, kept_there=kept_there)
        body = Poll(wait_s=wait_s, software=self.software, log=shown).to_json()
        reply = PollReply.from_json(await self._ask(MessageType.POLL, body, wait_s + _REPLY_S))
        if reply.log is not None:
            self._keep_head(reply.log)
        return reply

    async def answer(self, *answered: tuple[AnswerMessage, str]) -> Accepted:
        """Send answers, each with the text of its query, after they are in the audit log.

        More than one only to a hub that takes so many together (`PollReply.answers_together`).
        Raises Conflict when they cannot be written down: then nothing leaves.
        """
        node_id = self.pin.node_id
        told = [
            events.query_answered(node_id, message.search_id, query, message.answers)
            for message, query in answered
        ]
        await asyncio.to_thread(self.audit.append_all, told, self.clock.now())
        messages = [message for message, _ in answered]
        if len(messages) == 1:
            reply = await self._ask(MessageType.ANSWER, messages[0].to_json(), _REPLY_S)
        else:
            reply = await self._ask(MessageType.ANSWERS, answers_to_json(messages), _REPLY_S)
        return Accepted.from_json(reply)

    async def report(self, message: ReportMessage) -> Accepted:
        reply = await self._ask(MessageType.REPORT, message.to_json(), _REPLY_S)
        return Accepted.from_json(reply)

    async def deliver(self, part: Json) -> Accepted:
        """Send one part of a released file, as `parts_of` made it (`Reports.deliver`)."""
        return Accepted.from_json(await self._ask(MessageType.DELIVER, part, _DELIVERY_S))

    async def relay(self, sealed: Json) -> Accepted:
        """Send an answer that is sealed for a person; the hub passes it on and keeps nothing."""
        return Accepted.from_json(await self._ask(MessageType.RELAY, sealed, _DELIVERY_S))

    async def renew_key(self, renewal: str) -> KeyRenewed:
        """Tell the hub this node's new key, by the signed renewal; signed by the former key."""
        body = RenewKey(renewal=renewal).to_json()
        return KeyRenewed.from_json(await self._ask(MessageType.RENEW_KEY, body, _REPLY_S))

    def _keep_head(self, shown: ShownHead) -> None:
        self._kept_there[0] = shown.kept
        verdict = self.audit.keep(_HUB, self.pin.keys, shown)
        if verdict is Verdict.UNSIGNED:
            _log.error("the head of the hub's audit log is not signed by the hub's key")
        elif verdict is Verdict.FORKED:
            _log.error("the hub's audit log does not go on from the head that is kept here")
            self.audit.append(events.fork_seen(_HUB), self.clock.now())

    async def _ask(self, type: MessageType, body: Json, timeout_s: float) -> Json:
        try:
            return await self._ask_once(type, body, timeout_s)
        except HubKeyRenewed as err:
            self._follow(err.renewals)
        return await self._ask_once(type, body, timeout_s)

    async def _ask_once(self, type: MessageType, body: Json, timeout_s: float) -> Json:
        pin = self.pin
        request = Envelope(
            type=type,
            sender=pin.node_id,
            recipient=pin.hub_key.fingerprint,
            id=str(uuid4()),
            at=self.clock.now(),
            body=body,
        )
        token = await self.link.send(type, self.signer.sign(request.encode()), timeout_s=timeout_s)
        reply = _open_reply(self.verifier, token, pin.hub_key, request, pin.node_id, self.clock)
        self._seen.forget(self.clock.now())
        if not self._seen.remember(reply.sender, reply.id, self.clock.now() + REMEMBER):
            raise Replayed(f"reply {reply.id} came before")
        return reply.body

    def _follow(self, renewals: Sequence[str]) -> None:
        """Pin the hub's new key. Raises BadSignature unless the pinned one leads to it."""
        pin, now = self.pin, self.clock.now()
        key = pin.hub_key
        for renewal in followed(self.verifier, renewals, key.fingerprint):
            told = events.hub_key_pinned(renewal.former.fingerprint, renewal.key.fingerprint)
            self.audit.append(told, now)
            former = (*pin.former_keys, FormerKey(pin.hub_key, renewal.at))
            pin = replace(pin, hub_key=renewal.key, former_keys=former)
        self.records.set_pin(pin)
        _log.info("the hub has a new key, %s, announced by the one before", pin.hub_key.fingerprint)


async def join(
    *,
    code: InviteCode,
    hub_url: str,
    name: str,
    country: str,
    software: str,
    records: LinkRecords,
    link: HubLink,
    signer: Signer,
    verifier: Verifier,
    clock: Clock,
    is_again: bool = False,
) -> HubPin:
    """Join the hub and pin its key.

    `is_again`: with an invite for this node, and a new key. Raises Conflict when this node has
    a hub already, and WrongRecipient when the invite was for another node.
    """
    former = records.pin()
    if former is not None and not is_again:
        raise Conflict(f"this node has joined {former.hub_url} as {former.node_id} already")
    key = signer.public_key
    body = JoinRequest(
        secret=code.secret, name=name, country=country, public_key=key, software=software
    ).to_json()

    async def asked(hub: str) -> Envelope:
        """Return the reply of the hub whose key has that name."""
        request = Envelope(
            type=MessageType.JOIN,
            sender=key.fingerprint,
            recipient=hub,
            id=str(uuid4()),
            at=clock.now(),
            body=body,
        )
        token = await link.send(MessageType.JOIN, signer.sign(request.encode()), timeout_s=_REPLY_S)
        hub_key = JoinReply.from_json(Envelope.decode(verifier.unverified(token)).body).hub_key
        if hub_key.fingerprint != hub:
            raise BadSignature("the hub that answers is not the one that made the invite code")
        return _open_reply(verifier, token, hub_key, request, key.fingerprint, clock)

    try:
        reply = await asked(code.hub)
    except HubKeyRenewed as err:
        # The code was made before the hub renewed its key.
        reply = await asked(followed(verifier, err.renewals, code.hub)[-1].key.fingerprint)
    joined = JoinReply.from_json(reply.body)
    hub_key = joined.hub_key
    pin = HubPin(hub_url=hub_url, hub_name=joined.hub_name, hub_key=hub_key, node_id=joined.node_id)
    if former is not None:
        if joined.node_id != former.node_id:
            raise WrongRecipient(f"the invite is for {joined.node_id}; this is {former.node_id}")
        pin = replace(pin, former_keys=former.former_keys)
        if hub_key != former.hub_key:
            past = (*former.former_keys, FormerKey(former.hub_key, clock.now()))
            pin = replace(pin, former_keys=past)
    records.set_pin(pin)
    return pin


async def publish(
    link: NodeLink,
    records: LinkRecords,
    released: Released[DatasetDescription],
    folder: str,
) -> None:
    """Send a description to the hub; once accepted, the node answers for that version.

    Raises Unavailable, NodePending while the node is not approved, TooManyRequests, or WrongTime
    while the clocks differ: then the description is kept and `send_outgoing` sends it later.
    Raises other Refused, Conflict or InvalidInput when the
    hub does not want it: then nothing is kept.
    """
    description = released.value
    version = AnsweredVersion(
        dataset_id=description.dataset_id,
        version=description.version,
        created=description.created,
        folder=folder,
    )
    outgoing = Outgoing(version=version, body=PublishDataset(released).to_json())
    records.put_outgoing(outgoing)
    await send_outgoing(link, records, outgoing)


async def send_outgoing(link: NodeLink, records: LinkRecords, outgoing: Outgoing) -> None:
    """Send one kept description. Raises as `publish`."""
    try:
        await link.publish(outgoing)
    except MAY_PASS:
        raise
    except TesseraError:
        records.remove_outgoing(outgoing.version)
        raise
    records.put_sent(outgoing)
    records.add_answered(outgoing.version)
    records.remove_outgoing(outgoing.version)


async def give_notice(link: NodeLink, records: LinkRecords, notice: Notice) -> None:
    """Tell the hub what the holder says of a dataset; a withdrawn one is answered for no more.

    Raises as `publish`: what may pass keeps the notice, and `send_notice` sends it later.
    """
    if notice.kind is NoticeKind.WITHDRAWN:
        records.remove_answered(notice.dataset_id)
    records.put_notice(notice)
    await send_notice(link, records, notice)


async def send_notice(link: NodeLink, records: LinkRecords, notice: Notice) -> None:
    """Send one kept notice. Raises as `publish`."""
    try:
        await link.notice(notice)
    except MAY_PASS:
        raise
    except TesseraError:
        records.remove_notice(notice)
        raise
    records.remove_notice(notice)


def _open_reply(
    verifier: Verifier,
    token: str,
    hub_key: PublicKey,
    request: Envelope,
    recipient: str,
    clock: Clock,
) -> Envelope:
    """Return the hub's reply to `request`, or raise why it is none."""
    reply = Envelope.decode(verifier.verify(token, hub_key))
    reply.check(type=request.type.reply, recipient=recipient, now=clock.now())
    if reply.sender != hub_key.fingerprint:
        raise BadSignature("the reply names another sender than the hub")
    if reply.reply_to != request.id:
        raise WrongRecipient("the reply answers another request")
    return reply
