"""The common data model as a CSVW table group: the data dictionary in machine form."""

from rdflib import RDF, XSD, Graph, Literal, URIRef

from tessera.adapters.rdf.terms import CSVW, DCT
from tessera.domain.clinical.cdm import TABLES

_TYPES = {
    "text": "string",
    "integer": "integer",
    "number": "double",
    "boolean": "boolean",
    "date": "date",
    "texts": "string",
}
"""Kind of a column → CSVW datatype. Source: Metadata Vocabulary for Tabular Data, 5.11.1."""


def add_variables(graph: Graph, base_iri: str) -> URIRef:
    """Describe the tables and return the IRI of the group."""
    group = URIRef(f"{base_iri}/data-model#tables")
    graph.add((group, RDF.type, CSVW.TableGroup))
    graph.add((group, DCT.title, Literal("Tessera common data model", lang="en")))
    for table in TABLES:
        node = URIRef(f"{base_iri}/data-model#{table.name}")
        graph.add((group, CSVW.table, node))
        graph.add((node, RDF.type, CSVW.Table))
        graph.add((node, DCT.title, Literal(table.name, lang="en")))
        graph.add((node, DCT.description, Literal(table.meaning, lang="en")))
        for column in table.columns:
            cell = URIRef(f"{node}.{column.name}")
            graph.add((node, CSVW.column, cell))
            graph.add((cell, RDF.type, CSVW.Column))
            graph.add((cell, CSVW.name, Literal(column.name)))
            graph.add((cell, CSVW.title, Literal(column.name, lang="en")))
            graph.add((cell, CSVW.datatype, Literal(_TYPES[column.kind])))
            graph.add((cell, DCT.description, Literal(column.meaning, lang="en")))
            graph.add((cell, CSVW.required, Literal(column.required, datatype=XSD.boolean)))
    return group
