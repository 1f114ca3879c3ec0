"""Hub, two nodes and a researcher as programs: learn with FLARE, look, release, receive."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.bootstrap.datasets import DatasetRequest, create_dataset
from tessera.bootstrap.hub import open_hub
from tessera.bootstrap.node import NodeSettings, init_node
from tessera.bootstrap.permits import permit_book
from tessera.bootstrap.runs import records_of
from tessera.client.credentials import HubFolder
from tessera.domain.access.permit import AccessMode, PermittedPerson
from tessera.domain.access.tool import OutputKind
from tessera.wire.tasks import RunState
from tests.e2e.test_hub_with_nodes import Site, new_site
from tests.e2e.test_node_permits import issue, made_permit
from tests.hub_trial import TESSERA, tessera, wait_until
from tests.learning_trial import learning_tool
from tests.opt_out_trial import put_patients
from tests.run_trial import BYTES_OF_INSTANCE, needs_sandbox

PASSWORD = "a long enough pass phrase 1847"
NODES = ("linkoping", "valencia")

pytest.importorskip("nvflare")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    needs_sandbox()
    with new_site(tmp_path) as site:
        site.start_hub()
        yield site


def joined(site: Site, name: str) -> tuple[Path, str]:
    """Make a node with images that runs; return its home and the hash of the manifest."""
    node = init_node(site.folder / name, NodeSettings(name=name.title(), country="SE"))
    put_patients(node)
    for row in node.index.all():
        path = node.research / row.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(BYTES_OF_INSTANCE))
    version = create_dataset(
        node.home, DatasetRequest(title="Images", contact_email="data@example.org")
    )
    code = tessera("hub", "invite", site.hub_home).stdout.strip()
    tessera("node", "join", node.home, site.url, code)
    tessera("hub", "approve", site.hub_home, name)
    site.start_node(node.home)
    return node.home, version.manifest_sha256


def test_a_model_comes_to_its_researcher_after_every_node_let_it_out(site: Site) -> None:
    homes = {name: joined(site, name) for name in NODES}
    with open_hub(site.hub_home) as (hub, _):
        hub.accounts.add(name="Anna Berg", user="anna", organisation="Uppsala", password=PASSWORD)

    def anna(*words: object, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(TESSERA), *map(str, words)],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
            env={
                **os.environ,
                "TESSERA_CONFIG": str(site.folder / "config"),
                "NO_PROXY": "127.0.0.1",
            },
        )

    login = anna("login", site.url, "--user", "anna", "--password-stdin", stdin=PASSWORD)
    assert login.returncode == 0, login.stderr
    kept = HubFolder(site.folder / "config", site.url)
    who = kept.login()
    assert who is not None
    person = PermittedPerson(
        person_id=who.person_id,
        name="Anna Berg",
        organisation="Uppsala",
        keys=(Ed25519Signer.load(kept.key_file).public_key.x,),
    )
    tool = learning_tool()
    permit = made_permit(site, homes[NODES[0]][1], (tool,))
    (mine,) = permit.datasets
    permit = replace(
        permit,
        persons=(person,),
        modes=frozenset({AccessMode.LEARN}),
        outputs=frozenset({OutputKind.MODEL, OutputKind.AGGREGATE}),
        datasets=tuple(
            replace(mine, node_id=name, manifest_sha256=homes[name][1])  # type: ignore[arg-type]
            for name in NODES
        ),
    )
    issue(site, permit, (tool,))
    for home, _ in homes.values():
        wait_until(
            lambda home=home: bool(permit_book(home).records.all()),  # type: ignore[misc]
            "the node has the permit",
        )
        tessera("node", "permit", "countersign", home, permit.permit_id, "--yes")
    learn = ("learn", "start", tool.name, "--permit", permit.permit_id, "--rounds", 2)

    def is_countersigned() -> bool:
        done = anna("permits", "--hub", site.url, "--json")
        return done.stdout.count('"countersigned"') >= len(NODES)

    wait_until(is_countersigned, "both nodes have countersigned")
    started = anna(*learn, "--hub", site.url, "--json")
    assert started.returncode == 0, started.stderr + started.stdout
    learn_id = json.loads(started.stdout)["learn_id"]

    def states() -> list[tuple[RunState, str]]:
        return [(r.state, r.detail) for home, _ in homes.values() for r in records_of(home).all()]

    wait_until(
        lambda: all(state is not RunState.WAITING for state, _ in states()) and bool(states()),
        "both nodes train",
        60,
    )
    wait_until(lambda: all(state is not RunState.RUNNING for state, _ in states()), "the end", 90)
    assert [state for state, _ in states()] == [RunState.IN_AIRLOCK] * 2, states()

    def model(*words: object) -> "subprocess.CompletedProcess[str]":
        out = site.folder / "out"
        return anna("model", "download", *words, "--hub", site.url, "--out", out)

    for number, (home, _) in enumerate(homes.values()):
        assert json.loads(anna("models", "--hub", site.url, "--json").stdout) == []
        (record,) = records_of(home).all()
        done = tessera(
            *("node", "airlock", "release", home, record.use_id, "--yes"),
            *("--despite", "a toy of twelve numbers"),
        )
        assert "model.npz: released" in done.stdout, (number, done.stdout)

    def arrived() -> bool:
        return bool(json.loads(anna("models", "--hub", site.url, "--json").stdout))

    wait_until(arrived, "the hub has the model", 30)
    told = anna("learn", "status", learn_id, "--hub", site.url, "--json")
    assert json.loads(told.stdout)["state"] == "released"
    (card,) = json.loads(anna("models", "--hub", site.url, "--json").stdout)
    got = model(card["model_id"])
    assert got.returncode == 0, got.stderr
    (found,) = (site.folder / "out").rglob("*.npz")
    first = np.random.default_rng(0).normal(size=(3, 4))
    assert np.allclose(dict(np.load(found))["w"], first + 2 * 3.0)
