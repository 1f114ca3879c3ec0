"""Hub, node and researcher as programs: ask, run in the sandbox, look, release, receive."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.bootstrap.datasets import DatasetRequest, create_dataset
from tessera.bootstrap.hub import open_hub
from tessera.bootstrap.node import NodeSettings, init_node
from tessera.bootstrap.permits import permit_book
from tessera.bootstrap.runs import records_of
from tessera.client.credentials import HubFolder
from tessera.domain.access.permit import PermittedPerson
from tessera.wire.tasks import RunState
from tests.e2e.test_hub_with_nodes import Site, new_site
from tests.e2e.test_node_permits import LINKOPING, issue, made_permit
from tests.hub_trial import TESSERA, tessera, wait_until
from tests.opt_out_trial import PATIENTS, put_patients
from tests.run_trial import BYTES_OF_INSTANCE, made_tool, needs_sandbox

PASSWORD = "a long enough pass phrase 1847"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    needs_sandbox()
    with new_site(tmp_path) as site:
        site.start_hub()
        yield site


@pytest.mark.long
def test_a_result_comes_to_its_researcher_after_a_person_let_it_out(site: Site) -> None:
    node = init_node(site.folder / "linkoping", NodeSettings(name="Linkoping", country="SE"))
    put_patients(node)
    for row in node.index.all():
        path = node.research / row.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(BYTES_OF_INSTANCE))
    request = DatasetRequest(title="Images", contact_email="data@example.org")
    version = create_dataset(node.home, request)
    code = tessera("hub", "invite", site.hub_home).stdout.strip()
    tessera("node", "join", node.home, site.url, code)
    tessera("hub", "approve", site.hub_home, LINKOPING)
    tessera("node", "opt-out", "add", node.home, PATIENTS[3])
    site.start_node(node.home)

    with open_hub(site.hub_home) as (hub, _):
        hub.accounts.add(name="Anna Berg", user="anna", organisation="Uppsala", password=PASSWORD)
    environment = {
        **os.environ,
        "TESSERA_CONFIG": str(site.folder / "config"),
        "NO_PROXY": "127.0.0.1",
    }

    def anna(*words: object, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(TESSERA), *map(str, words)],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
            env=environment,
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
    tool = made_tool()
    permit = replace(made_permit(site, version.manifest_sha256, (tool,)), persons=(person,))
    issue(site, permit, (tool,))
    wait_until(lambda: bool(permit_book(node.home).records.all()), "the node has the permit")
    tessera("node", "permit", "countersign", node.home, permit.permit_id, "--yes")

    run = ("run", tool.name, "--permit", permit.permit_id, "--hub", site.url)
    started = anna(*run)
    wait_until(
        lambda: any(r.state is RunState.IN_AIRLOCK for r in records_of(node.home).all()),
        f"a run in the airlock: {started.stderr}",
    )
    (record,) = records_of(node.home).all()
    assert not (site.folder / "out").exists()
    done = tessera("node", "airlock", "release", node.home, record.use_id, "--yes")
    assert done.stdout == "counts.json: released\n"

    def arrived() -> bool:
        runs = json.loads(anna("runs", "--hub", site.url, "--json").stdout)
        return bool(runs) and runs[0]["state"] == "released"

    wait_until(arrived, "the hub has the result")
    out = site.folder / "out"
    got = anna("results", record.use_id, "--hub", site.url, "--out", out)
    assert got.returncode == 0, got.stderr
    body = json.loads((out / LINKOPING / "counts.json").read_bytes())
    assert body == {"n_subjects": 29, "n_files": 58}
