"""Hub and nodes are killed at random while tasks are queued: is one lost, is one done twice?

Usage: python bench/chaos.py [--nodes 100] [--tasks 10000] [--seed 1]

    python bench/chaos.py                                     # about two minutes
    python bench/chaos.py --nodes 8 --tasks 400 --processes 4 # a small one

The hub is a process, as an operator runs it; the nodes are simulated in several processes
(bench/keeping.py) and speak the link's protocol. Tasks are queued one after another in the hub's
database, as a command beside the running hub does it. Meanwhile SIGKILL goes to the hub or to
one process of nodes, which is started again. In the end every task must have been taken up by its
own node, and told as done and kept so at the hub, once each: a trigger in its database counts.
SIGKILL is not a loss of power: what the system holds in memory is still written. Exit code 1 when
a task is lost or there twice.
"""

import argparse
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.keeping import journal, read_journal
from bench.simulated import prepare
from tests.hub_trial import Program, wait_until
from tests.receive_trial import free_port

from tessera.bootstrap.hub import open_hub

KIND = "bench"
_WITNESS = """
CREATE TABLE bench_done (task_id TEXT NOT NULL);
CREATE TRIGGER bench_done AFTER UPDATE OF done_at ON task WHEN NEW.done_at IS NOT NULL
BEGIN INSERT INTO bench_done VALUES (NEW.task_id); END;
"""


@dataclass
class Chaos:
    """A hub and processes of nodes; each of them can be killed and started again."""

    home: Path
    n_nodes: int
    n_processes: int
    url: str = field(init=False)
    n_kills: Counter[str] = field(init=False, default_factory=Counter)
    _hub: Program = field(init=False)
    _nodes: list[Program] = field(init=False)

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        prepare(self.home, self.url, self.n_nodes)
        with closing(sqlite3.connect(self.home / "hub" / "hub.sqlite")) as db:
            db.executescript(_WITNESS)
        self._hub = self._start_hub()
        self._nodes = [self._start_nodes(place) for place in range(self.n_processes)]

    def kill_hub(self) -> None:
        self._hub.kill()
        self.n_kills["hub"] += 1
        self._hub = self._start_hub()

    def kill_nodes(self, place: int) -> None:
        """Kill one process of nodes, all nodes in it."""
        self._nodes[place].kill()
        self.n_kills["nodes"] += 1
        self._nodes[place] = self._start_nodes(place)

    def close(self) -> None:
        for program in (*self._nodes, self._hub):
            program.kill()

    def is_up(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v1/health", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def queue(self, n_tasks: int, seed: int, pause_s: float = 0) -> dict[str, str]:
        """Queue tasks for random nodes; return the node of each."""
        queued, draw = {}, random.Random(seed)
        with open_hub(self.home / "hub") as (hub, store):
            node_ids = [node.node_id for node in store.nodes.all()]
            for number in range(n_tasks):
                node_id = draw.choice(node_ids)
                queued[hub.dispatch.put(node_id, KIND, {"number": number})] = node_id
                time.sleep(pause_s)
        return queued

    def n_done(self) -> int:
        return int(self._rows("SELECT count(*) FROM task WHERE done_at IS NOT NULL")[0][0])

    def faults(self, queued: dict[str, str]) -> list[str]:
        """Return what is not as it must be between the queued, the hub's and the nodes' records."""
        rows = self._rows("SELECT task_id, node_id, done_at FROM task")
        done = Counter(row[0] for row in self._rows("SELECT task_id FROM bench_done"))
        took: Counter[str] = Counter()
        for number, node_id in enumerate(self._node_ids()):
            for word, task_id in read_journal(journal(self.home, number)):
                if word == "took":
                    took[task_id] += 1
                    if queued.get(task_id) != node_id:
                        took["another's"] += 1
        found = {
            "lost at the hub": len(queued.keys() - {row[0] for row in rows}),
            "not queued by anybody": len({row[0] for row in rows} - queued.keys()),
            "with another node": sum(queued.get(row[0]) != row[1] for row in rows),
            "not done": sum(row[2] is None for row in rows),
            "done without a change of the record": len(queued.keys() - done.keys()),
            "done more than once": sum(n > 1 for n in done.values()),
            "never taken up by a node": len(queued.keys() - took.keys()),
            "taken up by a node that was not meant": took.pop("another's", 0),
            "taken up more than once": sum(n > 1 for n in took.values()),
        }
        return [f"{n} tasks {what}" for what, n in found.items() if n]

    def _start_hub(self) -> Program:
        port = self.url.rsplit(":", 1)[1]
        words = ("hub", "run", self.home / "hub", "--port", port)
        hub = Program(self.home / "hub.log", words)
        wait_until(self.is_up, "the hub", 60)
        return hub

    def _start_nodes(self, place: int) -> Program:
        bounds = [self.n_nodes * n // self.n_processes for n in (place, place + 1)]
        words = ("-m", "bench.keeping", self.home, self.url, *map(str, bounds))
        return Program(self.home / f"nodes-{place}.log", words, program=Path(sys.executable))

    def _node_ids(self) -> list[str]:
        about = json.loads((self.home / "nodes.json").read_text("utf-8"))
        return [one["node_id"] for one in about["nodes"]]

    def _rows(self, sql: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self.home / "hub" / "hub.sqlite", timeout=10)) as db:
            return db.execute(sql).fetchall()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=10, help="in which the nodes are")
    parser.add_argument("--pause-ms", type=float, default=5, help="between two tasks")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        chaos = Chaos(home, options.nodes, options.processes)
        stack.callback(chaos.close)
        begun = time.monotonic()
        queueing = stack.enter_context(ThreadPoolExecutor(1)).submit(
            chaos.queue, options.tasks, draw.randrange(2**32), options.pause_ms / 1000
        )
        while not queueing.done():
            strike(chaos, draw)
        queued = queueing.result()
        queued_s = time.monotonic() - begun
        n_left = len(queued) - chaos.n_done()
        wait_until(lambda: chaos.n_done() >= len(queued), "the tasks", 180)
        took_s = time.monotonic() - begun
        found = chaos.faults(queued)
        kills = ", ".join(f"{who} {n}" for who, n in sorted(chaos.n_kills.items()))
        print(f"{options.nodes} nodes, {len(queued)} tasks, killed: {kills}; seed {options.seed}")
        print(f"queued in {queued_s:.0f} s, {n_left} open then, all done after {took_s:.0f} s")
        print("\n".join(found) or "each task taken up once and done once, none lost")
    return int(bool(found))


def strike(chaos: Chaos, draw: random.Random) -> None:
    time.sleep(draw.uniform(0, 2))
    if draw.random() < 0.4:
        chaos.kill_hub()
    else:
        chaos.kill_nodes(draw.randrange(chaos.n_processes))


if __name__ == "__main__":
    raise SystemExit(main())
