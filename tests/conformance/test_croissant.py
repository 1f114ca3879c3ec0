"""The Croissant record and the schema.org description of a dataset, by what they ask for."""

import json
import re

import pytest
from rdflib import RDF, Graph, Namespace, URIRef

from tessera.domain.clinical.cdm import CORE
from tessera.http.croissant import SPECIFICATION, croissant
from tessera.http.dataset_page import schema_org
from tests.pages.fake_hub import ENTRIES

pytestmark = pytest.mark.filterwarnings(
    "ignore:ConjunctiveGraph is deprecated:DeprecationWarning"  # rdflib's own JSON-LD parser
)
HUB = "https://hub.example.org"
ADDRESS = f"{HUB}/datasets/linkoping/prostate-mr?version=1"
CR = Namespace("http://mlcommons.org/croissant/")
SC = Namespace("https://schema.org/")
REQUIRED = {
    SC.Dataset: [SC.description, SC.license, SC.name, SC.url, SC.creator, SC.datePublished],
    CR.FileObject: [SC.name, SC.contentUrl, SC.encodingFormat, SC.sha256],
    CR.FileSet: [SC.containedIn, SC.encodingFormat, CR.includes],
    CR.RecordSet: [CR.field, SC.name],
    CR.Field: [CR.source, CR.dataType, SC.name],
}
"""Source: Croissant Format Specification 1.0, the required properties of each class."""


@pytest.fixture(scope="module", params=range(len(ENTRIES)))
def graph(request: pytest.FixtureRequest) -> Graph:
    text = json.dumps(croissant(ENTRIES[request.param], HUB))
    return Graph().parse(data=text, format="json-ld", publicID="https://doc.example/")


def test_croissant_has_every_required_property_of_every_class(graph: Graph) -> None:
    for kind, properties in REQUIRED.items():
        nodes = set(graph.subjects(RDF.type, kind))
        assert nodes, kind
        lacking = [(n, p) for n in nodes for p in properties if graph.value(n, p) is None]
        assert lacking == []
    conforms = URIRef("http://purl.org/dc/terms/conformsTo")
    [dataset] = graph.subjects(RDF.type, SC.Dataset)
    assert [str(o) for o in graph.objects(dataset, conforms)] == [SPECIFICATION]


def test_croissant_sources_lead_to_files_and_files_to_the_version(graph: Graph) -> None:
    files = set(graph.subjects(RDF.type, CR.FileSet))
    for source in graph.objects(None, CR.source):
        assert graph.value(source, CR.fileSet) in files
        column = graph.value(graph.value(source, CR.extract), CR.column)
        assert column is not None
    (version,) = graph.subjects(RDF.type, CR.FileObject)
    assert {graph.value(file, SC.containedIn) for file in files} == {version}


def test_croissant_names_each_column_of_the_common_data_model_once(graph: Graph) -> None:
    fields = list(graph.subjects(RDF.type, CR.Field))
    assert len(fields) == sum(len(table.columns) for table in CORE)
    types = {str(o) for field in fields for o in graph.objects(field, CR.dataType)}
    assert types <= {str(SC[name]) for name in ("Text", "Integer", "Float", "Boolean", "Date")}


@pytest.mark.parametrize("language", ["en", "sv"])
def test_schema_org_says_what_search_engines_ask_for(language: str) -> None:
    for entry in ENTRIES:
        body = schema_org(entry, language, ADDRESS)
        for name in ("name", "description", "license", "creator", "identifier", "url"):
            assert body[name], name
        assert 50 <= len(str(body["description"])) <= 5000
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", str(body["datePublished"]))
