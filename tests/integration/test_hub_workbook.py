"""The catalogue leaves as a workbook and is harvested from it by a second hub: real commands."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.bootstrap.hub import init_hub, open_hub
from tessera.ports.hub_store import NodeState
from tessera.wire.messages import JoinRequest
from tests.hub_trial import released, tessera


@pytest.fixture
def hubs(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("first", "second"):
        init_hub(tmp_path / name, name=name.title(), url=f"https://{name}.example.org")
    with open_hub(tmp_path / "first") as (hub, store):
        invite = hub.joining.invite()
        asked = JoinRequest(
            secret=invite.secret,
            name="Linköping",
            country="SE",
            public_key=Ed25519Signer.create(tmp_path / "node.key").public_key,
            software="",
        )
        hub.joining.decide(hub.joining.join(asked).node_id, NodeState.APPROVED)
        (node,) = store.nodes.all()
        for name in ("prostate-mr", "breast-mg"):
            hub.catalogued.publish(node, released(name).value)
    return tmp_path / "first", tmp_path / "second"


def harvested(home: Path, source: Path) -> list[dict[str, Any]]:
    tessera("hub", "harvest", "add", home, source, "--every", "0")
    told = json.loads(tessera("hub", "harvest", "run", home, "--json").stdout)
    assert [one["state"] for one in told] == ["whole"] * len(told), told
    with open_hub(home) as (_, store):
        return sorted((asdict(one.dataset) for one in store.harvest.entries()), key=str)


def test_a_workbook_says_what_the_rdf_says(hubs: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = hubs
    file, turtle = tmp_path / "catalogue.xlsx", tmp_path / "catalogue.ttl"
    assert "2 datasets" in tessera("hub", "catalogue", "export", first, file).stdout
    with open_hub(first) as (hub, _):
        turtle.write_bytes(hub.rdf(hub.catalogue(), "turtle"))
    by_workbook = harvested(second, file)
    assert [one["title"]["sv"] for one in by_workbook] == [
        *("Datamängd breast-mg", "Datamängd prostate-mr")
    ]
    for source in json.loads(tessera("hub", "harvest", "list", second, "--json").stdout):
        tessera("hub", "harvest", "remove", second, source["source"])
    assert harvested(second, turtle) == by_workbook


def test_a_filled_form_is_shown_and_a_fault_in_it_named(
    hubs: tuple[Path, Path], tmp_path: Path
) -> None:
    file = tmp_path / "form.xlsx"
    tessera("hub", "catalogue", "template", file)
    again = tessera("hub", "catalogue", "template", file, check=False)
    assert again.returncode == 1 and "--force" in again.stderr
    filled = load_workbook(file)
    sheet = filled["Dataset"]
    at = {row[1].value: row[4] for row in sheet.iter_rows(min_row=2)}
    for name, value in {
        "dct:identifier": "https://hospital.example/lung",
        "dct:title": "Lung CT",
        "dct:publisher": "Region X",
        "dct:spatial": "SE",
        "eucaim:hasCondition": "lung",
        "eucaim:hasImageModality": "CT|PT",
        "healthdcatap:numberOfUniqueIndividuals": 120,
    }.items():
        at[name].value = value
    filled.save(file)
    (one,) = harvested(hubs[1], file)
    assert (one["country"], one["cancers"], one["modalities"]) == ("SE", ("lung",), ("CT", "PT"))
    assert one["n_subjects"] == 120

    at["healthdcatap:numberOfUniqueIndividuals"].value = "about 120"
    filled.save(file)
    told = tessera("hub", "harvest", "run", hubs[1], "--json", check=False)
    assert told.returncode == 3
    assert "Dataset, column 'Dataset 1'" in told.stdout and "about 120" in told.stdout
    with open_hub(hubs[1]) as (_, store):
        (kept,) = store.harvest.entries()
        assert kept.withdrawn_at is None, "what cannot be read is not taken for withdrawn"
