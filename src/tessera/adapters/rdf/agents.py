"""Agents and contact points as RDF."""

from rdflib import RDF, BNode, Graph, Literal, URIRef
from rdflib.namespace import FOAF

from tessera.adapters.rdf.terms import CV, VCARD
from tessera.domain.catalogue.description import Agent


def add_agent(graph: Graph, node: URIRef | BNode, agent: Agent, contact: Agent) -> None:
    """Describe `node` as an agent that is reached through `contact` (cv:ContactPoint)."""
    point = child(node, "contact")
    graph.add((node, RDF.type, FOAF.Agent))
    graph.add((node, FOAF.name, Literal(agent.name)))
    if agent.url:
        graph.add((node, FOAF.homepage, page(graph, agent.url)))
    graph.add((node, CV.contactPoint, point))
    graph.add((point, RDF.type, CV.ContactPoint))
    email, url = agent.email or contact.email, agent.url or contact.url
    if email:
        graph.add((point, CV.email, Literal(email)))
    if url:
        graph.add((point, CV.contactPage, page(graph, url)))


def add_contact(graph: Graph, node: URIRef | BNode, contact: Agent) -> None:
    """Describe `node` as a contact (vcard:Organization)."""
    graph.add((node, RDF.type, VCARD.Kind))
    graph.add((node, RDF.type, VCARD.Organization))
    graph.add((node, VCARD.fn, Literal(contact.name)))
    if contact.email:
        graph.add((node, VCARD.hasEmail, URIRef(f"mailto:{contact.email}")))
    if contact.url:
        graph.add((node, VCARD.hasURL, URIRef(contact.url)))


def page(graph: Graph, url: str) -> URIRef:
    """Return the IRI of a page, typed as a document."""
    iri = URIRef(url)
    graph.add((iri, RDF.type, FOAF.Document))
    return iri


def child(node: URIRef | BNode, name: str) -> URIRef | BNode:
    """Return an IRI below `node`'s own, so that no node is without a name."""
    separator = "-" if "#" in node else "#"
    return URIRef(f"{node}{separator}{name}") if isinstance(node, URIRef) else BNode()
