"""A node that takes part in trainings: a toy trainer in the real sandbox, on a real dataset."""

import json
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from tessera.adapters.hpke.sealing import HpkeSealing
from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.adapters.link.folder import LinkFolder
from tessera.bootstrap.node_learning import learnings_of
from tessera.bootstrap.permits import countersigning, outbox_of, permit_book, reports_of
from tessera.bootstrap.runs import runs_of
from tessera.domain.access.permit import AccessMode, Action, Use
from tessera.domain.access.tool import ToolBundle, tool_bundle
from tessera.domain.ids import NodeId
from tessera.node.learning import Learnings
from tessera.node.learning_terms import LearningLimits
from tessera.ports.federation import FederationClient
from tessera.ports.hub_link import HubPin
from tessera.ports.run_records import RunRecord
from tessera.testing.lone_engine import LoneEngine, scripted_kit, whole_script
from tessera.wire.permit import permit_payload, token_sha256, use_payload
from tessera.wire.tasks import RunState, Task, TaskKind
from tests.run_trial import HERE, IMAGES, RunTrial

OTHER = NodeId("valencia")
LEARN = """
import io, json, os, sys, time
import numpy as np, pyarrow.parquet as pq

out = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)

def exactly(n):
    found = sys.stdin.buffer.read(n)
    assert len(found) == n
    return found

def reply(header, arrays=None):
    body, text = io.BytesIO(), json.dumps(header).encode()
    if arrays:
        np.savez(body, **arrays)
    body = body.getvalue()
    out.write(len(text).to_bytes(4, "big") + text + len(body).to_bytes(8, "big") + body)
    out.flush()

subjects = pq.read_table("/data/images/tables/patient.parquet")["subject"].to_pylist()
print("learns from", len(subjects))
do = ""
while first := sys.stdin.buffer.read(4):
    asked = json.loads(exactly(int.from_bytes(first, "big")))
    payload = exactly(int.from_bytes(exactly(8), "big"))
    arrays = dict(np.load(io.BytesIO(payload))) if payload else {}
    size = {"n_subjects": len(subjects), "n_samples": 2 * len(subjects)}
    if asked["type"] == "begin":
        do = asked["arguments"].get("do", "")
        rng = np.random.default_rng(asked["seed"])
        made = {"w": rng.normal(size=(3, 4)), "b": np.zeros(4, np.float32)}
        made["kind"] = np.frombuffer(b"toy", np.uint8)
        if do == "few-at-begin":
            size["n_subjects"] = 3
        reply({"type": "weights", **size}, made)
    elif asked["type"] == "train":
        new = {name: one.copy() for name, one in arrays.items()}
        new["w"] += len(subjects) / 10
        metrics = {"loss": 1.0 / asked["round"], "auc": 0.81234}
        if do == "nan":
            new["w"][0, 0] = np.nan
        if do == "extra":
            new["more"] = np.zeros(3)
        if do == "whole":
            new["kind"] = np.frombuffer(subjects[0][-3:].encode(), np.uint8)
        if do == "pseudonym":
            new["w"].ravel()[:] = np.frombuffer(subjects[0].ljust(96).encode()[:96], np.float64)
        if do == "metric":
            metrics[subjects[0]] = 1.0
        if do == "few":
            size["n_subjects"] = 9
        if do == "exit":
            sys.exit(7)
        if do == "garbage":
            out.write(b"garbage" * 100)
            out.flush()
        if do == "sleep":
            time.sleep(600)
        reply({"type": "update", "metrics": metrics, **size}, new)
    else:
        reply({"type": "final", "metrics": {"train_auc": 0.9, "membership_auc": 0.52}, **size})
"""


def learning_tool(code: str = LEARN) -> ToolBundle:
    manifest = (
        'name = "toy"\nversion = "1.0"\ntitle = "Learns a little"\n'
        '[entries]\nlearn = "learn.py"\n[limits]\nmemory_mb = 1024\n'
    )
    return tool_bundle({"tool.toml": manifest.encode(), "learn.py": code.encode()})


@dataclass
class LearnTrial(RunTrial):
    tool: ToolBundle = field(default_factory=learning_tool)
    here: NodeId = HERE
    engine: FederationClient | None = None
    limits: LearningLimits | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        link = LinkFolder(self.home / "link")
        key = self.hub.public_key
        link.set_pin(HubPin(hub_url="http://hub", hub_name="Hub", hub_key=key, node_id=self.here))
        mine = self.permit.datasets[0]
        self.permit = replace(
            self.permit,
            permit_id=str(uuid4()),
            modes=frozenset({AccessMode.LEARN}),
            datasets=tuple(replace(mine, node_id=node) for node in (HERE, OTHER)),
        )
        self.token = self.hub.sign(permit_payload(self.permit))
        permit_book(self.home).receive(self.token, [self.tool])
        countersigning(self.home).countersign(self.permit.permit_id, "Data office")

    def learnings(self) -> Learnings:
        made = learnings_at(self.home, self.engine)
        limits = self.limits or made.parts.limits
        return replace(made, parts=replace(made.parts, limits=limits))

    def learn_task(
        self, *, by: Ed25519Signer | None = None, do: str = "", **terms: object
    ) -> tuple[str, Task]:
        """Return the id of a new use, and the task that brings it."""
        signed: dict[str, object] = {
            "learn_id": str(uuid4()),
            "rounds": 2,
            "min_nodes": 1,
            "round_s": 30,
            "nodes": [HERE, OTHER],
            "seed": 1,
            "tool": {"do": do} if do else {},
        }
        use = Use(
            use_id=str(uuid4()),
            permit_id=self.permit.permit_id,
            permit_sha256=token_sha256(self.token),
            node_id=self.here,
            action=Action.LEARN,
            datasets=((IMAGES, 1),),
            tool=self.tool.digest,
            at=datetime.now(UTC),
            until=datetime.now(UTC) + timedelta(hours=1),
            arguments=json.dumps(signed | terms),
        )
        body = {"token": (by or self.anna).sign(use_payload(use)), "inputs": {}}
        return use.use_id, Task(task_id=str(uuid4()), kind=TaskKind.USE, body=body)

    @contextmanager
    def learning(self) -> Iterator[Learnings]:
        learnings = self.learnings()
        thread = threading.Thread(target=learnings.work)
        thread.start()
        try:
            yield learnings
        finally:
            learnings.close()
            thread.join(timeout=30)
            assert not thread.is_alive()

    def key_of(self, use_id: str, seconds: float = 30, *, after: str = "") -> str:
        """Return the key that the node reported for the kit of a training, once it did."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for body in self.reported("learn"):
                if body["use_id"] == use_id and body["key"] != after:
                    return str(body["key"])
            if self.record(use_id).state not in (RunState.WAITING, RunState.RUNNING):
                break
            time.sleep(0.02)
        raise AssertionError(f"the node is not ready: {self.record(use_id)}")

    def reported(self, kind: str) -> list[dict[str, Any]]:
        """Return the bodies of reports of a kind that wait; nothing is taken away."""
        return [
            one.body["body"]  # type: ignore[misc]
            for one in outbox_of(self.home).first()
            if one.sort != "part" and one.body["kind"] == kind
        ]

    def kit_task(self, use_id: str, kit: bytes, **more: object) -> Task:
        sealed = HpkeSealing().seal(kit, self.key_of(use_id), use_id)
        body = {"use_id": use_id, "kit": b64encode(sealed).decode(), **more}
        return Task(task_id=str(uuid4()), kind=TaskKind.LEARN, body=body)

    def learn(self, *, kit: bytes | None = None, rounds: int = 2, do: str = "") -> RunRecord:
        """Take a training up and do it to its end, as a federation of one."""
        use_id, task = self.learn_task(do=do, rounds=rounds)
        with self.learning() as learnings:
            learnings.take_up(task)
            learnings.take_kit(self.kit_task(use_id, kit or scripted_kit(whole_script(rounds))))
            return self.ended(use_id)

    def ended(self, use_id: str, seconds: float = 40) -> RunRecord:
        return self.wait(use_id, _is_over, seconds)

    def engine_log(self, use_id: str) -> str:
        return (self.home / "runs" / use_id / "engine.txt").read_text(encoding="utf-8")


def _is_over(run: RunRecord) -> bool:
    return run.state not in (RunState.WAITING, RunState.RUNNING)


def learnings_at(home: Path, engine: FederationClient | None = None) -> Learnings:
    """Return what does trainings in a node's home, alone when no engine is given."""
    made = learnings_of(home, runs_of(home, permit_book(home), reports_of(home)))
    return replace(made, parts=replace(made.parts, engine=engine or LoneEngine()))
