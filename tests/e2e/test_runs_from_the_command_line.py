"""A researcher at a command line, a hub as a process, and a node that speaks over HTTP."""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.hub import open_hub
from tessera.client.credentials import HubFolder
from tessera.domain.access.people import Grant, Role
from tessera.domain.access.permit import Permit, PermittedPerson
from tessera.domain.ids import NodeId
from tessera.ports.hub_store import NodeState
from tessera.wire import fields
from tessera.wire.envelope import Envelope, MessageType
from tessera.wire.keys import PublicKey
from tessera.wire.messages import JoinRequest
from tessera.wire.permit import Countersignature, read_use, token_sha256
from tessera.wire.tasks import DeliveredPart, Report, ReportKind, ReportMessage, Task, TaskKind
from tests.access_trial import counting_tool, permit_for
from tests.hub_trial import TESSERA, Program, tessera, wait_until

PASSWORD = "a long enough pass phrase 1847"
RESULT = b'{"n_subjects": 30}' * 60_000


@dataclass
class HttpNode:
    """A node's key and its side of the link; it does what a script says."""

    url: str
    node_id: NodeId
    signer: Ed25519Signer
    hub_key: PublicKey

    def send(self, type: MessageType, body: Mapping[str, object]) -> Mapping[str, object]:
        message = Envelope(
            type=type,
            sender=self.node_id,
            recipient=self.hub_key.fingerprint,
            id=str(uuid4()),
            at=SystemClock().now(),
            body=body,
        )
        reply = httpx.post(
            f"{self.url}/link/v1/{type.value}",
            content=self.signer.sign(message.encode()),
            trust_env=False,
            timeout=40,
        )
        assert reply.status_code == 200, reply.text
        return Envelope.decode(Ed25519Verifier().verify(reply.text, self.hub_key)).body

    def report(self, kind: ReportKind, **body: object) -> None:
        reports = ReportMessage(reports=(Report(kind=kind, body=body),))
        assert self.send(MessageType.REPORT, reports.to_json())["n_accepted"] == 1

    def tasks(self, wait_s: int) -> tuple[Task, ...]:
        body = self.send(MessageType.POLL, {"wait_s": wait_s, "software": "scripted"})
        return fields.objects(body, "tasks", Task.from_json)

    def wait_for(self, kind: TaskKind) -> Task:
        """Take tasks up until one of this kind comes."""
        while True:
            for task in self.tasks(10):
                self.report(ReportKind.DONE, task_id=task.task_id)
                if task.kind == kind:
                    return task

    def countersign(self, permit_id: str, token: str) -> None:
        said = Countersignature(
            permit_id=permit_id,
            permit_sha256=token_sha256(token),
            node_id=self.node_id,
            by="Data manager",
            at=SystemClock().now(),
        )
        self.report(ReportKind.COUNTERSIGNED, token=self.signer.sign(said.payload()))

    def deliver(self, use_id: str, content: bytes) -> None:
        size = 512 * 1024
        cuts = range(0, len(content), size)
        for number, start in enumerate(cuts):
            part = DeliveredPart(
                use_id=use_id,
                name="counts.json",
                kind="aggregate",
                sha256=sha256(content).hexdigest(),
                part=number,
                n_parts=len(cuts),
                data=content[start : start + size],
            )
            assert self.send(MessageType.DELIVER, part.to_json())["n_accepted"] == 1


@dataclass
class Site:
    folder: Path
    url: str
    node: HttpNode
    permit: Permit
    hub: Program
    port: int

    @property
    def hub_home(self) -> Path:
        return self.folder / "hub"

    def tessera(self, *words: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return _person(self.folder, *words, stdin=stdin)


def _person(folder: Path, *words: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(TESSERA), *map(str, words)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
        env={**os.environ, "TESSERA_CONFIG": str(folder / "config"), "NO_PROXY": "127.0.0.1"},
    )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home, url = tmp_path / "hub", f"http://127.0.0.1:{port}"
    tessera("hub", "init", home, "--name", "Trial hub", "--url", url)
    with open_hub(home) as (hub, _):
        hub.accounts.add(
            name="Anna Ek",
            user="anna",
            organisation="Uppsala",
            password=PASSWORD,
            grants=frozenset({Grant(Role.RESEARCHER)}),
        )
        signer = Ed25519Signer.create(tmp_path / "node.key")
        request = JoinRequest(
            secret=hub.joining.invite().secret,
            name="Linköping",
            country="SE",
            public_key=signer.public_key,
            software="scripted",
        )
        reply = hub.joining.join(request)
        hub.joining.decide(reply.node_id, NodeState.APPROVED)
    node = HttpNode(url, reply.node_id, signer, reply.hub_key)
    program = Program(tmp_path / "hub.log", ["hub", "run", home, "--port", str(port)])
    try:
        program.wait_for("hub is open at")
        login = _person(
            tmp_path, "login", url, "--user", "anna", "--password-stdin", stdin=PASSWORD
        )
        assert login.returncode == 0, login.stderr
        permit = _issue(tmp_path, url, node)
        yield Site(tmp_path, url, node, permit, program, port)
    finally:
        program.kill()


def _issue(folder: Path, url: str, node: HttpNode) -> Permit:
    """Issue a permit for Anna in another process than the one that serves."""
    kept = HubFolder(folder / "config", url)
    login, key = kept.login(), Ed25519Signer.load(kept.key_file).public_key
    assert login is not None
    anna = PermittedPerson(
        person_id=login.person_id, name="Anna Ek", organisation="Uppsala", keys=(key.x,)
    )
    tool = counting_tool()
    with open_hub(folder / "hub") as (hub, _):
        hub.tools.add(hub.accounts.person(login.person_id), tool)
        permit = permit_for(SystemClock().now(), nodes=[node], tool=tool, persons=(anna,))
        hub.permits.issue(permit)
    return permit


def test_a_person_runs_a_tool_and_gets_what_is_released(site: Site) -> None:
    permit_id, node = site.permit.permit_id, site.node
    task = node.wait_for(TaskKind.PERMIT)
    refused = site.tessera("run", "counts", "--permit", permit_id, "--hub", site.url)
    assert (refused.returncode, "not-countersigned" in refused.stderr) == (1, True)
    node.countersign(permit_id, str(task.body["token"]))
    shown = site.tessera("permits", "--hub", site.url)
    assert f"{node.node_id}: countersigned" in shown.stdout, shown.stderr

    seen: list[str] = []

    def at_the_node() -> None:
        task = node.wait_for(TaskKind.USE)
        payload = Ed25519Verifier().unverified(str(task.body["token"]))
        use = read_use(payload)
        seen.append(use.arguments)
        for state in ("running", "in-airlock"):
            node.report(ReportKind.RUN, use_id=use.use_id, state=state)
        node.deliver(use.use_id, RESULT)
        node.report(ReportKind.RUN, use_id=use.use_id, state="released", files=[])

    working = threading.Thread(target=at_the_node)
    working.start()
    out = site.folder / "out"
    done = site.tessera(
        *("run", "counts", "--permit", permit_id, "--hub", site.url, "--argument", "bins=3"),
        *("--wait", "--out", out),
    )
    working.join(30)
    assert done.returncode == 0, done.stdout + done.stderr
    assert seen == ['{"bins":3}']
    assert (out / node.node_id / "counts.json").read_bytes() == RESULT
    assert "released" in done.stderr

    (run,) = json.loads(site.tessera("runs", "--hub", site.url, "--json").stdout)
    assert (run["state"], run["files"][0]["n_bytes"]) == ("released", len(RESULT))
    again = site.tessera(
        "results", run["use_id"], "--hub", site.url, "--out", site.folder / "again"
    )
    assert again.returncode == 0, again.stderr
    assert (site.folder / "again" / node.node_id / "counts.json").read_bytes() == RESULT


def test_what_waits_for_a_node_outlives_the_hub(site: Site) -> None:
    permit_id, node = site.permit.permit_id, site.node
    node.countersign(permit_id, str(node.wait_for(TaskKind.PERMIT).body["token"]))
    started = site.tessera("run", "counts", "--permit", permit_id, "--hub", site.url, "--json")
    use_id = json.loads(started.stdout)[0]["use_id"]
    site.hub.kill()
    words = ["hub", "run", site.hub_home, "--port", str(site.port)]
    anew = Program(site.folder / "hub2.log", words)
    try:
        anew.wait_for("hub is open at")
        assert site.tessera("stop", use_id, "--hub", site.url).returncode == 0
        kinds = [task.kind for task in node.tasks(5)]
        assert kinds == [TaskKind.USE, TaskKind.STOP]
        nothing = site.tessera("results", use_id, "--hub", site.url, "--out", site.folder / "o")
        assert (nothing.returncode, "nothing has been released" in nothing.stderr) == (3, True)
    finally:
        anew.kill()


def test_the_operator_ends_a_permit_and_the_node_hears_of_it_at_once(site: Site) -> None:
    permit_id, node = site.permit.permit_id, site.node
    node.countersign(permit_id, str(node.wait_for(TaskKind.PERMIT).body["token"]))
    told: list[Task] = []
    waiting = threading.Thread(target=lambda: told.extend(node.tasks(25)))
    waiting.start()
    tessera("hub", "permits", "revoke", site.hub_home, permit_id, "--reason", "It has ended.")
    waiting.join(8)
    wait_until(lambda: bool(told), "the node to hear of it", 1)
    assert [task.kind for task in told] == [TaskKind.REVOKE]
    listed = tessera("hub", "permits", "list", site.hub_home).stdout
    assert "revoked" in listed and "It has ended. (operator)" in listed
    refused = site.tessera("run", "counts", "--permit", permit_id, "--hub", site.url)
    assert (refused.returncode, "revoked" in refused.stderr) == (1, True)


def test_a_tool_is_brought_and_read_from_the_command_line(site: Site) -> None:
    added = site.tessera("tool", "add", "dataset-balance", "--hub", site.url)
    assert added.returncode == 0, added.stderr
    digest = site.tessera("tool", "digest", "dataset-balance").stdout.strip()
    listed = json.loads(site.tessera("tool", "list", "--hub", site.url, "--json").stdout)
    assert listed[0]["digest"] == digest
    folder = site.folder / "mine"
    folder.mkdir()
    (folder / "tool.toml").write_text('name = "x"\n', "utf-8")
    wrong = site.tessera("tool", "check", folder)
    assert (wrong.returncode, "tool.toml" in wrong.stderr) == (1, True)


def test_who_has_not_signed_in_is_told_how(tmp_path: Path) -> None:
    done = _person(tmp_path, "permits", "--hub", "http://127.0.0.1:9")
    assert (done.returncode, "tessera login" in done.stderr) == (1, True)
