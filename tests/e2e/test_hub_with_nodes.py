"""A hub and its nodes as processes that talk HTTP, driven by the console command."""

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

import tessera as tessera_package
from tessera.adapters.sqlite_hub.store import SqliteHubStore
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.link import hub_status, publish_dataset
from tessera.domain.cohort.result import DatasetResult, Outcome
from tessera.domain.errors import Unavailable
from tessera.wire.refusals import NodePending
from tests.hub_trial import Program, node_home, released, tessera, wait_until, write_dataset

MEN = "cancer = prostate and modality = MR"


@dataclass
class Site:
    """One hub, started anew when a test asks, and the nodes that joined it."""

    folder: Path
    port: int
    programs: list[Program] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def hub_home(self) -> Path:
        return self.folder / "hub"

    def start(self, name: str, *words: str | Path, ready: str) -> Program:
        program = Program(self.folder / f"{name}.log", words)
        self.programs.append(program)
        program.wait_for(ready)
        return program

    def start_hub(self, name: str = "hub") -> Program:
        return self.start(
            *(name, "hub", "run", self.hub_home, "--port", str(self.port)), ready="hub is open at"
        )

    def join(self, name: str, *, approve: bool = True) -> Path:
        home = node_home(self.folder / name, name.title())
        code = tessera("hub", "invite", self.hub_home).stdout.strip()
        tessera("node", "join", home, self.url, code)
        if approve:
            tessera("hub", "approve", self.hub_home, name)
        return home

    def start_node(self, home: Path, name: str = "") -> Program:
        return self.start(name or home.name, "node", "run", home, ready="is in touch with")

    def with_dataset(self, name: str, *, n_subjects: int) -> Path:
        home = self.join(name)
        write_dataset(home, n_subjects=n_subjects)
        publish_dataset(home, released(n_subjects=n_subjects))
        return home

    def ask(self, text: str, wait_s: float = 10) -> dict[str, DatasetResult]:
        with tessera_package.Client(self.url) as client:
            return {row.node_id: row for row in client.search(text, wait_s).results}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with new_site(tmp_path) as site:
        yield site


@contextmanager
def new_site(folder: Path) -> Iterator[Site]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        site = Site(folder, free.getsockname()[1])
    tessera("hub", "init", site.hub_home, "--name", "Trial hub", "--url", site.url)
    try:
        yield site
    finally:
        for program in site.programs:
            program.kill()


def test_one_search_counts_at_every_node_and_tells_the_outcomes_apart(site: Site) -> None:
    site.start_hub()
    for name, n_subjects in (("linkoping", 36), ("valencia", 4)):
        site.start_node(site.with_dataset(name, n_subjects=n_subjects))
    with tessera_package.Client(site.url) as client:
        wait_until(lambda: all(node.online for node in client.nodes()), "both nodes")

    found = site.ask(MEN)
    assert found["linkoping"].outcome is Outcome.COUNTED
    assert (found["linkoping"].n_subjects, found["linkoping"].n_studies) == (30, 30)
    assert "multiple of 10" in found["linkoping"].policy
    assert found["valencia"].outcome is Outcome.TOO_FEW
    assert found["valencia"].n_subjects is None

    unsupported = site.ask("cancer = prostate and her2 = positive")["linkoping"]
    assert unsupported.outcome is Outcome.NOT_SUPPORTED
    assert unsupported.not_supported == ("her2",)

    shown = tessera("search", MEN, "--hub", site.url).stdout
    assert "30 subjects and 30 studies in 1 of 2 datasets" in shown
    assert "too few to tell" in shown
    as_json = json.loads(tessera("search", MEN, "--hub", site.url, "--json").stdout)
    assert as_json["complete"] is True
    assert as_json["n_subjects"] == 30


def test_a_node_that_has_gone_gives_no_answer_with_since_when(site: Site) -> None:
    site.start_hub()
    home = site.with_dataset("linkoping", n_subjects=36)
    node = site.start_node(home)
    wait_until(lambda: site.ask(MEN)["linkoping"].outcome is Outcome.COUNTED, "an answer")
    node.kill()
    gone_since = SystemClock().now() - timedelta(minutes=5)
    store = SqliteHubStore(site.hub_home / "hub.sqlite")
    store.nodes.seen("linkoping", gone_since, "tessera")
    store.close()

    shown = tessera("search", MEN, "--hub", site.url, check=False)
    assert shown.returncode == 3
    assert f"last seen {gone_since:%Y-%m-%d %H:%M:%S} UTC" in " ".join(shown.stdout.split())
    with tessera_package.Client(site.url) as client:
        silent = client.search(MEN)
        assert silent.complete
        assert silent.results[0].outcome is Outcome.NO_ANSWER
        assert silent.results[0].last_seen is not None
        assert abs(silent.results[0].last_seen - gone_since) < timedelta(milliseconds=1)

        site.start_node(home, "linkoping-again")
        wait_until(
            lambda: client.answers(silent.search_id).results[0].outcome is Outcome.COUNTED,
            "the late answer",
        )


def test_a_hub_that_restarts_keeps_its_catalogue_and_nodes_go_on(site: Site) -> None:
    hub = site.start_hub()
    node = site.start_node(site.with_dataset("linkoping", n_subjects=36))
    wait_until(lambda: site.ask(MEN)["linkoping"].outcome is Outcome.COUNTED, "an answer")
    assert hub.terminate() < 12, "the open long poll held the hub up"
    assert hub.process.returncode == 0
    node.wait_for("trying again in")

    site.start_hub("hub-again")
    node.wait_for("the hub is back")
    with tessera_package.Client(site.url) as client:
        assert [entry.description.version for entry in client.datasets()] == [1]
    assert site.ask(MEN)["linkoping"].outcome is Outcome.COUNTED
    assert node.terminate() < 12, "the open long poll held the node up"
    assert node.process.returncode == 0


def test_a_description_waits_for_the_hub_and_for_the_approval(site: Site) -> None:
    hub = site.start_hub()
    home = site.join("linkoping", approve=False)
    write_dataset(home)
    with pytest.raises(NodePending):
        publish_dataset(home, released())
    hub.terminate()
    with pytest.raises(Unavailable):
        hub_status(home)
    site.start_hub("hub-again")
    node = site.start_node(home)
    node.wait_for("has not approved this node yet")
    tessera("hub", "approve", site.hub_home, "linkoping")
    node.wait_for("prostate-mr v1 is published")
    wait_until(lambda: site.ask(MEN)["linkoping"].outcome is Outcome.COUNTED, "an answer")
    status = hub_status(home)
    assert status.state == "approved"
    assert [(v.dataset_id, v.version) for v in status.published] == [("prostate-mr", 1)]


def test_a_revoked_node_is_out_of_catalogue_and_search_at_once(site: Site) -> None:
    site.start_hub()
    home = site.with_dataset("linkoping", n_subjects=36)
    node = site.start_node(home)
    wait_until(lambda: site.ask(MEN)["linkoping"].outcome is Outcome.COUNTED, "an answer")
    tessera("hub", "revoke", site.hub_home, "linkoping")
    assert site.ask(MEN) == {}
    with tessera_package.Client(site.url) as client:
        assert client.datasets() == ()
    assert hub_status(home).state == "revoked"
    nodes = json.loads(tessera("hub", "nodes", site.hub_home, "--json").stdout)
    assert [(n["node_id"], n["state"]) for n in nodes] == [("linkoping", "revoked")]
    again = tessera("node", "run", home, check=False)
    assert "is running already" in again.stderr
    node.process.send_signal(signal.SIGINT)
    assert node.process.wait(2) == 0


def test_an_invite_serves_once_and_a_node_joins_one_hub(site: Site) -> None:
    site.start_hub()
    code = tessera("hub", "invite", site.hub_home).stdout.strip()
    first = node_home(site.folder / "first", "First")
    tessera("node", "join", first, site.url, code)
    twice = tessera("node", "join", first, site.url, code, check=False)
    assert twice.returncode == 1
    assert "has joined" in twice.stderr
    second = node_home(site.folder / "second", "Second")
    used = tessera("node", "join", second, site.url, code, check=False)
    assert used.returncode == 1
    assert "This invite code has been used" in used.stderr
    wrong = code.replace(code[:4], "AAAA" if not code.startswith("AAAA") else "BBBB", 1)
    unknown = tessera("node", "join", second, site.url, wrong, check=False)
    assert "does not know the invite code" in unknown.stderr
    assert (first / "link" / "node.key").stat().st_mode & 0o777 == 0o600
    assert (first / "link").stat().st_mode & 0o777 == 0o700
    assert code.replace("-", "").lower()[:16].encode() not in b"".join(
        path.read_bytes() for path in site.hub_home.rglob("*") if path.is_file()
    )
