"""What polls and answers do with the audit logs of both sides, and with peers that have none."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tessera.adapters.audit.folder import AuditFolder
from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.domain.audit.head import TreeHead
from tessera.domain.errors import Conflict, InvalidQuery
from tessera.node.link import NodeLink
from tessera.testing.audit_log import AT, asked
from tessera.wire.answers import AnswerMessage
from tessera.wire.envelope import Envelope, MessageType
from tessera.wire.heads import ShownHead
from tessera.wire.messages import Poll, PollReply
from tessera.wire.refusals import BadMessage
from tests.hub_trial import TrialHub, envelope, exact_description, pinned, trial_audit, trial_hub


@dataclass
class DirectLink:
    """HubLink without HTTP; counts what was sent."""

    trial: TrialHub
    sent: list[MessageType]

    async def send(self, type: MessageType, token: str, *, timeout_s: float) -> str:
        self.sent.append(type)
        return await self.trial.hub.reception.receive(type, token)


@dataclass
class Both:
    trial: TrialHub
    signer: Ed25519Signer
    log: AuditFolder
    link: NodeLink
    sent: list[MessageType]

    def poll(self, shown: ShownHead | None) -> PollReply:
        """Send a poll as any node program might."""
        body = Poll(wait_s=0, software="x", log=shown).to_json()
        message = envelope(self.trial, MessageType.POLL, body, sender="linkoping")
        token = self.signer.sign(message.encode())
        reply = asyncio.run(self.trial.hub.reception.receive(MessageType.POLL, token))
        payload = Ed25519Verifier().verify(reply, self.trial.signer.public_key)
        return PollReply.from_json(Envelope.decode(payload).body)

    def at_hub(self) -> list[str]:
        return [entry.event.event for entry in self.trial.hub.reception.audit.entries()]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    signer = Ed25519Signer.create(tmp_path / "node.key")
    with trial_hub(tmp_path / "hub") as trial:
        trial.joined(signer)
        log, sent = trial_audit(tmp_path / "audit", signer), list[MessageType]()
        link = NodeLink(
            records=pinned(tmp_path / "link", trial.signer.public_key),
            link=DirectLink(trial, sent),
            signer=signer,
            verifier=Ed25519Verifier(),
            clock=trial.clock,
            software="tessera test",
            audit=log,
        )
        yield Both(trial, signer, log, link, sent)


def test_a_poll_brings_each_side_the_head_of_the_other(both: Both) -> None:
    for number in range(3):
        both.log.append(asked(number), AT)
        both.trial.hub.joining.invite()
        asyncio.run(both.link.poll(0))
        asyncio.run(both.link.poll(0))
    reply = both.poll(both.log.show(AT, party="hub", kept_there=3))
    assert reply.log is not None
    assert reply.log.kept == 3
    assert both.log.show(AT, party="hub", kept_there=0).kept == len(both.at_hub())
    payload = Ed25519Verifier().verify(reply.log.head, both.trial.signer.public_key)
    assert TreeHead.decode(payload).size == len(both.at_hub())


def test_a_node_without_a_log_is_served_as_before(both: Both) -> None:
    assert both.poll(None).log is None
    assert "log" not in Poll(wait_s=0, software="x").to_json()


def test_a_forked_history_is_written_down_and_the_link_goes_on(
    both: Both, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    both.log.append(asked(0), AT)
    both.poll(both.log.show(AT, party="hub", kept_there=0))
    other = trial_audit(tmp_path / "rewritten", both.signer)
    other.append(asked(7), AT)
    for _ in range(2):
        reply = both.poll(other.show(AT, party="hub", kept_there=1))
        assert reply.log is not None
    assert both.at_hub().count("fork-seen") == 1
    assert "linkoping does not go on from the head kept here" in caplog.text


def test_a_forged_head_is_told_and_not_kept(
    both: Both, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = trial_audit(tmp_path / "b", Ed25519Signer.create(tmp_path / "stranger.key"))
    stranger.append(asked(0), AT)
    reply = both.poll(stranger.show(AT, party="hub", kept_there=0))
    assert reply.log is not None
    assert reply.log.kept == 0
    assert "is not signed by its key" in caplog.text


@pytest.mark.parametrize("proof", [["zz"], ["ab"], "text", [1], ["ab" * 32] * 129])
def test_a_proof_that_is_no_list_of_hashes_is_named(proof: object) -> None:
    with pytest.raises(BadMessage, match="proof"):
        Poll.from_json({"wait_s": 0, "log": {"head": "", "proof": proof}})


def test_an_answer_that_cannot_be_written_down_does_not_leave(both: Both) -> None:
    for number in range(2):
        both.log.append(asked(number), AT)
    path = both.log.folder / "log.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(Conflict, match="audit verify"):
        asyncio.run(both.link.answer((AnswerMessage(search_id="s", answers=()), "sex = male")))
    assert both.sent == []


def test_a_change_that_the_hub_cannot_write_down_is_not_made(both: Both) -> None:
    trial = both.trial
    node = trial.store.nodes.find("linkoping")
    assert node is not None
    path = trial.hub.reception.audit.folder / "log.jsonl"  # type: ignore[attr-defined]
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(Conflict, match="damaged"):
        trial.hub.catalogued.publish(node, exact_description())
    assert not trial.hub.catalogue()
    with pytest.raises(Conflict, match="damaged"):
        trial.hub.searching.start("sex = male")
    with pytest.raises(InvalidQuery):
        trial.hub.searching.start("nonsense")
