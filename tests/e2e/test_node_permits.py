"""A permit from a hub to a node, the answer of a person there, and its end, as programs."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from tessera.adapters.access import FolderToolShelf
from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.datasets import DatasetRequest, create_dataset, dataset_store
from tessera.bootstrap.hub import open_hub
from tessera.bootstrap.node import NodeSettings, init_node
from tessera.bootstrap.permits import permit_book, reports_of
from tessera.domain.access.airlock import ReleasedFile
from tessera.domain.access.permit import (
    AccessMode,
    Permit,
    PermittedDataset,
    PermittedPerson,
    PermittedTool,
    Reason,
)
from tessera.domain.access.tool import OutputKind, ToolBundle
from tessera.domain.errors import NotFound
from tessera.domain.ids import DatasetId, NodeId
from tessera.domain.zones import seal_released
from tessera.wire.runs import PermitState
from tests.e2e.test_hub_with_nodes import Site, new_site
from tests.hub_trial import tessera, wait_until
from tests.opt_out_trial import PATIENTS, put_patients
from tests.permit_trial import made_tool

LINKOPING = NodeId("linkoping")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with new_site(tmp_path) as site:
        site.start_hub()
        yield site


def at_hub(site: Site, permit_id: str) -> PermitState:
    with open_hub(site.hub_home) as (hub, _):
        found = hub.permits.find(permit_id).at_node(LINKOPING)
    assert found is not None
    return found.state


def made_permit(site: Site, manifest_sha256: str, tools: tuple[ToolBundle, ...]) -> Permit:
    now = SystemClock().now()
    key = Ed25519Signer.create(site.folder / f"{uuid4()}.key").public_key.x
    return Permit(
        permit_id=str(uuid4()),
        application_id=str(uuid4()),
        title="Lung and prostate",
        purpose="To count.",
        duo=("DUO_0000042",),
        persons=(
            PermittedPerson(
                person_id=str(uuid4()), name="Anna Berg", organisation="Uppsala", keys=(key,)
            ),
        ),
        datasets=(
            PermittedDataset(
                node_id=LINKOPING,
                dataset_id=DatasetId("images"),
                version=1,
                manifest_sha256=manifest_sha256,
            ),
        ),
        modes=frozenset({AccessMode.RUN}),
        tools=tuple(PermittedTool(name=t.name, version=t.version, digest=t.digest) for t in tools),
        outputs=frozenset({OutputKind.AGGREGATE}),
        issued_at=now,
        starts=now - timedelta(hours=1),
        ends=now + timedelta(days=1),
        conditions=("Delete it afterwards.",),
    )


def issue(site: Site, permit: Permit, tools: tuple[ToolBundle, ...]) -> None:
    with open_hub(site.hub_home) as (hub, store):
        for tool in tools:
            store.tools.add(tool, permit.persons[0].person_id, permit.issued_at)
        hub.permits.issue(permit)


def test_a_permit_comes_is_countersigned_and_is_revoked_on_both_sides(site: Site) -> None:
    node = init_node(site.folder / "linkoping", NodeSettings(name="Linkoping", country="SE"))
    put_patients(node)
    create_dataset(node.home, DatasetRequest(title="Images", contact_email="data@example.org"))
    sha256 = dataset_store(node).manifest(DatasetId("images"), 1).sha256
    code = tessera("hub", "invite", site.hub_home).stdout.strip()
    tessera("node", "join", node.home, site.url, code)
    tessera("hub", "approve", site.hub_home, LINKOPING)
    assert not (node.home / "access").exists()
    assert json.loads(tessera("node", "permit", "list", node.home, "--json").stdout) == []
    program = site.start_node(node.home)

    tools = (made_tool(), made_tool("count-women", "print(2)\n"))
    permit = made_permit(site, sha256, tools)
    other = replace(permit, permit_id=str(uuid4()), title="Another")

    issue(site, permit, tools)
    issue(site, other, ())
    for one in (permit, other):
        name = one.permit_id
        wait_until(lambda n=name: at_hub(site, n) is PermitState.RECEIVED, "the node has it")
    wait_until(lambda: len(permit_book(node.home).records.all()) == 2, "both permits")
    wait_until(lambda: has_tools(node.home, tools), "both tools")

    tessera("node", "opt-out", "add", node.home, PATIENTS[3])
    shown = tessera("node", "permit", "show", node.home, permit.permit_id[:13]).stdout
    for words in ("Lung and prostate", "Anna Berg, Uppsala", "images version 1", "1 opted out"):
        assert words in shown, shown
    assert "standing     waiting" in shown
    digest = tools[1].digest
    source = tessera("node", "permit", "show", node.home, permit.permit_id, "--tool", digest).stdout
    assert "--- main.py" in source and "print(2)" in source
    place = site.folder / "review"
    unpack = ("--tool", digest, "--unpack", place)
    tessera("node", "permit", "show", node.home, permit.permit_id, *unpack)
    assert (place / "main.py").read_text() == "print(2)\n"

    asked = tessera("node", "permit", "countersign", node.home, permit.permit_id, check=False)
    assert asked.returncode == 1 and "Agree to this?" in asked.stdout  # nobody said yes
    assert permit_book(node.home).still_allowed(permit.permit_id) is Reason.NOT_COUNTERSIGNED
    by = ("--by", "Data office", "--yes")
    tessera("node", "permit", "countersign", node.home, permit.permit_id, *by)
    no = ("--reason", "the wrong version", "--by", "Data office")
    tessera("node", "permit", "decline", node.home, other.permit_id, *no)
    wait_until(lambda: at_hub(site, permit.permit_id) is PermitState.COUNTERSIGNED, "it is told")
    wait_until(lambda: at_hub(site, other.permit_id) is PermitState.DECLINED, "it is told")
    assert permit_book(node.home).still_allowed(permit.permit_id) is None
    listed = json.loads(tessera("node", "permit", "list", node.home, "--json").stdout)
    assert [one["standing"] for one in listed] == ["in-force", "declined"]
    rows = tessera("node", "permit", "list", node.home).stdout.splitlines()
    assert rows[0].split("\t")[1] == "in-force" and rows[0].count("\t") == 7

    # A file of a run that the hub does not know is set aside; it holds up nothing.
    stray = ReleasedFile(use_id=str(uuid4()), name="a.csv", kind="aggregate", content=b"1")
    reports_of(node.home).deliver(seal_released(stray))
    with open_hub(site.hub_home) as (hub, _):
        hub.permits.revoke(permit.permit_id, "the project has ended", "committee")
    book = permit_book(node.home)
    wait_until(lambda: book.still_allowed(permit.permit_id) is Reason.REVOKED, "it is revoked", 10)
    again = tessera("node", "permit", "countersign", node.home, permit.permit_id, *by, check=False)
    assert again.returncode == 1 and "permit-refused" in again.stderr
    gone = ("--reason", "x")
    done = tessera("node", "permit", "revoke", node.home, permit.permit_id, *gone)
    assert "was revoked before" in done.stdout
    wait_until(lambda: not reports_of(node.home).outbox.first(), "all reports are sent")
    events = [
        one["event"] for one in json.loads(tessera("audit", "show", node.home, "--json").stdout)
    ]
    assert events.count("permit-received") == 2
    assert [one for one in events if one in ("permit-countersigned", "permit-declined")] == [
        *("permit-countersigned", "permit-declined")
    ]
    assert events[-1] == "permit-revoked"
    assert program.process.poll() is None
    assert "Traceback" not in program.output(), program.output()
    program.terminate()


def has_tools(home: Path, tools: tuple[ToolBundle, ...]) -> bool:
    try:
        return all(FolderToolShelf(home / "access" / "tools").find(t.digest) for t in tools)
    except NotFound:
        return False
