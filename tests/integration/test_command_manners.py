"""What a person reads when a command is used wrongly, or asks how a node stands."""

import json
from pathlib import Path

import pytest

from tessera.bootstrap.node import Node, NodeSettings, init_node
from tests.integration.test_dataset_commands import MAPPING, TABLE, tessera


@pytest.fixture
def node(tmp_path: Path) -> Node:
    (tmp_path / "table.csv").write_text(TABLE, "utf-8")
    (tmp_path / "map.toml").write_text(MAPPING, "utf-8")
    return init_node(tmp_path / "home", NodeSettings(name="Linköping", country="SE"))


@pytest.mark.parametrize(
    "words",
    [
        ("node", "init", "FILE", "--name", "x", "--country", "SE"),
        ("node", "init", "FILE/below", "--name", "x", "--country", "SE"),
        ("node", "status", "FILE"),
        ("phantom", "FILE", "--patients", "1", "--seed", "1"),
        ("hub", "init", "FILE"),
        ("demo", "--home", "FILE"),
        ("deid", "FILE", "OUT", "--key", "FILE/key"),
    ],
)
def test_a_place_that_cannot_be_used_is_one_line_and_not_a_traceback(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "a-file").write_text("x", "utf-8")
    places = {"FILE": str(tmp_path / "a-file"), "OUT": str(tmp_path / "out")}
    done = tessera(
        *(word.replace("FILE", places["FILE"]).replace("OUT", places["OUT"]) for word in words)
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "a-file" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ("deid", "IN", "OUT", "--report", "NOWHERE/report.json"),
        ("check", "IN", "--html", "NOWHERE/report.html"),
        ("check", "IN", "--json", "NOWHERE/report.json"),
        ("clinical", "apply", "IN", "IN/t.csv", "--mapping", "IN/m", "--report", "NOWHERE/r.csv"),
    ],
)
def test_a_report_with_no_folder_to_go_to_is_told_before_the_work(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    places = {"IN": tmp_path, "OUT": tmp_path / "out", "NOWHERE": tmp_path / "no" / "folder"}
    filled = []
    for word in words:
        first, *rest = word.split("/", 1)
        filled.append(str(Path(places[first], *rest)) if first in places else word)
    done = tessera(*filled)
    assert done.returncode == 2
    assert "does not exist" in done.stderr
    assert not (tmp_path / "out").exists()


def test_check_of_a_folder_without_dicom_prints_no_table(tmp_path: Path) -> None:
    done = tessera("check", tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "no DICOM instance" in done.stderr


def test_a_node_needs_a_name(tmp_path: Path) -> None:
    done = tessera("node", "init", tmp_path / "n", "--name", " ", "--country", "SE")
    assert done.returncode == 2
    assert not (tmp_path / "n").exists()


def test_status_tells_the_clinical_records_and_that_no_hub_is_joined(
    node: Node, tmp_path: Path
) -> None:
    words = ("clinical", "apply", node.home, tmp_path / "table.csv", "--mapping")
    assert tessera(*words, tmp_path / "map.toml").returncode == 3
    body = json.loads(tessera("node", "status", node.home, "--json").stdout)
    assert body["hub"] is None
    clinical = body["clinical"]
    assert (clinical["deliveries"], clinical["subjects"], clinical["conditions"]) == (1, 2, 2)
    assert clinical["mappings"] == ["registry 3"]
    told = tessera("node", "status", node.home).stdout
    assert "2 subjects with 2 cancers" in told
    assert "not joined" in told
    assert "none yet; tessera node dataset create" in told


def test_status_of_a_new_node_says_what_comes_next(node: Node) -> None:
    told = tessera("node", "status", node.home).stdout
    assert "nothing yet; tessera node ingest" in told
    assert "none yet; tessera clinical apply" in told


def test_status_holds_when_the_hub_is_away(node: Node) -> None:
    from tessera.adapters.jose.ed25519 import Ed25519Signer
    from tessera.adapters.link.folder import LinkFolder
    from tessera.domain.ids import node_id
    from tessera.ports.hub_link import HubPin

    folder = LinkFolder(node.link)
    key = Ed25519Signer.create(folder.key_file).public_key
    folder.set_pin(
        HubPin(
            hub_url="http://127.0.0.1:9", hub_name="Hub", hub_key=key, node_id=node_id("linkoping")
        )
    )
    done = tessera("node", "status", node.home, "--json")
    assert done.returncode == 0, done.stderr
    hub = json.loads(done.stdout)["hub"]
    assert (hub["state"], hub["node_id"]) == ("unknown", "linkoping")
    assert "cannot be reached" in hub["detail"]
    assert "not known now" in tessera("node", "status", node.home).stdout
