"""A second hub, started on its own, harvests the first over HTTP and shows the same."""

import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.bootstrap.hub import init_hub, open_hub
from tessera.bootstrap.hub_harvest import HarvestSchedule, open_harvesting
from tessera.domain.catalogue.notice import Notice, NoticeKind
from tessera.domain.ids import DatasetId
from tessera.ports.hub_store import NodeState
from tessera.wire.messages import JoinRequest
from tests.hub_trial import Program, released, tessera, wait_until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_second_hub_harvests_the_first_and_shows_the_same(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    url, other = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    init_hub(first, name="First hub", url=url)
    with open_hub(first) as (hub, store):
        signer = Ed25519Signer.create(tmp_path / "node.key")
        asked = JoinRequest(
            secret=hub.joining.invite().secret,
            name="Linköping",
            country="SE",
            public_key=signer.public_key,
            software="tessera test",
        )
        hub.joining.decide(hub.joining.join(asked).node_id, NodeState.APPROVED)
        (node,) = store.nodes.all()
        for name in ("prostate-mr", "breast-mg"):
            hub.catalogued.publish(node, released(name).value)
    init_hub(second, name="Second hub", url=other)
    programs = []
    try:
        for home, address in ((first, url), (second, other)):
            port = address.rpartition(":")[2]
            words = ["hub", "run", home, "--port", port]
            programs.append(Program(tmp_path / f"{home.name}.log", words))
        for program in programs:
            program.wait_for("hub is open")
        refused = tessera("hub", "harvest", "add", second, f"{url}/fdp", "--name", "First")
        assert "first is added" in refused.stdout
        done = tessera("hub", "harvest", "run", second, check=False)
        assert done.returncode == 3
        assert "--allow-private" in done.stderr
        tessera("hub", "harvest", "remove", second, "first")
        tessera("hub", "harvest", "add", second, f"{url}/fdp", "--name", "First", "--allow-private")
        (report,) = json.loads(tessera("hub", "harvest", "run", second, "--json").stdout)
        assert (report["state"], report["datasets"], report["new"]) == ("whole", 2, 2)

        with httpx.Client(trust_env=False) as client:
            here = client.get(f"{url}/api/v1/datasets").json()["datasets"]
            there = client.get(f"{other}/api/v1/harvested").json()["harvested"]
            assert client.get(f"{other}/api/v1/datasets").json()["datasets"] == []
            page = client.get(f"{other}/catalogue").text
            shown = client.get(f"{other}/harvested/{there[0]['key']}").text
        assert _told(there) == [
            {
                "title": one["description"]["title"],
                "description": one["description"]["description"],
                "publisher": one["description"]["publisher"]["name"],
                "node": one["node"]["name"],
                "country": one["description"]["country"],
                "subjects": one["description"]["n_subjects"],
                "studies": one["description"]["n_studies"],
                "address": f"{url}/datasets/linkoping/{one['description']['dataset_id']}",
            }
            for one in sorted(here, key=lambda one: str(one["description"]["title"]))
        ]
        assert "Dataset prostate-mr" in page
        assert "Harvested from First" in page
        assert "cannot be searched or applied for here" in shown
        _a_withdrawn_dataset_is_withdrawn_here_with_its_reason(first, second, other)
        _a_new_source_is_read_when_its_time_has_come(second, tmp_path / "list.csv")
    finally:
        for program in programs:
            program.terminate()


def _a_withdrawn_dataset_is_withdrawn_here_with_its_reason(
    first: Path, second: Path, other: str
) -> None:
    with open_hub(first) as (hub, store):
        (node,) = store.nodes.all()
        notice = Notice(
            dataset_id=DatasetId("prostate-mr"),
            kind=NoticeKind.WITHDRAWN,
            at=datetime(2026, 5, 3, tzinfo=UTC),
            reason="Consent was asked for anew.",
            successor=DatasetId("breast-mg"),
        )
        hub.catalogued.take_notice(node, notice)
    (report,) = json.loads(tessera("hub", "harvest", "run", second, "--json").stdout)
    assert (report["state"], report["datasets"], report["withdrawn"]) == ("whole", 1, 1)
    with httpx.Client(trust_env=False) as client:
        there = client.get(f"{other}/api/v1/harvested").json()["harvested"]
        (gone,) = (one for one in there if one["withdrawn_at"])
        told = gone["dataset"]["withdrawal"]
        assert (told["on"], told["reason"]) == ("2026-05-03", "Consent was asked for anew.")
        assert told["successor"].endswith("/datasets/linkoping/breast-mg")
        shown = client.get(f"{other}/harvested/{gone['key']}").text
        assert "Consent was asked for anew. (2026-05-03)" in shown


def _a_new_source_is_read_when_its_time_has_come(home: Path, table: Path) -> None:
    table.write_text("dct:identifier,dct:title,dct:publisher\nx-1,Lung CT,Region X\n", "utf-8")
    with open_harvesting(home) as harvesting:
        store = harvesting.store
        source = harvesting.add(str(table), name="List")
        schedule = HarvestSchedule(home, store, look_s=0.05)
        schedule.start()
        try:
            wait_until(lambda: store.harvest.entries(source.source_id), "the table to be read")
        finally:
            schedule.close()
        (entry,) = store.harvest.entries(source.source_id)
        assert entry.dataset.title == {"en": "Lung CT"}
        assert harvesting.due() == []


def _told(harvested: list[dict[str, dict[str, object]]]) -> list[dict[str, object]]:
    return [
        {
            "title": one["dataset"]["title"],
            "description": one["dataset"]["description"],
            "publisher": one["dataset"]["publisher"],
            "node": one["dataset"]["custodian"],
            "country": one["dataset"]["country"],
            "subjects": one["dataset"]["n_subjects"],
            "studies": one["dataset"]["n_studies"],
            "address": one["address"],
        }
        for one in sorted(harvested, key=lambda one: str(one["dataset"]["title"]))
    ]
