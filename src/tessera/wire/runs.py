"""Permits, tools and runs as the hub shows them to the persons of a permit. Pure."""

import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from tessera.domain.access.permit import Action, Permit
from tessera.domain.access.tool import Entry, OutputKind, ToolBundle
from tessera.domain.ids import DatasetId, NodeId, dataset_id, node_id
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.permit import permit_payload, read_permit, token_sha256
from tessera.wire.refusals import BadMessage
from tessera.wire.tasks import RunState
from tessera.wire.text import one_line

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_FILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class PermitState(StrEnum):
    """How a permit stands at one node, as the hub knows it."""

    SENT = "sent"
    """It waits for the node to fetch it."""
    RECEIVED = "received"
    """The node has it; a person there has not decided."""
    FAILED = "failed"
    """The node could not take it in; `detail` says why."""
    COUNTERSIGNED = "countersigned"
    DECLINED = "declined"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class PermitAtNode:
    """One permit at one node."""

    node_id: NodeId
    state: PermitState
    at: datetime
    detail: str = ""

    def to_json(self) -> dict[str, object]:
        return {
            "node_id": self.node_id,
            "state": self.state.value,
            "at": fields.moment_text(self.at),
            "detail": self.detail,
        }

    @classmethod
    def from_json(cls, body: Json) -> "PermitAtNode":
        return cls(
            node_id=node_id(fields.text(body, "node_id")),
            state=fields.word(PermitState, body, "state"),
            at=fields.moment(body, "at"),
            detail=one_line(fields.text(body, "detail", "")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPermit:
    """A permit, its signed form, and how it stands at the hub and at each node."""

    permit: Permit
    token: str
    """Signed by the hub."""
    nodes: tuple[PermitAtNode, ...]
    revoked_at: datetime | None = None
    """At the hub, for all nodes."""
    revoked_reason: str = ""

    @property
    def sha256(self) -> str:
        return token_sha256(self.token)

    def at_node(self, name: str) -> PermitAtNode | None:
        return next((one for one in self.nodes if one.node_id == name), None)

    def to_json(self) -> dict[str, object]:
        return {
            "token": self.token,
            "sha256": self.sha256,
            "permit": dict(fields.decode(permit_payload(self.permit))),
            "nodes": [one.to_json() for one in self.nodes],
            "revoked_at": fields.moment_text_or_none(self.revoked_at),
            "revoked_reason": self.revoked_reason,
        }

    @classmethod
    def from_json(cls, body: Json) -> "HeldPermit":
        """Read a permit from its signed form; the signature is the nodes' to check."""
        token = fields.text(body, "token")
        return cls(
            permit=read_permit(_payload_of(token)),
            token=token,
            nodes=fields.objects(body, "nodes", PermitAtNode.from_json),
            revoked_at=fields.moment_or_none(body, "revoked_at"),
            revoked_reason=one_line(fields.text(body, "revoked_reason", "")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile:
    """One file that a node has delivered, or delivers."""

    name: str
    kind: OutputKind
    sha256: str
    n_bytes: int
    """That have come so far."""
    is_whole: bool

    def to_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "kind": self.kind.value,
            "sha256": self.sha256,
            "n_bytes": self.n_bytes,
            "is_whole": self.is_whole,
        }

    @classmethod
    def from_json(cls, body: Json) -> "RunFile":
        return cls(
            name=_matching(body, "name", _FILE),
            kind=fields.word(OutputKind, body, "kind"),
            sha256=_matching(body, "sha256", _SHA256),
            n_bytes=fields.integer(body, "n_bytes"),
            is_whole=fields.flag(body, "is_whole"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One use of a permit at one node (a run or a training), and where it stands."""

    use_id: str
    permit_id: str
    node_id: NodeId
    person_id: str
    action: Action
    tool: str
    datasets: tuple[tuple[DatasetId, int], ...]
    asked_at: datetime
    state: RunState
    changed_at: datetime
    detail: str = ""
    stop_asked_at: datetime | None = None
    files: tuple[RunFile, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {
            "use_id": self.use_id,
            "permit_id": self.permit_id,
            "node_id": self.node_id,
            "person_id": self.person_id,
            "action": self.action.value,
            "tool": self.tool,
            "datasets": [{"dataset_id": name, "version": n} for name, n in self.datasets],
            "asked_at": fields.moment_text(self.asked_at),
            "state": self.state.value,
            "is_final": self.state.is_final,
            "changed_at": fields.moment_text(self.changed_at),
            "detail": self.detail,
            "stop_asked_at": fields.moment_text_or_none(self.stop_asked_at),
            "files": [file.to_json() for file in self.files],
        }

    @classmethod
    def from_json(cls, body: Json) -> "Run":
        return cls(
            use_id=one_line(fields.text(body, "use_id"), 60),
            permit_id=one_line(fields.text(body, "permit_id"), 60),
            node_id=node_id(fields.text(body, "node_id")),
            person_id=one_line(fields.text(body, "person_id"), 60),
            action=fields.word(Action, body, "action"),
            tool=one_line(fields.text(body, "tool"), 80),
            datasets=fields.objects(body, "datasets", _version),
            asked_at=fields.moment(body, "asked_at"),
            state=fields.word(RunState, body, "state"),
            changed_at=fields.moment(body, "changed_at"),
            detail=one_line(fields.text(body, "detail", "")),
            stop_asked_at=fields.moment_or_none(body, "stop_asked_at"),
            files=fields.objects(body, "files", RunFile.from_json),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTool:
    """A tool as a list shows it."""

    digest: str
    name: str
    version: str
    title: str
    entries: tuple[Entry, ...]
    outputs: tuple[tuple[str, OutputKind], ...]
    added_at: datetime | None = None
    """At the hub; None for one that comes with the program."""

    @classmethod
    def of(cls, bundle: ToolBundle, added_at: datetime | None = None) -> "ListedTool":
        return cls(
            digest=bundle.digest,
            name=bundle.name,
            version=bundle.version,
            title=bundle.title,
            entries=tuple(sorted(bundle.entries)),
            outputs=tuple(sorted(bundle.outputs.items())),
            added_at=added_at,
        )

    def to_json(self) -> dict[str, object]:
        return {
            "digest": self.digest,
            "name": self.name,
            "version": self.version,
            "title": self.title,
            "entries": [entry.value for entry in self.entries],
            "outputs": {name: kind.value for name, kind in self.outputs},
            "added_at": fields.moment_text_or_none(self.added_at),
        }

    @classmethod
    def from_json(cls, body: Json) -> "ListedTool":
        outputs = fields.child(body, "outputs")
        return cls(
            digest=one_line(fields.text(body, "digest"), 80),
            name=one_line(fields.text(body, "name"), 100),
            version=one_line(fields.text(body, "version"), 50),
            title=one_line(fields.text(body, "title"), 200),
            entries=tuple(
                fields.as_word(Entry, word, "entries") for word in fields.texts(body, "entries")
            ),
            outputs=tuple(
                (one_line(name, 100), fields.word(OutputKind, outputs, name)) for name in outputs
            ),
            added_at=fields.moment_or_none(body, "added_at"),
        )


def _payload_of(token: str) -> bytes:
    parts = token.split(".")
    try:
        if len(parts) != 3:
            raise ValueError("three parts")
        return urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except ValueError as err:
        raise BadMessage("token", "a compact JWS") from err


def _version(body: Json) -> tuple[DatasetId, int]:
    return dataset_id(fields.text(body, "dataset_id")), fields.integer(body, "version")


def _matching(body: Json, key: str, form: re.Pattern[str]) -> str:
    text = fields.text(body, key)
    if not form.fullmatch(text):
        raise BadMessage(key, form.pattern)
    return text
