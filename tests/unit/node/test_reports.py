"""What a node reports and delivers reaches its hub whole, in order, over every interruption."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest

from tessera.adapters.access import SqliteOutbox
from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.domain.access.airlock import ReleasedFile
from tessera.domain.errors import NotFound, TesseraError, Unavailable
from tessera.domain.zones import seal_released
from tessera.node.link import NodeLink
from tessera.node.reports import Reports
from tessera.wire.envelope import Envelope, MessageType
from tessera.wire.fields import Json
from tessera.wire.messages import Accepted
from tessera.wire.refusals import NodePending, NodeRevoked
from tessera.wire.tasks import PART_BYTES, DeliveredPart, Report, ReportMessage, RunState
from tests.hub_trial import SetClock, pinned, trial_audit

USE = str(uuid4())


@dataclass
class Hearing:
    """The hub's end of a link in memory. `refusals`: what the next messages meet."""

    signer: Ed25519Signer
    clock: SetClock
    refusals: list[TesseraError | None] = field(default_factory=list)
    unwanted: str = ""
    """A text; a report that holds it is refused."""
    heard: list[tuple[str, Json]] = field(default_factory=list)

    async def send(self, type: MessageType, token: str, *, timeout_s: float) -> str:
        request = Envelope.decode(Ed25519Verifier().unverified(token))
        if self.refusals and (refusal := self.refusals.pop(0)) is not None:
            raise refusal
        if self.unwanted and self.unwanted in str(request.body):
            raise NotFound("no such use")
        self.heard.append((type.value, request.body))
        reply = Envelope(
            type=type.reply,
            sender=self.signer.public_key.fingerprint,
            recipient=request.sender,
            id=str(uuid4()),
            at=self.clock.at,
            body=Accepted(n_accepted=1).to_json(),
            reply_to=request.id,
        )
        return self.signer.sign(reply.encode())

    def reports(self) -> list[Report]:
        messages = [ReportMessage.from_json(body) for kind, body in self.heard if kind == "report"]
        return [report for message in messages for report in message.reports]


@pytest.fixture
def hub(tmp_path: Path) -> Hearing:
    return Hearing(Ed25519Signer.create(tmp_path / "hub.key"), SetClock())


@pytest.fixture
def link(hub: Hearing, tmp_path: Path) -> NodeLink:
    signer = Ed25519Signer.create(tmp_path / "node.key")
    return NodeLink(
        records=pinned(tmp_path / "link", hub.signer.public_key),
        link=hub,
        signer=signer,
        verifier=Ed25519Verifier(),
        clock=hub.clock,
        software="tessera test",
        audit=trial_audit(tmp_path / "audit", signer),
    )


@pytest.fixture
def reports(tmp_path: Path) -> Reports:
    return Reports(outbox=SqliteOutbox(tmp_path / "access" / "permits.sqlite"))


def report(n: int) -> Report:
    return Report(kind="run", body={"n": n})


def large() -> bytes:
    return bytes(range(256)) * (PART_BYTES // 256) + b"the end"


def test_a_file_goes_in_parts_and_what_is_said_of_it_after(
    hub: Hearing, link: NodeLink, reports: Reports
) -> None:
    content = large()
    one = ReleasedFile(use_id=USE, name="model.npz", kind="model", content=content)
    reports.run_state(USE, RunState.IN_AIRLOCK)
    reports.deliver(seal_released(one))
    reports.run_state(USE, RunState.RELEASED, "by two")
    assert asyncio.run(reports.flush(link)) == 4
    assert [kind for kind, _ in hub.heard] == ["report", "deliver", "deliver", "report"]
    parts = [DeliveredPart.from_json(body) for kind, body in hub.heard if kind == "deliver"]
    assert b"".join(part.data for part in parts) == content
    assert {(part.sha256, part.n_parts) for part in parts} == {(one.sha256, 2)}
    assert [told.body["state"] for told in hub.reports()] == ["in-airlock", "released"]
    assert asyncio.run(reports.flush(link)) == 0


def test_only_what_was_released_is_delivered(reports: Reports) -> None:
    one = ReleasedFile(use_id=USE, name="table.csv", kind="aggregate", content=b"1")
    with pytest.raises(TypeError, match="Released"):
        reports.deliver(one)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Released"):
        reports.deliver(seal_released(b"1"))  # type: ignore[arg-type]
    assert not reports.outbox.first()


@pytest.mark.parametrize("refusal", [Unavailable("away"), NodePending("x"), NodeRevoked("x")])
def test_what_the_hub_cannot_take_now_stays_and_goes_on_where_it_stopped(
    hub: Hearing, link: NodeLink, reports: Reports, tmp_path: Path, refusal: TesseraError
) -> None:
    one = ReleasedFile(use_id=USE, name="model.npz", kind="model", content=large())
    reports.report(report(1))
    reports.deliver(seal_released(one))
    hub.refusals = [None, None, refusal]
    with pytest.raises(type(refusal)):
        asyncio.run(reports.flush(link))
    again = Reports(outbox=SqliteOutbox(tmp_path / "access" / "permits.sqlite"))
    assert asyncio.run(again.flush(link)) == 1
    numbers = [body["part"] for kind, body in hub.heard if kind == "deliver"]
    assert numbers == [0, 1]


def test_what_the_hub_does_not_want_holds_up_nothing(
    hub: Hearing, link: NodeLink, reports: Reports
) -> None:
    reports.report(*(report(n) for n in (1, 2222, 3)))
    hub.unwanted = "2222"
    asyncio.run(reports.flush(link))
    assert [told.body["n"] for told in hub.reports()] == [1, 3]
    assert asyncio.run(reports.flush(link)) == 0


def test_the_running_node_sends_what_another_program_puts_in(
    hub: Hearing, link: NodeLink, reports: Reports, tmp_path: Path
) -> None:
    hub.refusals = [Unavailable("away")]
    other = Reports(outbox=SqliteOutbox(tmp_path / "access" / "permits.sqlite"))

    async def running() -> None:
        sending = asyncio.create_task(reports.keep_sending(link))
        for n in range(3):
            await asyncio.to_thread(other.report, report(n))
            while len(hub.reports()) <= n:
                await asyncio.sleep(0.01)
        sending.cancel()

    asyncio.run(asyncio.wait_for(running(), 20))
    assert [told.body["n"] for told in hub.reports()] == [0, 1, 2]
