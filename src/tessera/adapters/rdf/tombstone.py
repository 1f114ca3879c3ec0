"""What is left of a withdrawn dataset as RDF: its name, that it is withdrawn, when and why.

Sources: DCAT 3, 6.4 (`adms:status`); the EU table of dataset states; PROV-O (invalidation). It
conforms to DCAT-AP and to the record of a FAIR Data Point. The mandatory properties of EUCAIM
DCAT-AP are left out: they describe data that nobody offers any more.
"""

from datetime import UTC

from rdflib import RDF, XSD, Graph, Literal
from rdflib.namespace import PROV, SKOS

from tessera.adapters.rdf.agents import add_agent, child
from tessera.adapters.rdf.catalogue import catalogue_iri
from tessera.adapters.rdf.dataset import dataset_iri
from tessera.adapters.rdf.terms import ADMS, DCAT, DCT, FDP, WITHDRAWN, empty_graph
from tessera.domain.catalogue.entry import CatalogueEntry
from tessera.domain.catalogue.notice import Notice


def tombstone_graph(entry: CatalogueEntry, notice: Notice, base_iri: str) -> Graph:
    """Return the graph. `base_iri` is the hub's address; `entry` is what was published."""
    graph = empty_graph()
    d, node_id = entry.description, entry.node.node_id
    iri = dataset_iri(base_iri, node_id, d.dataset_id)
    at = Literal(notice.at.isoformat(), datatype=XSD.dateTime)
    told = f"Withdrawn by its holder on {notice.at.astimezone(UTC):%Y-%m-%d}: {notice.reason}"
    withdrawal = child(iri, "withdrawal")
    for predicate, value in (
        (RDF.type, DCAT.Dataset),
        (RDF.type, PROV.Entity),
        (DCT.identifier, Literal(str(iri), datatype=XSD.anyURI)),
        (DCT.description, Literal(told, lang="en")),
        (ADMS.status, WITHDRAWN),
        (DCT.issued, Literal(d.created.isoformat(), datatype=XSD.dateTime)),
        (DCT.modified, at),
        (PROV.invalidatedAtTime, at),
        (PROV.wasInvalidatedBy, withdrawal),
        (DCT.isPartOf, catalogue_iri(base_iri)),
        (FDP.metadataIdentifier, iri),
        (
            FDP.metadataIssued,
            Literal(entry.published_at.isoformat(), datatype=XSD.dateTime),
        ),
        (FDP.metadataModified, at),
    ):
        graph.add((iri, predicate, value))
    for language, text in d.title.items():
        graph.add((iri, DCT.title, Literal(text, lang=language)))
    publisher = child(iri, "publisher")
    graph.add((iri, DCT.publisher, publisher))
    add_agent(graph, publisher, d.publisher, d.contact)
    graph.add((WITHDRAWN, RDF.type, SKOS.Concept))
    graph.add((WITHDRAWN, SKOS.prefLabel, Literal("withdrawn", lang="en")))
    graph.add((withdrawal, RDF.type, PROV.Activity))
    graph.add((withdrawal, DCT.description, Literal(notice.reason)))
    graph.add((withdrawal, PROV.endedAtTime, at))
    if notice.successor:
        graph.add((iri, DCT.isReplacedBy, dataset_iri(base_iri, node_id, notice.successor)))
    return graph
