"""Ports: what the hub keeps. No patient data, no exact count, no private key."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from tessera.domain.catalogue.description import DatasetDescription, Facet
from tessera.domain.catalogue.notice import Notice, NoticeKind
from tessera.domain.cohort.result import ConditionExplained, Outcome
from tessera.domain.ids import DatasetId, NodeId
from tessera.ports.access_records import PermitStore, RunStore, TaskQueue, ToolStore
from tessera.ports.accounts import AccountStore
from tessera.ports.applications import ApplicationStore
from tessera.ports.harvest import HarvestStore
from tessera.ports.learning_records import LearningStore
from tessera.ports.saved_cohorts import SavedCohortStore
from tessera.ports.signing import SeenIds
from tessera.wire.keys import FormerKey, Keys, PublicKey


class NodeState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRecord:
    node_id: NodeId
    name: str
    country: str
    public_key: PublicKey
    software: str
    state: NodeState
    joined_at: datetime
    decided_at: datetime | None = None
    last_seen: datetime | None = None
    key_since: datetime | None = None
    """Since when `public_key` is this node's; the store says it. On joining, `joined_at`."""
    former_keys: tuple[FormerKey, ...] = ()
    """The newest last."""

    @property
    def keys(self) -> Keys:
        return Keys(self.public_key, self.former_keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteRecord:
    code_sha256: str
    """The secret itself is not kept."""
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    node_id: str = ""
    """The node that may join anew with another key; empty for a new node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguedVersion:
    node_id: NodeId
    description: DatasetDescription
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRecord:
    search_id: str
    query: str
    """Normalised text."""
    query_json: str
    explained: tuple[ConditionExplained, ...]
    asked_at: datetime
    deadline: datetime
    asker: str = ""
    """The person who asked; empty for a visitor who is not signed in."""
    statistic: str = ""
    """What is computed of the answers, as `Statistic` is written; empty for counts alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One dataset version that a search asks about, and what came of it."""

    search_id: str
    node_id: NodeId
    dataset_id: DatasetId
    version: int
    title: str
    data_created: datetime
    node_online: bool
    """The node was in touch when the search began."""
    outcome: Outcome | None = None
    """None until the node has answered; NO_ANSWER when it said that it failed."""
    n_subjects: int | None = None
    n_studies: int | None = None
    not_supported: tuple[str, ...] = ()
    policy: str = ""
    detail: str = ""
    distributions: Mapping[str, tuple[Facet, ...]] = field(default_factory=dict)
    cuts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


class NodeStore(Protocol):
    def add(self, node: NodeRecord) -> None:
        """Add a node. Raises Conflict when its id or its key is taken."""
        ...

    def find(self, node_id: str) -> NodeRecord | None: ...

    def find_by_key(self, fingerprint: str) -> NodeRecord | None:
        """Return the node that has, or had, the key of that name; also a revoked key."""
        ...

    def all(self) -> Sequence[NodeRecord]:
        """Return every node in any state, by node id, ascending bytes."""
        ...

    def decide(self, node_id: str, state: NodeState, at: datetime) -> None:
        """Set the state. Raises NotFound."""
        ...

    def renew_key(
        self, node_id: str, key: PublicKey, *, at: datetime, until: datetime, renewal: str
    ) -> None:
        """Give the node another key; the former one speaks until `until`.

        `renewal` is kept as evidence. Raises NotFound, and Conflict when any node has or had
        the key.
        """
        ...

    def revoke_keys(self, node_id: str) -> None:
        """Mark every former key of the node as revoked. Raises NotFound."""
        ...

    def renewals(self, node_id: str) -> Sequence[str]:
        """Return the signed renewals of the node's key, oldest first."""
        ...

    def seen(self, node_id: str, at: datetime, software: str) -> None:
        """Note that the running node called. Raises NotFound."""
        ...


class InviteStore(Protocol):
    def add(self, invite: InviteRecord) -> None: ...

    def find(self, code_sha256: str) -> InviteRecord | None: ...

    def use(self, code_sha256: str, at: datetime) -> bool:
        """Return True for the one caller who uses the invite first."""
        ...


class DatasetStore(Protocol):
    def add(self, published: CataloguedVersion) -> bool:
        """Add a version. Returns False when the same version with the same content is there.

        Raises VersionTaken when that version is there with other content: it does not change.
        """
        ...

    def renew_conformance(self, published: CataloguedVersion) -> None:
        """Replace what a version's description says of the tiers, and nothing else.

        Raises NotFound.
        """
        ...

    def all(self) -> Sequence[CataloguedVersion]:
        """Return every version of every dataset, first published first; the same object again
        while none has changed."""
        ...

    def newest(self) -> Sequence[CataloguedVersion]:
        """Return the newest version of each dataset, last published first, then by ids."""
        ...

    def find(self, node_id: str, dataset_id: str, version: int | None) -> CataloguedVersion | None:
        """Return that version, or the newest."""
        ...

    def versions(self, node_id: str, dataset_id: str) -> tuple[int, ...]:
        """Return the published versions, ascending."""
        ...

    def versions_of_all(self) -> Mapping[tuple[str, str], tuple[int, ...]]:
        """Return the published versions of every dataset, by node and dataset id."""
        ...

    def note(self, node_id: str, notice: Notice) -> None:
        """Keep the newest notice of a kind. A withdrawn dataset is in none of the sequences.

        A version that is added later takes the withdrawal back. Raises NotFound.
        """
        ...

    def notices(self) -> Mapping[tuple[str, str], Mapping[NoticeKind, Notice]]:
        """Return what is kept of each dataset, by node and dataset id; kept as `newest` is."""
        ...


class SearchStore(Protocol):
    def add(self, search: SearchRecord, asked: Sequence[Asked]) -> None: ...

    def find(self, search_id: str) -> SearchRecord | None: ...

    def asked(self, search_id: str, node_id: str = "") -> Sequence[Asked]:
        """Return the rows of a search, or one node's, in the order in which they were added."""
        ...

    def progress(self, search_id: str) -> tuple[int, int]:
        """Return how many rows of a search have an answer, and how many are awaited.

        Awaited is the answer of an approved node that was in touch when asked.
        """
        ...

    def take_open(
        self,
        node_id: str,
        *,
        asked_since: datetime,
        given_before: datetime,
        now: datetime,
        limit: int,
    ) -> Sequence[tuple[SearchRecord, Sequence[Asked]]]:
        """Return the searches that wait for this node, and mark them as given.

        At most `limit` at a time, older ones first; of those asked within half a minute each
        node gets another first, so that everybody who asks soon sees some answers.
        Left out are those asked before `asked_since`, and those given out at or after
        `given_before`, so that two polls do not both get one. What was given is forgotten with
        the process: then a node may get one again, and the first answer counts.
        """
        ...

    def answer(self, answered: Asked, at: datetime) -> bool:
        """Keep the first answer to that row; False when there is no such open row."""
        ...

    def latencies(self, node_id: str, *, limit: int) -> Sequence[timedelta]:
        """Return how long the node took for its newest answers, the newest first.

        From the question to the first answer to it; of searches that began while it was in touch.
        """
        ...

    def n_open(self, node_id: str, *, asked_since: datetime) -> int:
        """Return how many searches since then wait for an answer of the node."""
        ...

    def forget(self, asked_before: datetime) -> None:
        """Remove older searches with their rows."""
        ...


class HubStore(Protocol):
    """Durable when a method, or the outermost transaction, returns. Safe from any thread.

    Implementations pass `tessera.testing.HubStoreContract`, which is the specification.
    """

    @property
    def nodes(self) -> NodeStore: ...

    @property
    def invites(self) -> InviteStore: ...

    @property
    def datasets(self) -> DatasetStore: ...

    @property
    def searches(self) -> SearchStore: ...

    @property
    def cohorts(self) -> SavedCohortStore: ...

    @property
    def seen_ids(self) -> SeenIds: ...

    @property
    def applications(self) -> ApplicationStore: ...

    @property
    def accounts(self) -> AccountStore: ...

    @property
    def tasks(self) -> TaskQueue: ...

    @property
    def tools(self) -> ToolStore: ...

    @property
    def permits(self) -> PermitStore: ...

    @property
    def runs(self) -> RunStore: ...

    @property
    def learning(self) -> LearningStore: ...

    @property
    def harvest(self) -> HarvestStore: ...

    def transaction(self) -> AbstractContextManager[None]:
        """Make what follows happen together or not at all; may be nested."""
        ...

    def close(self) -> None: ...
