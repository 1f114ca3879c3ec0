"""Descriptions as RDF, judged by SHACL: the EUCAIM profile's tables, and DCAT-AP's own shapes."""

import json
import os
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyshacl import validate
from rdflib import Graph, URIRef

from tessera.adapters.rdf import catalogue_graph, dataset_graph, jsonld, turtle
from tessera.domain.catalogue.description import Agent, DatasetDescription, Facet
from tessera.domain.catalogue.entry import CatalogueEntry, NodeSummary
from tessera.domain.cohort.disclosure import CountPolicy, disclose_description
from tessera.domain.ids import DatasetId, NodeId

BASE = "https://hub.example.org"
NOW = datetime(2025, 2, 1, 12, tzinfo=UTC)
SHAPES = Path(__file__).parent / "shapes" / "eucaim-dcat-ap-2.0.ttl"
HOLDER = Agent("Region Östergötland", "data@example.org", "https://www.example.org/")


def described(**changes: object) -> DatasetDescription:
    exact = DatasetDescription(
        dataset_id=DatasetId("prostate-mr"),
        version=2,
        title={"en": "Prostate MR", "sv": "MR av prostata"},
        description={"en": "Multiparametric MR of the prostate."},
        keywords=("mpMRI",),
        publisher=HOLDER,
        contact=HOLDER,
        country="SE",
        language="sv",
        created=NOW,
        manifest_sha256="ab" * 32,
        n_subjects=143,
        n_studies=201,
        n_series=1400,
        n_instances=90_000,
        n_bytes=12_000_000_000,
        facets={
            "sex": (Facet("male", 143),),
            "population": (Facet("cancer", 143),),
            "age_at_diagnosis": (Facet("50-59", 40), Facet("60-69", 103)),
            "cancer": (Facet("prostate", 143),),
            "stage": (Facet("II", 100), Facet("III", 43)),
            "modality": (Facet("MR", 143), Facet("PT", 40)),
            "body_part": (Facet("PROSTATE", 143),),
            "manufacturer": (Facet("GE MEDICAL SYSTEMS", 60), Facet("SIEMENS", 83)),
        },
        population=("cancer",),
        collection_methods=("patient-based", "disease-specific"),
        access_conditions=("in-situ-processing", "remote-processing"),
        data_use=("DUO_0000042",),
        deid_profile="basic 2025a",
    )
    released = disclose_description(exact, CountPolicy())
    return replace(released.value, **changes)  # type: ignore[arg-type]


def graph_of(description: DatasetDescription) -> Graph:
    return dataset_graph(description, base_iri=BASE, node_name="Linköping", node_id="linkoping")


def catalogue_of(*descriptions: DatasetDescription) -> Graph:
    node = NodeSummary(
        node_id=NodeId("linkoping"),
        name="Linköping",
        country="SE",
        approved=True,
        last_seen=NOW,
        online=True,
    )
    entries = [CatalogueEntry(node=node, description=d, published_at=NOW) for d in descriptions]
    return catalogue_graph(entries, BASE, "Cancer images of Europe")


def violations(graph: Graph, shapes: Graph) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        conforms, report, _text = validate(graph, shacl_graph=shapes, inference="none")
    path = URIRef("http://www.w3.org/ns/shacl#resultPath")
    found = sorted({str(value) for value in report.objects(None, path)})
    assert conforms or report
    return [] if conforms else found or ["node"]


@pytest.fixture(scope="module")
def shapes() -> Graph:
    return Graph().parse(SHAPES)


def test_dcat_of_a_described_dataset_conforms_to_the_eucaim_profile(shapes: Graph) -> None:
    assert violations(graph_of(described()), shapes) == []


def test_dcat_of_the_catalogue_conforms_to_the_eucaim_profile(shapes: Graph) -> None:
    other = described(dataset_id=DatasetId("second"), facets={})
    assert violations(catalogue_of(described(), other), shapes) == []
    assert violations(catalogue_of(), shapes) == []


@pytest.mark.parametrize(
    ("predicate", "why"),
    [
        ("http://purl.org/dc/terms/title", "a title is mandatory"),
        ("http://purl.org/dc/terms/accessRights", "access rights are mandatory"),
        ("http://www.w3.org/ns/dcat#contactPoint", "a contact is mandatory"),
        ("http://www.w3.org/ns/dcat#accessURL", "a distribution says where to ask"),
        ("http://purl.org/dc/terms/rights", "a distribution says how it is accessed"),
        ("https://cancerimage.eu/ontology/EUCAIM#hasCondition", "one condition is mandatory"),
        ("http://healthdataportal.eu/ns/health#hasVariables", "structured data has variables"),
        ("http://xmlns.com/foaf/0.1/name", "a publisher has a name"),
        ("http://data.europa.eu/m8g/contactPoint", "a publisher can be reached"),
    ],
)
def test_dcat_without_a_mandatory_property_does_not_conform(
    predicate: str, why: str, shapes: Graph
) -> None:
    graph = graph_of(described())
    graph.remove((None, URIRef(predicate), None))
    assert violations(graph, shapes), why


def test_dcat_numbers_that_are_too_few_to_tell_are_left_out_of_the_rdf() -> None:
    few = described(n_subjects=None, n_studies=None)
    text = turtle(graph_of(few)).decode()
    assert "numberOfUniqueIndividuals" not in text
    assert "numberOfUniqueIndividuals" in turtle(graph_of(described())).decode()


def test_dcat_of_a_mixed_cohort_names_the_class_that_covers_all_its_cancers() -> None:
    has_condition = URIRef("https://cancerimage.eu/ontology/EUCAIM#hasCondition")
    for cancers, code in (
        (("prostate",), "CLIN1000075"),
        (("colon", "rectum"), "CLIN1000054"),
        (("prostate", "breast"), "CLIN1007977"),
        (("brain",), "CLIN1007977"),
    ):
        facets = {"cancer": tuple(Facet(name, 20) for name in cancers)}
        values = list(graph_of(described(facets=facets)).objects(None, has_condition))
        assert [str(value).rpartition("#")[2] for value in values] == [code]


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")  # rdflib's JSON-LD reader
def test_dcat_turtle_and_json_ld_say_the_same_and_are_the_same_bytes_each_time() -> None:
    graph = graph_of(described())
    assert turtle(graph) == turtle(graph_of(described()))
    assert jsonld(graph) == jsonld(graph_of(described()))
    assert set(Graph().parse(data=turtle(graph), format="turtle")) == set(
        Graph().parse(data=jsonld(graph), format="json-ld")
    )
    assert json.loads(jsonld(graph))["@context"]["dcat"] == "http://www.w3.org/ns/dcat#"


def reference_shapes() -> Path:
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    root = Path(os.environ.get("TESSERA_REFERENCE_DATA", beside))
    return root / "dcat" / "dcat-ap-3.0.1"


@pytest.mark.reference
@pytest.mark.parametrize("name", ["shapes.ttl", "range.ttl"])
def test_dcat_conforms_to_the_published_shapes_of_dcat_ap_3(name: str) -> None:
    path = reference_shapes() / name
    if not path.is_file():
        pytest.skip("the published DCAT-AP 3.0.1 shapes are not there (TESSERA_REFERENCE_DATA)")
    # DCAT-AP allows one dct:rights where EUCAIM DCAT-AP asks for all (docs/conformance/dcat.md).
    one_right = described(access_conditions=("remote-processing",), data_use=())
    assert violations(catalogue_of(one_right), Graph().parse(path)) == []
