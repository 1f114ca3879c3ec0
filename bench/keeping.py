"""Simulated nodes that may be killed: what they have taken up is written down before it is said.

    python -m bench.keeping HOME URL FIRST LAST   # until killed

A real node keeps the task in its own store and its report in an outbox. Here both are one file
for each node, `HOME/journal-N.txt`: a line `took ID` when a task is taken up, `told ID` when the
hub has accepted the report. Started again, a node first tells what it took and has not told.
"""

import asyncio
import json
import sys
from pathlib import Path

from bench.simulated import SimulatedNode

from tessera.wire.envelope import MessageType

POLL_S = 5
AT_ONCE = 5
"""Reports in one message: few, so that a kill falls between two of them."""


class KeepingNode(SimulatedNode):
    def __init__(self, url: str, about: dict[str, str], hub: str, number: int, home: Path) -> None:
        super().__init__(url, hub, about["node_id"], Path(about["key"]), number)
        self._journal = journal(home, number)
        lines = read_journal(self._journal)
        self._took = {task_id for word, task_id in lines if word == "took"}
        self._told = {task_id for word, task_id in lines if word == "told"}

    async def _once(self) -> None:
        await self._tell(sorted(self._took - self._told))
        body = {"wait_s": POLL_S, "software": "simulated"}
        reply = await self._say(self._polls, MessageType.POLL, body)
        given = [task["task_id"] for task in reply.get("tasks", [])]
        for place in range(0, len(given), AT_ONCE):
            some = given[place : place + AT_ONCE]
            new = [task_id for task_id in some if task_id not in self._took]
            self._write("took", new)
            self._took.update(new)
            await self._tell(some)

    async def _tell(self, task_ids: list[str]) -> None:
        for place in range(0, len(task_ids), AT_ONCE):
            some = task_ids[place : place + AT_ONCE]
            done = [{"kind": "done", "body": {"task_id": task_id}} for task_id in some]
            await self._say(self._others, MessageType.REPORT, {"reports": done})
            self._write("told", some)
            self._told.update(some)

    def _write(self, word: str, task_ids: list[str]) -> None:
        # One write, which SIGKILL does not cut in two.
        with self._journal.open("ab", buffering=0) as file:
            file.write("".join(f"{word} {task_id}\n" for task_id in task_ids).encode())


def journal(home: Path, number: int) -> Path:
    return home / f"journal-{number}.txt"


def read_journal(path: Path) -> list[tuple[str, str]]:
    """Return what a node has written, in order: `took` or `told`, and the task's id."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [(word, task_id) for word, _, task_id in (line.partition(" ") for line in lines)]


async def keep(home: Path, url: str, first: int, last: int) -> None:
    about = json.loads((home / "nodes.json").read_text("utf-8"))
    async with asyncio.TaskGroup() as group:
        for number, one in enumerate(about["nodes"][first:last], first):
            group.create_task(KeepingNode(url, one, about["hub"], number, home).run())


if __name__ == "__main__":
    asyncio.run(keep(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
