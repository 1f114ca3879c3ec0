"""A withdrawn dataset as RDF: gone, and in each form the same small graph, judged by shapes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from rdflib import RDF, Graph, Literal, URIRef
from rdflib.compare import isomorphic
from rdflib.namespace import PROV, XSD

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.adapters.rdf.shapes import FAIR_DATA_POINT, shapes
from tessera.adapters.rdf.terms import ADMS, DCAT, DCT, FDP, HEALTH
from tessera.domain.catalogue.notice import Notice, NoticeKind
from tessera.domain.ids import DatasetId
from tests.conformance.test_fair_data_point import BASE, FORMS, PUBLISHED, judged
from tests.hub_trial import NOW, released, served, trial_hub

pytestmark = pytest.mark.filterwarnings(
    "ignore:ConjunctiveGraph is deprecated:DeprecationWarning"  # rdflib's own JSON-LD parser
)
PATH = "/datasets/linkoping/prostate-mr"
IRI = URIRef(BASE + PATH)
AT = NOW + timedelta(days=3)
SUFFIXES = {"ttl": "turtle", "jsonld": "json-ld", "rdf": "xml", "nt": "nt"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("tombstone")
    with trial_hub(folder / "hub") as trial:
        node = trial.joined(Ed25519Signer.create(folder / "node.key"))
        for name in ("prostate-mr", "breast-mg"):
            trial.hub.catalogued.publish(node, replace(released(name).value, data_use=()))
        notice = Notice(
            dataset_id=DatasetId("prostate-mr"),
            kind=NoticeKind.WITHDRAWN,
            at=AT,
            reason='Consent was asked for "anew" <here>.',
            successor=DatasetId("breast-mg"),
        )
        trial.hub.catalogued.take_notice(node, notice)
        with served(trial.hub) as url, httpx.Client(base_url=url, trust_env=False) as client:
            yield client


def left(hub: httpx.Client, path: str, media: str) -> Graph:
    reply = hub.get(path, headers={"Accept": media}, follow_redirects=False)
    assert reply.status_code == 410, path
    assert reply.headers["content-type"].partition(";")[0] == media
    return Graph().parse(data=reply.content, format=FORMS[media])


def test_what_is_left_names_the_dataset_and_says_when_and_why(hub: httpx.Client) -> None:
    graph = left(hub, PATH, "text/turtle")
    at = Literal(AT.isoformat(), datatype=XSD.dateTime)
    withdrawn = "http://publications.europa.eu/resource/authority/dataset-status/WITHDRAWN"
    assert graph.value(IRI, ADMS.status) == URIRef(withdrawn)
    assert graph.value(IRI, DCT.identifier) == Literal(str(IRI), datatype=XSD.anyURI)
    assert Literal("Dataset prostate-mr", lang="en") in graph.objects(IRI, DCT.title)
    assert graph.value(IRI, DCT.modified) == graph.value(IRI, PROV.invalidatedAtTime) == at
    assert graph.value(IRI, DCT.isReplacedBy) == URIRef(f"{BASE}/datasets/linkoping/breast-mg")
    act = graph.value(IRI, PROV.wasInvalidatedBy)
    assert graph.value(act, RDF.type) == PROV.Activity
    assert str(graph.value(act, DCT.description)) == 'Consent was asked for "anew" <here>.'
    # Nothing of the data itself, and no person to write to.
    for told in (HEALTH.numberOfUniqueIndividuals, DCAT.distribution, DCAT.contactPoint):
        assert graph.value(IRI, told) is None


def test_it_is_the_same_in_each_form_and_at_each_layer(hub: httpx.Client) -> None:
    first = left(hub, PATH, "text/turtle")
    for media in FORMS:
        for path in (PATH, f"{PATH}/images", f"{PATH}/tables", f"/api/v1{PATH}"):
            assert isomorphic(first, left(hub, path, media)), (path, media)
    for suffix, form in SUFFIXES.items():
        reply = hub.get(f"/api/v1{PATH}.{suffix}")
        assert reply.status_code == 410
        assert isomorphic(first, Graph().parse(data=reply.content, format=form))


def test_it_conforms_to_dcat_ap_and_to_the_record_of_a_fair_data_point(hub: httpx.Client) -> None:
    point = Graph().parse(data=shapes(FAIR_DATA_POINT), format="turtle")
    european = Graph().parse(PUBLISHED / "shapes.ttl").parse(PUBLISHED / "range.ttl")
    graph = left(hub, PATH, "text/turtle")
    assert judged(graph, point) == ""
    assert judged(graph, european) == ""
    for predicate, shape in ((DCT.title, european), (FDP.metadataModified, point)):
        broken = left(hub, PATH, "text/turtle")
        broken.remove((IRI, predicate, None))
        assert judged(broken, shape) != ""


def test_a_catalogue_names_it_no_more(hub: httpx.Client) -> None:
    for path in ("/catalogue.ttl", "/catalogue.nt"):
        text = hub.get(path).text
        assert "breast-mg" in text and "prostate-mr" not in text
    record = hub.get("/catalogue", headers={"Accept": "text/turtle"}).text
    assert "breast-mg" in record and "prostate-mr" not in record
