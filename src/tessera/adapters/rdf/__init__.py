"""Descriptions as RDF: EUCAIM DCAT-AP 2.0 on HealthDCAT-AP and DCAT-AP 3."""

from tessera.adapters.rdf.catalogue import catalogue_bytes, catalogue_graph
from tessera.adapters.rdf.dataset import dataset_graph
from tessera.adapters.rdf.text import jsonld, turtle

__all__ = ["catalogue_bytes", "catalogue_graph", "dataset_graph", "jsonld", "turtle"]
