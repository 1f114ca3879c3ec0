"""`tessera node fsck`: each kind of fault is found, named and mended, and nothing else is."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest
from typer.testing import CliRunner

from tessera.bootstrap.datasets import DatasetRequest, create_dataset
from tessera.bootstrap.fsck import fsck
from tessera.bootstrap.ingest import ingest_sources, list_sources
from tessera.bootstrap.node import Node, NodeSettings, init_node, open_node
from tessera.cli import app
from tessera.cli.register import register_all
from tessera.node.fsck import KINDS
from tessera.ports.ledger import State
from tests.dicom_files import write_series

register_all(app)
N = 6


def take_in(node: Node, pacs: Path) -> None:
    list(ingest_sources(node, list_sources([pacs]), workers=1))


@pytest.fixture
def pacs(tmp_path: Path) -> Path:
    paths = write_series(tmp_path / "pacs", N)
    (tmp_path / "pacs" / "cut-off").write_bytes(paths[0].read_bytes()[:900])
    return tmp_path / "pacs"


@pytest.fixture
def node(tmp_path: Path, pacs: Path) -> Node:
    made = init_node(tmp_path / "home", NodeSettings(name="A", country="SE", minimum_count=1))
    take_in(made, pacs)
    return made


def kinds(node: Node, *, deep: bool = False, repair: bool = False) -> list[tuple[str, bool]]:
    found = fsck(node.home, deep=deep, repair=repair)
    return [(fault.kind, fault.is_repaired) for fault in found]


def first_file(node: Node) -> Path:
    return node.store.path(next(iter(node.index.all())).path)


def remove_file(node: Node) -> None:
    first_file(node).unlink()


def cut_file(node: Node) -> None:
    os.truncate(first_file(node), 100)


def change_file(node: Node) -> None:
    path = first_file(node)
    body = bytearray(path.read_bytes())
    body[-1] ^= 1
    path.write_bytes(body)


def add_file(node: Node) -> None:
    (node.store.instances / "ab").mkdir(exist_ok=True)
    (node.store.instances / "ab" / "2.25.777.dcm").write_bytes(b"who knows")


def leave_staged(node: Node) -> None:
    (node.store.staging / "2.25.9_x.part").write_bytes(b"half")


def lose_row(node: Node) -> None:
    row = next(iter(node.index.all()))
    node.index.remove([row.instance_uid])
    node.store.remove(row.path)


def lose_quarantine(node: Node) -> None:
    (one,) = node.ledger.entries((State.REFUSED,))
    (node.identified / "quarantine" / one.quarantine).unlink()


FAULTS: dict[str, tuple[Callable[[Node], None], bool]] = {
    "file-missing": (remove_file, False),
    "file-size": (cut_file, False),
    "file-hash": (change_file, True),
    "file-extra": (add_file, False),
    "half-written": (leave_staged, False),
    "ledger-orphan": (lose_row, False),
    "quarantine-missing": (lose_quarantine, False),
}


def test_a_whole_home_has_no_fault(node: Node) -> None:
    assert kinds(node, deep=True) == []


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_found_and_mended_and_its_source_is_taken_again(
    node: Node, pacs: Path, kind: str
) -> None:
    harm, deep = FAULTS[kind]
    before = {row.instance_uid: row for row in node.index.all()}
    harm(node)
    assert kinds(node, deep=deep) == [(kind, False)]
    assert kinds(node, deep=deep) == [(kind, False)], "to look changes nothing"
    assert kinds(node, deep=deep, repair=True) == [(kind, True)]
    assert kinds(node, deep=True) == []
    take_in(node, pacs)
    assert {row.instance_uid: row for row in node.index.all()} == before
    assert kinds(node, deep=True) == []
    counts = node.ledger.counts()
    assert counts == {(State.STORED, ""): N, (State.REFUSED, "truncated"): 1}


def test_what_is_doubtful_is_kept_aside(node: Node) -> None:
    body = first_file(node).read_bytes()
    add_file(node)
    cut_file(node)
    assert kinds(node, repair=True) == [("file-size", True), ("file-extra", True)]
    kept = sorted((node.research / "set-aside").iterdir(), key=lambda path: path.stat().st_size)
    assert [path.read_bytes() for path in kept] == [b"who knows", body[:100]]
    assert (node.research / "set-aside").stat().st_mode & 0o077 == 0


def test_a_version_is_compared_with_its_tables_and_instances(node: Node) -> None:
    create_dataset(node.home, DatasetRequest(title="Images", contact_email="a@example.org"))
    assert kinds(node, deep=True) == []
    remove_file(node)
    assert kinds(node) == [("file-missing", False), ("version-instance", False)]
    (table,) = node.research.glob("datasets/*/v1/series.parquet")
    table.chmod(0o644)
    table.write_bytes(b"other")
    assert ("version-table", False) in kinds(node)
    assert ("version-instance", False) in kinds(node, repair=True), "that is for a backup"


def test_a_damaged_database_is_told_and_nothing_is_changed(node: Node) -> None:
    add_file(node)
    (node.home / "research" / "clinical.sqlite").write_bytes(b"not a database" * 500)
    found = list(fsck(node.home, repair=True))
    assert [(one.kind, one.what) for one in found] == [("database", "research/clinical.sqlite")]
    assert (node.store.instances / "ab" / "2.25.777.dcm").exists()


def test_an_ingest_that_runs_meanwhile_is_no_fault(node: Node, tmp_path: Path) -> None:
    stop, n = Event(), [0]

    def work() -> None:
        other = open_node(node.home)
        while not stop.is_set():
            n[0] += 1
            write_series(tmp_path / f"pacs{n[0]}", 6, study=10 + n[0])
            take_in(other, tmp_path / f"pacs{n[0]}")

    worker = Thread(target=work)
    worker.start()
    try:
        while n[0] < 12:
            assert worker.is_alive()
            assert kinds(node, deep=True) == []
    finally:
        stop.set()
        worker.join()


def test_the_command_says_what_to_do_and_has_an_exit_code(node: Node) -> None:
    run, home = CliRunner(), str(node.home)
    assert run.invoke(app, ["node", "fsck", home]).exit_code == 0
    add_file(open_node(node.home))
    told = run.invoke(app, ["node", "fsck", home])
    assert told.exit_code == 4
    assert told.stdout.splitlines() == [
        f"file-extra\tab/2.25.777.dcm\t{KINDS['file-extra']}",
    ]
    as_json = json.loads(run.invoke(app, ["node", "fsck", home, "--json", "--repair"]).stdout)
    assert (as_json["left"], as_json["faults"][0]["repaired"]) == (0, True)
