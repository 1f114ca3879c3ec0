"""A node's home with 30 patients, a countersigned permit and a tool that runs in a real sandbox."""

import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.adapters.link.folder import LinkFolder
from tessera.bootstrap.datasets import DatasetRequest, create_dataset
from tessera.bootstrap.node import Node, NodeSettings, init_node
from tessera.bootstrap.permits import countersigning, outbox_of, permit_book, reports_of
from tessera.bootstrap.runs import airlock_of, records_of, runs_of, sandbox_of
from tessera.domain.access.permit import (
    AccessMode,
    Action,
    Permit,
    PermittedDataset,
    PermittedPerson,
    PermittedTool,
    Use,
)
from tessera.domain.access.tool import OutputKind, ToolBundle, tool_bundle
from tessera.domain.errors import Unavailable
from tessera.domain.ids import DatasetId, NodeId
from tessera.domain.zones import seal_deidentified
from tessera.node.airlock import Airlock
from tessera.node.runs import Runs
from tessera.ports.hub_link import HubPin
from tessera.ports.run_records import RunRecord
from tessera.wire.permit import permit_payload, token_sha256, use_payload
from tessera.wire.tasks import RunState, Task, TaskKind
from tests.opt_out_trial import put_patients

HERE = NodeId("linkoping")
IMAGES = DatasetId("images")
BYTES_OF_INSTANCE = 10_000
COUNT = """
import json, os, pyarrow.parquet as pq
folder = "/data/images"
table = pq.read_table(f"{folder}/tables/patient.parquet")
files = sum(len(names) for _, _, names in os.walk(f"{folder}/instances"))
asked = json.loads(os.environ["TESSERA_ARGUMENTS"])
out = {"n_subjects": table.num_rows, "n_files": files, **asked}
print("seen", table["subject"][0].as_py())
json.dump(out, open("/out/counts.json", "w"))
"""
OUTPUTS = 'outputs = { "counts.json" = "aggregate", "model.npz" = "model" }\n'


def needs_sandbox() -> None:
    try:
        sandbox_of().available()
    except Unavailable as err:
        pytest.skip(str(err))


def made_tool(code: str = COUNT, *, limits: str = "") -> ToolBundle:
    manifest = (
        f'name = "count"\nversion = "1.0"\ntitle = "Counts"\n{OUTPUTS}'
        f'[entries]\nrun = "main.py"\n{limits}'
    )
    return tool_bundle({"tool.toml": manifest.encode(), "main.py": code.encode()})


@dataclass
class RunTrial:
    folder: Path
    tool: ToolBundle = field(default_factory=made_tool)
    ends_in: timedelta = timedelta(days=1)
    modes: frozenset[AccessMode] = frozenset({AccessMode.RUN})
    outputs: frozenset[OutputKind] = frozenset({OutputKind.AGGREGATE, OutputKind.MODEL})

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.home = self.folder / "home"
        self.node: Node = init_node(self.home, NodeSettings(name="Linköping", country="SE"))
        put_patients(self.node)
        for row in self.node.index.all():
            path = self.node.research / row.path
            path.parent.mkdir(parents=True, exist_ok=True)
            content = row.instance_uid.encode().ljust(BYTES_OF_INSTANCE, b"\0")
            path.write_bytes(content)
            said = replace(row, sha256=sha256(content).hexdigest(), n_bytes=len(content))
            self.node.index.put([seal_deidentified(said)])
        request = DatasetRequest(title="Images", contact_email="data@example.org")
        version = create_dataset(self.home, request)
        self.hub = Ed25519Signer.create(self.folder / "hub.key")
        self.anna = Ed25519Signer.create(self.folder / "anna.key")
        link = LinkFolder(self.home / "link")
        Ed25519Signer.create(link.key_file)
        key = self.hub.public_key
        link.set_pin(HubPin(hub_url="http://hub", hub_name="Hub", hub_key=key, node_id=HERE))
        now = datetime.now(UTC)
        person = PermittedPerson(
            person_id=str(uuid4()),
            name="Anna Berg",
            organisation="Uppsala",
            keys=(self.anna.public_key.x,),
        )
        self.permit = Permit(
            permit_id=str(uuid4()),
            application_id=str(uuid4()),
            title="Men",
            purpose="To count them.",
            duo=("DUO_0000042",),
            persons=(person,),
            datasets=(
                PermittedDataset(
                    node_id=HERE,
                    dataset_id=IMAGES,
                    version=1,
                    manifest_sha256=version.manifest_sha256,
                ),
            ),
            modes=self.modes,
            tools=(PermittedTool(name="count", version="1.0", digest=self.tool.digest),),
            outputs=self.outputs,
            issued_at=now - timedelta(days=1),
            starts=now - timedelta(days=1),
            ends=now + self.ends_in,
        )
        self.token = self.hub.sign(permit_payload(self.permit))
        permit_book(self.home).receive(self.token, [self.tool])
        countersigning(self.home).countersign(self.permit.permit_id, "Data office")

    @property
    def airlock(self) -> Airlock:
        return airlock_of(self.home)

    def runs(self) -> Runs:
        return runs_of(self.home, permit_book(self.home), reports_of(self.home))

    def task(
        self,
        *,
        arguments: str = "{}",
        inputs: Mapping[str, bytes] | None = None,
        sent: Mapping[str, bytes] | None = None,
        by: Ed25519Signer | None = None,
    ) -> tuple[str, Task]:
        """Return the id of a new use, and the task that brings it."""
        given = inputs or {}
        use = Use(
            use_id=str(uuid4()),
            permit_id=self.permit.permit_id,
            permit_sha256=token_sha256(self.token),
            node_id=HERE,
            action=Action.RUN,
            datasets=((IMAGES, 1),),
            tool=self.tool.digest,
            at=datetime.now(UTC),
            until=datetime.now(UTC) + timedelta(hours=1),
            arguments=arguments,
            inputs=tuple((name, sha256(content).hexdigest()) for name, content in given.items()),
        )
        files = {name: b64encode(b).decode() for name, b in (sent or given).items()}
        body = {"token": (by or self.anna).sign(use_payload(use)), "inputs": files}
        return use.use_id, Task(task_id=str(uuid4()), kind=TaskKind.USE, body=body)

    def record(self, use_id: str) -> RunRecord:
        (found,) = [one for one in records_of(self.home).all() if one.use_id == use_id]
        return found

    def run(self, **how: Any) -> RunRecord:
        """Take a run up and do it to its end."""
        use_id, task = self.task(**how)
        with self.working() as runs:
            runs.take_up(task)
            return self.wait(use_id, lambda one: one.state not in _GOES_ON)

    @contextmanager
    def working(self) -> Iterator[Runs]:
        runs = self.runs()
        thread = threading.Thread(target=runs.work)
        thread.start()
        try:
            yield runs
        finally:
            runs.close()
            thread.join(timeout=30)
            assert not thread.is_alive()

    def wait(
        self, use_id: str, until: Callable[[RunRecord], bool], seconds: float = 30
    ) -> RunRecord:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            record = self.record(use_id)
            if until(record):
                return record
            time.sleep(0.02)
        raise AssertionError(f"it stays {self.record(use_id)}")

    def told(self) -> list[tuple[str, str]]:
        """Return the states that the hub is told, and `part` for each delivered part."""
        outbox, found = outbox_of(self.home), []
        while waiting := outbox.first():
            for one in waiting:
                if one.sort == "part":
                    found.append(("part", str(one.body["name"])))
                elif one.body["kind"] == "run":
                    body: Any = one.body["body"]
                    found.append((str(body["state"]), str(body["detail"])))
            outbox.remove([one.number for one in waiting])
        return found


_GOES_ON = (RunState.WAITING, RunState.RUNNING)
