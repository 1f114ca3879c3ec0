"""Hub and nodes are killed while tasks wait: none is lost, none is done twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.chaos import Chaos

from tests.hub_trial import wait_until

N = 120
"""Tasks before the kills, and as many after them."""


@pytest.fixture
def chaos(tmp_path: Path) -> Iterator[Chaos]:
    made = Chaos(tmp_path, n_nodes=4, n_processes=2)
    yield made
    made.close()


def test_killed_hub_and_nodes_lose_no_task_and_do_none_twice(chaos: Chaos) -> None:
    queued = chaos.queue(N, seed=1)
    wait_until(lambda: chaos.n_done() > 0, "the first task")
    chaos.kill_nodes(0)
    chaos.kill_hub()
    # A node that gets a new task is given again what it was given in vain: nobody waits 30 s.
    queued |= chaos.queue(N, seed=2)
    wait_until(lambda: chaos.n_done() >= len(queued), "the tasks", 60)

    assert len(queued) == 2 * N
    assert chaos.faults(queued) == []
