"""The records of a FAIR Data Point: each at its own address, with what it says of itself.

Source: FAIR Data Point specification 1.2 (specs.fairdatapoint.org); Linked Data Platform 1.0,
5.4 (direct containers). The layers are point, catalogue, dataset, distribution; from one to the
next leads a property (`fdp-o:metadataCatalog`, `dcat:dataset`, `dcat:distribution`) and a
container.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rdflib import RDF, XSD, Graph, Literal, URIRef

from tessera.adapters.rdf.catalogue import LICENSE, add_publisher, catalogue_head, catalogue_iri
from tessera.adapters.rdf.dataset import dataset_graph, dataset_iri, distribution_iri
from tessera.adapters.rdf.terms import DCAT, DCT, FDP, LDP, authority, empty_graph
from tessera.domain.catalogue.entry import CatalogueEntry

SPECIFICATION: Final = URIRef("https://specs.fairdatapoint.org/fdp-specs-v1.2.html")
PROFILE: Final = URIRef("https://github.com/EUCAIM/eucaim_dcat_ap/tree/main/releases/v2.0")
"""EUCAIM DCAT-AP 2.0."""
DISTRIBUTIONS: Final = ("images", "tables")
_ABOUT: Final = "Descriptions of cancer imaging datasets. The images stay in the hospitals."


@dataclass(frozen=True, slots=True)
class Point:
    """A FAIR Data Point: who speaks, and from where."""

    base_iri: str
    """Address under which catalogue and datasets have their pages."""
    title: str
    software: str
    license: str = LICENSE
    """IRI of the licence of the descriptions."""

    @property
    def base(self) -> str:
        return self.base_iri.rstrip("/")

    @property
    def iri(self) -> URIRef:
        return URIRef(f"{self.base}/fdp")


def record(point: Point, layer: str, entries: Sequence[CatalogueEntry], now: datetime) -> Graph:
    """Return the record of a layer (`hub.views.Layer`); below the catalogue, of the one entry."""
    if layer == "point":
        return point_record(point, entries, now)
    if layer == "catalogue":
        return catalogue_record(point, entries, now)
    if layer == "dataset":
        return dataset_record(point, entries[0])
    return distribution_record(point, entries[0], layer)


def point_record(point: Point, entries: Sequence[CatalogueEntry], now: datetime) -> Graph:
    """Return the root record. It is as old as its first entry; without one, of `now`."""
    graph = empty_graph()
    iri, catalogue = point.iri, catalogue_iri(point.base)
    graph.add((iri, RDF.type, FDP.FAIRDataPoint))
    graph.add((iri, RDF.type, FDP.MetadataService))
    graph.add((iri, DCT.title, Literal(point.title, lang="en")))
    graph.add((iri, DCT.description, Literal(_ABOUT, lang="en")))
    add_publisher(graph, iri, point.base, point.title, None)
    graph.add((iri, FDP.metadataCatalog, catalogue))
    graph.add((iri, FDP.conformsToFdpSpec, SPECIFICATION))
    graph.add((iri, FDP.fdpSoftwareVersion, Literal(point.software)))
    for language in ("en", "sv"):
        if written := authority("language", language):
            graph.add((iri, DCT.language, written))
            graph.add((iri, FDP.uiLanguage, written))
    _layer(graph, iri, point, SPECIFICATION)
    issued, modified = _span(entries, now)
    _of_itself(graph, iri, issued, modified)
    _container(graph, iri, "catalogues", "Catalogues", FDP.metadataCatalog, (catalogue,))
    return graph


def catalogue_record(point: Point, entries: Sequence[CatalogueEntry], now: datetime) -> Graph:
    """Return the catalogue's record, with the addresses of its datasets."""
    graph = catalogue_head(entries, point.base, point.title, license=point.license)
    iri = catalogue_iri(point.base)
    graph.add((iri, DCT.isPartOf, point.iri))
    _layer(graph, iri, point, PROFILE)
    _of_itself(graph, iri, *_span(entries, now))
    datasets = [
        dataset_iri(point.base, entry.node.node_id, entry.description.dataset_id)
        for entry in entries
    ]
    _container(graph, iri, "datasets", "Datasets", DCAT.dataset, datasets)
    return graph


def dataset_record(point: Point, entry: CatalogueEntry) -> Graph:
    """Return one dataset's record, with its distributions."""
    description, node = entry.description, entry.node
    graph = dataset_graph(
        description, base_iri=point.base, node_name=node.name, node_id=node.node_id
    )
    iri = dataset_iri(point.base, node.node_id, description.dataset_id)
    graph.add((iri, DCT.isPartOf, catalogue_iri(point.base)))
    graph.add((iri, DCT.conformsTo, PROFILE))
    graph.add((PROFILE, RDF.type, DCT.Standard))
    _of_itself(graph, iri, entry.published_at, entry.published_at)
    parts = [distribution_iri(iri, name) for name in DISTRIBUTIONS]
    for part in parts:
        graph.add((part, DCT.isPartOf, iri))
        _of_itself(graph, part, entry.published_at, entry.published_at)
    _container(graph, iri, "distributions", "Distributions", DCAT.distribution, parts)
    return graph


def distribution_record(point: Point, entry: CatalogueEntry, name: str) -> Graph:
    """Return one distribution's record: `images` or `tables`."""
    whole = dataset_record(point, entry)
    dataset = dataset_iri(point.base, entry.node.node_id, entry.description.dataset_id)
    graph = empty_graph()
    todo, done = [distribution_iri(dataset, name)], {dataset}
    while todo:
        subject = todo.pop()
        done.add(subject)
        for triple in whole.triples((subject, None, None)):
            graph.add(triple)
            if isinstance(triple[2], URIRef) and triple[2] not in done:
                todo.append(triple[2])
    return graph


def _span(entries: Sequence[CatalogueEntry], now: datetime) -> tuple[datetime, datetime]:
    times = [entry.published_at for entry in entries] or [now]
    return min(times), max(times)


def _layer(graph: Graph, iri: URIRef, point: Point, standard: URIRef) -> None:
    license = URIRef(point.license)
    graph.add((iri, DCT.license, license))
    graph.add((license, RDF.type, DCT.LicenseDocument))
    graph.add((iri, DCT.conformsTo, standard))
    graph.add((standard, RDF.type, DCT.Standard))
    graph.add((iri, DCAT.endpointURL, iri))


def _of_itself(graph: Graph, iri: URIRef, issued: datetime, modified: datetime) -> None:
    graph.add((iri, FDP.metadataIdentifier, iri))
    for predicate, at in ((FDP.metadataIssued, issued), (FDP.metadataModified, modified)):
        graph.add((iri, predicate, Literal(at.isoformat(), datatype=XSD.dateTime)))


def _container(
    graph: Graph,
    iri: URIRef,
    name: str,
    title: str,
    relation: URIRef,
    members: Sequence[URIRef],
) -> None:
    container = URIRef(f"{iri}#{name}")
    graph.add((container, RDF.type, LDP.DirectContainer))
    graph.add((container, DCT.title, Literal(title, lang="en")))
    graph.add((container, LDP.membershipResource, iri))
    graph.add((container, LDP.hasMemberRelation, relation))
    for member in members:
        graph.add((container, LDP.contains, member))
