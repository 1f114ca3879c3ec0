"""Graphs as text, the same text for the same graph."""

import json
from typing import Any, Literal

from rdflib import Graph

from tessera.adapters.rdf.terms import empty_graph

Form = Literal["turtle", "json-ld", "xml", "nt"]
"""Names as rdflib spells them."""


def written(graph: Graph, form: Form) -> bytes:
    """Return the graph in a form, UTF-8."""
    if form == "json-ld":
        return jsonld(graph)
    if form == "nt":
        lines = graph.serialize(format="nt", encoding="utf-8").splitlines(keepends=True)
        return b"".join(sorted(line for line in lines if line.strip()))
    return graph.serialize(format=form, encoding="utf-8")


def turtle(graph: Graph) -> bytes:
    """Return the graph as Turtle, UTF-8."""
    return graph.serialize(format="turtle", encoding="utf-8")


def jsonld(graph: Graph) -> bytes:
    """Return the graph as JSON-LD with its prefixes as context, nodes sorted by id, UTF-8."""
    context = {prefix: str(iri) for prefix, iri in empty_graph().namespaces()}
    body: Any = json.loads(
        graph.serialize(format="json-ld", context=context, auto_compact=False, sort_keys=True)
    )
    nodes = body.get("@graph")
    if isinstance(nodes, list):
        nodes.sort(key=lambda node: str(node.get("@id", "")))
    return json.dumps(body, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
