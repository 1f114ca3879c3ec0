"""Trainings at the hub: asked for over REST, carried on, and released by all or by nobody."""

import json
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import httpx
import numpy as np
import pytest

import tessera
from tessera.adapters.hpke.sealing import HpkeSealing
from tessera.client.access import permitted_tool, wanted_runs
from tessera.domain.access.permit import AccessMode, Action, Permit
from tessera.domain.access.tool import OutputKind, tool_bundle
from tessera.domain.errors import Conflict, NotFound, Unavailable
from tessera.domain.ids import NodeId
from tessera.domain.learning.plan import LearningState
from tessera.hub.conducting import Conducting, EngineRoom
from tessera.ports.federation import FederationPlan, FederationServer, SiteUpdate, Trained
from tessera.ports.sealing import SealedReader
from tessera.wire.frames import Arrays, arrays_to
from tessera.wire.learning import Learning, LearningPlan
from tessera.wire.tasks import ReportKind, RunState, Task, TaskKind
from tests.access_trial import (
    Researcher,
    ScriptedNode,
    counting_tool,
    permit_for,
    signed_use,
    use_of,
)
from tests.hub_trial import TrialHub, served, trial_hub, wait_until

TOOL = counting_tool()
WEIGHTS: Arrays = {"w": np.arange(6, dtype=np.float32)}
MODEL = arrays_to(WEIGHTS)


@dataclass
class HeldEngine:
    """An engine without processes: it gives each node's updates when the test says `go`."""

    go: threading.Event = field(default_factory=threading.Event)
    give: threading.Event = field(default_factory=threading.Event)
    folders: list[Path] = field(default_factory=list)
    plans: list[FederationPlan] = field(default_factory=list)

    def provision(
        self, plan: FederationPlan, workdir: Path, *, host: str
    ) -> Mapping[NodeId, bytes]:
        workdir.mkdir(parents=True)
        (workdir / "secret.key").write_text("secret")
        self.folders.append(workdir)
        self.plans.append(plan)
        return {node: f"kit of {node}".encode() for node in plan.nodes}

    def run(
        self,
        plan: FederationPlan,
        workdir: Path,
        initial: Arrays | None,
        on_update: Callable[[SiteUpdate], None],
        is_stopped: Callable[[], bool],
    ) -> Trained:
        has_given = False
        while True:
            if is_stopped():
                raise Unavailable("the training was stopped")
            if self.give.is_set() and not has_given:
                has_given = True
                for number in range(1, plan.rounds + 1):
                    for node in plan.nodes:
                        metrics = {"auc": 0.5 + number / 10, "loss": 1.0 / number}
                        on_update(
                            SiteUpdate(node_id=node, round=number, n_samples=60, metrics=metrics)
                        )
            if self.go.is_set():
                return Trained(weights=WEIGHTS, rounds=plan.rounds, updates=())
            time.sleep(0.02)


@dataclass
class Site:
    trial: TrialHub
    url: str
    folder: Path
    anna: Researcher
    bo: Researcher
    nodes: tuple[ScriptedNode, ScriptedNode]
    permit: Permit
    engine: HeldEngine
    conducting: Conducting
    readers: dict[str, SealedReader] = field(default_factory=dict)

    def client(self, who: Researcher | None = None) -> tessera.Client:
        return tessera.Client(self.url, token=(who or self.anna).token)

    def start(self, **changes: object) -> Learning:
        with self.client() as client:
            held = client.permit(self.permit.permit_id)
            wanted = wanted_runs(held, permitted_tool(held, TOOL.name))
            terms = {"rounds": 3, "round_s": 60, "title": "Lesions of the prostate"} | changes
            return client.learn(held, wanted, self.anna.signer, **terms)  # type: ignore[arg-type]

    def now(self, learning: Learning) -> Learning:
        return self.trial.hub.learnings.find(learning.learn_id)

    def until(self, learning: Learning, state: LearningState) -> Learning:
        wait_until(lambda: self.now(learning).state is state, f"{state}: {self.now(learning)}")
        return self.now(learning)

    def ready(self, learning: Learning, node: ScriptedNode) -> None:
        use_id = use_at(learning, node)
        self.readers[use_id] = HpkeSealing().reader()
        key = self.readers[use_id].public_key
        assert node.report(ReportKind.LEARN, use_id=use_id, key=key) == 1

    def kit(self, learning: Learning, node: ScriptedNode) -> bytes:
        found: list[Task] = []

        def has_come() -> bool:
            found.extend(task for task in node.take_up() if task.kind == TaskKind.LEARN)
            return bool(found)

        wait_until(has_come, "a kit")
        use_id = use_at(learning, node)
        assert found[0].body["use_id"] == use_id
        return self.readers[use_id].open(b64decode(str(found[0].body["kit"])), use_id)

    def report(self, learning: Learning, node: ScriptedNode, state: RunState) -> None:
        use_id = use_at(learning, node)
        node.report(ReportKind.RUN, use_id=use_id, state=state, detail="")

    def running(self, **changes: object) -> Learning:
        """A training in the middle: both nodes have their kits and gave updates."""
        learning = self.start(**changes)
        for node in self.nodes:
            self.ready(learning, node)
        self.until(learning, LearningState.RUNNING)
        for node in self.nodes:
            self.kit(learning, node)
            self.report(learning, node, RunState.RUNNING)
        self.engine.give.set()
        wait_until(lambda: len(self.now(learning).updates) == 6, "updates")
        return learning

    def in_airlock(self) -> Learning:
        learning = self.running()
        self.engine.go.set()
        self.until(learning, LearningState.IN_AIRLOCK)
        for node in self.nodes:
            self.report(learning, node, RunState.IN_AIRLOCK)
        return learning

    def release(
        self, learning: Learning, node: ScriptedNode, content: bytes = MODEL, *names: str
    ) -> None:
        use_id = use_at(learning, node)
        try:
            node.deliver(node.part(use_id, content, name="model.npz", kind="model"))
        finally:
            files = [{"name": name} for name in names or ("model.npz",)]
            node.report(
                ReportKind.RUN, use_id=use_id, state=RunState.RELEASED, detail="", files=files
            )

    def stops(self, node: ScriptedNode) -> list[object]:
        return [t.body["use_id"] for t in node.take_up() if t.kind == TaskKind.STOP]

    def is_clean(self) -> bool:
        return not any(folder.exists() for folder in self.engine.folders)


def use_at(learning: Learning, node: ScriptedNode) -> str:
    return next(site.use_id for site in learning.sites if site.node_id == node.node_id)


def conducting_at(trial: TrialHub, folder: Path, engine: FederationServer) -> Conducting:
    room = EngineRoom(
        server=lambda: engine,
        sealing=HpkeSealing(),
        host="127.0.0.1",
        folder=folder / "learning",
        wait=timedelta(minutes=5),
    )
    return Conducting(learnings=trial.hub.learnings, room=room)


@contextmanager
def a_site(folder: Path, engine: FederationServer) -> Iterator[Site]:
    with trial_hub(folder / "hub") as trial:
        trial.clock.at = datetime.now(UTC)  # by which a person's computer signs
        anna, bo = (Researcher.at(trial, folder, name) for name in ("anna", "bo"))
        a, b = (ScriptedNode.at(trial, folder, n) for n in ("Linkoping", "Valencia"))
        trial.hub.tools.add(anna.person, TOOL)
        permit = permit_for(
            trial.clock.at,
            anna,
            nodes=(a, b),
            tool=TOOL,
            modes=frozenset({AccessMode.LEARN, AccessMode.RUN}),
            outputs=frozenset({OutputKind.MODEL, OutputKind.AGGREGATE}),
        )
        trial.hub.permits.issue(permit)
        held = trial.hub.permits.find(permit.permit_id)
        for node in (a, b):
            node.take_up()
            assert node.countersign(permit.permit_id, held.sha256) == 1
        conducting = conducting_at(trial, folder, engine)
        conducting.start()
        try:
            with served(trial.hub) as url:
                held_engine = engine if isinstance(engine, HeldEngine) else HeldEngine()
                yield Site(trial, url, folder, anna, bo, (a, b), permit, held_engine, conducting)
        finally:
            conducting.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with a_site(tmp_path, HeldEngine()) as made:
        yield made


def test_a_model_is_released_when_all_nodes_have_released_the_very_same(site: Site) -> None:
    learning = site.start(min_nodes=2)
    a, b = site.nodes
    assert [task.kind for task in a.take_up()] == [TaskKind.USE]
    site.ready(learning, a)
    time.sleep(1.2)
    assert site.now(learning).state is LearningState.WAITING  # one of two
    site.ready(learning, b)
    site.until(learning, LearningState.RUNNING)
    assert site.kit(learning, a) == f"kit of {a.node_id}".encode()
    assert site.kit(learning, b) == f"kit of {b.node_id}".encode()
    for node in site.nodes:
        site.report(learning, node, RunState.RUNNING)
    site.engine.give.set()
    site.engine.go.set()
    ended = site.until(learning, LearningState.IN_AIRLOCK)
    assert ended.model_sha256 == sha256(MODEL).hexdigest()
    assert ended.rounds_done == 3
    assert [(u.node_id, u.round) for u in ended.updates] == [
        (node.node_id, number) for number in (1, 2, 3) for node in site.nodes
    ]
    wait_until(site.is_clean, "the engine's folder to go")
    for node in site.nodes:
        site.report(learning, node, RunState.IN_AIRLOCK)
    site.release(learning, a)
    use_id = use_at(learning, a)
    with site.client() as client:
        run = client.run_of(use_id)
        assert run.state is RunState.RELEASED
        for file in (f"runs/{use_id}/files/model.npz", f"models/{learning.learn_id}/model.npz"):
            assert site.anna.ask(site.url, "GET", f"/api/v1/{file}").status_code == 404
        assert client.results(run, site.folder / "early") == []
        with pytest.raises(NotFound):
            client.model(learning.learn_id)
        time.sleep(1.2)
        assert site.now(learning).state is LearningState.IN_AIRLOCK
        site.release(learning, b)
        site.until(learning, LearningState.RELEASED)
        card = client.model(learning.learn_id)
        path = client.save_model(card, site.folder / "model")
    assert path.read_bytes() == MODEL
    assert card.sha256 == sha256(MODEL).hexdigest()
    assert card.rounds == 3
    assert [one.node_id for one in card.sites] == [node.node_id for node in site.nodes]
    assert dict(card.sites[0].metrics) == {"auc": 0.8, "loss": pytest.approx(1 / 3)}
    assert [one.model_id for one in site.trial.hub.models.public()] == [learning.learn_id]


def test_one_no_withholds_the_model_from_everybody(site: Site) -> None:
    learning = site.in_airlock()
    a, b = site.nodes
    site.release(learning, a)
    site.report(learning, b, RunState.WITHHELD)
    ended = site.until(learning, LearningState.WITHHELD)
    assert ended.detail == b.node_id
    file = f"/api/v1/runs/{use_at(learning, a)}/files/model.npz"
    assert site.anna.ask(site.url, "GET", file).status_code == 404
    # What the other one had let out is no longer at the hub, and does not come again.
    assert b"".join(site.trial.store.runs.parts(use_at(learning, a), "model.npz")) == b""
    with pytest.raises(Conflict, match="withheld"):
        a.deliver(a.part(use_at(learning, a), MODEL, name="model.npz", kind="model"))
    assert site.trial.hub.models.all() == []
    page = page_of(site, learning)
    assert "one no counts for all" in page
    assert "Valencia" in page


def test_another_model_than_the_trained_one_is_not_taken(site: Site) -> None:
    learning = site.in_airlock()
    a, b = site.nodes
    site.release(learning, a)
    with pytest.raises(Conflict, match="not the model"):
        site.release(learning, b, arrays_to({"w": np.ones(6, np.float32)}))
    assert site.now(learning).state is LearningState.IN_AIRLOCK
    assert site.trial.hub.models.all() == []


def test_a_node_that_releases_all_but_the_model_withholds_it(site: Site) -> None:
    learning = site.in_airlock()
    a, b = site.nodes
    site.release(learning, a)
    use_id = use_at(learning, b)
    b.deliver(b.part(use_id, b"{}", name="training.json"))
    files = [{"name": "training.json"}]
    b.report(ReportKind.RUN, use_id=use_id, state=RunState.RELEASED, detail="", files=files)
    assert site.until(learning, LearningState.WITHHELD).detail == b.node_id


@pytest.mark.parametrize("how", ["person", "revoked", "ended", "node"])
def test_it_stops_within_seconds(site: Site, how: str) -> None:
    learning = site.running()
    a, b = site.nodes
    begun = time.monotonic()
    wanted = LearningState.STOPPED
    if how == "person":
        with site.client() as client:
            assert client.stop_learning(learning.learn_id).state is wanted
    elif how == "revoked":
        site.trial.hub.permits.revoke(site.permit.permit_id, "over", "committee")
    elif how == "ended":
        site.trial.clock.at = site.permit.ends
    else:
        wanted = LearningState.FAILED
        a.report(ReportKind.REVOKED, permit_id=site.permit.permit_id, reason="no", token="")
    ended = site.until(learning, wanted)
    wait_until(site.is_clean, "the engine to end")
    assert time.monotonic() - begun < 20
    words = {"person": "person", "node": f"node-left {a.node_id}"}
    assert ended.detail == words.get(how, "permit-over")
    if how != "ended":  # then the signed messages of the past are too old
        assert use_at(learning, b) in site.stops(b)
    assert "model_sha256" not in ended.detail
    assert ended.model_sha256 == ""


def test_only_persons_of_the_permit_see_or_stop_it(site: Site) -> None:
    learning = site.running()
    with site.client(site.bo) as client:
        assert list(client.learnings()) == []
        for refused in (client.learning, client.stop_learning):
            with pytest.raises(NotFound):
                refused(learning.learn_id)
    assert site.now(learning).state is LearningState.RUNNING
    for path in ("learning", f"learning/{learning.learn_id}", "api/v1/learnings"):
        reply = httpx.get(f"{site.url}/{path}", trust_env=False)
        assert reply.status_code in (303, 401), path


def test_the_model_itself_is_for_persons_of_the_permit(site: Site) -> None:
    learning = released(site)
    path = f"/models/{learning.learn_id}"
    assert "For research only" in httpx.get(f"{site.url}{path}", trust_env=False).text
    assert site.bo.ask(site.url, "GET", f"/api/v1{path}/model.npz").status_code == 404
    assert site.anna.ask(site.url, "GET", f"/api/v1{path}/model.npz").content == MODEL


def released(site: Site) -> Learning:
    learning = site.in_airlock()
    for node in site.nodes:
        site.release(learning, node)
    return site.until(learning, LearningState.RELEASED)


def test_a_test_of_the_model_stands_on_its_card(site: Site) -> None:
    learning = released(site)
    manifest = (
        b'name = "test"\nversion = "1"\ntitle = "Test"\n[entries]\nrun = "main.py"\n'
        b'[outputs]\n"metrics.json" = "aggregate"\n'
    )
    tool = tool_bundle({"tool.toml": manifest, "main.py": b"pass\n"})
    site.trial.hub.tools.add(site.anna.person, tool)
    permit = replace(
        permit_for(site.trial.clock.at, site.anna, nodes=site.nodes, tool=tool),
        datasets=tuple(
            replace(one, dataset_id="other-mr")  # type: ignore[arg-type]
            for one in site.permit.datasets[:1]
        ),
    )
    site.trial.hub.permits.issue(permit)
    a = site.nodes[0]
    a.take_up()
    a.countersign(permit.permit_id, site.trial.hub.permits.find(permit.permit_id).sha256)
    use = replace(
        use_of(site.trial, permit.permit_id, a),
        datasets=(("other-mr", 1),),  # type: ignore[arg-type]
        inputs=(("model.npz", learning.model_sha256),),
    )
    body = signed_use(use, site.anna.signer, **{"model.npz": MODEL})
    reply = site.anna.ask(site.url, "POST", "/api/v1/uses", body)
    assert reply.status_code == 201, reply.text
    for state in (RunState.RUNNING, RunState.IN_AIRLOCK):
        a.report(ReportKind.RUN, use_id=use.use_id, state=state)
    told = {"auc": {"value": 0.812, "low": 0.75, "high": 0.871}, "n_subjects": 60, "level": 0.95}
    card = site.trial.hub.models.card(learning.learn_id)
    assert card.tests == ()  # nothing of it has been released
    a.deliver(a.part(use.use_id, json.dumps(told).encode(), name="metrics.json"))
    files = [{"name": "metrics.json"}]
    a.report(ReportKind.RUN, use_id=use.use_id, state=RunState.RELEASED, files=files)
    with site.client() as client:
        (test,) = client.model(learning.learn_id).tests
    assert (test.auc, test.low, test.high, test.n_subjects) == (0.812, 0.75, 0.871, 60)
    assert test.is_external
    page = httpx.get(f"{site.url}/models/{learning.learn_id}?lang=sv", trust_env=False).text
    assert "0.750" in page
    assert "Endast för forskning" in page


def test_uses_that_do_not_fit_together_start_nothing(site: Site) -> None:
    a, b = site.nodes
    plan = LearningPlan(
        learn_id=str(uuid4()), rounds=2, min_nodes=2, round_s=60, nodes=(a.node_id, b.node_id)
    )

    def token(node: ScriptedNode, **changes: object) -> str:
        terms = json.dumps(replace(plan, **changes).to_json())  # type: ignore[arg-type]
        use = use_of(site.trial, site.permit.permit_id, node)
        use = replace(use, action=Action.LEARN, arguments=terms)
        return str(signed_use(use, site.anna.signer)["token"])

    for tokens in (
        [token(a), token(b, rounds=3)],
        [token(a)],
        [],
        [token(a, min_nodes=3), token(b, min_nodes=3)],
    ):
        body = {"tokens": tokens, "title": "x"}
        reply = site.anna.ask(site.url, "POST", "/api/v1/learnings", body)
        assert reply.status_code == 400, reply.text
    both = {"tokens": [token(a), token(b)], "title": "x"}
    assert site.bo.ask(site.url, "POST", "/api/v1/learnings", both).status_code == 403
    assert site.trial.store.learning.all() == []
    first = site.anna.ask(site.url, "POST", "/api/v1/learnings", both)
    assert first.status_code == 201, first.text
    again = site.anna.ask(site.url, "POST", "/api/v1/learnings", both)
    assert again.json()["learn_id"] == first.json()["learn_id"]
    others = {"tokens": [token(a), token(b)], "title": "x"}
    assert site.anna.ask(site.url, "POST", "/api/v1/learnings", others).status_code == 409
    assert len(site.trial.store.runs.all()) == 2


def test_when_a_node_does_not_come_enough_are_enough(site: Site) -> None:
    learning = site.start(min_nodes=1)
    a, b = site.nodes
    site.ready(learning, a)
    time.sleep(0.8)
    assert site.now(learning).state is LearningState.WAITING
    site.trial.clock.pass_s(301)
    site.until(learning, LearningState.RUNNING)
    assert use_at(learning, b) in site.stops(b)
    assert site.engine.plans[0].nodes == (a.node_id,)


def test_too_few_nodes_end_it(site: Site) -> None:
    learning = site.start()
    a, b = site.nodes
    site.ready(learning, a)
    site.report(learning, b, RunState.REFUSED)
    assert site.until(learning, LearningState.FAILED).detail == f"too-few-nodes {b.node_id}"
    assert use_at(learning, a) in site.stops(a)


def test_a_node_that_begins_again_gets_its_kit_for_the_new_key(site: Site) -> None:
    learning = site.start()
    a = site.nodes[0]
    for node in site.nodes:
        site.ready(learning, node)
    site.until(learning, LearningState.RUNNING)
    assert site.kit(learning, a)
    site.ready(learning, a)
    assert site.kit(learning, a) == f"kit of {a.node_id}".encode()


def test_what_ran_when_the_hub_was_killed_has_failed(site: Site) -> None:
    running = site.running()
    waiting = site.start()
    (folder,) = site.engine.folders
    again = conducting_at(site.trial, site.folder, HeldEngine())
    again.recover()  # as a new process begins, with the old one gone in the middle
    assert site.now(running).state is LearningState.FAILED
    assert site.now(running).detail == "hub-restarted"
    assert site.now(waiting).state is LearningState.WAITING
    assert not folder.exists()
    assert use_at(running, site.nodes[0]) in site.stops(site.nodes[0])


def test_the_page_shows_rounds_in_words_lines_and_numbers(site: Site) -> None:
    learning = site.running()
    page = page_of(site, learning)
    assert page.count("<polyline") == 4  # two metrics of two hospitals
    assert "Round 3 of 3" in page
    assert '<td class="n">0.8</td>' in page
    assert "Omgång 3 av 3" in page_of(site, learning, "sv")
    assert "http-equiv" in page


def page_of(site: Site, learning: Learning, lang: str = "en") -> str:
    headers = {"Authorization": f"Bearer {site.anna.token}", "Accept": "text/html"}
    address = f"{site.url}/learning/{learning.learn_id}?lang={lang}"
    reply = httpx.get(address, headers=headers, trust_env=False)
    assert reply.status_code == 200, reply.text
    return reply.text
