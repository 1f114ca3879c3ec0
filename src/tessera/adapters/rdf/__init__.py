"""Descriptions as RDF: EUCAIM DCAT-AP 2.0 on HealthDCAT-AP and DCAT-AP 3."""

from tessera.adapters.rdf.catalogue import catalogue_graph
from tessera.adapters.rdf.dataset import dataset_graph
from tessera.adapters.rdf.text import Form, jsonld, turtle, written
from tessera.adapters.rdf.tombstone import tombstone_graph

__all__ = [
    "Form",
    "catalogue_graph",
    "dataset_graph",
    "jsonld",
    "tombstone_graph",
    "turtle",
    "written",
]
