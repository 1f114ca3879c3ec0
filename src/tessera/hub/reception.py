"""Where nodes' messages come in: who signed, is it fresh, may they, then the one use case."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from tessera.domain.audit import events
from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.tiers.judged import read_signed
from tessera.hub.calling import Calling
from tessera.hub.catalogue import Catalogue
from tessera.hub.joining import Joining
from tessera.hub.searching import Searching
from tessera.ports.audit_log import AuditLog, Verdict
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore, NodeRecord, NodeState
from tessera.ports.signing import KeyRing, Signer, Verifier
from tessera.wire import fields
from tessera.wire.answers import MOST_TOGETHER, ReceivedAnswer, answers_from_json
from tessera.wire.conformance import agrees
from tessera.wire.envelope import REMEMBER, Envelope, MessageType
from tessera.wire.fields import Json
from tessera.wire.heads import ShownHead
from tessera.wire.messages import (
    Accepted,
    DatasetVersion,
    JoinRequest,
    Poll,
    PollReply,
    ReceivedDataset,
    StatusReply,
    StatusRequest,
)
from tessera.wire.refusals import (
    BadSignature,
    HubKeyRenewed,
    InviteUnknown,
    KeyRetired,
    NodePending,
    NodeRejected,
    NodeRevoked,
    NodeUnknown,
    Replayed,
    WrongType,
)
from tessera.wire.text import one_line

_log = logging.getLogger(__name__)
_NOT_APPROVED = {
    NodeState.PENDING: NodePending,
    NodeState.REJECTED: NodeRejected,
    NodeState.REVOKED: NodeRevoked,
}
_LEARN_KEY = (MessageType.JOIN, MessageType.STATUS, MessageType.POLL)
"""Messages that lose nothing when they are sent again: a node learns the hub's new key by them."""
_SEEN_ANEW: Final = timedelta(seconds=5)
"""A node is noted as seen, and ids of messages are forgotten, so often at most."""
Take = Callable[[NodeRecord, Json], Json]
"""Takes the body of one message of an approved node and returns the body of the reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    store: HubStore
    clock: Clock
    signer: KeyRing
    verifier: Verifier
    joining: Joining
    catalogue: Catalogue
    searching: Searching
    calling: Calling
    audit: AuditLog
    takers: dict[MessageType, Take] = field(default_factory=dict)
    """Who takes the messages that belong to one use case alone."""
    _heard: list[tuple[str, str, datetime, "asyncio.Future[bool]"]] = field(
        init=False, default_factory=list
    )
    _forget_at: list[datetime] = field(
        init=False, default_factory=lambda: [datetime.min.replace(tzinfo=UTC)]
    )

    async def _is_new(self, sender: str, message_id: str, until: datetime) -> bool:
        """Remember a message, with those that come in the same moment; durable on return."""
        loop = asyncio.get_running_loop()
        is_new: asyncio.Future[bool] = loop.create_future()
        self._heard.append((sender, message_id, until, is_new))
        if len(self._heard) == 1:
            loop.call_soon(self._remember_heard)
        return await is_new

    def _remember_heard(self) -> None:
        heard, self._heard[:] = list(self._heard), []
        try:
            with self.store.transaction():
                are_new = [self.store.seen_ids.remember(*one[:3]) for one in heard]
        except Exception as err:
            for *_, waiter in heard:
                if not waiter.done():
                    waiter.set_exception(err)
            return
        for (*_, waiter), is_new in zip(heard, are_new, strict=True):
            if not waiter.done():
                waiter.set_result(is_new)

    async def receive(self, type: MessageType, token: str) -> str:
        """Return the signed reply to one signed message.

        Raises Refused with its cause, InvalidInput naming the key, Conflict.
        """
        if type is MessageType.JOIN:
            return await self._join(token)
        key_name = self.verifier.key_name(token)
        node = self.store.nodes.find_by_key(key_name)
        if node is None:
            raise NodeUnknown(f"no node has the key {key_name[:16]}")
        key = node.keys.known(key_name) or node.public_key
        envelope = Envelope.decode(self.verifier.verify(token, key))
        if not node.keys.speaks(key_name, self.clock.now()):
            raise KeyRetired(f"{key_name} is no longer the key of node {node.node_id}")
        answering = await self._accept(envelope, type, node.node_id)
        if type is not MessageType.STATUS:
            _require_approved(node)
        if type in (MessageType.POLL, MessageType.ANSWER, MessageType.ANSWERS):
            # Only the running node makes it "in touch": a command such as `publish` does not.
            software = one_line(fields.text(envelope.body, "software", node.software), 100)
            now = self.clock.now()
            if software != node.software or not node.last_seen or now - node.last_seen > _SEEN_ANEW:
                self.store.nodes.seen(node.node_id, now, software)
        body = await self._reply(type, node, envelope)
        return self._sign(answering, envelope, node.node_id, body)

    async def _join(self, token: str) -> str:
        """The first message brings its own key; the invite says whether it may come in."""
        claimed = Envelope.decode(self.verifier.unverified(token))
        request = JoinRequest.from_json(claimed.body)
        key = request.public_key
        envelope = Envelope.decode(self.verifier.verify(token, key))
        if not self.joining.is_expected(request):
            # Before anything is kept of it: a stranger could send any number of these.
            raise InviteUnknown("no such invite")
        answering = await self._accept(envelope, MessageType.JOIN, key.fingerprint)
        reply = self.joining.join(request)
        return self._sign(answering, envelope, key.fingerprint, reply.to_json())

    async def _accept(self, envelope: Envelope, type: MessageType, sender: str) -> Signer:
        """Return the signer of the reply: the hub's key that the message names.

        Raises HubKeyRenewed when that is a former one; what was under way is still answered.
        """
        now = self.clock.now()
        answering = self.signer.speaking(envelope.recipient, now)
        if answering is None or type in _LEARN_KEY:
            self._require_present_key(envelope)
        present = answering or self.signer
        envelope.check(type=type, recipient=present.public_key.fingerprint, now=now)
        if envelope.sender != sender:
            raise BadSignature("the message names another sender than the owner of the key")
        if now >= self._forget_at[0]:
            self._forget_at[0] = now + _SEEN_ANEW
            self.store.seen_ids.forget(now)
        if not await self._is_new(sender, envelope.id, now + REMEMBER):
            raise Replayed(f"message {envelope.id} of {sender} came before")
        return present

    def _require_present_key(self, envelope: Envelope) -> None:
        if renewals := self.signer.renewals(envelope.recipient):
            raise HubKeyRenewed(renewals)

    async def _reply(self, type: MessageType, node: NodeRecord, envelope: Envelope) -> Json:
        body = envelope.body
        match type:
            case MessageType.STATUS:
                StatusRequest.from_json(body)
                return self._status(node).to_json()
            case MessageType.PUBLISH:
                received = ReceivedDataset.from_json(body)
                self._check_conformance(node, received.description)
                return Accepted(
                    n_accepted=int(self.catalogue.publish(node, received.description))
                ).to_json()
            case MessageType.POLL:
                poll = Poll.from_json(body)
                is_unproven = self._keep_head(node, poll.log) is Verdict.UNPROVEN
                # The reply says from where the proof is wanted: it is not held back.
                wait_s = 0 if is_unproven else poll.wait_s
                queries, tasks = await self.calling.poll(
                    node, wait_s, lambda: self._may_go_on(node, envelope)
                )
                # While it waited the node may have been revoked, or the hub's key renewed.
                self._require_present_key(envelope)
                _require_approved(self.store.nodes.find(node.node_id) or node)
                head = self._head_for(node, poll)
                return PollReply(
                    queries=queries, tasks=tasks, log=head, answers_together=MOST_TOGETHER
                ).to_json()
            case MessageType.ANSWER:
                kept = await self.searching.take_in(node, ReceivedAnswer.from_json(body))
                return Accepted(n_accepted=kept).to_json()
            case MessageType.ANSWERS:
                taken = [self.searching.take_in(node, one) for one in answers_from_json(body)]
                return Accepted(n_accepted=sum(await asyncio.gather(*taken))).to_json()
            case _ if type in self.takers:
                return self.takers[type](node, body)
            case _:
                raise WrongType(f"this hub does not take {type}")

    def _may_go_on(self, node: NodeRecord, envelope: Envelope) -> bool:
        found = self.store.nodes.find(node.node_id)
        is_approved = found is not None and found.state is NodeState.APPROVED
        return is_approved and envelope.recipient == self.signer.public_key.fingerprint

    def _check_conformance(self, node: NodeRecord, description: DatasetDescription) -> None:
        """Raise BadSignature or BadMessage unless the report is this node's, on this version."""
        if description.conformance:
            payload = self.verifier.verify(description.conformance, node.keys)
            agrees(description, read_signed(payload))

    def _status(self, node: NodeRecord) -> StatusReply:
        mine = [v for v in self.store.datasets.newest() if v.node_id == node.node_id]
        published = (
            DatasetVersion(dataset_id=v.description.dataset_id, version=version)
            for v in mine
            for version in self.store.datasets.versions(v.node_id, v.description.dataset_id)
        )
        return StatusReply(
            state=node.state.value,
            hub_name=self.joining.hub_name,
            published=tuple(published),
            confirm_by={
                entry.description.dataset_id: entry.confirm_by
                for entry in self.catalogue.entries()
                if entry.node.node_id == node.node_id
            },
        )

    def _keep_head(self, node: NodeRecord, shown: ShownHead | None) -> Verdict:
        if shown is None:
            return Verdict.KNOWN
        verdict = self.audit.keep(node.node_id, node.keys, shown)
        if verdict is Verdict.UNSIGNED:
            _log.error("the head of %s's audit log is not signed by its key", node.node_id)
        elif verdict is Verdict.FORKED:
            _log.error("the audit log of %s does not go on from the head kept here", node.node_id)
            self.audit.append(events.fork_seen(node.node_id), self.clock.now())
        return verdict

    def _head_for(self, node: NodeRecord, poll: Poll) -> ShownHead | None:
        """Answer with the hub's own head a node that has shown its own."""
        if poll.log is None:
            return None
        return self.audit.show(self.clock.now(), party=node.node_id, kept_there=poll.log.kept)

    def _sign(self, signer: Signer, request: Envelope, recipient: str, body: Json) -> str:
        reply = Envelope(
            type=request.type.reply,
            sender=request.recipient,
            recipient=recipient,
            id=str(uuid4()),
            at=self.clock.now(),
            body=body,
            reply_to=request.id,
        )
        return signer.sign(reply.encode())


def _require_approved(node: NodeRecord) -> None:
    if node.state is not NodeState.APPROVED:
        raise _NOT_APPROVED[node.state](f"node {node.node_id} is {node.state.value}")
