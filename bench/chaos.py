"""A hub and a hundred simulated nodes that are killed at random: is a queued task lost?

Usage: python bench/chaos.py [--nodes 100] [--tasks 10000] [--kills 40] [--seed 1]

The hub is a process, the nodes (bench/simulated.py) are in four. While tasks are put into the hub's
queue, as its commands and pages do, hub and nodes get SIGKILL at random and are started again.
Each node writes down, durably, which task it took up before it says so. At the end every task must
have been taken up by its node and be done at the hub.
"""

import argparse
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.federation import start_hub, start_nodes
from bench.simulated import prepare
from tests.hub_trial import Program
from tests.receive_trial import free_port

from tessera.bootstrap.hub import open_hub

_PROCESSES = 4
_PUT_AT_ONCE = 50
_LEFT_ALONE_S = 180


class Federation:
    """The processes of the hub and its nodes; whatever is killed is started again."""

    def __init__(self, home: Path, n_nodes: int, stack: ExitStack) -> None:
        self.home, self.url = home, f"http://127.0.0.1:{free_port()}"
        prepare(home, self.url, n_nodes)
        self._bounds = [n_nodes * n // _PROCESSES for n in range(_PROCESSES + 1)]
        self._programs: list[Program] = []
        stack.callback(lambda: [program.kill() for program in self._programs])
        self._programs = [self._start(place) for place in range(_PROCESSES + 1)]

    def _start(self, place: int) -> Program:
        """Start the hub, which is the last, or the nodes of one process."""
        if place == _PROCESSES:
            return start_hub(self.home, self.url)
        return start_nodes(self.home, self.url, *self._bounds[place : place + 2])

    def kill_one(self, chance: random.Random) -> str:
        """Kill the hub, half the time, or a quarter of the nodes, and start them again."""
        place = chance.choice([_PROCESSES, chance.randrange(_PROCESSES)])
        self._programs[place].kill()
        time.sleep(chance.uniform(0, 0.5))
        self._programs[place] = self._start(place)
        return "hub" if place == _PROCESSES else "nodes"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        lost, killed, took_s = run(home, options, stack)
    kills = ", ".join(f"{killed.count(what)} times the {what}" for what in ("hub", "nodes"))
    print(f"{options.tasks} tasks for {options.nodes} nodes, killed {kills}; {took_s:.0f} s")
    print(f"{len(lost)} tasks lost")
    sys.exit(1 if lost else 0)


def run(
    home: Path, options: argparse.Namespace, stack: ExitStack
) -> tuple[set[str], list[str], float]:
    """Return the tasks that were lost, what was killed, and how long it took."""
    begun, chance = time.monotonic(), random.Random(options.seed)
    federation = Federation(home, options.nodes, stack)
    killed: list[str] = []
    put: dict[str, str] = {}
    putting = puts(home / "hub", options, chance)
    n_between = max(1, options.tasks // _PUT_AT_ONCE // max(1, options.kills))
    for number, some in enumerate(putting):
        put |= some
        if number % n_between == n_between - 1 and len(killed) < options.kills:
            killed.append(federation.kill_one(chance))
    until = time.monotonic() + _LEFT_ALONE_S
    while (lost := missing(home, put)) and time.monotonic() < until:
        time.sleep(0.5)
    return lost, killed, time.monotonic() - begun


def puts(hub: Path, options: argparse.Namespace, chance: random.Random) -> Iterator[dict[str, str]]:
    """Put tasks some at a time; yield which, each with its node."""
    with open_hub(hub) as (opened, _):
        for first in range(0, options.tasks, _PUT_AT_ONCE):
            some = {}
            for number in range(first, min(first + _PUT_AT_ONCE, options.tasks)):
                node_id = f"node-{chance.randrange(options.nodes)}"
                some[opened.dispatch.put(node_id, "revoke", {"number": number})] = node_id
            yield some
            time.sleep(0.05)


def missing(home: Path, put: dict[str, str]) -> set[str]:
    """Return the tasks that a node has not taken up, or that are not done at the hub."""
    taken = set()
    for node_id in set(put.values()):
        file = home / f"{node_id}.tasks"
        taken |= {(node_id, line) for line in file.read_text().split()} if file.exists() else set()
    with sqlite3.connect(f"file:{home / 'hub' / 'hub.sqlite'}?mode=ro", uri=True) as database:
        done = {
            row[0] for row in database.execute("SELECT task_id FROM task WHERE done_at NOTNULL")
        }
    return {task for task, node_id in put.items() if (node_id, task) not in taken} | (
        put.keys() - done
    )


if __name__ == "__main__":
    main()
