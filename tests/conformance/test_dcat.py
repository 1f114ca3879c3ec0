"""Descriptions as RDF, judged by SHACL: the EUCAIM profile's tables, and DCAT-AP's own shapes."""

import json
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyshacl import validate
from rdflib import Graph, URIRef
from rdflib.namespace import SH

from tessera.adapters.rdf import catalogue_graph, dataset_graph, jsonld, turtle
from tessera.adapters.rdf.mandatory import missing_properties
from tessera.adapters.rdf.shapes import DATASETS
from tessera.adapters.rdf.shapes import shapes as shape_text
from tessera.adapters.rdf.terms import ADMS, DCAT, EUCAIM, HEALTH
from tessera.domain.catalogue.description import Agent, DatasetDescription, Facet
from tessera.domain.catalogue.entry import CatalogueEntry, NodeSummary
from tessera.domain.catalogue.faults import FaultyDescription, description_faults, require_sound
from tessera.domain.cohort.disclosure import CountPolicy, disclose_description
from tessera.domain.ids import DatasetId, NodeId

BASE = "https://hub.example.org"
NOW = datetime(2025, 2, 1, 12, tzinfo=UTC)
PUBLISHED = Path(__file__).parent / "shapes" / "dcat-ap-3.0.1"
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
    results = set(report.objects(None, SH.result))
    paths = {path for result in results for path in report.objects(result, SH.resultPath)}
    assert conforms == (not results)
    return [] if conforms else sorted(map(str, paths)) or ["node"]


@pytest.fixture(scope="module")
def shapes() -> Graph:
    return Graph().parse(data=shape_text(DATASETS), format="turtle")


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


@pytest.mark.parametrize("name", ["shapes.ttl", "range.ttl"])
def test_dcat_conforms_to_the_published_shapes_of_dcat_ap_3(name: str) -> None:
    # DCAT-AP allows one dct:rights where EUCAIM DCAT-AP asks for all (docs/conformance/dcat.md).
    one_right = described(access_conditions=("remote-processing",), data_use=())
    assert violations(catalogue_of(one_right), Graph().parse(PUBLISHED / name)) == []


NOBODY = Agent("Region Östergötland")
BROKEN: dict[str, dict[str, object]] = {
    "no English title": {"title": {"sv": "MR av prostata"}},
    "an empty title": {"title": {"en": "Prostate MR", "sv": " "}},
    "no description": {"description": {}},
    "an empty description": {"description": {"en": ""}},
    "an empty keyword": {"keywords": ("mpMRI", "")},
    "no publisher's name": {"publisher": replace(HOLDER, name=" ")},
    "nobody to ask": {"publisher": NOBODY, "contact": NOBODY},
    "a contact without an address": {"contact": NOBODY},
    "an e-mail address that is none": {"contact": Agent("Office", "data at example")},
    "a publisher's e-mail address that is none": {"publisher": replace(HOLDER, email="x")},
    "a page without https": {"contact": Agent("Office", url="www.example.org")},
    "no access condition": {"access_conditions": ()},
    "an unknown access condition": {"access_conditions": ("download", "by post")},
    "a data use condition of another list": {"data_use": ("DUO_0000005", "DUO_0000042")},
    "a version before the first": {"version": 0},
    "a hash cut short": {"manifest_sha256": "ab" * 31},
    "a negative size": {"n_bytes": -5},
    "too few subjects to tell": {"n_subjects": None},
    "too few studies to tell": {"n_studies": None},
    "fewer than no subjects": {"n_subjects": -1},
    "two faults": {"title": {"en": ""}, "data_use": ("DUO_1",)},
}
_NAMES = {
    "http://purl.org/dc/terms/": "dct:",
    "http://www.w3.org/ns/dcat#": "dcat:",
    "http://www.w3.org/ns/adms#": "adms:",
    "http://healthdataportal.eu/ns/health#": "healthdcatap:",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_dcat_plain_validation_and_the_shapes_find_the_same_properties(
    broken: str, shapes: Graph
) -> None:
    description = described(**BROKEN[broken])
    faults = description_faults(description)
    assert all(fault.wrong and fault.mend for fault in faults)
    by_shapes = set()
    for path in violations(graph_of(description), shapes):
        space = next(space for space in _NAMES if path.startswith(space))
        by_shapes.add(_NAMES[space] + path.removeprefix(space))
    assert {fault.property for fault in faults} == by_shapes
    assert faults


def test_dcat_plain_validation_finds_nothing_in_what_conforms(shapes: Graph) -> None:
    for sound in (described(), described(contact=Agent("Office", url="https://a.example/x?y=1"))):
        assert description_faults(sound) == ()
        assert violations(graph_of(sound), shapes) == []


def test_dcat_all_faults_of_the_words_are_told_at_once() -> None:
    with pytest.raises(FaultyDescription) as told:
        require_sound(described(title={"en": ""}, contact=Agent("Office"), data_use=("DUO_1",)))
    text = str(told.value)
    assert "dct:title" in text
    assert "dcat:contactPoint" in text
    assert "'DUO_1' is none of the profile's data use conditions; use one of" in text


def test_dcat_of_several_cancers_and_of_controls_conforms_and_says_no_untruth(
    shapes: Graph,
) -> None:
    several = described(facets={"cancer": (Facet("prostate", 90), Facet("breast", 50))})
    graph = graph_of(several)
    assert violations(graph, shapes) == []
    keywords = {str(word) for word in graph.objects(None, DCAT.keyword)}
    assert {"Prostate", "Breast"} <= {word.split()[0].capitalize() for word in keywords}
    none = (Facet("prostate", None), Facet("breast", None))
    controls = graph_of(described(population=("control",), facets={"cancer": none}))
    assert violations(controls, shapes) == []
    assert controls.value(None, EUCAIM.hasCondition) is None
    assert missing_properties(controls, URIRef(f"{BASE}/datasets/linkoping/prostate-mr")) == ()
    controls.remove((None, HEALTH.populationCoverage, None))
    assert violations(controls, shapes)


def test_dcat_change_note_is_the_versions_note_and_conforms(shapes: Graph) -> None:
    graph = graph_of(described(change_note="Ten more patients; the stage is now TNM 8."))
    notes = list(graph.objects(None, ADMS.versionNotes))
    assert [str(note) for note in notes] == ["Ten more patients; the stage is now TNM 8."]
    assert violations(graph, shapes) == []
    assert not list(graph_of(described()).objects(None, ADMS.versionNotes))
