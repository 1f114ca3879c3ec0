"""Two nodes learn with NVIDIA FLARE: its server, its clients in sandboxes, our gates between."""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from tessera.adapters.hpke.sealing import HpkeSealing
from tessera.adapters.nvflare.client import NvflareClient
from tessera.adapters.nvflare.server import NvflareServer
from tessera.ports.federation import FederationPlan, SiteUpdate, Trained
from tessera.wire.frames import arrays_from, arrays_to
from tessera.wire.tasks import RunState, Task, TaskKind
from tests.integration.test_runs import events
from tests.learning_trial import OTHER, LearnTrial
from tests.run_trial import HERE, needs_sandbox

pytest.importorskip("nvflare")


@pytest.fixture(autouse=True)
def _sandbox() -> Iterator[None]:
    needs_sandbox()
    yield


def test_two_nodes_learn_and_both_keep_the_same_model(tmp_path: Path) -> None:
    trials = {
        node: LearnTrial(tmp_path / node, here=node, engine=NvflareClient())
        for node in (HERE, OTHER)
    }
    plan = FederationPlan(
        learn_id=str(uuid4()), nodes=(HERE, OTHER), rounds=2, min_nodes=2, round_s=60
    )
    server, heard = NvflareServer(), list[SiteUpdate]()
    kits = server.provision(plan, tmp_path / "hub", host="127.0.0.1")
    found: list[Trained] = []

    def hub() -> None:
        found.append(server.run(plan, tmp_path / "hub", None, heard.append, lambda: False))

    training = threading.Thread(target=hub, daemon=True)
    training.start()
    with trials[HERE].learning() as here, trials[OTHER].learning() as other:
        uses = {}
        for node, learnings in ((HERE, here), (OTHER, other)):
            uses[node], task = trials[node].learn_task(min_nodes=2, round_s=60)
            learnings.take_up(task)
        for node, learnings in ((HERE, here), (OTHER, other)):
            key = trials[node].key_of(uses[node])
            sealed = HpkeSealing().seal(kits[node], key, uses[node])
            body = {"use_id": uses[node], "kit": b64encode(sealed).decode(), "rounds": 2}
            learnings.take_kit(Task(task_id=str(uuid4()), kind=TaskKind.LEARN, body=body))
        runs = {node: trials[node].ended(uses[node], 90) for node in trials}
        training.join(timeout=30)
    for node, run in runs.items():
        assert run.state is RunState.IN_AIRLOCK, trials[node].engine_log(run.use_id)
    (trained,) = found
    first = np.random.default_rng(1).normal(size=(3, 4))
    assert np.allclose(trained.weights["w"], first + 2 * 3.0)
    for node, run in runs.items():
        shelf = trials[node].airlock.shelf
        assert shelf.read(run.use_id, "model.npz") == arrays_to(trained.weights)
        assert json.loads(shelf.read(run.use_id, "training.json"))["rounds"] == 2
        left = [e.facts["round"] for e in events(trials[node]) if e.event == "update-released"]
        assert left in ([0, 1, 2], [1, 2])
    assert {(one.node_id, one.round) for one in heard} == {
        (node, number) for node in plan.nodes for number in (1, 2)
    }
    assert all(one.n_samples == 60 and one.metrics["auc"] == 0.812 for one in heard)
    assert arrays_from(arrays_to(trained.weights)).keys() == {"w", "b", "kind"}
