"""Wire a node's own FAIR Data Point over its home."""

from collections.abc import Callable, Sequence

from tessera import __version__
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.explorer import serve
from tessera.bootstrap.link import hub_pin
from tessera.bootstrap.node import Node
from tessera.bootstrap.published import PublishedHere
from tessera.domain.catalogue.entry import CatalogueEntry, NodeSummary
from tessera.domain.errors import Conflict, InvalidInput
from tessera.http.node_catalogue import create_node_catalogue
from tessera.hub.views import Layer, RdfFormat


def serve_catalogue(
    node: Node, *, url: str, license: str, address: str, port: int, tell: Callable[[str], None]
) -> None:
    """Serve until stopped; tell the address. `url`: the base of the records' addresses.

    Raises Conflict for a node without a hub: what it has published, it has published there.
    """
    if not url.startswith(("http://", "https://")):
        raise InvalidInput(f"--url {url}: it begins with https:// or http://")
    pin = hub_pin(node.home)
    if pin is None:
        raise Conflict("this node has joined no hub, and so has published nothing")
    here, clock = PublishedHere(node.home), SystemClock()
    settings = node.settings

    def entries() -> list[CatalogueEntry]:
        descriptions = here.sent()
        summary = NodeSummary(
            node_id=pin.node_id,
            name=settings.name,
            country=settings.country,
            approved=True,
            last_seen=None,
            online=True,
            n_datasets=len(descriptions),
        )
        return [
            CatalogueEntry(node=summary, description=one, published_at=one.created)
            for one in descriptions
        ]

    def render(layer: Layer, format: RdfFormat, found: Sequence[CatalogueEntry]) -> bytes:
        # rdflib takes most of a second to load.
        from tessera.adapters.rdf import fdp, written

        point = fdp.Point(url, settings.name, f"tessera {__version__}", license)
        return written(fdp.record(point, layer, found, clock.now()), format)

    serve(create_node_catalogue(entries, render), address=address, port=port, tell=tell)
