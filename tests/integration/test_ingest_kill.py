"""Ingest killed at any moment: afterwards each instance is stored once and nothing is lost."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tessera.adapters.files.instance_store import FolderInstanceStore
from tessera.adapters.pool import InProcess
from tessera.adapters.sqlite_node import SqliteInstanceIndex, SqliteLedger
from tessera.bootstrap import ingest as wiring
from tessera.bootstrap.node import Node, NodeSettings, init_node, open_node
from tessera.node.ingest import Intake, ingest
from tessera.ports.ledger import State
from tests.dicom_files import write_series

N = 120
"""Distinct instances."""
N_TWICE = 10


@pytest.fixture(scope="module")
def pacs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pacs")
    # A batch holds the files of one folder together: this makes four.
    paths = [
        path
        for study, name in enumerate("abcd", 1)
        for path in write_series(folder / name, N // 4, study=study)
    ]
    for path in paths[:N_TWICE]:
        (folder / f"copy-of-{path.name}").write_bytes(path.read_bytes())
    (folder / "cut-off").write_bytes(paths[0].read_bytes()[:900])
    (folder / "letter.txt").write_text("not an image")
    return folder


def assert_whole(home: Path) -> None:
    """Index, files and ledger say the same, and all of it is there."""
    node = open_node(home)
    rows = list(node.index.all())
    files = {str(p.relative_to(node.store.instances)): p for p in node.store.instances.rglob("*.*")}
    assert len(rows) == N
    assert {row.path for row in rows} == set(files)
    assert all(sha256(files[row.path].read_bytes()).hexdigest() == row.sha256 for row in rows)
    assert not list(node.store.staging.iterdir())
    counts = node.ledger.counts()
    assert counts.pop((State.STORED, "")) == N
    assert counts.pop((State.DUPLICATE, "")) == N_TWICE
    assert counts.pop((State.REFUSED, "truncated")) == 1
    assert counts.pop((State.IGNORED, "not-dicom")) == 1
    assert not counts
    assert not list((node.identified / "inbox").iterdir())
    assert len(list((node.identified / "quarantine").iterdir())) == 1


def command(home: Path, pacs: Path) -> list[str]:
    program = "from tessera.cli import main; main()"
    return [sys.executable, "-c", program, "node", "ingest", str(home), str(pacs), "--workers", "2"]


@pytest.mark.slow
def test_sigkill_at_many_moments_loses_nothing_and_stores_nothing_twice(
    tmp_path: Path, pacs: Path
) -> None:
    init_node(tmp_path / "trial", NodeSettings(name="A", country="SE"))
    began = time.monotonic()
    subprocess.run(command(tmp_path / "trial", pacs), capture_output=True, check=False)
    whole = time.monotonic() - began
    assert_whole(tmp_path / "trial")

    rng = random.Random(7)
    home = tmp_path / "home"
    init_node(home, NodeSettings(name="A", country="SE"))
    killed = 0
    for part in range(6):
        run = subprocess.Popen(
            command(home, pacs), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # Later moments, where the work is, are tried more often than the start of the program.
        time.sleep(whole * (0.3 + 0.7 * (part + rng.random()) / 6))
        run.send_signal(signal.SIGKILL)
        killed += run.wait() == -signal.SIGKILL
        if part % 3 == 2:
            subprocess.run(command(home, pacs), capture_output=True, check=False)
            assert_whole(home)
            home = tmp_path / f"home{part}"
            init_node(home, NodeSettings(name="A", country="SE"))
    assert killed >= 2


class Killed(BaseException):
    """Stands for the end of the process between two steps."""


def breaking(step: Callable[..., Any], after: list[int], *, before: bool) -> Callable[..., Any]:
    """Return `step` which ends the process at one call, before or after it does its work."""

    def call(*args: Any, **kwargs: Any) -> Any:
        after[0] -= 1
        if after[0] == 0 and before:
            raise Killed
        result = step(*args, **kwargs)
        if after[0] == 0:
            raise Killed
        return result

    return call


def parts(node: Node) -> Intake:
    wiring._start_worker(node.settings, node.key(), node.research, node.identified)
    return Intake(
        ledger=SqliteLedger(node.identified / "ledger.sqlite"),
        index=SqliteInstanceIndex(node.research / "index.sqlite"),
        store=FolderInstanceStore(node.research),
        executor=InProcess(),
        take_in=wiring._take_in,
        quarantine=lambda source: wiring._quarantine(node, source),
    )


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("call", [1, 3])
@pytest.mark.parametrize("step", ["put", "publish", "discard", "record", "replace"])
def test_a_kill_between_any_two_steps_is_rolled_forward_or_back(
    tmp_path: Path, pacs: Path, step: str, call: int, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = init_node(tmp_path / "home", NodeSettings(name="A", country="SE"))
    sources = wiring.list_sources([pacs])
    intake, after = parts(node), [call]
    if step == "replace":
        after[0] = 20 * call
        real = os.replace
        monkeypatch.setattr(
            Path, "replace", breaking(lambda a, b: real(a, b), after, before=before)
        )
    else:
        for part in (intake.index, intake.store, intake.ledger):
            if hasattr(part, step):
                monkeypatch.setattr(
                    part, step, breaking(getattr(part, step), after, before=before), raising=False
                )
    with pytest.raises(Killed):
        list(ingest(sources, intake))
    monkeypatch.undo()
    wiring._clear(node)
    list(ingest(sources, replace(parts(node))))
    assert_whole(tmp_path / "home")


def test_running_again_does_nothing_and_a_new_file_is_taken(tmp_path: Path) -> None:
    node = init_node(tmp_path / "home", NodeSettings(name="A", country="SE"))
    write_series(tmp_path / "pacs", 5)
    list(wiring.ingest_sources(node, wiring.list_sources([tmp_path / "pacs"]), workers=1))
    again = list(wiring.ingest_sources(node, wiring.list_sources([tmp_path / "pacs"]), workers=1))
    assert again == [None] * 5
    write_series(tmp_path / "pacs" / "more", 3, series=2)
    more = list(wiring.ingest_sources(node, wiring.list_sources([tmp_path / "pacs"]), workers=1))
    assert sum(entry is not None for entry in more) == 3
    assert node.index.totals().n_instances == 8
