"""Simulated nodes: real keys, real signed messages, long polls and answers over loopback.

    python -m bench.simulated HOME URL FIRST LAST   # until killed

Everything on the line is the protocol of docs/reference/link.md. What is left out is the node
behind it: the answer is made up at once. Keys and the hub's name are read from the folder HOME,
which `prepare` made before the hub was started.
"""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.bootstrap.hub import init_hub, open_hub
from tessera.domain.catalogue.description import Agent, DatasetDescription, Facet
from tessera.domain.cohort.disclosure import CountPolicy, disclose_description
from tessera.domain.ids import DatasetId
from tessera.ports.hub_store import NodeState
from tessera.wire.envelope import Envelope, MessageType
from tessera.wire.messages import JoinRequest, PublishDataset, ReceivedDataset

POLICY = CountPolicy(10, 10, 10)
CREATED = datetime(2026, 11, 1, tzinfo=UTC)
POLL_S = 25
_FIRST_PAUSE_S = 0.2


def prepare(home: Path, url: str, n_nodes: int) -> None:
    """Make a hub in `home / "hub"` at which so many nodes have joined and published."""
    fingerprint = init_hub(home / "hub", name="Bench", url=url)
    nodes = []
    with open_hub(home / "hub") as (hub, store):
        for number in range(n_nodes):
            key = home / f"key-{number}.jwk"
            signer = Ed25519Signer.create(key)
            request = JoinRequest(
                secret=hub.joining.invite().secret,
                name=f"Node {number}",
                country="SE",
                public_key=signer.public_key,
                software="simulated",
            )
            node_id = hub.joining.join(request).node_id
            hub.joining.decide(node_id, NodeState.APPROVED)
            record = store.nodes.find(node_id)
            assert record is not None
            body = PublishDataset(disclose_description(_description(number), POLICY)).to_json()
            hub.catalogued.publish(record, ReceivedDataset.from_json(body).description)
            nodes.append({"node_id": node_id, "key": str(key)})
    about = {"hub": fingerprint, "nodes": nodes}
    (home / "nodes.json").write_text(json.dumps(about), "utf-8")


def _description(number: int) -> DatasetDescription:
    return DatasetDescription(
        dataset_id=DatasetId("prostate-mr"),
        version=1,
        title={"en": f"Dataset of node {number}", "sv": f"Datamängd vid nod {number}"},
        description={"en": "Made for a bench."},
        keywords=("bench",),
        publisher=Agent(f"Hospital {number}", url="https://hospital.example.org"),
        contact=Agent("Data office", email="data@hospital.example.org"),
        country="SE",
        language="sv",
        created=CREATED,
        manifest_sha256="ab" * 32,
        n_subjects=200 + number,
        n_studies=200,
        n_series=400,
        n_instances=8000,
        n_bytes=10**9,
        data_use=("DUO_0000042",),
        facets={"sex": (Facet("male", 100), Facet("female", 100))},
    )


class Line:
    """One HTTP connection that is kept, as small as a client can be: it shares the machine."""

    def __init__(self, url: str, address: str) -> None:
        self._to, self._from = urlsplit(url), address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Send once more on a new connection when the hub has closed the kept one meanwhile."""
        if self._streams is not None:
            try:
                return await self._post(path, body, *self._streams)
            except (OSError, asyncio.IncompleteReadError):
                self.close()
        self._streams = await asyncio.open_connection(
            self._to.hostname, self._to.port, local_addr=(self._from, 0)
        )
        try:
            return await self._post(path, body, *self._streams)
        except BaseException:
            self.close()
            raise

    async def _post(
        self, path: str, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[int, bytes]:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._to.netloc}\r\n"
            f"Content-Type: application/jose\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        named = dict(line.lower().split(b": ", 1) for line in lines[1:] if b": " in line)
        content = await reader.readexactly(int(named[b"content-length"]))
        return int(lines[0].split()[1]), content

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class SimulatedNode:
    """One node: it polls, answers queries and takes up tasks, each once it has them."""

    def __init__(self, url: str, hub: str, node_id: str, key: Path, number: int) -> None:
        self._hub, self.node_id = hub, node_id
        self._signer = Ed25519Signer.load(key)
        self._taken = key.with_name(f"{node_id}.tasks")
        # A hub limits requests by address; hospitals have each their own.
        address = f"127.10.{number // 250}.{1 + number % 250}"
        self._polls, self._others = Line(url, address), Line(url, address)

    async def run(self) -> None:
        """Go on until cancelled, also when the hub is away for a while."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self._once()
                pause_s = _FIRST_PAUSE_S
            except (OSError, asyncio.IncompleteReadError, KeyError):
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, 2.0)

    async def _once(self) -> None:
        reply = await self._say(
            self._polls, MessageType.POLL, {"wait_s": POLL_S, "software": "simulated"}
        )
        answers = [
            {"search_id": query["search_id"], "answers": list(map(_answer, query["datasets"]))}
            for query in reply.get("queries", [])
        ]
        if len(answers) > 1:
            await self._say(self._others, MessageType.ANSWERS, {"answers": answers})
        elif answers:
            await self._say(self._others, MessageType.ANSWER, answers[0])
        if tasks := reply.get("tasks", []):
            self._take_up([str(task["task_id"]) for task in tasks])
            done = [{"kind": "done", "body": {"task_id": task["task_id"]}} for task in tasks]
            await self._say(self._others, MessageType.REPORT, {"reports": done})

    def _take_up(self, task_ids: list[str]) -> None:
        """Write down, durably, what came; a task may come again until it is known to be done."""
        with self._taken.open("a", encoding="ascii") as file:
            file.writelines(f"{task_id}\n" for task_id in task_ids)
            file.flush()
            os.fsync(file.fileno())

    async def _say(self, line: Line, type: MessageType, body: dict[str, object]) -> dict:  # type: ignore[type-arg]
        envelope = Envelope(
            type=type,
            sender=self.node_id,
            recipient=self._hub,
            id=str(uuid4()),
            at=datetime.now(UTC),
            body=body,
        )
        token = self._signer.sign(envelope.encode())
        status, content = await line.post(f"/link/v1/{type.value}", token.encode())
        if status != 200:
            raise OSError(f"{status} {content[:200]!r}")
        payload = content.split(b".")[1]
        return json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))["body"]


def _answer(version: dict[str, object]) -> dict[str, object]:
    return {
        "dataset_id": version["dataset_id"],
        "version": version["version"],
        "created": CREATED.isoformat().replace("+00:00", "Z"),
        "outcome": "counted",
        "n_subjects": 120,
        "n_studies": 120,
        "not_supported": [],
        "policy": POLICY.words(),
        "problem": "",
        "distributions": {
            "sex": [{"value": "male", "n_subjects": 60}, {"value": "female", "n_subjects": 60}]
        },
    }


async def simulate(home: Path, url: str, first: int, last: int) -> None:
    about = json.loads((home / "nodes.json").read_text("utf-8"))
    nodes = [
        SimulatedNode(url, about["hub"], one["node_id"], Path(one["key"]), first + place)
        for place, one in enumerate(about["nodes"][first:last])
    ]
    async with _running(nodes):
        await asyncio.Event().wait()


@asynccontextmanager
async def _running(nodes: list[SimulatedNode]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = []
        for node in nodes:
            tasks.append(group.create_task(node.run()))
            await asyncio.sleep(0.002)  # not all in one instant
        yield
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(simulate(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
