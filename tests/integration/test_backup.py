"""Back-up and restore: whole, also while the node works, and proved before it counts."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest
from typer.testing import CliRunner

from tessera.bootstrap.backup import back_up, restore
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.fsck import fsck
from tessera.bootstrap.ingest import ingest_sources, list_sources
from tessera.bootstrap.node import Node, NodeSettings, init_node, open_node
from tessera.bootstrap.vault import project_key
from tessera.cli import app
from tessera.cli.register import register_all
from tessera.domain.errors import Conflict, InvalidInput, NotFound
from tessera.testing.exclusions import exclusion
from tests.dicom_files import write_series

register_all(app)
N = 8


def take_in(node: Node, pacs: Path) -> None:
    list(ingest_sources(node, list_sources([pacs]), workers=1))


@pytest.fixture
def node(tmp_path: Path) -> Node:
    made = init_node(tmp_path / "home", NodeSettings(name="A", country="SE"))
    paths = write_series(tmp_path / "pacs", N)
    (tmp_path / "pacs" / "cut-off").write_bytes(paths[0].read_bytes()[:900])
    take_in(made, tmp_path / "pacs")
    exclusions_of(made.home).add([exclusion("TES-A", reason="å")])
    return made


def assert_like(home: Path, node: Node) -> Node:
    made = open_node(home)
    assert list(made.index.all()) == list(node.index.all())
    assert made.ledger.counts() == node.ledger.counts()
    assert exclusions_of(home).all() == exclusions_of(node.home).all()
    assert list(fsck(home, deep=True)) == []
    assert project_key(home) == project_key(node.home)
    return made


@pytest.mark.parametrize("link", [False, True])
def test_a_restored_home_is_whole_and_goes_on(node: Node, tmp_path: Path, link: bool) -> None:
    done = back_up(node.home, tmp_path / "kept", link=link)
    assert (done.n_instances, done.damaged) == (N, ())
    restored = assert_like(restore(tmp_path / "kept", tmp_path / "again"), node)
    assert (restored.home / "identified").stat().st_mode & 0o077 == 0
    write_series(tmp_path / "pacs", 2, study=2)
    take_in(restored, tmp_path / "pacs")
    assert list(fsck(restored.home, deep=True)) == []


def test_the_next_backup_writes_only_what_is_new_and_drops_what_is_gone(
    node: Node, tmp_path: Path
) -> None:
    back_up(node.home, tmp_path / "kept")
    files = {p: p.stat().st_ino for p in (tmp_path / "kept" / "instances").rglob("*.dcm")}
    gone = next(iter(node.index.all()))
    node.index.remove([gone.instance_uid])
    node.store.remove(gone.path)
    write_series(tmp_path / "pacs", 2, study=2)
    take_in(node, tmp_path / "pacs" / "I00001")
    back_up(node.home, tmp_path / "kept")
    now = {p: p.stat().st_ino for p in (tmp_path / "kept" / "instances").rglob("*.dcm")}
    assert tmp_path / "kept" / "instances" / gone.path not in now
    assert sum(files.get(path) == inode for path, inode in now.items()) == N - 1
    restore(tmp_path / "kept", tmp_path / "again")


def test_neither_a_key_of_the_vault_nor_anything_readable_by_others_is_in_it(
    tmp_path: Path,
) -> None:
    key_file = tmp_path / "home" / "keys" / "vault.key"
    key_file.parent.mkdir(parents=True)
    node = init_node(
        tmp_path / "home", NodeSettings(name="A", country="SE"), vault_key=str(key_file)
    )
    secret = key_file.read_bytes().strip()
    back_up(node.home, tmp_path / "kept")
    for path in (tmp_path / "kept").rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes(), path
    assert (tmp_path / "kept" / "state" / "identified" / "vault" / "vault.json").exists()
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0
    restore(tmp_path / "kept", tmp_path / "again")
    key_file.unlink()
    with pytest.raises(Conflict, match="the key that opens the vault"):
        project_key(tmp_path / "again")


def test_a_backup_while_an_ingest_runs_is_one_moment(tmp_path: Path) -> None:
    node = init_node(tmp_path / "home", NodeSettings(name="A", country="SE"))
    write_series(tmp_path / "pacs", 1)
    take_in(node, tmp_path / "pacs")
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
        for number in range(4):
            before = n[0]
            done = back_up(node.home, tmp_path / "kept")
            assert done.damaged == ()
            home = restore(tmp_path / "kept", tmp_path / f"again{number}")
            assert [one.kind for one in fsck(home, deep=True)] == []
            while n[0] < before + 2:
                assert worker.is_alive()
    finally:
        stop.set()
        worker.join()


def test_a_damaged_instance_is_told_and_the_rest_is_kept(node: Node, tmp_path: Path) -> None:
    rows = list(node.index.all())
    node.store.path(rows[0].path).unlink()
    os.truncate(node.store.path(rows[1].path), 50)
    done = CliRunner().invoke(
        app, ["node", "backup", str(node.home), str(tmp_path / "kept"), "--json"]
    )
    assert done.exit_code == 3
    told = json.loads(done.stdout)
    assert (told["instances"], told["damaged"]) == (N - 2, [rows[0].path, rows[1].path])
    home = restore(tmp_path / "kept", tmp_path / "again")
    assert [one.kind for one in fsck(home)] == ["file-missing"] * 2


def test_a_backup_that_has_changed_makes_no_home(node: Node, tmp_path: Path) -> None:
    back_up(node.home, tmp_path / "kept")
    path = next((tmp_path / "kept" / "instances").rglob("*.dcm"))
    body = path.read_bytes()
    path.write_bytes(body[:-1] + b"x")
    with pytest.raises(Conflict, match="has changed in the backup"):
        restore(tmp_path / "kept", tmp_path / "again")
    assert not (tmp_path / "again").exists()
    path.unlink()
    with pytest.raises(Conflict, match="is missing in the backup"):
        restore(tmp_path / "kept", tmp_path / "again")
    path.write_bytes(body)
    assert_like(restore(tmp_path / "kept", tmp_path / "again"), node)


def test_an_interrupted_backup_leaves_the_one_before(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(node.home, tmp_path / "kept")
    monkeypatch.setattr(os, "sync", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        back_up(node.home, tmp_path / "kept")
    monkeypatch.undo()
    assert_like(restore(tmp_path / "kept", tmp_path / "again"), node)
    shutil.rmtree(tmp_path / "again")
    (tmp_path / "kept" / "state").rename(tmp_path / "kept" / "state.old")
    assert_like(restore(tmp_path / "kept", tmp_path / "again"), node)


def test_what_is_no_backup_and_what_is_in_the_way_is_told(node: Node, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="holds no backup"):
        restore(tmp_path / "nothing", tmp_path / "again")
    with pytest.raises(InvalidInput, match="outside the home"):
        back_up(node.home, node.home / "kept")
    back_up(node.home, tmp_path / "kept")
    with pytest.raises(Conflict, match="is there already"):
        restore(tmp_path / "kept", node.home)
    manifest = tmp_path / "kept" / "state" / "manifest.jsonl"
    lines = manifest.read_text().splitlines()
    manifest.write_text("\n".join(lines[:-1]))
    with pytest.raises(Conflict, match="damaged or of a newer version"):
        restore(tmp_path / "kept", tmp_path / "again")
    bad = json.loads(lines[1])
    manifest.write_text("\n".join([lines[0], json.dumps({**bad, "place": "../x"}), *lines[2:]]))
    with pytest.raises(Conflict, match="out of the home"):
        restore(tmp_path / "kept", tmp_path / "again")


def test_the_commands_say_what_they_did(node: Node, tmp_path: Path) -> None:
    run = CliRunner()
    kept, again = str(tmp_path / "kept"), str(tmp_path / "again")
    done = run.invoke(app, ["node", "backup", str(node.home), kept])
    assert (done.exit_code, done.stdout.startswith(f"{N} instances and ")) == (0, True)
    back = run.invoke(app, ["node", "restore", kept, again])
    assert (back.exit_code, f"{again} is restored: {N} instances" in back.stdout) == (0, True)
    assert open_node(Path(again)).settings == replace(node.settings)
