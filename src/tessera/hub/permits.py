"""Permits at the hub: signed and sent to the holders' nodes, and what these say of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from tessera.domain.access.people import Person, Role
from tessera.domain.access.permit import AccessMode, Permit
from tessera.domain.audit import access_events as events
from tessera.domain.errors import InvalidInput, NotFound
from tessera.hub.dispatch import Dispatch
from tessera.hub.tools import Tools
from tessera.ports.access_records import TaskRecord
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore, NodeRecord
from tessera.ports.signing import Signer, Verifier
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.permit import Countersignature, Revocation, permit_payload
from tessera.wire.refusals import WrongRecipient
from tessera.wire.runs import HeldPermit, PermitAtNode, PermitState
from tessera.wire.tasks import TaskKind
from tessera.wire.text import one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Permits:
    store: HubStore
    clock: Clock
    signer: Signer
    verifier: Verifier
    audit: AuditLog
    dispatch: Dispatch
    tools: Tools

    def issue(self, permit: Permit) -> None:
        """Sign a permit, keep it and send it to its nodes; the same id again changes nothing.

        Raises InvalidInput when it names no dataset or no person, NotFound for a node or a tool
        that this hub does not have.
        """
        self._check(permit)
        token = self.signer.sign(permit_payload(permit))
        now = self.clock.now()
        nodes = [
            PermitAtNode(node_id=name, state=PermitState.SENT, at=now) for name in permit.nodes()
        ]
        with self.store.transaction():
            if not self.store.permits.add(permit, token, nodes):
                return
            for name in permit.nodes():
                self._send(permit, token, name)
            held = self.find(permit.permit_id)
            told = events.permit_issued(permit.permit_id, held.sha256, permit.nodes())
            self.audit.append(told, now)

    def _check(self, permit: Permit) -> None:
        if not permit.datasets or not permit.persons or not permit.modes:
            raise InvalidInput("a permit names persons, dataset versions and modes")
        if permit.modes - {AccessMode.DOWNLOAD} and not permit.tools:
            raise InvalidInput("a permit to run or to learn names the tools")
        if permit.starts >= permit.ends:
            raise InvalidInput("a permit ends after it starts")
        for name in permit.nodes():
            if self.store.nodes.find(name) is None:
                raise NotFound(f"no node {name} has joined this hub")
        for tool in permit.tools:
            self.tools.listed(tool.digest)

    def _send(self, permit: Permit, token: str, node_id: str) -> None:
        """One tool in each task: together they could outgrow a message."""
        bundles = [self.tools.find(tool.digest).to_json() for tool in permit.tools]
        for carried in [[bundle] for bundle in bundles] or [[]]:
            body = {"token": token, "tools": carried}
            self.dispatch.put(node_id, TaskKind.PERMIT, body, subject=permit.permit_id)

    def revoke(self, permit_id: str, reason: str, by: str, person_id: str = "") -> None:
        """End a permit at the hub and at every node; again changes nothing. Raises NotFound.

        `by`: as what, for the hub's own record of the reason. `person_id`: who, for the audit
        log; empty for the hub's operator.
        """
        held = self.find(permit_id)
        now = self.clock.now()
        told = one_line(" ".join(reason.split()), 400)
        if not told:
            raise InvalidInput("say why the permit is revoked: the node and its persons read it")
        signed = self.signer.sign(Revocation(permit_id=permit_id, reason=told, at=now).payload())
        with self.store.transaction():
            if not self.store.permits.revoke(permit_id, now, f"{told} ({one_line(by, 90)})"):
                return
            for name in held.permit.nodes():
                self.dispatch.put(name, TaskKind.REVOKE, {"token": signed}, subject=permit_id)
            self.audit.append(events.permit_revoked(permit_id, told, person_id), now)
        self.dispatch.bell.ring(permit_key(permit_id))

    def find(self, permit_id: str) -> HeldPermit:
        """Return a permit for another use case of the hub. Raises NotFound."""
        found = self.store.permits.find(permit_id)
        if found is None:
            raise NotFound("no such permit")
        return found

    def shown(self, person: Person, permit_id: str) -> HeldPermit:
        """Return a permit to somebody who may see it.

        These are its persons, the committee, and the holders of its nodes.
        Raises NotFound for everybody else.
        """
        held = self.find(permit_id)
        holds = any(person.has(Role.HOLDER, name) for name in held.permit.nodes())
        if not (is_of(person, held) or person.has(Role.COMMITTEE) or holds):
            raise NotFound("no such permit")
        return held

    def for_person(self, person_id: str) -> Sequence[HeldPermit]:
        """Return the permits that name the person, last issued first."""
        return self.store.permits.for_person(person_id)

    def public(self) -> Sequence[HeldPermit]:
        """Return every permit for the register, last issued first; it names what is public."""
        return self.store.permits.all()

    def take_countersignature(self, node: NodeRecord, body: Json) -> None:
        """Keep a node's signed word for a permit of this hub.

        Raises BadSignature, WrongRecipient when it is another permit's or node's, NotFound.
        """
        token = fields.text(body, "token")
        said = Countersignature.read(self.verifier.verify(token, node.keys))
        held = self.find(said.permit_id)
        if said.node_id != node.node_id or said.permit_sha256 != held.sha256:
            raise WrongRecipient("a countersignature of another permit or by another node")
        self._note(node, held, PermitState.COUNTERSIGNED, token=token)

    def take_declined(self, node: NodeRecord, body: Json) -> None:
        """Note that a person at the node said no. Raises NotFound, BadMessage."""
        held = self.find(fields.text(body, "permit_id"))
        self._note(node, held, PermitState.DECLINED, _reason(body))

    def take_revoked(self, node: NodeRecord, body: Json) -> None:
        """Note that the node has ended the permit for itself. Raises NotFound, BadMessage."""
        held = self.find(fields.text(body, "permit_id"))
        self._note(node, held, PermitState.REVOKED, _reason(body))

    def sent(self, node: NodeRecord, task: TaskRecord, problem: str) -> None:
        """Note that a node has taken a permit up, or why it could not."""
        held = self.store.permits.find(task.subject)
        at_node = held.at_node(node.node_id) if held else None
        if held is None or at_node is None:
            return
        if problem:
            self._note(node, held, PermitState.FAILED, problem)
        elif at_node.state is PermitState.SENT:
            self._note(node, held, PermitState.RECEIVED)

    def _note(
        self,
        node: NodeRecord,
        held: HeldPermit,
        state: PermitState,
        detail: str = "",
        *,
        token: str = "",
    ) -> None:
        at_node = held.at_node(node.node_id)
        if at_node is None:
            raise WrongRecipient("the permit is not for this node")
        if at_node.state is PermitState.REVOKED or at_node.state is state:
            return  # what is over stays over
        now = self.clock.now()
        standing = PermitAtNode(node_id=node.node_id, state=state, at=now, detail=detail)
        with self.store.transaction():
            self.store.permits.set_at_node(held.permit.permit_id, standing, token)
            if state is not PermitState.RECEIVED:
                told = events.permit_at_node(node.node_id, held.permit.permit_id, state.value)
                self.audit.append(told, now)
        self.dispatch.bell.ring(permit_key(held.permit.permit_id))


def is_of(person: Person, held: HeldPermit) -> bool:
    """Whether the person is one of those that the permit names."""
    return any(one.person_id == person.person_id for one in held.permit.persons)


def permit_key(permit_id: str) -> str:
    """Return what is rung when something under this permit has changed."""
    return f"permit {permit_id}"


def _reason(body: Json) -> str:
    return one_line(fields.text(body, "reason", ""), 500)
