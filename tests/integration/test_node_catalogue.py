"""A node is a FAIR Data Point of its own: real node, hub and sockets; a second hub harvests it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from rdflib import BNode, Graph
from rdflib.compare import isomorphic

from tessera.adapters.rdf.shapes import DATASETS, FAIR_DATA_POINT, shapes
from tessera.adapters.rdf.terms import DCAT
from tessera.bootstrap.datasets import create_dataset, publish
from tessera.bootstrap.hub import init_hub
from tessera.bootstrap.node import NodeSettings, init_node
from tests.conformance.test_fair_data_point import judged
from tests.hub_trial import Program, tessera
from tests.integration.test_datasets import REQUEST, put
from tests.receive_trial import free_port

BASE = "https://data.hospital.example"
DATASET = "/datasets/linkoping/cancer-images"
TURTLE = {"Accept": "text/turtle"}


@dataclass(frozen=True)
class Place:
    home: Path
    hub_url: str
    node: httpx.Client


@contextmanager
def serving(home: Path, base: str, port: int) -> Iterator[str]:
    program = Path(sys.executable).with_name("tessera")
    words = ["node", "catalogue", str(home), "--url", base, "--port", str(port)]
    with subprocess.Popen([program, *words], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("node-catalogue")
    home, hub_home, port = folder / "home", folder / "hub", free_port()
    url = f"http://127.0.0.1:{port}"
    tessera("hub", "init", hub_home, "--name", "Trial", "--url", url)
    made = init_node(home, NodeSettings(name="Linköping", country="SE", language="sv"))
    put(made, range(25))
    create_dataset(home, REQUEST)
    hub = Program(folder / "hub.log", ("hub", "run", hub_home, "--port", str(port)))
    hub.wait_for("hub is open at")
    try:
        code = tessera("hub", "invite", hub_home).stdout.strip()
        tessera("node", "join", home, url, code)
        tessera("hub", "approve", hub_home, "linkoping")
        publish(home, "cancer-images", None)
        put(made, range(27))
        create_dataset(home, REQUEST)  # a second version, which is not published
        with (
            serving(home, BASE, 0) as address,
            httpx.Client(base_url=address, trust_env=False) as client,
        ):
            yield Place(home, url, client)
    finally:
        hub.terminate()


def graph(reply: httpx.Response) -> Graph:
    assert reply.status_code == 200, reply.text
    return Graph().parse(data=reply.content, format="turtle")


def test_it_says_what_the_hub_says_under_its_own_address(place: Place) -> None:
    for part in ("", "/images", "/tables"):
        there = httpx.get(f"{place.hub_url}{DATASET}{part}", headers=TURTLE, trust_env=False)
        here = place.node.get(f"{DATASET}{part}")
        assert here.headers["content-type"].startswith("text/turtle")
        assert "cancer-images" in here.text
        assert _facts(here.text.replace(BASE, place.hub_url)) == _facts(there.text), part


TIMES = ("issued", "modified", "metadataIssued", "metadataModified")


def _facts(text: str) -> list[str]:
    """What a record says, but for when it was published: here, and at the hub a moment later."""
    triples = Graph().parse(data=text, format="turtle")
    return sorted(
        " ".join(one.n3() for one in triple)
        for triple in triples
        if not str(triple[1]).rpartition("/")[2].endswith(TIMES)
        and not any(isinstance(one, BNode) for one in triple)
    )


def test_every_layer_conforms_in_every_form(place: Place) -> None:
    everything = Graph()
    for path in ("/fdp", "/catalogue", DATASET, f"{DATASET}/images", f"{DATASET}/tables"):
        first = graph(place.node.get(path))
        everything += first
        for media, form in (("application/rdf+xml", "xml"), ("application/n-triples", "nt")):
            reply = place.node.get(path, headers={"Accept": media})
            assert isomorphic(first, Graph().parse(data=reply.content, format=form))
    for name in (FAIR_DATA_POINT, DATASETS):
        assert judged(everything, Graph().parse(data=shapes(name), format="turtle")) == ""


def test_what_is_not_published_is_not_there(place: Place) -> None:
    said = graph(place.node.get(DATASET))
    assert {str(one) for one in said.objects(predicate=DCAT.version)} == {"1.0.0"}
    for path in (
        "/datasets/linkoping/else",
        "/datasets/other/cancer-images",
        "/datasets/linkoping/..%2f..%2fnode.toml",
        "/api/v1/datasets",
        "/static/tessera.css",
        f"{DATASET}/manifest.json",
    ):
        assert place.node.get(path).status_code == 404, path
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert place.node.request(method, DATASET).status_code == 405
    assert place.node.post("/fdp", content=b"x" * 2000).status_code in (405, 413)


def test_a_second_hub_harvests_the_node(place: Place, tmp_path: Path) -> None:
    second = tmp_path / "second"
    init_hub(second, name="Second", url="https://second.example.org")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with serving(place.home, url, port) as address:
        assert address == f"{url}/"
        tessera("hub", "harvest", "add", second, f"{url}/fdp", "--allow-private", "--every", "0")
        (told,) = json.loads(tessera("hub", "harvest", "run", second, "--json").stdout)
        assert (told["state"], told["datasets"], told["new"]) == ("whole", 1, 1)

        tessera("node", "dataset", "withdraw", place.home, "cancer-images", "--reason", "Anew.")
        assert httpx.get(f"{url}{DATASET}", trust_env=False).status_code == 404
        (told,) = json.loads(tessera("hub", "harvest", "run", second, "--json").stdout)
        assert (told["state"], told["withdrawn"]) == ("whole", 1)


def test_a_node_without_a_hub_has_nothing_to_show(tmp_path: Path) -> None:
    tessera("node", "init", tmp_path / "n", "--name", "A", "--country", "SE")
    none = tessera("node", "catalogue", tmp_path / "n", "--url", BASE, check=False)
    assert none.returncode == 1
    assert "joined no hub" in none.stderr
    wrong = tessera("node", "catalogue", tmp_path / "n", "--url", "ftp://x", check=False)
    assert wrong.returncode == 1
    assert "https://" in wrong.stderr
