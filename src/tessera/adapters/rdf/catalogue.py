"""The hub's catalogue as RDF. Source: EUCAIM DCAT-AP 2.0, Catalogue."""

from collections.abc import Iterable, Sequence
from typing import Final

from rdflib import RDF, XSD, Graph, Literal, URIRef
from rdflib.namespace import FOAF, SKOS

from tessera.adapters.rdf.agents import add_agent, page
from tessera.adapters.rdf.dataset import dataset_graph, dataset_iri
from tessera.adapters.rdf.terms import (
    DATA_THEMES,
    DCAT,
    DCATAP,
    DCT,
    EHDS,
    ELI,
    authority,
    empty_graph,
)
from tessera.domain.catalogue.description import Agent
from tessera.domain.catalogue.entry import CatalogueEntry

LICENSE: Final = "https://creativecommons.org/licenses/by/4.0/"
"""Of the descriptions, not of the data, unless the hub's operator names another."""
_ABOUT: Final = "Cancer imaging datasets that hospitals describe here and keep at home."


def catalogue_graph(
    entries: Iterable[CatalogueEntry],
    base_iri: str,
    title: str,
    *,
    publisher: Agent | None = None,
    license: str = LICENSE,
) -> Graph:
    """Return the catalogue and every entry's dataset as one graph.

    `base_iri` is the hub's address. Without `publisher` the hub speaks for itself.
    """
    listed = list(entries)
    graph = catalogue_head(listed, base_iri, title, publisher=publisher, license=license)
    for entry in listed:
        node = entry.node
        graph += dataset_graph(
            entry.description, base_iri=base_iri, node_name=node.name, node_id=node.node_id
        )
    return graph


def catalogue_head(
    entries: Sequence[CatalogueEntry],
    base_iri: str,
    title: str,
    *,
    publisher: Agent | None = None,
    license: str = LICENSE,
) -> Graph:
    """Return the catalogue itself, with the names of its datasets and no more of them."""
    graph = empty_graph()
    base = base_iri.rstrip("/")
    iri = catalogue_iri(base)
    graph.add((iri, RDF.type, DCAT.Catalog))
    graph.add((iri, DCT.title, Literal(title, lang="en")))
    graph.add((iri, DCT.description, Literal(_ABOUT, lang="en")))
    graph.add((iri, FOAF.homepage, page(graph, f"{base}/")))
    graph.add((iri, DCATAP.applicableLegislation, EHDS))
    graph.add((EHDS, RDF.type, ELI.LegalResource))
    graph.add((iri, DCAT.themeTaxonomy, DATA_THEMES))
    graph.add((DATA_THEMES, RDF.type, SKOS.ConceptScheme))
    graph.add((DATA_THEMES, DCT.title, Literal("Data theme", lang="en")))
    graph.add((iri, DCT.license, URIRef(license)))
    graph.add((URIRef(license), RDF.type, DCT.LicenseDocument))
    for language in ("en", "sv"):
        written = authority("language", language)
        if written:
            graph.add((iri, DCT.language, written))
            graph.add((written, RDF.type, DCT.LinguisticSystem))
    add_publisher(graph, iri, base, title, publisher)
    for entry in entries:
        name = dataset_iri(base, entry.node.node_id, entry.description.dataset_id)
        graph.add((iri, DCAT.dataset, name))
        country = authority("country", entry.node.country)
        if country:
            graph.add((iri, DCT.spatial, country))
            graph.add((country, RDF.type, DCT.Location))
    if entries:
        modified = max(entry.published_at for entry in entries).isoformat()
        graph.add((iri, DCT.modified, Literal(modified, datatype=XSD.dateTime)))
    return graph


def catalogue_iri(base: str) -> URIRef:
    """Return the catalogue's IRI, which is also its page at the hub."""
    return URIRef(f"{base.rstrip('/')}/catalogue")


def add_publisher(
    graph: Graph, iri: URIRef, base: str, title: str, publisher: Agent | None
) -> None:
    """Say who publishes `iri`; without `publisher` the hub itself, reached by its page."""
    agent = URIRef(f"{base}/#publisher")
    graph.add((iri, DCT.publisher, agent))
    hub = Agent(title, url=f"{base}/about")
    add_agent(graph, agent, publisher or hub, hub)
