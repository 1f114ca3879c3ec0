"""Read what a stranger's DCAT document says. Nothing that it names is fetched from here.

Source: DCAT 3; EUCAIM DCAT-AP 2.0; FAIR Data Point 1.2, and its former namespace. JSON-LD with a
context that is elsewhere and XML with a document type are refused: reading them would mean to ask
addresses, or to expand entities, that the document chooses.
"""

import json
import logging
import warnings
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final
from xml.parsers import expat

from rdflib import RDF, Graph, Literal, Node, URIRef
from rdflib.namespace import FOAF, PROV, RDFS, SKOS

from tessera.adapters.rdf.known import cancer_of, country_of, modality_of
from tessera.adapters.rdf.terms import (
    ADMS,
    DCAT,
    DCT,
    EUCAIM,
    FDP,
    GEODCATAP,
    HEALTH,
    LDP,
    WITHDRAWN,
)
from tessera.adapters.rdf.text import Form
from tessera.domain.catalogue.harvested import (
    LONGEST_TEXT,
    LONGEST_TITLE,
    MOST_WORDS,
    ReadDataset,
    Withdrawal,
    cleaned,
)
from tessera.domain.clinical.concepts import cancers
from tessera.ports.harvest import ReadDocument, SourceUnreadable

_CATALOGUES: Final = (
    FDP.metadataCatalog,
    URIRef("http://purl.org/fdp/fdp-o#metadataCatalog"),
    URIRef("http://www.re3data.org/schema/3-0#dataCatalog"),
    DCAT.catalog,
)
"""Properties that lead to a catalogue, also those of older FAIR Data Points."""
_WEB: Final = ("https://", "http://")
_NAMES: Final = (*_WEB, "urn:")
_MOST_LANGUAGES: Final = 30


def read_rdf(data: bytes, form: Form, address: str) -> ReadDocument:
    """Return the datasets that a document describes, and what else it names.

    `address` is what relative names are relative to. Raises SourceUnreadable.
    """
    graph = _parsed(data, form, address)
    described, named = [], []
    of_class = set(graph.subjects(RDF.type, DCAT.Dataset))
    for node in sorted(of_class, key=str):
        if read := _dataset(graph, node):
            described.append(read)
    known = {read.iri for read in described}
    of_class.update(_contained(graph, (DCAT.dataset,)), graph.objects(None, DCAT.dataset))
    for node in of_class:
        if isinstance(node, URIRef) and str(node) not in known and str(node).startswith(_WEB):
            named.append(str(node))
    catalogues = {
        str(node)
        for relation in _CATALOGUES
        for node in (*graph.objects(None, relation), *_contained(graph, (relation,)))
        if isinstance(node, URIRef) and str(node).startswith(_WEB)
    }
    return ReadDocument(tuple(described), tuple(sorted(catalogues)), tuple(sorted(named)))


def _contained(graph: Graph, relations: Iterable[URIRef]) -> list[Node]:
    containers = [c for r in relations for c in graph.subjects(LDP.hasMemberRelation, r)]
    return [member for c in containers for member in graph.objects(c, LDP.contains)]


def _parsed(data: bytes, form: Form, address: str) -> Graph:
    if form == "json-ld":
        _refuse_remote_contexts(data, address)
    elif form == "xml":
        _refuse_document_types(data, address)
    graph = Graph(bind_namespaces="none")
    quiet = logging.getLogger("rdflib.term")
    before, quiet.disabled = quiet.disabled, True  # it logs each name that is none, at length
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph.parse(data=data, format=form, publicID=address)
    except Exception as err:  # a parser fails in many ways
        raise SourceUnreadable(
            f"{address}: it cannot be read as {form}: {type(err).__name__}: {str(err)[:300]}"
        ) from err
    finally:
        quiet.disabled = before
    return graph


def _refuse_remote_contexts(data: bytes, address: str) -> None:
    try:
        body: Any = json.loads(data)
    except (ValueError, RecursionError) as err:
        raise SourceUnreadable(f"{address}: it is no JSON: {err}") from err
    todo = [body]
    while todo:
        value = todo.pop()
        if isinstance(value, list):
            todo += value
        elif isinstance(value, dict):
            context = value.get("@context")
            parts = context if isinstance(context, list) else [context]
            if "@import" in value or any(isinstance(part, str) for part in parts):
                raise SourceUnreadable(
                    f"{address}: its JSON-LD context is elsewhere; ask the source for Turtle, or "
                    "for JSON-LD with the context in it"
                )
            todo += value.values()


def _refuse_document_types(data: bytes, address: str) -> None:
    def refuse(*_told: object) -> None:
        raise SourceUnreadable(
            f"{address}: its XML has a document type, which is not read; ask the source for Turtle"
        )

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as err:
        raise SourceUnreadable(f"{address}: it is no XML: {err}") from err


def _dataset(graph: Graph, node: Node) -> ReadDataset | None:
    """Return what is said of a dataset; None when it has no name or no title."""
    iri = str(node)
    title = _texts(graph, node, DCT.title, LONGEST_TITLE)
    if not isinstance(node, URIRef) or not iri.startswith(_NAMES) or len(iri) > 2000 or not title:
        return None
    page = _first(graph, node, DCAT.landingPage)
    return ReadDataset(
        iri=iri,
        identifier=_first(graph, node, DCT.identifier) or iri,
        title=title,
        description=_texts(graph, node, DCT.description, LONGEST_TEXT),
        publisher=_agent(graph, node, DCT.publisher),
        custodian=_agent(graph, node, GEODCATAP.custodian),
        landing_page=page if page.startswith(_WEB) else "",
        version=_first(graph, node, DCAT.version),
        modified=_first(graph, node, DCT.modified),
        keywords=_words(graph, node, DCAT.keyword),
        country=next(iter(_mapped(graph, node, DCT.spatial, country_of)), ""),
        cancers=_cancers(graph, node),
        modalities=_mapped(graph, node, EUCAIM.hasImageModality, modality_of),
        n_subjects=_count(graph, node, HEALTH.numberOfUniqueIndividuals),
        n_studies=_count(graph, node, HEALTH.numberOfRecords),
        withdrawal=_withdrawal(graph, node),
    )


def _withdrawal(graph: Graph, node: Node) -> Withdrawal | None:
    """Return what is said of a withdrawal; None of a dataset that has no such status.

    The table is named by http; writers that name it by https mean the same.
    """
    states = {
        str(state).replace("https:", "http:", 1) for state in graph.objects(node, ADMS.status)
    }
    if str(WITHDRAWN) not in states:
        return None
    acts = sorted(graph.objects(node, PROV.wasInvalidatedBy), key=str)
    reasons = [_first(graph, act, DCT.description) for act in acts]
    successor = _first(graph, node, DCT.isReplacedBy)
    return Withdrawal(
        on=_day(_first(graph, node, PROV.invalidatedAtTime) or _first(graph, node, DCT.modified)),
        reason=next((reason for reason in reasons if reason), ""),
        successor=successor if successor.startswith(_WEB) else "",
    )


def _day(text: str) -> str:
    """Return the day of an ISO 8601 date or time; "" of anything else."""
    try:
        return datetime.fromisoformat(text).date().isoformat()
    except ValueError:
        return ""


def _texts(graph: Graph, node: Node, predicate: URIRef, longest: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in sorted(graph.objects(node, predicate), key=str):
        text = cleaned(str(value), longest)
        if isinstance(value, Literal) and text and len(found) < _MOST_LANGUAGES:
            found.setdefault((value.language or "").lower(), text)
    return found


def _first(graph: Graph, node: Node, predicate: URIRef) -> str:
    values = sorted(str(value) for value in graph.objects(node, predicate))
    return cleaned(values[0], 2000) if values else ""


def _words(graph: Graph, node: Node, predicate: URIRef) -> tuple[str, ...]:
    words = {cleaned(str(value), 200) for value in graph.objects(node, predicate)}
    return tuple(sorted(word for word in words if word)[:MOST_WORDS])


def _agent(graph: Graph, node: Node, predicate: URIRef) -> str:
    for agent in sorted(graph.objects(node, predicate), key=str):
        if isinstance(agent, Literal):
            return cleaned(str(agent), LONGEST_TITLE)
        for name in (FOAF.name, SKOS.prefLabel, RDFS.label):
            if told := _first(graph, agent, name):
                return told[:LONGEST_TITLE]
    return ""


def _mapped(
    graph: Graph, node: Node, predicate: URIRef, known: Callable[[str], str]
) -> tuple[str, ...]:
    words = {known(str(value)) for value in graph.objects(node, predicate)} - {""}
    return tuple(sorted(words)[:MOST_WORDS])


def _cancers(graph: Graph, node: Node) -> tuple[str, ...]:
    """Return the cancers: the class where it is one, and those that the keywords name."""
    by_label = {concept.label_en.casefold(): name for name, concept in cancers().items()}
    labels = (str(word).casefold() for word in graph.objects(node, DCAT.keyword))
    found = {by_label[label] for label in labels if label in by_label}
    found.update(_mapped(graph, node, EUCAIM.hasCondition, cancer_of))
    return tuple(sorted(found))


def _count(graph: Graph, node: Node, predicate: URIRef) -> int | None:
    text = _first(graph, node, predicate)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None
