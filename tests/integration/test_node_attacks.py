"""An evil hub, or whoever stands between: what a node does not let itself be made to do."""

import asyncio
import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from time import monotonic, process_time
from typing import Any
from uuid import uuid4

import duckdb
import pytest
from starlette.exceptions import HTTPException

from tessera.adapters.access import SqliteOutbox
from tessera.adapters.duckdb.cohort import DuckDbCohortEngine
from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.adapters.jose.key_folder import KeyFolder
from tessera.adapters.link.folder import LinkFolder
from tessera.adapters.link.http_link import HttpLink
from tessera.bootstrap.gate import gate_of
from tessera.bootstrap.node import NodeSettings
from tessera.domain.cohort.answer import DatasetAnswer
from tessera.domain.cohort.query import Query
from tessera.domain.cohort.syntax import parse
from tessera.domain.errors import InvalidQuery, TesseraError, Unavailable
from tessera.domain.ids import DatasetId, Pseudonym
from tessera.http.limits import BodyLimit
from tessera.node.answer import PublishedVersion, answer_query
from tessera.node.link import NodeLink, publish
from tessera.node.link_key import LinkKey
from tessera.node.link_loop import LinkLoop
from tessera.node.tasks import TaskHandlers
from tessera.wire.envelope import Envelope, MessageType
from tessera.wire.messages import Accepted, DatasetVersion, PollReply, QueryTask
from tessera.wire.refusals import TooManyRequests, WrongTime
from tests.hub_trial import NOW, SetClock, pinned, released, trial_audit, write_dataset

MEN = "sex = male"


@dataclass
class EvilHub:
    """Signs whatever it is told to say; in memory."""

    signer: Ed25519Signer
    n_tasks: int = 0
    refusal: TesseraError | None = None
    n_polls: int = 0
    answers: list[dict[str, Any]] = field(default_factory=list)
    query: dict[str, object] = field(default_factory=lambda: parse(MEN).to_json())

    async def send(self, type: MessageType, token: str, *, timeout_s: float) -> str:
        if self.refusal is not None:
            raise self.refusal
        request = Envelope.decode(Ed25519Verifier().unverified(token))
        body: dict[str, object] = Accepted(n_accepted=0).to_json()
        if type is MessageType.POLL:
            self.n_polls += 1
            body = PollReply(queries=tuple(self._task() for _ in range(self.n_tasks))).to_json()
        if type is MessageType.ANSWER:
            self.answers.append(dict(request.body))
        reply = Envelope(
            type=type.reply,
            sender=self.signer.public_key.fingerprint,
            recipient=request.sender,
            id=str(uuid4()),
            at=NOW,
            body=body,
            reply_to=request.id,
        )
        return self.signer.sign(reply.encode())

    def _task(self) -> QueryTask:
        asked = (
            DatasetVersion(dataset_id=DatasetId("prostate-mr"), version=1),
            DatasetVersion(dataset_id=DatasetId("prostate-mr"), version=10**30),
            DatasetVersion(dataset_id=DatasetId("not-published"), version=1),
        )
        return QueryTask(
            search_id=str(uuid4()), query=self.query, datasets=asked, deadline=NOW - NOW.resolution
        )


class NobodyHasLeft:
    def excluded(self) -> frozenset[Pseudonym]:
        return frozenset()


@pytest.fixture
def hub(tmp_path: Path) -> EvilHub:
    return EvilHub(Ed25519Signer.create(tmp_path / "hub.key"))


@pytest.fixture
def link(hub: EvilHub, tmp_path: Path) -> NodeLink:
    signer = KeyFolder.create(tmp_path / "node.key")
    return NodeLink(
        records=pinned(tmp_path / "link", hub.signer.public_key),
        link=hub,
        signer=signer,
        audit=trial_audit(tmp_path / "audit", signer),
        verifier=Ed25519Verifier(),
        clock=SetClock(),
        software="tessera test",
    )


@pytest.fixture
def loop(link: NodeLink, tmp_path: Path) -> Iterator[LinkLoop]:
    home = tmp_path / "home"
    for name in ("prostate-mr", "not-published"):
        write_dataset(home, name)
    records = LinkFolder(home / "link")
    asyncio.run(publish(link, records, released(), "research/datasets/prostate-mr/v1"))
    engine = DuckDbCohortEngine(home / "research" / "datasets")
    yield LinkLoop(
        home=home,
        link=link,
        records=records,
        engine=engine,
        gate=gate_of(home, NodeSettings(name="A", country="SE", count_noise=0)),
        exclusions=NobodyHasLeft(),
        tasks=TaskHandlers(outbox=SqliteOutbox(home / "access" / "permits.sqlite"), lasting={}),
        link_key=LinkKey(link=link, ring=KeyFolder(tmp_path / "node.key")),
    )
    engine.close()


def run_until(loop: LinkLoop, is_done: Any) -> None:
    async def running() -> None:
        stop = asyncio.Event()
        working = asyncio.create_task(loop.run(stop))
        while not is_done():
            await asyncio.sleep(0.01)
        stop.set()
        await working

    asyncio.run(asyncio.wait_for(running(), 30))


def test_a_hub_that_asks_without_end_fills_no_memory(loop: LinkLoop, hub: EvilHub) -> None:
    hub.n_tasks = 500
    run_until(loop, lambda: len(hub.answers) >= 20)
    assert hub.n_polls <= 2
    assert len(loop._answering) <= 100


def test_only_what_was_published_is_answered_for(loop: LinkLoop, hub: EvilHub) -> None:
    hub.n_tasks = 1
    run_until(loop, lambda: hub.answers)
    (one,) = hub.answers[0]["answers"]
    assert (one["dataset_id"], one["version"], one["n_subjects"]) == ("prostate-mr", 1, 30)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"version": 1, "where": {"field": "../../etc/passwd", "op": "=", "values": ["x"]}},
        {"version": 1, "where": {"field": "sex", "op": "=", "values": [1e308]}},
        {"version": 1, "where": {"and": [{"field": "sex", "op": "=", "values": ["male"]}]}},
        {"version": 1, "where": {"in_one": "patient", "where": {"field": "sex"}}},
    ],
)
def test_a_query_that_is_none_is_answered_as_such(
    loop: LinkLoop, hub: EvilHub, query: dict[str, object]
) -> None:
    hub.n_tasks, hub.query = 1, query
    run_until(loop, lambda: hub.answers)
    (one,) = hub.answers[0]["answers"]
    assert (one["outcome"], one["n_subjects"]) == ("not_supported", None)


def test_a_huge_or_deep_query_is_refused_before_it_costs_anything() -> None:
    one: dict[str, object] = {"field": "cancer", "op": "=", "values": ["prostat"]}
    wide: dict[str, object] = {"or": [{"or": [one] * 50}] * 50}
    deep: dict[str, object] = one
    for _ in range(600):
        deep = {"not": deep}
    begun = process_time()
    for where in (wide, {"or": [wide] * 50}, deep):
        with pytest.raises(InvalidQuery):
            Query.from_json({"version": 1, "where": where})
    assert process_time() - begun < 1


@pytest.mark.parametrize("refusal", [TooManyRequests(""), WrongTime("")])
def test_a_description_outlives_a_refusal_that_is_not_about_it(
    link: NodeLink, hub: EvilHub, tmp_path: Path, refusal: TesseraError
) -> None:
    records = LinkFolder(tmp_path / "link")
    hub.refusal = refusal
    with pytest.raises(type(refusal)):
        asyncio.run(publish(link, records, released(), "folder"))
    assert len(records.outgoing()) == 1


def outcome(root: Path, engine: DuckDbCohortEngine) -> DatasetAnswer:
    version = PublishedVersion(
        dataset_id=DatasetId("prostate-mr"), version=1, folder=root, created=NOW
    )
    (answer,) = answer_query(
        parse(MEN),
        [version],
        engine,
        gate_of(root, NodeSettings(name="A", country="SE", count_noise=0)),
        frozenset(),
    )
    return answer


def test_a_count_that_takes_too_long_is_no_answer(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path)
    assert outcome(folder, DuckDbCohortEngine(tmp_path)).counts is not None
    series = " and ".join(
        f"not (in one study (n_instances > {i} and slice_thickness < 9))" for i in range(24)
    )
    with duckdb.connect() as writer:
        for table, rows in (
            ("patient", "SELECT 's' || i AS subject FROM range(50000) t(i)"),
            ("study", "SELECT 's' || i AS subject, 't' || i AS study_uid FROM range(50000) t(i)"),
            (
                "series",
                "SELECT 's' || i % 50000 AS subject, 't' || i % 50000 AS study_uid, i % 99 AS "
                "n_instances, i % 7 AS slice_thickness_mm FROM range(2000000) t(i)",
            ),
        ):
            writer.execute(f"COPY ({rows}) TO '{tmp_path}/{table}.parquet'")
    engine = DuckDbCohortEngine(tmp_path, memory_limit="2GB", timeout_s=0.05)
    begun = monotonic()
    with pytest.raises(Unavailable):
        engine.count(tmp_path, parse(series))
    assert monotonic() - begun < 5
    engine.close()


class _Replies(BaseHTTPRequestHandler):
    """Answers any request with 40 MB: packed small, or as it is."""

    def do_POST(self) -> None:
        self.send_response(200)
        packed = gzip.compress(b"a" * 40_000_000) if "status" in self.path else b""
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        try:
            for _ in range(1 if packed else 40):
                self.wfile.write(packed or b"a" * 1_000_000)
        except (BrokenPipeError, ConnectionResetError):
            self.server.cut_short = True  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _Replies)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("type", [MessageType.STATUS, MessageType.POLL])
def test_a_reply_without_end_is_not_read_to_its_end(
    type: MessageType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    async def asked(url: str) -> None:
        async with HttpLink(url) as http:
            await http.send(type, "token", timeout_s=10)

    with serving() as server:
        with pytest.raises(Unavailable, match="too long"):
            asyncio.run(asked(f"http://127.0.0.1:{server.server_port}"))
        if type is MessageType.POLL:
            server.shutdown()
            assert getattr(server, "cut_short", False)


def test_a_body_that_drips_in_is_given_up() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass

    async def drip() -> dict[str, object]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"a", "more_body": True}

    async def nothing(message: Any) -> None:
        pass

    scope = {"type": "http", "headers": []}
    with pytest.raises(HTTPException) as refused:
        asyncio.run(BodyLimit(app, max_s=0.1)(scope, drip, nothing))  # type: ignore[arg-type]
    assert refused.value.status_code == 408
