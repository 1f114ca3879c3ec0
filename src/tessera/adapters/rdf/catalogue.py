"""The hub's catalogue as RDF. Source: EUCAIM DCAT-AP 2.0, Catalogue."""

from collections.abc import Iterable
from typing import Literal as OneOf

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
from tessera.adapters.rdf.text import jsonld, turtle
from tessera.domain.catalogue.description import Agent
from tessera.domain.catalogue.entry import CatalogueEntry

_ABOUT = "Cancer imaging datasets that hospitals describe here and keep at home."


def catalogue_graph(
    entries: Iterable[CatalogueEntry],
    base_iri: str,
    title: str,
    *,
    publisher: Agent | None = None,
) -> Graph:
    """Return the catalogue and every entry's dataset as one graph.

    `base_iri` is the hub's address. Without `publisher` the hub speaks for itself.
    """
    graph = empty_graph()
    base = base_iri.rstrip("/")
    iri = URIRef(f"{base}/catalogue")
    graph.add((iri, RDF.type, DCAT.Catalog))
    graph.add((iri, DCT.title, Literal(title, lang="en")))
    graph.add((iri, DCT.description, Literal(_ABOUT, lang="en")))
    graph.add((iri, FOAF.homepage, page(graph, f"{base}/")))
    graph.add((iri, DCATAP.applicableLegislation, EHDS))
    graph.add((EHDS, RDF.type, ELI.LegalResource))
    graph.add((iri, DCAT.themeTaxonomy, DATA_THEMES))
    graph.add((DATA_THEMES, RDF.type, SKOS.ConceptScheme))
    graph.add((DATA_THEMES, DCT.title, Literal("Data theme", lang="en")))
    for language in ("en", "sv"):
        written = authority("language", language)
        if written:
            graph.add((iri, DCT.language, written))
            graph.add((written, RDF.type, DCT.LinguisticSystem))
    agent = URIRef(f"{base}/#publisher")
    graph.add((iri, DCT.publisher, agent))
    hub = Agent(title, url=f"{base}/about")
    add_agent(graph, agent, publisher or hub, hub)
    published = []
    for entry in entries:
        node, description = entry.node, entry.description
        dataset = dataset_iri(base, node.node_id, description.dataset_id)
        graph.add((iri, DCAT.dataset, dataset))
        country = authority("country", node.country)
        if country:
            graph.add((iri, DCT.spatial, country))
            graph.add((country, RDF.type, DCT.Location))
        graph += dataset_graph(
            description, base_iri=base, node_name=node.name, node_id=node.node_id
        )
        published.append(entry.published_at)
    if published:
        modified = max(published).isoformat()
        graph.add((iri, DCT.modified, Literal(modified, datatype=XSD.dateTime)))
    return graph


def catalogue_bytes(
    entries: Iterable[CatalogueEntry],
    *,
    base_iri: str,
    title: str,
    format: OneOf["turtle", "json-ld"],
) -> bytes:
    """Return the catalogue of `entries` as text, UTF-8."""
    graph = catalogue_graph(entries, base_iri, title)
    return turtle(graph) if format == "turtle" else jsonld(graph)
