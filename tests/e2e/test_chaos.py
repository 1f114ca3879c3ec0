"""Queued tasks outlive hub and nodes that are killed at random; `bench/chaos.py` has more of it."""

import argparse
from contextlib import ExitStack
from pathlib import Path

import pytest
from bench.chaos import run


@pytest.mark.long
def test_no_task_is_lost_when_hub_and_nodes_are_killed(tmp_path: Path) -> None:
    wanted = argparse.Namespace(nodes=8, tasks=400, kills=4, seed=3)
    with ExitStack() as stack:
        lost, killed, _ = run(tmp_path, wanted, stack)
    assert lost == set()
    assert set(killed) == {"hub", "nodes"}
