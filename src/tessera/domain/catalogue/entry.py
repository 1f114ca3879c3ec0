"""What the hub shows of a node and of a dataset. Pure values; no patient data."""

from dataclasses import dataclass
from datetime import datetime

from tessera.domain.catalogue.confirmation import Confirmation, confirm_by, confirmation
from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.ids import NodeId
from tessera.domain.tiers.judged import Signed


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSummary:
    """One node that has joined."""

    node_id: NodeId
    name: str
    country: str
    """ISO 3166-1 alpha-2."""
    approved: bool
    last_seen: datetime | None
    """When the node last called the hub, UTC; None when it never did after joining."""
    online: bool
    """It called within the hub's heartbeat limit."""
    n_datasets: int = 0
    public_key: str = ""
    """Ed25519, as `PublicKey.x`: what the node signs is checked with it."""
    former_keys: tuple[str, ...] = ()
    """Keys before it, not revoked: reports that the node has signed with them still hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """The newest published version of one dataset."""

    node: NodeSummary
    description: DatasetDescription
    published_at: datetime
    versions: tuple[int, ...] = ()
    """All published versions, ascending."""
    conformance: Signed | None = None
    """What the node's signed report says of the tiers; None when it made none."""
    confirmed_at: datetime | None = None
    """When the holder last said that the description holds; None: when it was published."""

    @property
    def confirm_by(self) -> datetime:
        """Until when the description counts as confirmed by its holder."""
        return confirm_by(self.published_at, self.confirmed_at)

    def is_confirmed(self, now: datetime) -> bool:
        """Whether the holder has said within a year that the description holds."""
        return confirmation(self.confirm_by, now) is not Confirmation.OVERDUE


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSummary:
    """The numbers of the home page: sums over the newest versions, each already rounded.

    None when there are datasets but every one of them is too few to tell.
    """

    n_nodes: int
    n_nodes_online: int
    n_countries: int
    n_datasets: int
    n_subjects: int | None
    n_studies: int | None
    n_series: int | None
    n_instances: int | None
    n_bytes: int
