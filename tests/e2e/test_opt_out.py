"""An opt-out while hub and node run: counts over HTTP change at once, without a restart."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import tessera as tessera_package
from tessera.bootstrap.node import Node, NodeSettings, init_node
from tessera.domain.cohort.result import DatasetResult, Outcome
from tests.hub_trial import Program, tessera, wait_until
from tests.opt_out_trial import PATIENTS, files_with, put_patients, subject_of

EVERYBODY = "sex = male"


@dataclass
class Running:
    """A hub and one node of 30 patients, as processes; version 1 of `images` is published."""

    url: str
    node: Node
    program: Program

    def ask(self, text: str = EVERYBODY) -> DatasetResult:
        with tessera_package.Client(self.url) as client:
            (found,) = client.search(text, 10).results
        return found

    def opt_out(self, *words: str, ids: list[str]) -> dict[str, object]:
        listed = self.node.home.parent / "ids.txt"
        listed.write_text("\n".join(ids), "utf-8")
        command = ("node", "opt-out", words[0], self.node.home, "--file", listed, "--json")
        return dict(json.loads(tessera(*command, *words[1:]).stdout))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, hub, home = f"http://127.0.0.1:{port}", tmp_path / "hub", tmp_path / "node"
    node = init_node(home, NodeSettings(name="Linköping", country="SE", count_noise=0))
    put_patients(node)
    create = ("node", "dataset", "create", home, "--title", "Images")
    tessera(*create, "--contact-email", "data@example.org")
    tessera("hub", "init", hub, "--name", "Trial hub", "--url", url)
    hub_program = Program(tmp_path / "hub.log", ("hub", "run", hub, "--port", str(port)))
    programs = [hub_program]
    try:
        hub_program.wait_for("hub is open at")
        tessera("node", "join", home, url, tessera("hub", "invite", hub).stdout.strip())
        tessera("hub", "approve", hub, "linkoping")
        tessera("node", "dataset", "publish", home, "images")
        programs.append(Program(tmp_path / "node.log", ("node", "run", home)))
        programs[-1].wait_for("is in touch with")
        site = Running(url, node, programs[-1])
        wait_until(lambda: site.ask().outcome is Outcome.COUNTED, "a first answer")
        yield site
    finally:
        for program in programs:
            program.kill()


def test_a_running_node_leaves_her_out_from_the_next_query_on(running: Running) -> None:
    her = subject_of(running.node, PATIENTS[7])
    assert (running.ask().n_subjects, running.ask().n_studies) == (30, 30)

    said = running.opt_out("add", ids=[PATIENTS[7]])
    assert said["versions"] == [
        {
            "dataset_id": "images",
            "version": 1,
            "newest": True,
            "published": True,
            "subjects": [her],
        }
    ]
    assert (running.ask().n_subjects, running.ask().n_studies) == (20, 20)
    running.opt_out("remove", ids=[PATIENTS[7]])
    assert (running.ask().n_subjects, running.ask().version) == (30, 1)

    said = running.opt_out("add", "--new-versions", ids=[PATIENTS[7]])
    assert said["new_versions"] == [
        {"dataset_id": "images", "version": 2, "published": "yes", "problem": ""}
    ]
    found = running.ask()
    assert (found.n_subjects, found.n_studies, found.version) == (20, 20, 2)
    datasets = running.node.research / "datasets" / "images"
    assert files_with(datasets / "v2", her) == set()
    assert "patient.parquet" in files_with(datasets / "v1", her)
    assert running.program.process.poll() is None
    assert her not in running.program.output() and PATIENTS[7] not in running.program.output()


@pytest.mark.long
def test_a_list_that_cannot_be_read_is_no_answer_and_never_a_count_with_her(
    running: Running,
) -> None:
    running.opt_out("add", ids=[PATIENTS[7]])
    listed = running.node.identified / "opt-out.sqlite"
    kept = listed.read_bytes()
    listed.write_bytes(b"")
    with tessera_package.Client(running.url) as client:
        (found,) = client.search(EVERYBODY, 2).results
    assert found.outcome is Outcome.NO_ANSWER
    assert "opt-out.sqlite is restored" in running.program.output()
    listed.write_bytes(kept)
    assert running.ask().n_subjects == 20


@pytest.mark.long
def test_when_twenty_one_opt_out_the_rest_are_too_few_to_tell(running: Running) -> None:
    running.opt_out("add", ids=list(PATIENTS[:21]))
    found = running.ask()
    assert (found.outcome, found.n_subjects) == (Outcome.TOO_FEW, None)
    # What a version supports is no number of people: it stays.
    assert running.ask("age_at_diagnosis > 90").outcome is Outcome.TOO_FEW
