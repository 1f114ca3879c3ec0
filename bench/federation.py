"""A hub and a thousand simulated nodes: how soon the answers of a search are there.

Usage: python bench/federation.py [--nodes 1000] [--searches 10] [--users 50]

The hub is a process, as an operator runs it. The nodes are simulated (bench/simulated.py): each
has its own key and connections, signs every message, polls and answers; nothing is behind them.
First one user asks, one search after another; then so many users at once, each from an address of
its own. Hub, nodes and users share the machine, so the hub has less of it than in use.

Asked: first answer within 300 ms, all within 2 s at the median, the hub below 1 GB.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.search import resident_mb
from bench.simulated import prepare
from tests.hub_trial import Program, wait_until
from tests.receive_trial import free_port

QUERY = "cancer = prostate and age_at_diagnosis > {age} and modality = MR"
_LATE_LOOK_S = 10
_GIVEN_UP_S = 300


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--searches", type=int, default=10, help="one after another")
    parser.add_argument("--users", type=int, default=50, help="at once, one search each")
    parser.add_argument("--processes", type=int, default=2, help="in which the nodes are")
    options = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"http://127.0.0.1:{free_port()}"
        prepare(home, url, options.nodes)
        hub = start_hub(home, url)
        stack.callback(hub.kill)
        for number in range(options.processes):
            bounds = [options.nodes * n // options.processes for n in (number, number + 1)]
            nodes = start_nodes(home, url, *bounds)
            stack.callback(nodes.kill)
        wait_until(lambda: n_online(url) == options.nodes, "the nodes", 120)
        time.sleep(3)
        idle = cpu_s(hub)
        time.sleep(5)
        print(f"{options.nodes} nodes waiting: hub {20 * (cpu_s(hub) - idle):.0f} % of one core")
        busy = cpu_s(hub)
        asyncio.run(measure(url, options))
        n_answers = options.nodes * (options.searches + options.users)
        print(f"hub {1000 * (cpu_s(hub) - busy) / n_answers:.2f} ms of processor time an answer")
        print(f"hub {resident_mb(hub.process.pid):.0f} MB resident (asked: below 1000)")


def start_hub(home: Path, url: str) -> Program:
    port = url.rsplit(":", 1)[1]
    hub = Program(home / "hub.log", ("hub", "run", home / "hub", "--port", port))
    hub.wait_for("hub is open at", 60)
    return hub


def start_nodes(home: Path, url: str, first: int, last: int) -> Program:
    words = ("-m", "bench.simulated", home, url, str(first), str(last))
    return Program(home / f"nodes-{first}.log", words, program=Path(sys.executable))


def n_online(url: str) -> int:
    return int(httpx.get(f"{url}/api/v1/health", timeout=30).json()["n_nodes_online"])


def cpu_s(program: Program) -> float:
    fields = Path(f"/proc/{program.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def measure(url: str, options: argparse.Namespace) -> None:
    alone = [await search(url, number, 1, options.nodes) for number in range(options.searches)]
    _print("one user", alone)
    together = await asyncio.gather(
        *(search(url, 100 + n, 2 + n % 250, options.nodes) for n in range(options.users))
    )
    _print(f"{options.users} users at once", together)


async def search(url: str, number: int, address: int, n_nodes: int) -> tuple[float, float]:
    """Return seconds to the first answer and to the last one."""
    line = httpx.AsyncHTTPTransport(local_address=f"127.0.0.{address}")
    async with httpx.AsyncClient(transport=line, base_url=url, timeout=120) as client:
        begun = time.perf_counter()
        body = {"query": QUERY.format(age=10 + number / 10), "wait_s": 0}
        reply = await client.post("/api/v1/search", json=body)
        assert reply.status_code == 201, reply.text[:300]
        found, first = reply.json(), 0.0
        while True:
            n_counted = sum(row["outcome"] == "counted" for row in found["results"])
            now = time.perf_counter() - begun
            first = first or (now if n_counted else 0.0)
            if n_counted == n_nodes:
                return first, now
            assert now < _GIVEN_UP_S, f"{n_counted} of {n_nodes} nodes answered"
            # After its deadline a search waits no more, and still takes answers.
            if found["complete"]:
                await asyncio.sleep(_LATE_LOOK_S)
            until = "" if first else "&after=0"
            address_of = f"/api/v1/search/{found['search_id']}?wait_s=30{until}"
            found = (await client.get(address_of)).json()


def _print(who: str, took: list[tuple[float, float]]) -> None:
    for what, seconds in (("first answer", [f for f, _ in took]), ("all", [a for _, a in took])):
        ordered = sorted(seconds)
        print(
            f"{who:20} {what:14} p50 {1000 * statistics.median(ordered):8.0f} ms"
            f"   slowest {1000 * ordered[-1]:8.0f} ms"
        )


if __name__ == "__main__":
    main()
