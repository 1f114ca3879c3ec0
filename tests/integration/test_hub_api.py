"""REST, RDF and the Python client against a hub on a real socket."""

import asyncio
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from rdflib import DCAT, RDF, Graph

import tessera
from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.domain.cohort.fields import DISTRIBUTED
from tessera.domain.cohort.result import Outcome
from tessera.domain.errors import InvalidInput, InvalidQuery, NotFound, Refused, Unavailable
from tessera.http.limits import Rate
from tessera.hub.searching import Searching
from tessera.ports.hub_store import NodeRecord
from tessera.wire.answers import ReceivedAnswer, ReceivedDatasetAnswer
from tessera.wire.envelope import MessageType
from tests.hub_trial import NOW, TrialHub, released, served, trial_hub
from tests.unit.wire.vectors import record

# rdflib's own JSON-LD parser makes the graph class that rdflib has deprecated.
_RDFLIB = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
MEN = "cancer = prostate and modality = MR"


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[TrialHub]:
    with trial_hub(tmp_path / "hub") as trial:
        yield trial


@pytest.fixture
def node(trial: TrialHub, tmp_path: Path) -> NodeRecord:
    node = trial.joined(Ed25519Signer.create(tmp_path / "node.key"))
    for version in (1, 2):
        description = released(version=version).value
        trial.hub.catalogued.publish(node, description)
    return node


@pytest.fixture
def url(trial: TrialHub, node: NodeRecord) -> Iterator[str]:
    with served(trial.hub) as url:
        yield url


def get(address: str, **headers: str) -> httpx.Response:
    return httpx.get(address, headers=headers, trust_env=False)


def test_the_client_reads_the_catalogue(url: str) -> None:
    with tessera.Client(url) as client:
        (entry,) = client.datasets()
        assert entry.description == released(version=2).value
        assert entry.versions == (1, 2)
        assert entry.node.name == "Linköping"
        assert client.dataset("linkoping", "prostate-mr") == entry
        assert client.dataset("linkoping", "prostate-mr", 1).description.version == 1
        assert [n.node_id for n in client.nodes()] == ["linkoping"]
        with pytest.raises(NotFound):
            client.dataset("linkoping", "nothing")
        with pytest.raises(NotFound):
            client.answers("nothing")


def test_the_client_says_where_a_query_is_wrong(url: str) -> None:
    with tessera.Client(url) as client, pytest.raises(InvalidQuery) as refused:
        client.search("cancer = prostate and modalty = MR")
    assert refused.value.position == 22
    assert "modality" in refused.value.mend


def test_the_client_says_when_there_is_no_hub(url: str) -> None:
    with tessera.Client("http://127.0.0.1:9") as client, pytest.raises(Unavailable):
        client.datasets()
    with tessera.Client(f"{url}/about") as client, pytest.raises((NotFound, Unavailable)):
        client.datasets()
    with pytest.raises(InvalidInput):
        tessera.Client("hub.example.org")


@_RDFLIB
def test_a_dataset_is_json_or_rdf_by_accept_and_by_suffix(url: str) -> None:
    address = f"{url}/api/v1/datasets/linkoping/prostate-mr"
    assert get(address).json()["description"]["n_subjects"] == 30
    for answer in (get(address, Accept="text/turtle"), get(f"{address}.ttl")):
        assert answer.headers["content-type"].startswith("text/turtle")
        graph = Graph().parse(data=answer.text, format="turtle")
        (subject,) = graph.subjects(RDF.type, DCAT.Dataset)
        assert str(subject) == "https://hub.example.org/datasets/linkoping/prostate-mr"
    for answer in (get(address, Accept="application/ld+json"), get(f"{address}.jsonld")):
        graph = Graph().parse(data=answer.text, format="json-ld")
        assert (subject, RDF.type, DCAT.Dataset) in graph
    assert get(f"{address}.xml").status_code == 404
    assert get(f"{address}?version=x").json()["key"] == "version"


@_RDFLIB
def test_the_catalogue_is_rdf_too(url: str) -> None:
    for answer, form in (
        (get(f"{url}/catalogue.ttl"), "turtle"),
        (get(f"{url}/catalogue.jsonld"), "json-ld"),
        (get(f"{url}/api/v1/datasets", Accept="text/turtle"), "turtle"),
    ):
        graph = Graph().parse(data=answer.text, format=form)
        assert len(list(graph.subjects(RDF.type, DCAT.Catalog))) == 1
        assert len(list(graph.subjects(RDF.type, DCAT.Dataset))) == 1


def test_a_search_without_a_node_in_touch_says_so_at_once(trial: TrialHub, url: str) -> None:
    with tessera.Client(url) as client:
        result = client.search(MEN)
    assert result.complete
    assert result.results[0].outcome is Outcome.NO_ANSWER
    assert "since it joined" in result.results[0].detail


def test_a_search_has_an_address_of_its_own(url: str) -> None:
    body = {"query": MEN, "wait_s": 0}
    asked = httpx.post(f"{url}/api/v1/search", json=body, trust_env=False)
    assert asked.status_code == 201
    again = get(f"{url}{asked.headers['location']}").json()
    assert again["query"] == MEN
    assert [c["level"] for c in again["explained"]] == ["condition", "series"]
    table = get(f"{url}{asked.headers['location']}.csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.splitlines()[0].startswith("node,country,dataset_id")
    assert len(table.text.splitlines()) == 1 + len(again["results"])
    assert get(f"{url}/api/v1/search/nothing.csv").status_code == 404
    values = get(f"{url}{asked.headers['location']}/distributions.csv")
    assert values.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(values.text)))
    assert len(lines) == len(again["results"]) * len(DISTRIBUTED)
    assert {line["state"] for line in lines} == {"no_answer"}
    assert get(f"{url}/api/v1/search/nothing/distributions.csv").status_code == 404


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b"{}", "query"),
        (b"[]", "body"),
        (b"\xff", "body"),
        (b'{"query": 3}', "query"),
        (b'{"query": "sex = male", "wait_s": 31}', "wait_s"),
        (b'{"query": "sex = male", "wait_s": "nan"}', "wait_s"),
        (b'{"query": "sex = male", "wait_s": true}', "wait_s"),
    ],
)
def test_a_wrong_body_names_the_key(url: str, body: bytes, key: str) -> None:
    answer = httpx.post(f"{url}/api/v1/search", content=body, trust_env=False)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["key"] == key


def test_every_answer_carries_the_headers_that_keep_a_browser_safe(url: str) -> None:
    for path in ("/", "/api/v1/health", "/nothing", "/catalogue.ttl", "/link/v1/poll"):
        headers = get(f"{url}{path}").headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_a_person_gets_a_page_and_a_program_a_problem(url: str) -> None:
    page = get(f"{url}/nothing", Accept="text/html")
    assert (page.status_code, page.headers["content-type"][:9]) == (404, "text/html")
    for path in ("/nothing", "/api/v1/nothing"):
        answer = get(f"{url}{path}", Accept="application/json")
        assert answer.headers["content-type"] == "application/problem+json"


def test_an_address_that_asks_too_often_is_told_to_wait(trial: TrialHub) -> None:
    with (
        served(trial.hub, searches=Rate(burst=2, per_second=0)) as url,
        tessera.Client(url) as client,
    ):
        for _ in range(2):
            client.search(MEN)
        with pytest.raises(Refused, match="wait a little"):
            client.search(MEN)
        client.datasets()


def _answers() -> tuple[ReceivedDatasetAnswer, ...]:
    return ReceivedAnswer.from_json(record.bodies()[MessageType.ANSWER]).answers


def _counted(search_id: str) -> ReceivedAnswer:
    body = record.bodies()[MessageType.ANSWER]
    changes = {"version": 2, "created": NOW.isoformat()}
    answers = [{**answer, **changes} for answer in body["answers"][:1]]  # type: ignore[index]
    return ReceivedAnswer.from_json({"search_id": search_id, "answers": answers})


def test_a_search_ends_when_the_last_node_in_touch_has_answered(
    trial: TrialHub, node: NodeRecord
) -> None:
    trial.store.nodes.seen(node.node_id, trial.clock.at, "tessera test")
    searching: Searching = trial.hub.searching

    async def asked() -> None:
        started = searching.start(MEN)
        assert not started.complete
        assert started.results[0].detail == "The node has not answered yet."
        waiting = asyncio.create_task(searching.wait(started.search_id, 10))
        (task,), _ = await trial.hub.reception.calling.poll(node, 10)
        assert await trial.hub.reception.calling.poll(node, 0) == ((), ())
        assert searching.answer(node, _counted(task.search_id)) == 1
        assert searching.answer(node, _counted(task.search_id)) == 0
        found = await waiting
        assert found.complete
        assert (found.results[0].outcome, found.n_subjects) == (Outcome.COUNTED, 30)

    asyncio.run(asked())


def test_a_waiting_poll_gets_the_query_and_the_newer_poll_wins(
    trial: TrialHub, node: NodeRecord
) -> None:
    trial.store.nodes.seen(node.node_id, trial.clock.at, "tessera test")

    async def asked() -> None:
        older = asyncio.create_task(trial.hub.reception.calling.poll(node, 25))
        await asyncio.sleep(0)
        newer = asyncio.create_task(trial.hub.reception.calling.poll(node, 25))
        assert await older == ((), ())
        trial.hub.searching.start(MEN)
        (task,), _ = await newer
        assert [(d.dataset_id, d.version) for d in task.datasets] == [("prostate-mr", 2)]

    asyncio.run(asked())


def test_a_node_that_does_not_answer_in_time_is_no_answer_and_may_be_late(
    trial: TrialHub, node: NodeRecord
) -> None:
    trial.store.nodes.seen(node.node_id, trial.clock.at, "tessera test")
    started = trial.hub.searching.start(MEN)
    trial.clock.pass_s(10.1)
    found = trial.hub.search(started.search_id)
    assert found.complete
    assert found.results[0].outcome is Outcome.NO_ANSWER
    assert found.results[0].last_seen == NOW
    assert "did not answer in time" in found.results[0].detail
    trial.hub.searching.answer(node, _counted(started.search_id))
    assert trial.hub.search(started.search_id).results[0].outcome is Outcome.COUNTED


def test_a_node_cannot_answer_for_another_nor_unasked(
    trial: TrialHub, node: NodeRecord, tmp_path: Path
) -> None:
    other = trial.joined(Ed25519Signer.create(tmp_path / "other.key"), "València")
    started = trial.hub.searching.start(MEN)
    assert trial.hub.searching.answer(other, _counted(started.search_id)) == 0
    assert trial.hub.searching.answer(node, _counted("unknown")) == 0
    unasked = ReceivedAnswer(search_id=started.search_id, answers=_answers()[1:])
    assert trial.hub.searching.answer(node, unasked) == 0
    assert trial.hub.search(started.search_id).n_subjects == 0


def test_a_stopping_hub_ends_every_wait(trial: TrialHub, node: NodeRecord) -> None:
    trial.store.nodes.seen(node.node_id, trial.clock.at, "tessera test")

    async def stopped() -> None:
        started = trial.hub.searching.start(MEN)
        await trial.hub.reception.calling.poll(node, 0)
        waits = (
            trial.hub.reception.calling.poll(node, 25),
            trial.hub.searching.wait(started.search_id, 25),
        )
        waiting = [asyncio.create_task(wait) for wait in waits]
        await asyncio.sleep(0)
        trial.hub.stop()
        await asyncio.wait_for(asyncio.gather(*waiting), 1)

    asyncio.run(stopped())


def test_each_route_is_in_the_reference(trial: TrialHub) -> None:
    from tessera.http import api, link

    pages = Path(__file__).parents[2] / "docs" / "reference"
    text = (pages / "http-api.md").read_text("utf-8") + (pages / "link.md").read_text("utf-8")
    routes = [*api.routes(trial.hub), *link.routes(trial.hub.reception.receive)]
    missing = [r.path for r in routes if re.sub(r"\s", "", r.path) not in text]
    assert not missing
