"""A node answers the EUCAIM explorer's query agent: over HTTP, from a real dataset version."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tessera.adapters.link.folder import LinkFolder
from tessera.bootstrap.audit import entries
from tessera.bootstrap.datasets import create_dataset, release_dataset
from tessera.bootstrap.node import Node, NodeSettings, init_node
from tessera.ports.hub_link import AnsweredVersion
from tests.integration.test_datasets import REQUEST, put

QUERIES = Path(__file__).parents[1] / "explorer_queries"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    home = tmp_path_factory.mktemp("explorer") / "home"
    made = init_node(
        home, NodeSettings(name="Linköping", country="SE", language="sv", count_noise=0)
    )
    put(made, range(25))
    for number in (1, 2):  # only the newer of two published versions answers
        folder = create_dataset(home, REQUEST).folder
        described = release_dataset(home, "cancer-images").value
        LinkFolder(home / "link").add_answered(
            AnsweredVersion(
                dataset_id=described.dataset_id,
                version=number,
                created=described.created,
                folder=str(folder.relative_to(home)),
            )
        )
        put(made, range(26))
    return made


@pytest.fixture(scope="module")
def token_file(node: Node) -> Path:
    return node.home.parent / "explorer.token"


@pytest.fixture(scope="module")
def agent(node: Node, token_file: Path) -> Iterator[httpx.Client]:
    """What the query agent is: a client with the address and the header that it was given."""
    tessera = Path(sys.executable).with_name("tessera")
    words = ["node", "explorer", str(node.home), "--token-file", str(token_file), "--port", "0"]
    with subprocess.Popen([tessera, *words], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        header = {"Authorization": f"Bearer {token_file.read_text().strip()}"}
        with httpx.Client(base_url=address, headers=header, trust_env=False) as client:
            yield client
        server.terminate()


def asked(agent: httpx.Client, name: str) -> dict[str, object]:
    body = (QUERIES / f"{name}.json").read_bytes()
    answer = agent.post("/", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["provider"] == "Linköping"
    (collection,) = told["collections"]
    assert isinstance(collection, dict)
    return collection


def test_a_query_for_everybody_is_answered_with_rounded_numbers(agent: httpx.Client) -> None:
    found = asked(agent, "empty")
    assert found["version"] == 2
    assert found["outcome"] == "counted"
    assert (found["subjects_count"], found["studies_count"]) == (20, 20)  # of 26
    assert found["name"] == "Cancer images"
    assert found["modality"] == found["modalities"] == ["CT", "MR"]
    assert "rounded down" in str(found["policy"])


def test_few_or_none_are_not_told_apart_and_what_is_unknown_says_so(agent: httpx.Client) -> None:
    few = asked(agent, "five")
    assert (few["outcome"], few["subjects_count"]) == ("too_few", None)
    unknown = asked(agent, "not_here")
    assert (unknown["outcome"], unknown["subjects_count"]) == ("not_supported", None)
    assert unknown["not_supported"] == ["cancer", "her2_ihc", "unknown_key", "year_of_diagnosis"]


def test_the_agents_other_form_is_answered_alike(agent: httpx.Client) -> None:
    by_address = agent.get("/", params={"modality": "CT"}).json()["collections"][0]
    assert by_address["subjects_count"] == 10  # of 13
    odd = agent.get("/", params={"colour": "red"}).json()["collections"][0]
    assert odd["outcome"] == "not_supported"


def test_every_answer_is_in_the_audit_log_before_it_leaves(node: Node, agent: httpx.Client) -> None:
    before = len(list(entries(node.home)))
    asked(agent, "list")
    (entry,) = list(entries(node.home))[before:]
    assert entry.event.event == "query-answered"
    assert entry.event.actor == "explorer"
    assert "age_at_diagnosis between 40 and 70" in str(entry.event.facts["query"])


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}]
)
def test_without_the_token_nothing_is_answered(agent: httpx.Client, header: dict[str, str]) -> None:
    with httpx.Client(base_url=agent.base_url, headers=header, trust_env=False) as other:
        assert other.get("/").status_code == 401
        assert other.post("/", json={"ast": {"operand": "OR", "children": []}}).status_code == 401


def test_what_is_no_query_gets_an_error_and_the_next_is_answered(agent: httpx.Client) -> None:
    for body in (b"", b"{", b"[]", b'{"ast": 1}', b"[" * 100_000):
        assert agent.post("/", content=body).status_code == 400
    assert agent.post("/", content=b" " * 300_000).status_code == 413
    assert json.dumps(asked(agent, "empty"))


def test_a_token_that_others_can_read_is_not_used(node: Node, token_file: Path) -> None:
    open_file = token_file.with_name("open.token")
    open_file.write_text("x" * 40)
    open_file.chmod(0o644)
    tessera = Path(sys.executable).with_name("tessera")
    words = ["node", "explorer", str(node.home), "--token-file", str(open_file), "--port", "0"]
    done = subprocess.run([tessera, *words], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "chmod 600" in done.stderr
    assert token_file.stat().st_mode & 0o077 == 0
