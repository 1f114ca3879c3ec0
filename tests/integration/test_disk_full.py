"""A disk that is full or read-only: told in words, nothing lost, and the same command goes on."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tessera.bootstrap.backup import back_up, restore
from tessera.bootstrap.fsck import fsck
from tessera.bootstrap.ingest import ingest_sources, list_sources
from tessera.bootstrap.node import Node, NodeSettings, init_node, open_node
from tessera.cli import app
from tessera.cli.register import register_all
from tessera.domain.errors import TesseraError
from tessera.ports.ledger import State
from tests.dicom_files import write_series

register_all(app)
N = 30


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        _mount("-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("file systems cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def take_in(node: Node, pacs: Path) -> list[object]:
    return list(ingest_sources(node, list_sources([pacs]), workers=1))


def test_an_ingest_onto_a_full_and_a_read_only_disk_goes_on_when_there_is_room(
    disk: Path, tmp_path: Path
) -> None:
    node = init_node(disk / "home", NodeSettings(name="A", country="SE"))
    write_series(tmp_path / "first", 2)
    take_in(node, tmp_path / "first")
    write_series(tmp_path / "pacs", N, study=2, side=200)  # 80 kB each
    with (disk / "others").open("wb") as file:
        for _ in range(60):
            file.write(b"x" * 100_000)
    with pytest.raises(TesseraError, match=r"No space left|disk is full|disk I/O"):
        take_in(node, tmp_path / "pacs")
    (disk / "others").unlink()
    node.index.close()  # type: ignore[attr-defined]
    node.ledger.close()  # type: ignore[attr-defined]

    _mount("-o", "remount,ro", str(disk))
    done = CliRunner().invoke(app, ["node", "ingest", str(node.home), str(tmp_path / "pacs")])
    assert (done.exit_code, "ead-only" in done.stderr or "readonly" in done.stderr) == (1, True)
    _mount("-o", "remount,rw", str(disk))

    again = open_node(node.home)
    take_in(again, tmp_path / "pacs")
    assert again.ledger.counts() == {(State.STORED, ""): N + 2}
    assert list(fsck(again.home, deep=True)) == []


def test_a_backup_onto_a_full_disk_leaves_the_one_before(disk: Path, tmp_path: Path) -> None:
    node = init_node(tmp_path / "home", NodeSettings(name="A", country="SE"))
    write_series(tmp_path / "pacs", 3, side=200)
    take_in(node, tmp_path / "pacs")
    back_up(node.home, disk / "kept")
    rows = list(node.index.all())
    (disk / "others").write_bytes(b"x" * 6_500_000)
    write_series(tmp_path / "pacs", N, study=2, side=200)
    take_in(node, tmp_path / "pacs")
    with pytest.raises(OSError, match="No space left"):
        back_up(node.home, disk / "kept")
    again = restore(disk / "kept", tmp_path / "again")
    assert list(fsck(again, deep=True)) == []
    (disk / "others").unlink()
    back_up(node.home, disk / "kept")
    made = restore(disk / "kept", tmp_path / "newest")
    assert list(fsck(made, deep=True)) == []
    assert len(rows) == 3
