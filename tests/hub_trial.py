"""A hub and nodes to try things on: real keys, real SQLite, real sockets, small real datasets."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette

from tessera.adapters.audit.folder import AuditFolder
from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.adapters.jose.key_folder import KeyFolder
from tessera.adapters.link.folder import LinkFolder
from tessera.adapters.sqlite_hub.store import SqliteHubStore
from tessera.bootstrap.hub import (
    HubSettings,
    catalogue_rdf,
    dataset_rdf,
    record_rdf,
    tombstone_rdf,
)
from tessera.bootstrap.hub_accounts import hub_accounts
from tessera.domain.catalogue.description import Agent, DatasetDescription, Facet
from tessera.domain.cohort.disclosure import CountPolicy, disclose_description
from tessera.domain.ids import DatasetId, NodeId
from tessera.domain.zones import Released
from tessera.http.app import SEARCHES, create_app
from tessera.http.limits import Rate
from tessera.http.trainings import Trainings
from tessera.hub.hub import Hub
from tessera.ports.hub_link import HubPin
from tessera.ports.hub_store import NodeRecord, NodeState
from tessera.ports.signing import Signer
from tessera.testing.cohort_engine import write_version
from tessera.wire.envelope import Envelope, MessageType
from tessera.wire.keys import PublicKey
from tessera.wire.messages import JoinRequest

NOW = datetime(2026, 3, 5, 14, 7, tzinfo=UTC)
TESSERA = Path(sys.executable).with_name("tessera")
NOTHING_MORE: Mapping[str, str] = MappingProxyType({})


class SetClock:
    """A clock that a test sets."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def pass_s(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def exact_description(
    name: str = "prostate-mr", *, version: int = 1, n_subjects: int = 36, sha256: str = "ab" * 32
) -> DatasetDescription:
    return DatasetDescription(
        dataset_id=DatasetId(name),
        version=version,
        title={"en": f"Dataset {name}", "sv": f"Datamängd {name}"},
        description={"en": "Made for a test."},
        keywords=("test",),
        publisher=Agent("Test hospital", url="https://hospital.example.org"),
        contact=Agent("Data office", email="data@hospital.example.org"),
        country="SE",
        language="sv",
        created=NOW,
        manifest_sha256=sha256,
        n_subjects=n_subjects,
        n_studies=n_subjects,
        n_series=2 * n_subjects,
        n_instances=40 * n_subjects,
        n_bytes=12_345_678,
        data_use=("DUO_0000042",),
        facets={"sex": (Facet("male", n_subjects), Facet("female", 0))},
    )


def released(name: str = "prostate-mr", **changes: object) -> Released[DatasetDescription]:
    return disclose_description(exact_description(name, **changes), CountPolicy())  # type: ignore[arg-type]


def write_dataset(home: Path, name: str = "prostate-mr", *, n_subjects: int = 36) -> Path:
    """Write version 1 of a dataset: men with prostate cancer and one MR study each."""
    subjects = [f"TES-{i:016}" for i in range(n_subjects)]
    rows = {
        "patient": [{"subject": s, "sex": "male", "population": "cancer"} for s in subjects],
        "condition": [
            {"condition_id": f"c{i}", "subject": s, "cancer": "prostate", "age_at_diagnosis": 60.0}
            for i, s in enumerate(subjects)
        ],
        "study": [
            {"study_uid": f"2.25.{i}", "subject": s, "modalities": ["MR"], "n_series": 1}
            for i, s in enumerate(subjects)
        ],
        "series": [
            {
                "series_uid": f"2.25.9{i}",
                "study_uid": f"2.25.{i}",
                "subject": s,
                "modality": "MR",
                "n_instances": 20,
            }
            for i, s in enumerate(subjects)
        ],
    }
    return write_version(home / "research" / "datasets" / name / "v1", rows)


@dataclass(frozen=True)
class TrialHub:
    hub: Hub
    store: SqliteHubStore
    clock: SetClock
    signer: KeyFolder

    @property
    def fingerprint(self) -> str:
        return self.signer.public_key.fingerprint

    def joined(
        self, signer: Ed25519Signer, name: str = "Linköping", *, approved: bool = True
    ) -> NodeRecord:
        """Join a node with its own key."""
        request = JoinRequest(
            secret=self.hub.joining.invite().secret,
            name=name,
            country="SE",
            public_key=signer.public_key,
            software="tessera test",
        )
        reply = self.hub.joining.join(request)
        if approved:
            self.hub.joining.decide(reply.node_id, NodeState.APPROVED)
        node = self.store.nodes.find(reply.node_id)
        assert node is not None
        return node


@contextmanager
def trial_hub(folder: Path) -> Iterator[TrialHub]:
    """Open a hub over a new SQLite file; opening the same folder again restarts it."""
    folder.mkdir(exist_ok=True)
    key = folder / "hub.key"
    signer = KeyFolder(key) if key.exists() else KeyFolder.create(key)
    store = SqliteHubStore(folder / "hub.sqlite")
    settings = HubSettings(name="Trial hub", url="https://hub.example.org")
    clock = SetClock()
    audit = trial_audit(folder / "audit", signer)
    hub = Hub.assemble(
        name=settings.name,
        address=settings.url,
        store=store,
        clock=clock,
        signer=signer,
        verifier=Ed25519Verifier(),
        audit=audit,
        # People come over plain HTTP here, where a browser sends no secure cookie.
        accounts=hub_accounts(
            folder,
            HubSettings(name=settings.name, url="http://127.0.0.1"),
            store=store,
            clock=clock,
            audit=audit,
            signer=signer,
        ),
        render_catalogue=catalogue_rdf(settings),
        render_dataset=dataset_rdf(settings),
        render_record=record_rdf(settings, clock),
        render_tombstone=tombstone_rdf(settings),
    )
    try:
        yield TrialHub(hub, store, clock, signer)
    finally:
        store.close()


def trial_audit(folder: Path, signer: Signer | None = None) -> AuditFolder:
    return AuditFolder(folder, kept=folder / "kept", signer=signer, verifier=Ed25519Verifier())


def pinned(folder: Path, hub_key: PublicKey, node_id: str = "linkoping") -> LinkFolder:
    """Return what a node keeps of its hub after joining."""
    records = LinkFolder(folder)
    records.set_pin(
        HubPin(
            hub_url="http://hub.example.org",
            hub_name="Hub",
            hub_key=hub_key,
            node_id=NodeId(node_id),
        )
    )
    return records


def envelope(
    trial: TrialHub,
    type: MessageType,
    body: Mapping[str, object],
    *,
    sender: str,
    recipient: str | None = None,
    at: datetime | None = None,
    id: str | None = None,
) -> Envelope:
    return Envelope(
        type=type,
        sender=sender,
        recipient=trial.fingerprint if recipient is None else recipient,
        id=id or str(uuid4()),
        at=at or trial.clock.at,
        body=body,
    )


def app_of(hub: Hub, *, searches: Rate = SEARCHES) -> Starlette:
    """Return the application with every route, as `tessera hub run` serves it."""
    return create_app(
        hub,
        hub.reception.receive,
        searches=searches,
        accounts=hub.accounts,
        access=hub.access,
        negotiating=hub.negotiating,
        trainings=Trainings(learnings=hub.learnings, models=hub.models, access=hub.access),
        public=hub.register,
        standings=hub.standings,
        saved=hub.cohorts,
    )


@contextmanager
def served(hub: Hub, *, searches: Rate = SEARCHES) -> Iterator[str]:
    """Serve a hub from a thread on a free port; gives its address."""
    config = uvicorn.Config(
        app_of(hub, searches=searches),
        port=0,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, "the server to start")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def wait_until(is_true: object, what: str, timeout_s: float = 20) -> None:
    assert callable(is_true)
    end = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < end, f"waited {timeout_s} s for {what}"
        time.sleep(0.02)


def tessera(
    *words: str | Path, check: bool = True, env: Mapping[str, str] = NOTHING_MORE
) -> subprocess.CompletedProcess[str]:
    """Run the console command to its end; `env` is beside what every test has."""
    done = subprocess.run(
        [str(TESSERA), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**_environment(), **env},
    )
    assert done.returncode == 0 or not check, f"{words}: {done.stdout}{done.stderr}"
    return done


class Program:
    """A console command that goes on until it is stopped; its output goes to a file."""

    def __init__(
        self,
        log: Path,
        words: Sequence[str | Path],
        program: Path = TESSERA,
        env: Mapping[str, str] = NOTHING_MORE,
    ) -> None:
        self.log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [str(program), *map(str, words)],
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**_environment(), **env},
            )

    def wait_for(self, text: str, timeout_s: float = 20) -> None:
        def is_there() -> bool:
            assert self.process.poll() is None or text in self.output(), self.output()
            return text in self.output()

        wait_until(is_there, f"{text!r} in {self.log.name}", timeout_s)

    def output(self) -> str:
        return self.log.read_text("utf-8")

    def terminate(self) -> float:
        """Send SIGTERM; return the seconds until the end."""
        begun = time.monotonic()
        self.process.terminate()
        self.process.wait(20)
        return time.monotonic() - begun

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(20)


def node_home(folder: Path, name: str, country: str = "SE") -> Path:
    """Make the part of a node's home that its link needs."""
    folder.mkdir()
    (folder / "node.toml").write_text(
        f'name = "{name}"\ncountry = "{country}"\ncount_noise = 0\n', "utf-8"
    )
    return folder


def _environment() -> dict[str, str]:
    return {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "NO_COLOR": "1"}
