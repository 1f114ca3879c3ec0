"""The bodies of link messages. Each has `to_json` and `from_json`; unknown keys are ignored.

What tells something about data (`PublishDataset`, `AnswerMessage`) is built from `Released`
values only, and read at the hub as another type (`ReceivedDataset`, `ReceivedAnswer`): the
hub has no way to make a released value. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.ids import DatasetId, NodeId, dataset_id, node_id
from tessera.domain.zones import Released
from tessera.wire import fields
from tessera.wire.description import description_from_json, description_to_json
from tessera.wire.description_limits import (
    check_description,
)
from tessera.wire.fields import Json
from tessera.wire.heads import ShownHead, shown_or_none
from tessera.wire.keys import PublicKey
from tessera.wire.refusals import BadMessage
from tessera.wire.released import released
from tessera.wire.tasks import Task
from tessera.wire.text import one_line

T = TypeVar("T")
_SEARCH_ID = re.compile(r"[0-9a-f-]{36}")
_ASKER = re.compile(r"[a-z0-9-]{0,64}")
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """A node's first message, signed by the key that it brings."""

    secret: str
    """The secret half of the invite code."""
    name: str
    country: str
    public_key: PublicKey
    software: str

    def to_json(self) -> dict[str, object]:
        return {
            "secret": self.secret,
            "name": self.name,
            "country": self.country,
            "public_key": self.public_key.x,
            "software": self.software,
        }

    @classmethod
    def from_json(cls, body: Json) -> "JoinRequest":
        return cls(
            secret=fields.text(body, "secret"),
            name=fields.text(body, "name"),
            country=fields.text(body, "country"),
            public_key=PublicKey(fields.text(body, "public_key")),
            software=fields.text(body, "software", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinReply:
    """The hub's first message, signed by the key that the node pins from now on."""

    node_id: NodeId
    hub_name: str
    hub_key: PublicKey

    def to_json(self) -> dict[str, object]:
        return {"node_id": self.node_id, "hub_name": self.hub_name, "hub_key": self.hub_key.x}

    @classmethod
    def from_json(cls, body: Json) -> "JoinReply":
        return cls(
            node_id=node_id(fields.text(body, "node_id")),
            hub_name=one_line(fields.text(body, "hub_name"), 200),
            hub_key=PublicKey(fields.text(body, "hub_key")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRequest:
    """A node asks how it stands at the hub."""

    software: str

    def to_json(self) -> dict[str, object]:
        return {"software": self.software}

    @classmethod
    def from_json(cls, body: Json) -> "StatusRequest":
        return cls(software=fields.text(body, "software", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetVersion:
    """Names one dataset version of one node."""

    dataset_id: DatasetId
    version: int

    def to_json(self) -> dict[str, object]:
        return {"dataset_id": self.dataset_id, "version": self.version}

    @classmethod
    def from_json(cls, body: Json) -> "DatasetVersion":
        return cls(
            dataset_id=dataset_id(fields.text(body, "dataset_id")),
            version=fields.integer(body, "version"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReply:
    state: str
    """pending, approved, rejected or revoked."""
    hub_name: str
    published: tuple[DatasetVersion, ...]
    """The versions that the hub has of this node."""
    confirm_by: Mapping[str, datetime] = field(default_factory=dict)
    """Dataset → until when its description counts as confirmed; none of those withdrawn."""

    def to_json(self) -> dict[str, object]:
        return {
            "state": self.state,
            "hub_name": self.hub_name,
            "published": [version.to_json() for version in self.published],
        } | ({"confirm_by": fields.moments_text(self.confirm_by)} if self.confirm_by else {})

    @classmethod
    def from_json(cls, body: Json) -> "StatusReply":
        return cls(
            state=one_line(fields.text(body, "state"), 20),
            hub_name=one_line(fields.text(body, "hub_name", ""), 200),
            published=fields.objects(body, "published", DatasetVersion.from_json),
            confirm_by=fields.moments(body, "confirm_by"),
        )


@dataclass(frozen=True, slots=True)
class PublishDataset:
    """A node puts a description into the catalogue. Its numbers have passed the gate."""

    description: Released[DatasetDescription]

    def to_json(self) -> dict[str, object]:
        """Raises TypeError when the description is not released, whatever the type checker saw."""
        description = released(self.description, DatasetDescription)
        return {"description": description_to_json(description)}


@dataclass(frozen=True, slots=True)
class ReceivedDataset:
    """A published description as the hub reads it."""

    description: DatasetDescription

    @classmethod
    def from_json(cls, body: Json) -> "ReceivedDataset":
        description = description_from_json(fields.child(body, "description"))
        check_description(description)
        return cls(description)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The reply to `publish` and `answer`: the hub has kept it."""

    n_accepted: int

    def to_json(self) -> dict[str, object]:
        return {"n_accepted": self.n_accepted}

    @classmethod
    def from_json(cls, body: Json) -> "Accepted":
        return cls(n_accepted=fields.integer(body, "n_accepted"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """A node asks for work, and waits at the hub until there is some."""

    wait_s: int
    """How long the hub may hold the request, in seconds."""
    software: str
    log: ShownHead | None = None
    """Of the node's audit log; None from an older program."""

    def to_json(self) -> dict[str, object]:
        body: dict[str, object] = {"wait_s": self.wait_s, "software": self.software}
        return body if self.log is None else {**body, "log": self.log.to_json()}

    @classmethod
    def from_json(cls, body: Json) -> "Poll":
        return cls(
            wait_s=fields.natural_or_none(body, "wait_s") or 0,
            software=fields.text(body, "software", ""),
            log=shown_or_none(body),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryTask:
    """One cohort query for the named dataset versions."""

    search_id: str
    query: Json
    """As `tessera.domain.cohort` writes it."""
    datasets: tuple[DatasetVersion, ...]
    deadline: datetime
    """When the asker stops waiting, UTC; a later answer is still kept."""
    asker: str = ""
    """A name that the hub gives whoever asks, at this node always the same; empty for visitors
    who are not signed in, and from an older program."""
    cuts: tuple[str, ...] = ()
    """By which the subjects are divided, as `Cut` is written; an older program tells of none."""

    def to_json(self) -> dict[str, object]:
        body: dict[str, object] = {"asker": self.asker} if self.asker else {}
        if self.cuts:
            body["cuts"] = list(self.cuts)
        return body | {
            "search_id": self.search_id,
            "query": dict(self.query),
            "datasets": [version.to_json() for version in self.datasets],
            "deadline": fields.moment_text(self.deadline),
        }

    @classmethod
    def from_json(cls, body: Json) -> "QueryTask":
        search_id = fields.text(body, "search_id")
        if not _SEARCH_ID.fullmatch(search_id):
            raise BadMessage("search_id", "a UUID")
        return cls(
            search_id=search_id,
            query=fields.child(body, "query"),
            datasets=fields.objects(body, "datasets", DatasetVersion.from_json),
            deadline=fields.moment(body, "deadline"),
            asker=_asker(fields.text(body, "asker", "")),
            cuts=fields.texts(body, "cuts") if "cuts" in body else (),
        )


def _asker(name: str) -> str:
    if not _ASKER.fullmatch(name):
        raise BadMessage("asker", "at most 64 of a-z, 0-9 and -")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class PollReply:
    queries: tuple[QueryTask, ...]
    tasks: tuple[Task, ...] = ()
    """Everything else that the hub asks for, oldest first."""
    log: ShownHead | None = None
    """Of the hub's audit log; None from an older program."""
    answers_together: int = 1
    """So many answers the hub takes in one message; an older program takes one."""

    def to_json(self) -> dict[str, object]:
        body: dict[str, object] = {"queries": [query.to_json() for query in self.queries]}
        if self.tasks:
            body["tasks"] = [task.to_json() for task in self.tasks]
        if self.answers_together > 1:
            body["answers_together"] = self.answers_together
        return body if self.log is None else {**body, "log": self.log.to_json()}

    @classmethod
    def from_json(cls, body: Json) -> "PollReply":
        return cls(
            queries=fields.objects(body, "queries", QueryTask.from_json),
            tasks=fields.objects(body, "tasks", Task.from_json),
            log=shown_or_none(body),
            answers_together=max(1, fields.natural_or_none(body, "answers_together") or 1),
        )
