"""Permits, countersignatures, revocations and uses as JSON inside a compact JWS. Pure.

Each is signed with Ed25519 by the one party who may say it: a permit and its revocation by
the hub, a countersignature by the node, a use by the person. `typ` inside the payload keeps
one from being taken for another.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from tessera.domain.access.permit import (
    AccessMode,
    Action,
    Permit,
    PermittedDataset,
    PermittedPerson,
    PermittedTool,
    Use,
)
from tessera.domain.access.tool import OutputKind, tool_digest
from tessera.domain.ids import DatasetId, NodeId, dataset_id, node_id
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.keys import PublicKey
from tessera.wire.refusals import BadMessage, WrongType
from tessera.wire.text import one_line

PERMIT: Final = "tessera-permit"
COUNTERSIGNATURE: Final = "tessera-countersignature"
REVOCATION: Final = "tessera-revocation"
USE: Final = "tessera-use"
_VERSION: Final = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DUO = re.compile(r"DUO_[0-9]{7}")
_B64 = re.compile(r"[A-Za-z0-9_-]{0,2000}")
_MAX_ARGUMENTS: Final = 64_000
"""Bytes; a tool gets them in one variable of its environment, which holds no more than 128 KiB."""
_MAX_INPUTS: Final = 20
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")


def token_sha256(token: str) -> str:
    """Return the hash by which a signed permit is named in uses and countersignatures."""
    return sha256(token.encode("ascii", "replace")).hexdigest()


def permit_payload(permit: Permit) -> bytes:
    """Return the payload to sign."""
    return fields.encode(
        {
            "typ": PERMIT,
            "v": _VERSION,
            "permit_id": permit.permit_id,
            "application_id": permit.application_id,
            "title": permit.title,
            "purpose": permit.purpose,
            "duo": list(permit.duo),
            "persons": [
                {
                    "person_id": person.person_id,
                    "name": person.name,
                    "organisation": person.organisation,
                    "keys": list(person.keys),
                }
                for person in permit.persons
            ],
            "datasets": [
                {
                    "node_id": one.node_id,
                    "dataset_id": one.dataset_id,
                    "version": one.version,
                    "manifest_sha256": one.manifest_sha256,
                }
                for one in permit.datasets
            ],
            "modes": sorted(permit.modes),
            "tools": [
                {"name": tool.name, "version": tool.version, "digest": tool.digest}
                for tool in permit.tools
            ],
            "outputs": sorted(permit.outputs),
            "issued_at": fields.moment_text(permit.issued_at),
            "starts": fields.moment_text(permit.starts),
            "ends": fields.moment_text(permit.ends),
            "conditions": list(permit.conditions),
        }
    )


def read_permit(payload: bytes) -> Permit:
    """Read a permit whose signature has been checked. Raises BadMessage, WrongType."""
    body = _typed(payload, PERMIT)
    return Permit(
        permit_id=fields.uuid(body, "permit_id"),
        application_id=fields.uuid(body, "application_id"),
        title=one_line(fields.text(body, "title"), 300),
        purpose=fields.text(body, "purpose")[:5000],
        duo=tuple(_matching(term, "duo", _DUO) for term in fields.texts(body, "duo")),
        persons=fields.objects(body, "persons", _person),
        datasets=fields.objects(body, "datasets", _dataset),
        modes=frozenset(
            fields.as_word(AccessMode, word, "modes") for word in fields.texts(body, "modes")
        ),
        tools=fields.objects(body, "tools", _tool),
        outputs=frozenset(
            fields.as_word(OutputKind, word, "outputs") for word in fields.texts(body, "outputs")
        ),
        issued_at=fields.moment(body, "issued_at"),
        starts=fields.moment(body, "starts"),
        ends=fields.moment(body, "ends"),
        conditions=tuple(one_line(text, 500) for text in fields.texts(body, "conditions")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Countersignature:
    """A person at the holder's node has agreed to one permit. Signed by the node."""

    permit_id: str
    permit_sha256: str
    node_id: NodeId
    by: str
    """Who, as the node knows them; stays with the node and its hub."""
    at: datetime

    def payload(self) -> bytes:
        return fields.encode(
            {
                "typ": COUNTERSIGNATURE,
                "v": _VERSION,
                "permit_id": self.permit_id,
                "permit_sha256": self.permit_sha256,
                "node_id": self.node_id,
                "by": self.by,
                "at": fields.moment_text(self.at),
            }
        )

    @classmethod
    def read(cls, payload: bytes) -> "Countersignature":
        body = _typed(payload, COUNTERSIGNATURE)
        return cls(
            permit_id=fields.uuid(body, "permit_id"),
            permit_sha256=_sha256(body, "permit_sha256"),
            node_id=node_id(fields.text(body, "node_id")),
            by=one_line(fields.text(body, "by"), 200),
            at=fields.moment(body, "at"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """A permit is over. Signed by the hub, or by the node for itself."""

    permit_id: str
    reason: str
    at: datetime

    def payload(self) -> bytes:
        return fields.encode(
            {
                "typ": REVOCATION,
                "v": _VERSION,
                "permit_id": self.permit_id,
                "reason": self.reason,
                "at": fields.moment_text(self.at),
            }
        )

    @classmethod
    def read(cls, payload: bytes) -> "Revocation":
        body = _typed(payload, REVOCATION)
        return cls(
            permit_id=fields.uuid(body, "permit_id"),
            reason=one_line(fields.text(body, "reason"), 500),
            at=fields.moment(body, "at"),
        )


def use_payload(use: Use) -> bytes:
    """Return the payload that the person signs."""
    return fields.encode(
        {
            "typ": USE,
            "v": _VERSION,
            "use_id": use.use_id,
            "permit_id": use.permit_id,
            "permit_sha256": use.permit_sha256,
            "node_id": use.node_id,
            "action": use.action.value,
            "datasets": [{"dataset_id": name, "version": n} for name, n in use.datasets],
            "tool": use.tool,
            "at": fields.moment_text(use.at),
            "until": fields.moment_text(use.until),
            "arguments": use.arguments,
            "inputs": [{"name": name, "sha256": digest} for name, digest in use.inputs],
            "reply_key": use.reply_key,
            "what": use.what,
        }
    )


def read_use(payload: bytes) -> Use:
    """Read a use. Raises BadMessage, WrongType."""
    body = _typed(payload, USE)
    arguments = fields.text(body, "arguments", "{}")
    if len(arguments.encode()) > _MAX_ARGUMENTS:
        raise BadMessage("arguments", f"at most {_MAX_ARGUMENTS} bytes")
    fields.decode(arguments)
    datasets = fields.objects(body, "datasets", _version)
    inputs = fields.objects(body, "inputs", _input)
    if len(set(datasets)) < len(datasets) or len(inputs) > _MAX_INPUTS:
        raise BadMessage("datasets", f"each version once, with at most {_MAX_INPUTS} input files")
    tool = fields.text(body, "tool", "")
    return Use(
        use_id=fields.uuid(body, "use_id"),
        permit_id=fields.uuid(body, "permit_id"),
        permit_sha256=_sha256(body, "permit_sha256"),
        node_id=node_id(fields.text(body, "node_id")),
        action=fields.word(Action, body, "action"),
        datasets=datasets,
        tool=tool_digest(tool) if tool else "",
        at=fields.moment(body, "at"),
        until=fields.moment(body, "until"),
        arguments=arguments,
        inputs=inputs,
        reply_key=_matching(fields.text(body, "reply_key", ""), "reply_key", _B64),
        what=one_line(fields.text(body, "what", ""), 300),
    )


def _typed(payload: bytes, typ: str) -> Json:
    body = fields.decode(payload)
    if fields.text(body, "typ", "") != typ or fields.integer(body, "v") != _VERSION:
        raise WrongType(f"expected a {typ}")
    return body


def _person(body: Json) -> PermittedPerson:
    return PermittedPerson(
        person_id=fields.uuid(body, "person_id"),
        name=one_line(fields.text(body, "name"), 200),
        organisation=one_line(fields.text(body, "organisation"), 200),
        keys=tuple(PublicKey(x).x for x in fields.texts(body, "keys")),
    )


def _dataset(body: Json) -> PermittedDataset:
    return PermittedDataset(
        node_id=node_id(fields.text(body, "node_id")),
        dataset_id=dataset_id(fields.text(body, "dataset_id")),
        version=fields.integer(body, "version"),
        manifest_sha256=_sha256(body, "manifest_sha256"),
    )


def _tool(body: Json) -> PermittedTool:
    return PermittedTool(
        name=one_line(fields.text(body, "name"), 100),
        version=one_line(fields.text(body, "version"), 50),
        digest=tool_digest(fields.text(body, "digest")),
    )


def _version(body: Json) -> tuple[DatasetId, int]:
    return dataset_id(fields.text(body, "dataset_id")), fields.integer(body, "version")


def _input(body: Json) -> tuple[str, str]:
    return _matching(fields.text(body, "name"), "name", _FILE), _sha256(body, "sha256")


def _sha256(body: Json, key: str) -> str:
    return _matching(fields.text(body, key), key, _SHA256)


def _matching(text: str, key: str, form: re.Pattern[str]) -> str:
    if not form.fullmatch(text):
        raise BadMessage(key, form.pattern)
    return text
