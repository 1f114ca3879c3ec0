"""`tessera clinical apply` and `tessera node dataset` as an operator runs them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tessera.bootstrap.node import Node, NodeSettings, init_node
from tests.integration.test_datasets import put

MAPPING = """
[mapping]
name = "registry"
version = "3"
[source]
dates = ["YYYY-MM-DD"]
[source.patient_id]
column = "pnr"
[columns.cancer]
column = "cancer"
[columns.stage]
column = "stage"
"""
TABLE = "pnr,cancer,stage\n19121212-1212,prostate,II\n19130101-1111,lung,Anna Andersson\n,lung,I\n"


def tessera(*words: object) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from tessera.cli import main; main()"]
    return subprocess.run(
        [*program, *map(str, words)], capture_output=True, check=False, text=True, encoding="utf-8"
    )


@pytest.fixture
def node(tmp_path: Path) -> Node:
    (tmp_path / "table.csv").write_text(TABLE, "utf-8")
    (tmp_path / "map.toml").write_text(MAPPING, "utf-8")
    return init_node(tmp_path / "home", NodeSettings(name="Linköping", country="SE"))


def test_clinical_command_counts_what_it_did_and_keeps_raw_values_in_the_identified_zone(
    node: Node, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    words = ("clinical", "apply", node.home, tmp_path / "table.csv", "--mapping")
    done = tessera(*words, tmp_path / "map.toml", "--report", report, "--json")
    assert done.returncode == 3, done.stderr
    body = json.loads(done.stdout)
    assert (body["rows"], body["converted"], body["rejected"]) == (3, 2, 1)
    assert body["problems"] == {"missing-patient-id": 1, "unknown-value": 1}
    kept = Path(body["problems_file"])
    assert kept.is_relative_to(node.identified / "clinical")
    assert "Anna Andersson" in kept.read_text("utf-8")
    assert kept.stat().st_mode & 0o077 == 0
    assert {path.name for path in kept.parent.iterdir()} == {
        *("table.csv", "map.toml", "problems.csv", "provenance")
    }
    for text in (done.stdout, done.stderr, report.read_text("utf-8")):
        assert "Anna" not in text and "1912" not in text
    assert [problem["row"] for problem in json.loads(report.read_text("utf-8"))] == [3, 4]
    research = b"".join(p.read_bytes() for p in node.research.rglob("*") if p.is_file())
    assert b"Anna" not in research and b"19121212" not in research


def test_clinical_command_names_a_fault_of_the_mapping_and_fails(
    node: Node, tmp_path: Path
) -> None:
    (tmp_path / "map.toml").write_text(MAPPING.replace("columns.stage", "columns.stag"), "utf-8")
    words = ("clinical", "apply", node.home, tmp_path / "table.csv", "--mapping")
    done = tessera(*words, tmp_path / "map.toml")
    assert done.returncode == 1
    assert "invalid-mapping" in done.stderr and "columns.stag" in done.stderr
    assert not (node.research / "clinical.sqlite").exists()


def test_dataset_commands_make_list_and_show_a_version(node: Node) -> None:
    put(node, range(12))
    create = ("node", "dataset", "create", node.home, "--title", "Ä title", "--json")
    assert tessera(*create).returncode == 1
    done = tessera(*create, "--contact-email", "a@example.org", "--title-sv", "En titel")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert (made["dataset_id"], made["version"], made["is_new"]) == ("a-title", 1, True)
    again = tessera("node", "dataset", "create", node.home, "--id", "a-title")
    assert (again.returncode, "nothing has changed" in again.stdout) == (0, True)
    listed = json.loads(tessera("node", "dataset", "list", node.home, "--json").stdout)
    assert [(one["dataset_id"], one["versions"]) for one in listed] == [("a-title", [1])]
    shown = json.loads(tessera("node", "dataset", "show", node.home, "a-title", "--json").stdout)
    assert shown["manifest_sha256"] == made["manifest_sha256"]
    assert shown["description"]["title"] == {"en": "Ä title", "sv": "En titel"}
    plain = tessera("node", "dataset", "show", node.home, "a-title")
    assert "too few to tell" in plain.stdout
    assert tessera("node", "dataset", "show", node.home, "other").returncode == 1


def test_dataset_publish_without_a_hub_says_what_to_do(node: Node) -> None:
    put(node, range(12))
    tessera(
        *("node", "dataset", "create", node.home, "--title", "T"),
        *("--contact-email", "a@example.org"),
    )
    done = tessera("node", "dataset", "publish", node.home, "t")
    assert done.returncode == 1
    assert "error (" in done.stderr
