"""Everything that the hub publishes as RDF, walked as a FAIR Data Point and judged by shapes."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from pyshacl import validate
from rdflib import Graph, URIRef
from rdflib.compare import isomorphic
from rdflib.namespace import RDF, SH

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.adapters.rdf.shapes import DATASETS, FAIR_DATA_POINT, shapes
from tessera.adapters.rdf.terms import DCAT, FDP, LDP
from tests.hub_trial import TrialHub, released, served, trial_hub

pytestmark = pytest.mark.filterwarnings(
    "ignore:ConjunctiveGraph is deprecated:DeprecationWarning"  # rdflib's own JSON-LD parser
)
FORMS = {
    "text/turtle": "turtle",
    "application/ld+json": "json-ld",
    "application/rdf+xml": "xml",
    "application/n-triples": "nt",
}
BASE = "https://hub.example.org"
PUBLISHED = Path(__file__).parent / "shapes" / "dcat-ap-3.0.1"


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrialHub]:
    folder = tmp_path_factory.mktemp("fdp")
    with trial_hub(folder / "hub") as trial:
        node = trial.joined(Ed25519Signer.create(folder / "node.key"))
        for name in ("prostate-mr", "breast-mg"):
            # DCAT-AP allows one dct:rights where EUCAIM DCAT-AP asks for all.
            one_right = replace(released(name).value, data_use=())
            trial.hub.catalogued.publish(node, one_right)
        yield trial


@pytest.fixture(scope="module")
def hub(trial: TrialHub) -> Iterator[httpx.Client]:
    with served(trial.hub) as url, httpx.Client(base_url=url, trust_env=False) as client:
        yield client


def record(hub: httpx.Client, iri: str, media: str = "text/turtle") -> Graph:
    reply = hub.get(iri.removeprefix(BASE), headers={"Accept": media}, follow_redirects=False)
    assert reply.status_code == 200, iri
    assert reply.headers["content-type"].partition(";")[0] == media
    assert "Accept" in reply.headers["vary"]
    return Graph().parse(data=reply.content, format=FORMS[media])


def walked(hub: httpx.Client) -> dict[str, Graph]:
    """Return every record that is reached from the root by the layers' own properties."""
    found: dict[str, Graph] = {}
    todo = [f"{BASE}/fdp"]
    while todo:
        iri = todo.pop()
        graph = found[iri] = record(hub, iri)
        for relation in (FDP.metadataCatalog, DCAT.dataset, DCAT.distribution):
            todo += [str(o) for o in graph.objects(URIRef(iri), relation) if str(o) not in found]
    return found


def judged(graph: Graph, shape: Graph) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        conforms, report, text = validate(graph, shacl_graph=shape, inference="none")
    assert conforms == (not set(report.subjects(RDF.type, SH.ValidationResult)))
    return "" if conforms else str(text)


def test_every_layer_has_its_own_address_and_says_what_it_is(hub: httpx.Client) -> None:
    found = walked(hub)
    assert len(found) == 1 + 1 + 2 + 4
    kinds = {iri: set(graph.objects(URIRef(iri), RDF.type)) for iri, graph in found.items()}
    assert {FDP.FAIRDataPoint, FDP.MetadataService} <= kinds[f"{BASE}/fdp"]
    assert DCAT.Catalog in kinds[f"{BASE}/catalogue"]
    dataset = f"{BASE}/datasets/linkoping/prostate-mr"
    assert DCAT.Dataset in kinds[dataset]
    assert DCAT.Distribution in kinds[f"{dataset}/images"]
    assert DCAT.Distribution in kinds[f"{dataset}/tables"]
    for graph in found.values():
        for container in graph.subjects(RDF.type, LDP.DirectContainer):
            owner = graph.value(container, LDP.membershipResource)
            relation = graph.value(container, LDP.hasMemberRelation)
            members = set(graph.objects(container, LDP.contains))
            assert members == set(graph.objects(owner, relation))
            assert members


def test_every_record_says_the_same_in_each_form(hub: httpx.Client) -> None:
    for iri in walked(hub):
        first, *others = (record(hub, iri, media) for media in FORMS)
        assert all(isomorphic(first, other) for other in others), iri


def test_all_that_is_published_conforms(hub: httpx.Client) -> None:
    own = Graph().parse(data=shapes(DATASETS), format="turtle")
    point = Graph().parse(data=shapes(FAIR_DATA_POINT), format="turtle")
    european = Graph().parse(PUBLISHED / "shapes.ttl").parse(PUBLISHED / "range.ttl")
    everything = Graph()
    for graph in walked(hub).values():
        everything += graph
    # A union: what a record names, another describes.
    assert judged(everything, point) == ""
    assert judged(everything, own) == ""
    for path in ("/catalogue.ttl", "/catalogue.jsonld"):
        form = {"l": "turtle", "d": "json-ld"}[path[-1]]
        whole = Graph().parse(data=hub.get(path).content, format=form)
        assert judged(whole, own) == ""
        assert judged(whole, european) == ""
    for name in ("prostate-mr.ttl", "prostate-mr.jsonld"):
        reply = hub.get(f"/api/v1/datasets/linkoping/{name}")
        form = "turtle" if name.endswith("ttl") else "json-ld"
        assert judged(Graph().parse(data=reply.content, format=form), own) == ""


@pytest.mark.parametrize(
    "predicate",
    [FDP.metadataCatalog, FDP.metadataIdentifier, FDP.conformsToFdpSpec, LDP.hasMemberRelation],
)
def test_a_root_without_what_the_specification_asks_for_does_not_conform(
    hub: httpx.Client, predicate: URIRef
) -> None:
    graph = record(hub, f"{BASE}/fdp")
    graph.remove((None, predicate, None))
    assert judged(graph, Graph().parse(data=shapes(FAIR_DATA_POINT), format="turtle"))


def test_a_browser_gets_pages_where_there_are_some_and_is_led_to_them_elsewhere(
    hub: httpx.Client,
) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}

    def got(path: str) -> tuple[int, str]:
        reply = hub.get(path, headers=browser, follow_redirects=False)
        return reply.status_code, reply.headers.get("location", "")

    assert got("/catalogue") == (200, "")
    assert got("/datasets/linkoping/prostate-mr") == (200, "")
    assert got("/fdp") == (303, "/catalogue")
    assert got("/datasets/linkoping/prostate-mr/images") == (
        303,
        "/datasets/linkoping/prostate-mr",
    )


def test_what_is_not_there_is_no_record(hub: httpx.Client) -> None:
    for path in ("/datasets/linkoping/gone", "/datasets/linkoping/prostate-mr/else"):
        reply = hub.get(path, headers={"Accept": "text/turtle"})
        assert reply.status_code == 404


def test_a_dataset_has_a_croissant_record_to_download(hub: httpx.Client) -> None:
    reply = hub.get("/api/v1/datasets/linkoping/prostate-mr.croissant.json")
    assert reply.headers["content-type"] == "application/ld+json"
    assert "prostate-mr-v1.croissant.json" in reply.headers["content-disposition"]
    page = reply.json()["url"]
    assert page.startswith(f"{BASE}/")
    assert hub.get(page.removeprefix(BASE), headers={"Accept": "text/html"}).status_code == 200
