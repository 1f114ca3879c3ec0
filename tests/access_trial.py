"""People with keys, permits and scripted nodes at a trial hub: real keys, stores and sockets."""

import asyncio
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import httpx

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.domain.access.people import Grant, Person, Role
from tessera.domain.access.permit import (
    AccessMode,
    Action,
    Permit,
    PermittedDataset,
    PermittedPerson,
    PermittedTool,
    Use,
)
from tessera.domain.access.tool import OutputKind, ToolBundle, tool_bundle
from tessera.domain.ids import DatasetId, NodeId
from tessera.ports.accounts import KeyRecord
from tessera.ports.hub_store import NodeRecord
from tessera.wire import fields
from tessera.wire.envelope import Envelope, MessageType
from tessera.wire.permit import Countersignature, use_payload
from tessera.wire.tasks import DeliveredPart, Report, ReportKind, ReportMessage, Task
from tests.hub_trial import TrialHub, envelope


def counting_tool(name: str = "counts") -> ToolBundle:
    manifest = (
        f'name = "{name}"\nversion = "1.0"\ntitle = "Counts of subjects"\n'
        '[entries]\nrun = "main.py"\nlearn = "main.py"\n'
        '[outputs]\n"counts.json" = "aggregate"\n"model.npz" = "model"\n'
    )
    return tool_bundle({"tool.toml": manifest.encode(), "main.py": b'print("<b>counts</b>")\n'})


@dataclass(frozen=True)
class Researcher:
    """Somebody with an account, a token and a registered key."""

    person: Person
    signer: Ed25519Signer
    token: str

    @classmethod
    def at(cls, trial: TrialHub, folder: Path, user: str, *grants: Grant) -> "Researcher":
        account = trial.hub.accounts.add(
            name=f"{user.title()} Ek",
            user=user,
            organisation="Uppsala universitet",
            grants=frozenset(grants) or frozenset({Grant(Role.RESEARCHER)}),
        )
        signer = Ed25519Signer.create(folder / f"{user}.key")
        trial.store.accounts.keys.add(
            KeyRecord(
                public_key=signer.public_key,
                person_id=account.person_id,
                label="laptop",
                created_at=trial.clock.at,
            )
        )
        secret, _ = trial.hub.accounts.sign_ins.new_token(account.person(), "test")
        return cls(account.person(), signer, secret)

    def permitted(self) -> PermittedPerson:
        return PermittedPerson(
            person_id=self.person.person_id,
            name=self.person.name,
            organisation=self.person.organisation,
            keys=(self.signer.public_key.x,),
        )

    def ask(self, url: str, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.request(
            method, f"{url}{path}", json=body, headers=headers, trust_env=False, timeout=30
        )


@dataclass(frozen=True)
class ScriptedNode:
    """A node's key, and what a node sends with it."""

    record: NodeRecord
    signer: Ed25519Signer
    trial: TrialHub

    @classmethod
    def at(cls, trial: TrialHub, folder: Path, name: str) -> "ScriptedNode":
        signer = Ed25519Signer.create(folder / f"{name}.node.key")
        return cls(trial.joined(signer, name), signer, trial)

    @property
    def node_id(self) -> NodeId:
        return self.record.node_id

    def send(self, type: MessageType, body: Mapping[str, object]) -> Mapping[str, object]:
        """Send one signed message in this process; return the body of the reply."""
        message = envelope(self.trial, type, body, sender=self.node_id)
        token = self.signer.sign(message.encode())
        reply = asyncio.run(self.trial.hub.reception.receive(type, token))
        payload = self.trial.hub.reception.verifier.verify(reply, self.trial.signer.public_key)
        return Envelope.decode(payload).body

    def tasks(self) -> list[Task]:
        body = self.send(MessageType.POLL, {"wait_s": 0, "software": "scripted"})
        return list(fields.objects(body, "tasks", Task.from_json))

    def report(self, kind: ReportKind, **body: object) -> object:
        message = ReportMessage(reports=(Report(kind=kind, body=body),))
        return self.send(MessageType.REPORT, message.to_json())["n_accepted"]

    def take_up(self) -> list[Task]:
        """Poll, and say of each task that it is done."""
        tasks = self.tasks()
        for task in tasks:
            self.report(ReportKind.DONE, task_id=task.task_id)
        return tasks

    def countersign(self, permit_id: str, sha256_: str, **changes: object) -> object:
        said = Countersignature(
            permit_id=permit_id,
            permit_sha256=sha256_,
            node_id=self.node_id,
            by="Data manager",
            at=self.trial.clock.at,
        )
        said = replace(said, **changes)  # type: ignore[arg-type]
        return self.report(ReportKind.COUNTERSIGNED, token=self.signer.sign(said.payload()))

    def part(self, use_id: str, content: bytes, **changes: object) -> DeliveredPart:
        part = DeliveredPart(
            use_id=use_id,
            name="counts.json",
            kind="aggregate",
            sha256=sha256(content).hexdigest(),
            part=0,
            n_parts=1,
            data=content,
        )
        return replace(part, **changes)  # type: ignore[arg-type]

    def deliver(self, part: DeliveredPart) -> object:
        return self.send(MessageType.DELIVER, part.to_json())["n_accepted"]


class HasNodeId(Protocol):
    @property
    def node_id(self) -> NodeId: ...


def permit_for(
    now: datetime,
    *people: Researcher,
    nodes: Sequence[HasNodeId],
    tool: ToolBundle,
    **changes: object,
) -> Permit:
    permit = Permit(
        permit_id=str(uuid4()),
        application_id=str(uuid4()),
        title="Can MR see what pathology finds?",
        purpose="To learn how often an MR shows a lesion that pathology finds.",
        duo=("DUO_0000042",),
        persons=tuple(person.permitted() for person in people),
        datasets=tuple(
            PermittedDataset(
                node_id=node.node_id,
                dataset_id=DatasetId("prostate-mr"),
                version=1,
                manifest_sha256="ab" * 32,
            )
            for node in nodes
        ),
        modes=frozenset({AccessMode.RUN}),
        tools=(PermittedTool(name=tool.name, version=tool.version, digest=tool.digest),),
        outputs=frozenset({OutputKind.AGGREGATE}),
        issued_at=now,
        starts=now - timedelta(days=1),
        ends=now + timedelta(days=30),
    )
    return replace(permit, **changes)  # type: ignore[arg-type]


def use_of(trial: TrialHub, permit_id: str, node: ScriptedNode, **changes: object) -> Use:
    held = trial.hub.permits.find(permit_id)
    use = Use(
        use_id=str(uuid4()),
        permit_id=permit_id,
        permit_sha256=held.sha256,
        node_id=node.node_id,
        action=Action.RUN,
        datasets=((DatasetId("prostate-mr"), 1),),
        tool=held.permit.tools[0].digest if held.permit.tools else "",
        at=trial.clock.at,
        until=trial.clock.at + timedelta(hours=1),
    )
    return replace(use, **changes)  # type: ignore[arg-type]


def signed_use(use: Use, signer: Ed25519Signer, **inputs: bytes) -> dict[str, object]:
    """Return the body of `POST /api/v1/uses`."""
    carried = {name: b64encode(content).decode() for name, content in inputs.items()}
    return {"token": signer.sign(use_payload(use)), "inputs": carried}
