"""What the pages and the REST routes may ask of the hub. The hub holds no patient data."""

from collections.abc import Sequence
from typing import Literal, Protocol

from tessera.domain.catalogue.entry import CatalogueEntry, HubSummary, NodeSummary
from tessera.domain.catalogue.notice import Withdrawn
from tessera.domain.catalogue.progress import Progress
from tessera.domain.cohort.result import SearchResult
from tessera.domain.statistics.statistic import Statistic
from tessera.hub.harvesting import Harvested

RdfFormat = Literal["turtle", "json-ld", "xml", "nt"]
"""Names as rdflib spells them."""
Layer = Literal["point", "catalogue", "dataset", "images", "tables"]
"""Of a FAIR Data Point; the last two are the distributions of a dataset."""


class HubViews(Protocol):
    """Reading the hub, and asking the nodes. `tessera.hub.hub.Hub` implements it.

    The methods that are not `async` read the hub's store for a few milliseconds; they are safe
    to call from any thread and from the event loop.
    """

    @property
    def address(self) -> str:
        """Where people reach the hub: the base of its persistent identifiers; no slash ends it."""
        ...

    def summary(self) -> HubSummary:
        """Return the numbers of the home page: sums over the newest versions."""
        ...

    def progress(self) -> Progress:
        """Return how far the hospitals have come, over time and by kind of patient."""
        ...

    def nodes(self) -> Sequence[NodeSummary]:
        """Return the approved nodes, by name."""
        ...

    def catalogue(self) -> Sequence[CatalogueEntry]:
        """Return the newest version of each dataset of an approved node, newest first."""
        ...

    def entry(self, node_id: str, dataset_id: str, version: int | None = None) -> CatalogueEntry:
        """Return one dataset, its newest version unless one is named.

        Raises NotFound, and Withdrawn of what its holder has withdrawn.
        """
        ...

    @property
    def harvested(self) -> Harvested:
        """What other catalogues describe."""
        ...

    async def ask(
        self,
        text: str,
        wait_s: float = 10.0,
        *,
        person_id: str = "",
        statistic: Statistic | None = None,
    ) -> str:
        """Parse `text`, send it to the nodes, return the search's id at once.

        With `statistic` the nodes also tell what it is computed of (`tessera.hub.computing`).

        The deadline is `wait_s` seconds away, at least 10 and at most 30.
        Raises InvalidQuery with a position and a mend.
        """
        ...

    def search(self, search_id: str) -> SearchResult:
        """Return the answers so far; late ones still arrive. Raises NotFound."""
        ...

    async def wait_search(
        self, search_id: str, wait_s: float, *, after: int | None = None
    ) -> SearchResult:
        """Return when every node that was asked has answered, or after `wait_s` seconds.

        With `after` also as soon as more than so many datasets have answered.
        """
        ...

    def rdf(self, entries: Sequence[CatalogueEntry], format: RdfFormat) -> bytes:
        """Return a DCAT catalogue of `entries`, UTF-8."""
        ...

    def rdf_dataset(self, entry: CatalogueEntry, format: RdfFormat) -> bytes:
        """Return one dataset's description as DCAT, UTF-8."""
        ...

    def record(self, layer: Layer, format: RdfFormat, entry: CatalogueEntry | None = None) -> bytes:
        """Return one record of the FAIR Data Point, UTF-8; below the catalogue of `entry`."""
        ...

    def tombstone(self, gone: Withdrawn, format: RdfFormat) -> bytes:
        """Return what is left of a withdrawn dataset as RDF, UTF-8: its name, when and why."""
        ...
