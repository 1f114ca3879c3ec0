"""A permit, and the question that a node asks of it at each use. Pure.

Source: Regulation (EU) 2025/327 (EHDS), Articles 67, 68 and 73; purposes are terms of the
Data Use Ontology (DUO); a permit is bound to its holders' keys as in RFC 7800.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tessera.domain.access.tool import OutputKind
from tessera.domain.errors import Refused
from tessera.domain.ids import DatasetId, NodeId

MAX_USE: Final = timedelta(days=7)
"""The longest that a signed use may wait to be taken up."""
_SKEW: Final = timedelta(seconds=300)


class AccessMode(StrEnum):
    """What a permit lets its persons do with the data."""

    DOWNLOAD = "download"
    RUN = "run"
    LEARN = "learn"


class Reason(StrEnum):
    """Why a node does not do what it is asked for."""

    UNKNOWN = "unknown"
    """No such permit has come to this node."""
    ALTERED = "altered"
    """Not the permit that was signed and countersigned."""
    NOT_COUNTERSIGNED = "not-countersigned"
    REVOKED = "revoked"
    NOT_YET = "not-yet"
    EXPIRED = "expired"
    OTHER_PERSON = "other-person"
    """Not signed by a key of a person in the permit."""
    OTHER_NODE = "other-node"
    MODE = "mode"
    DATASET = "dataset"
    TOOL = "tool"
    OUTPUT = "output"
    STALE = "stale"
    """The use was signed for another time, or was taken up before."""
    CLOCK = "clock"
    """The node's clock is behind what it showed before, so nobody can tell what has ended."""


class PermitRefused(Refused):
    """A permit does not allow this use, here and now. `reason` says why."""

    code = "permit-refused"
    public = "The permit does not allow this."

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(
            f"the permit does not allow this ({reason}){': ' if detail else ''}{detail}"
        )
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class PermittedPerson:
    person_id: str
    name: str
    organisation: str
    keys: tuple[str, ...]
    """Ed25519 public keys, each as `PublicKey.x`. A use is signed by one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermittedDataset:
    """One dataset version of one node, by the hash of its manifest."""

    node_id: NodeId
    dataset_id: DatasetId
    version: int
    manifest_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PermittedTool:
    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """What an approval grants: who, which datasets, for what, how, from when until when."""

    permit_id: str
    """A UUID."""
    application_id: str
    title: str
    """Of the project, in plain words."""
    purpose: str
    """For the public register, in plain words."""
    duo: tuple[str, ...]
    """DUO terms, as `DUO_0000042`."""
    persons: tuple[PermittedPerson, ...]
    datasets: tuple[PermittedDataset, ...]
    modes: frozenset[AccessMode]
    tools: tuple[PermittedTool, ...]
    outputs: frozenset[OutputKind]
    issued_at: datetime
    starts: datetime
    ends: datetime
    conditions: tuple[str, ...] = ()
    """What holders asked for, in words; nothing of it is checked by a machine."""

    def nodes(self) -> tuple[NodeId, ...]:
        """Return the nodes whose datasets it names, each once, in its order."""
        return tuple(dict.fromkeys(one.node_id for one in self.datasets))

    def of_node(self, node_id: str) -> tuple[PermittedDataset, ...]:
        return tuple(one for one in self.datasets if one.node_id == node_id)

    def person_with(self, key: str) -> PermittedPerson | None:
        """Return the person who has this public key."""
        return next((person for person in self.persons if key in person.keys), None)

    def tool(self, digest: str) -> PermittedTool | None:
        return next((tool for tool in self.tools if tool.digest == digest), None)


class Action(StrEnum):
    """What a use asks for."""

    FETCH = "fetch"
    RUN = "run"
    LEARN = "learn"


_MODE: Final = {
    Action.FETCH: AccessMode.DOWNLOAD,
    Action.RUN: AccessMode.RUN,
    Action.LEARN: AccessMode.LEARN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one person asks one node to do under a permit; signed with the person's own key."""

    use_id: str
    """A UUID; a node takes each up once."""
    permit_id: str
    permit_sha256: str
    """Of the permit's signed form: a use belongs to exactly one text."""
    node_id: NodeId
    action: Action
    datasets: tuple[tuple[DatasetId, int], ...]
    tool: str
    """Digest; empty for a fetch."""
    at: datetime
    until: datetime
    """Taken up after this, it is refused."""
    arguments: str = "{}"
    """A JSON object as text, handed to the tool."""
    inputs: tuple[tuple[str, str], ...] = ()
    """Name and SHA-256 of each file that comes along, as a model."""
    reply_key: str = ""
    """For a fetch: public key of `ports/sealing.py` for which the answer is sealed."""
    what: str = ""
    """For a fetch: which part of the version, as `wire/fetch.py` writes it."""


def check_period(permit: Permit, now: datetime) -> None:
    """Raise PermitRefused unless the permit is in force at `now`."""
    if now < permit.starts:
        raise PermitRefused(Reason.NOT_YET, f"from {permit.starts:%Y-%m-%d}")
    if now >= permit.ends:
        raise PermitRefused(Reason.EXPIRED, f"ended {permit.ends:%Y-%m-%d}")


def check_use(permit: Permit, use: Use, *, signed_by: str, node_id: str, now: datetime) -> None:
    """Raise PermitRefused with its reason unless the permit allows this use at this node now.

    `signed_by`: the public key whose signature over the use has been checked. That permit and
    countersignature are genuine and not revoked is checked before (`node/permits.py`).
    """
    if use.permit_id != permit.permit_id:
        raise PermitRefused(Reason.UNKNOWN)
    check_period(permit, now)
    if permit.person_with(signed_by) is None:
        raise PermitRefused(Reason.OTHER_PERSON)
    if use.node_id != node_id:
        raise PermitRefused(Reason.OTHER_NODE, f"the use names {use.node_id}")
    mine = {(one.dataset_id, one.version) for one in permit.of_node(node_id)}
    if not mine:
        raise PermitRefused(Reason.OTHER_NODE, "no dataset of this node is in it")
    if _MODE[use.action] not in permit.modes:
        raise PermitRefused(Reason.MODE, use.action)
    if not use.datasets or not set(use.datasets) <= mine:
        raise PermitRefused(Reason.DATASET)
    if use.action is not Action.FETCH and permit.tool(use.tool) is None:
        raise PermitRefused(Reason.TOOL, use.tool)
    is_in_time = use.at <= now + _SKEW and now <= use.until and use.until - use.at <= MAX_USE
    if not is_in_time:
        raise PermitRefused(Reason.STALE)


def check_outputs(permit: Permit, kinds: Sequence[OutputKind]) -> None:
    """Raise PermitRefused when a file is of a kind that the permit does not let out."""
    if extra := sorted(set(kinds) - permit.outputs):
        raise PermitRefused(Reason.OUTPUT, ", ".join(extra))
