"""A node answers the explorer over a Beam proxy: `tessera node beam` as its own process.

The proxy is a double by the documented interface; this has not run against samply/beam itself.
"""

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tessera.bootstrap.audit import entries
from tessera.bootstrap.node import Node
from tests.beam_proxy import APP, KEY, SPOT, BeamNetwork, body_of
from tests.hub_trial import Program
from tests.integration.test_node_explorer import QUERIES, agent, node, token_file
from tests.receive_trial import free_port

__all__ = ["agent", "node", "token_file"]


@pytest.fixture
def network() -> Iterator[BeamNetwork]:
    with BeamNetwork() as made:
        yield made


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "beam.key"
    path.write_text(KEY + "\n", "utf-8")
    return path


def started(node: Node, key_file: Path, url: str, log: Path) -> Program:
    words = ("node", "beam", str(node.home), "--proxy", url, "--app", APP)
    return Program(log, (*words, "--key-file", str(key_file)))


@pytest.fixture
def program(node: Node, network: BeamNetwork, key_file: Path, tmp_path: Path) -> Iterator[Program]:
    running = started(node, key_file, network.url, tmp_path / "log")
    running.wait_for("answering")
    yield running
    running.terminate()


def tree(name: str) -> Any:
    return json.loads((QUERIES / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("key", ["payload", "query"])
@pytest.mark.parametrize("name", ["empty", "five", "ten", "list", "newer", "not_here"])
def test_the_explorer_reads_what_it_reads_over_http(
    program: Program, network: BeamNetwork, agent: httpx.Client, name: str, key: str
) -> None:
    told = network.told(network.ask(body_of(tree(name), key=key)))
    assert told == agent.post("/", json=tree(name)).json()
    assert told["collections"]


def test_a_task_is_claimed_answered_and_asked_no_more(
    program: Program, network: BeamNetwork
) -> None:
    task_ids = [network.ask(body_of(tree("empty"))) for _ in range(9)]
    for task_id in task_ids:
        assert network.told(task_id)["collections"][0]["outcome"] == "counted"
        statuses = [one["status"] for one in network.results[task_id]]
        assert statuses == ["claimed", "succeeded"]


def test_the_answer_is_in_the_audit_log(program: Program, network: BeamNetwork, node: Node) -> None:
    task_id = network.ask(body_of(tree("five")))
    network.answer(task_id)
    (event,) = (one.event for one in entries(node.home) if one.event.facts.get("search") == task_id)
    assert (event.event, event.actor) == ("query-answered", "beam")


def b64(text: str) -> str:
    return b64encode(text.encode()).decode()


BAD = {
    "no base64": "%%%",
    "no JSON": b64("x"),
    "another language": b64('{"lang": "cql", "lib": {}}'),
    "no query": b64('{"lang": "ast"}'),
    "no tree": body_of({"id": "1"}),
    "a list": b64("[]"),
    "nested too deep": b64("[" * 9000),
    "too large": b64("x" * 400_000),
    "a query of the wrong kind": b64('{"lang": "ast", "payload": 7}'),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_has_failed_for_good_and_others_go_on(
    program: Program, network: BeamNetwork, name: str
) -> None:
    bad, good = network.ask(BAD[name]), network.ask(body_of(tree("empty")))
    answer = network.answer(bad)
    assert answer["status"] == "permfailed"
    assert answer["body"].startswith("Cannot parse query")
    assert network.told(good)["collections"]


def test_tasks_without_their_parts_stop_nothing(program: Program, network: BeamNetwork) -> None:
    lost = [
        network.ask(body_of(tree("empty")), id="../../../v1/health"),
        network.ask("", **{"from": None}),
    ]
    odd = network.ask(body_of(tree("empty")), metadata=["no", "project"])
    assert network.told(odd)["collections"]
    assert not any(network.results.get(one) for one in lost)


def test_the_network_is_told_that_the_site_is_well(program: Program, network: BeamNetwork) -> None:
    task_id = network.ask("", metadata={"project": "focus-healthcheck"})
    assert network.answer(task_id)["body"] == "healthy"


def test_a_killed_program_answers_after_its_next_start(
    node: Node, network: BeamNetwork, key_file: Path, tmp_path: Path
) -> None:
    network.refuses = 1000  # it claims, and can hand over nothing
    first = started(node, key_file, network.url, tmp_path / "log1")
    task_id = network.ask(body_of(tree("empty")))
    first.wait_for("trying again")
    first.kill()
    assert {one["status"] for one in network.results[task_id]} == {"claimed"}
    network.refuses = 0
    second = started(node, key_file, network.url, tmp_path / "log2")
    assert network.told(task_id)["collections"]
    second.terminate()


def test_a_proxy_that_comes_later_or_goes_is_waited_for(
    node: Node, key_file: Path, tmp_path: Path
) -> None:
    port = free_port()
    program = started(node, key_file, f"http://127.0.0.1:{port}", tmp_path / "log")
    program.wait_for("cannot be reached")
    for _ in range(2):
        with BeamNetwork(port=port) as network:
            assert network.told(network.ask(body_of(tree("empty"))))["collections"]
    program.terminate()


def test_a_wrong_key_ends_it_and_is_not_shown(
    node: Node, network: BeamNetwork, key_file: Path
) -> None:
    key_file.write_text("another-key", "utf-8")
    done = _run(node, key_file, "--proxy", network.url, "--app", APP)
    assert done.returncode == 1
    assert "does not take" in done.stderr
    assert "another-key" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--app", "focus"), "APP.PROXY.BROKER"),
        (("--app", "a.b.c/../x"), "APP.PROXY.BROKER"),
        (("--app", APP, "--proxy", "ftp://x"), "http://"),
    ],
)
def test_wrong_settings_are_named(
    node: Node, key_file: Path, words: tuple[str, ...], said: str
) -> None:
    done = _run(node, key_file, *words)
    assert done.returncode == 1
    assert said in done.stderr


def test_an_empty_key_is_named(node: Node, key_file: Path) -> None:
    key_file.write_text(" \n", "utf-8")
    done = _run(node, key_file, "--app", APP)
    assert done.returncode == 1
    assert str(key_file) in done.stderr


def _run(node: Node, key_file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    tessera = Path(sys.executable).with_name("tessera")
    return subprocess.run(
        [tessera, "node", "beam", str(node.home), "--key-file", str(key_file), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_result_goes_to_who_asked(program: Program, network: BeamNetwork) -> None:
    answer = network.answer(network.ask(body_of(tree("empty"))))
    assert (answer["from"], answer["to"]) == (APP, [SPOT])
