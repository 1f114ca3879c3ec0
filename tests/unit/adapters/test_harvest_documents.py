"""Every form is read alike; hostile documents are refused, and nothing is asked."""

import json
import socket

import pytest

from tessera.adapters.harvest.documents import read_document
from tessera.adapters.rdf import dataset_graph, written
from tessera.adapters.rdf.text import Form
from tessera.ports.harvest import Fetched, SourceUnreadable
from tests.hub_trial import released

HERE = "https://other.example.org/doc"
MEDIA: dict[str, Form] = {
    "text/turtle": "turtle",
    "application/ld+json": "json-ld",
    "application/rdf+xml": "xml",
    "application/n-triples": "nt",
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_given: object, **_named: object) -> None:
        raise AssertionError("a document made the reader ask the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize("media", MEDIA)
def test_our_own_description_is_read_from_each_form(media: str) -> None:
    graph = dataset_graph(
        released().value, base_iri="https://a.example", node_name="Linköping", node_id="lkpg"
    )
    (read,) = read_document(Fetched(written(graph, MEDIA[media]), media, HERE)).datasets
    assert read.iri == "https://a.example/datasets/lkpg/prostate-mr"
    assert read.title == {"en": "Dataset prostate-mr", "sv": "Datamängd prostate-mr"}
    assert (read.publisher, read.custodian) == ("Test hospital", "Linköping")
    assert (read.country, read.version, read.n_subjects) == ("SE", "1.0.0", 30)
    assert read.address == read.iri


CONTEXT = {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/"}
BODY = {"@id": "https://x.example/1", "@type": "dcat:Dataset", "dct:title": "T"}
HOSTILE = {
    "a remote context": ("application/ld+json", {"@context": "https://evil.example/c", **BODY}),
    "one in a list": ("application/ld+json", {"@context": [CONTEXT, "http://evil.example"]}),
    "one inside a node": ("application/ld+json", {"@graph": [{"@context": "file:///etc/passwd"}]}),
    "one of a term": (
        "application/ld+json",
        {"@context": {"x": {"@id": "https://x/", "@context": "https://evil.example"}}},
    ),
    "an import": ("application/ld+json", {"@context": {"@import": "https://evil.example"}}),
    "no JSON": ("application/ld+json", b"{"),
    "an external entity": (
        "application/rdf+xml",
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>',
    ),
    "entities in UTF-16": (
        "application/rdf+xml",
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>'.encode(
            "utf-16"
        ),
    ),
    "no XML": ("application/rdf+xml", b"<r>"),
    "no Turtle": ("text/turtle", b"<a:a> <a:b> ."),
    "deep Turtle": ("text/turtle", b"<a:a> <a:b> " + b"[ <a:c> " * 20_000),
    "a page": ("text/html", b"<html></html>"),
    "bytes": ("application/octet-stream", b"\x00"),
    "a table without a name": ("text/csv", b"dct:title\nx\n"),
    "a table with an unknown column": (
        "text/csv",
        b"dct:identifier,dct:title,dct:publisher,secret\n1,2,3,4\n",
    ),
    "a table with half a number": (
        "text/csv",
        b"dct:identifier,dct:title,dct:publisher,healthdcatap:numberOfRecords\n1,2,3,1.5\n",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_or_broken_document_is_refused_with_its_address_or_row(name: str) -> None:
    media, body = HOSTILE[name]
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(SourceUnreadable) as told:
        read_document(Fetched(data, media, HERE))
    assert any(word in str(told.value) for word in (HERE, "row", "column"))


def test_texts_are_cut_and_hold_no_control_or_direction_marks() -> None:
    long = "x" * 3000
    text = f'''
        @prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
        <https://x.example/1> a dcat:Dataset ;
            dct:title "A\\u202Etitle\\u0007 of\\n it", "{long}"@en ;
            dcat:landingPage <javascript:alert(1)> ; dcat:keyword "k" .
        <https://x.example/untitled> a dcat:Dataset .
        <javascript:x> a dcat:Dataset ; dct:title "no name" .
        [] a dcat:Dataset ; dct:title "no name either" .
    '''
    document = read_document(Fetched(text.encode(), "text/turtle", HERE))
    (read,) = document.datasets
    assert read.title[""] == "Atitle of it"
    assert len(read.title["en"]) == 500
    assert read.landing_page == ""
    assert document.named == ("https://x.example/untitled",)


def test_what_leads_on_is_found_by_properties_and_by_containers() -> None:
    text = """
        @prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix ldp: <http://www.w3.org/ns/ldp#> .
        @prefix f: <https://w3id.org/fdp/fdp-o#> . @prefix old: <http://purl.org/fdp/fdp-o#> .
        </> f:metadataCatalog </c1> ; old:metadataCatalog </c2>, <file:///etc/passwd> .
        </k> ldp:hasMemberRelation f:metadataCatalog ; ldp:contains </c3> .
        </c1> dcat:dataset </d1> ; dcat:catalog </c4> .
        </k2> ldp:hasMemberRelation dcat:dataset ; ldp:contains </d2> .
    """
    document = read_document(Fetched(text.encode(), "text/turtle", HERE))
    host = "https://other.example.org"
    assert document.catalogues == tuple(f"{host}/c{n}" for n in (1, 2, 3, 4))
    assert document.named == (f"{host}/d1", f"{host}/d2")


def test_a_table_is_read_with_either_separator() -> None:
    head = "dct:identifier,dct:title,dct:title@sv,dct:publisher,dct:spatial,eucaim:hasCondition"
    row = "doi:10/1,Lung CT,Lung-DT,Region X,SE,lung|breast"
    for text in (f"{head}\n{row}\n", f"\ufeff{head}\r\n{row}".replace(",", ";")):
        (read,) = read_document(Fetched(text.encode(), "", "file:///x/list.csv")).datasets
        assert read.title == {"en": "Lung CT", "sv": "Lung-DT"}
        assert (read.country, read.cancers) == ("SE", ("lung", "breast"))
        assert read.iri == "urn:tessera:row:doi:10/1"
        assert read.address == ""
