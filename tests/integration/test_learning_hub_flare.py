"""A training from the hub's REST to a released model, with NVIDIA FLARE's own processes."""

import os
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from tessera.adapters.nvflare.client import NvflareClient
from tessera.adapters.nvflare.server import NvflareServer
from tessera.domain.learning.plan import LearningState
from tessera.testing.federation import (
    Bridge,
    Trainer,
    expected,
    first_weights,
    processes_about,
    unpack,
)
from tessera.wire.frames import arrays_to
from tessera.wire.learning import Learning
from tessera.wire.tasks import RunState
from tests.hub_trial import wait_until
from tests.integration.test_learning_at_hub import Site, a_site, page_of, use_at

pytest.importorskip("nvflare")
Client = tuple[Bridge, socket.socket, subprocess.Popen[bytes]]
TRAINERS = (Trainer(step=1.0, n_samples=10), Trainer(step=-0.3, n_samples=37))


def start_clients(site: Site, learning: Learning, folder: Path) -> list[Client]:
    found = []
    for node in site.nodes:
        site.ready(learning, node)
    for node, trainer in zip(site.nodes, TRAINERS, strict=True):
        kit = site.kit(learning, node)
        bridge = Bridge(folder / f"{node.node_id}.sock", trainer)
        listener = bridge.open()
        with (folder / f"{node.node_id}.log").open("wb") as log:
            process = subprocess.Popen(
                NvflareClient().command(unpack(kit, folder / node.node_id), bridge.path),
                env={**os.environ, "TMPDIR": str(folder)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        site.report(learning, node, RunState.RUNNING)
        found.append((bridge, listener, process))
    return found


@pytest.mark.slow
def test_two_nodes_train_and_release_one_model(tmp_path: Path) -> None:
    engine = NvflareServer(join_s=60, silent_s=10)
    with a_site(tmp_path, engine) as site:
        learning = site.start(rounds=2)
        clients = start_clients(site, learning, tmp_path)
        try:
            for _, _, process in clients:
                assert process.wait(90) == 0
            ended = site.until(learning, LearningState.IN_AIRLOCK)
        finally:
            for bridge, listener, process in clients:
                bridge.released.set()
                process.kill()
                process.wait()
                listener.close()
        wanted = arrays_to(expected(first_weights(), TRAINERS, 2))
        assert [(u.node_id, u.round) for u in ended.updates] == [
            (node.node_id, number) for number in (1, 2) for node in site.nodes
        ]
        for node, (bridge, _, _) in zip(site.nodes, clients, strict=True):
            assert bridge.final is not None
            site.report(learning, node, RunState.IN_AIRLOCK)
            site.release(learning, node, arrays_to(bridge.final))
        site.until(learning, LearningState.RELEASED)
        path = f"/api/v1/models/{learning.learn_id}/model.npz"
        assert site.anna.ask(site.url, "GET", path).content == wanted
        assert httpx.get(f"{site.url}/models/{learning.learn_id}", trust_env=False).is_success
        assert "<polyline" in page_of(site, learning)
        assert not (tmp_path / "learning" / learning.learn_id).exists()
        wait_until(lambda: processes_about(tmp_path) == [], "every process to end")
        assert use_at(learning, site.nodes[0])
