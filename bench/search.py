"""A search as a researcher sees it: over HTTP at the hub, through the gates of real nodes.

Usage: python bench/search.py [--nodes 3] [--patients 100000] [--series 1500000] [--searches 100]

A hub and the nodes run as processes; each node has a random corpus as in bench/cohort.py, and the
policy that a node starts with: noise, record and budget (made larger here). Each question is new:
four conditions, and with the answer the distributions of those found by six fields. The peer is
DuckDB asked by hand for one node's part of the answer, over the same Parquet, in turn: no hub, no
signature, no gate and no record. The data are random; nobody is in them.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.cohort import by_hand, questions, text, write
from tests.hub_trial import Program, exact_description, node_home, released, tessera, wait_until
from tests.receive_trial import free_port

from tessera.bootstrap.link import publish_dataset


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--patients", type=int, default=100_000, help="at each node")
    parser.add_argument("--series", type=int, default=1_500_000, help="at each node")
    parser.add_argument("--searches", type=int, default=100)
    parser.add_argument(
        "--work", type=Path, help="folder for what is made; default: a temporary one"
    )
    options = parser.parse_args()
    with ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        work.mkdir(exist_ok=True)
        url, programs, folder = start(work, options, stack)
        peer = by_hand(folder, work)
        wait_until(lambda: n_online(url) == options.nodes, "the nodes", 60)
        measure(url, programs, peer, options.searches, options.nodes)


def start(
    work: Path, options: argparse.Namespace, stack: ExitStack
) -> tuple[str, list[Program], Path]:
    """Make and start everything; return the hub's address, the programs and one version."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    tessera("hub", "init", work / "hub", "--name", "Bench", "--url", url)
    programs = [Program(work / "hub.log", ("hub", "run", work / "hub", "--port", str(port)))]
    stack.callback(programs[0].kill)
    programs[0].wait_for("hub is open at")
    folder = work
    for number in range(options.nodes):
        home = node_home(work / f"node-{number}", f"Node {number}")
        settings = f'name = "Node {number}"\ncountry = "SE"\n'
        budget = "questions_each = 1000000\nquestions_together = 1000000\n"
        (home / "node.toml").write_text(settings + budget, "utf-8")
        code = tessera("hub", "invite", work / "hub").stdout.strip()
        tessera("node", "join", home, url, code)
        tessera("hub", "approve", work / "hub", f"node-{number}")
        folder = home / "research" / "datasets" / "prostate-mr" / "v1"
        write(folder, options.patients, options.series, 40 * options.series, seed=number)
        description = exact_description(n_subjects=options.patients)
        publish_dataset(home, released(n_subjects=description.n_subjects))
        program = Program(work / f"node-{number}.log", ("node", "run", home))
        stack.callback(program.kill)
        program.wait_for("is in touch with")
        programs.append(program)
    return url, programs, folder


def n_online(url: str) -> int:
    return int(httpx.get(f"{url}/api/v1/health").json()["n_nodes_online"])


def measure(
    url: str,
    programs: list[Program],
    peer: Callable[..., int],
    n_searches: int,
    n_nodes: int,
) -> None:
    ours, theirs, n_counted = [], [], 0
    with httpx.Client(base_url=url, timeout=60) as client:
        for number, asked in enumerate(questions(n_searches + 5)):
            reply, begun = None, 0.0
            while reply is None or reply.status_code == httpx.codes.TOO_MANY_REQUESTS:
                if reply is not None:  # a hub takes so many from one address in a minute
                    time.sleep(float(reply.headers.get("Retry-After", "5")))
                begun = time.perf_counter()
                body = {"query": text(asked), "wait_s": 30}
                reply = client.post("/api/v1/search", json=body)
            answer = reply.json()
            took = time.perf_counter() - begun
            assert answer["complete"], json.dumps(answer)[:500]
            assert len(answer["results"]) == n_nodes
            begun = time.perf_counter()
            peer(asked)
            if number >= 5:
                ours.append(took)
                theirs.append(time.perf_counter() - begun)
                n_counted += sum(row["outcome"] == "counted" for row in answer["results"])
    print(f"{n_searches} searches over {n_nodes} nodes, {n_counted} answers counted")
    for name, took_s in (
        ("ours, all nodes through hub and gates", ours),
        ("DuckDB, one node", theirs),
    ):
        milliseconds = sorted(1000 * one for one in took_s)
        p99 = milliseconds[min(len(milliseconds) - 1, int(0.99 * len(milliseconds)))]
        print(f"{name:40} p50 {statistics.median(milliseconds):7.1f} ms   p99 {p99:7.1f} ms")
    ratio = statistics.median(theirs) / statistics.median(ours)
    print(f"ratio of the medians {ratio:.2f}")
    for program in programs:
        print(f"{program.log.stem:10} {resident_mb(program.process.pid):6.0f} MB resident")


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
