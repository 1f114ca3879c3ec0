"""Every recorded message is still read, byte for byte as it was sent."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tessera.adapters.jose.ed25519 import Ed25519Verifier
from tessera.domain.cohort.query import Query
from tessera.domain.cohort.result import Outcome
from tessera.ports.renewal import followed, read_renewal
from tessera.wire.answers import ReceivedAnswer, answers_from_json
from tessera.wire.envelope import Envelope, MessageType
from tessera.wire.fetch import RelayMessage
from tessera.wire.fields import Json
from tessera.wire.keys import PublicKey
from tessera.wire.messages import (
    Accepted,
    JoinReply,
    JoinRequest,
    Poll,
    PollReply,
    ReceivedDataset,
    StatusReply,
    StatusRequest,
)
from tessera.wire.notice import notice_from_json
from tessera.wire.problem import problem_from_json
from tessera.wire.refusals import HubKeyRenewed
from tessera.wire.renewal import HUB, KeyRenewed, RenewKey
from tessera.wire.tasks import DeliveredPart, ReportMessage
from tests.unit.wire.vectors import record

RECORDED = sorted(record.FOLDER.glob("v*.json"))
READERS: dict[MessageType, Callable[[Json], object]] = {
    MessageType.JOIN: JoinRequest.from_json,
    MessageType.JOIN_REPLY: JoinReply.from_json,
    MessageType.STATUS: StatusRequest.from_json,
    MessageType.STATUS_REPLY: StatusReply.from_json,
    MessageType.PUBLISH: ReceivedDataset.from_json,
    MessageType.PUBLISH_REPLY: Accepted.from_json,
    MessageType.POLL: Poll.from_json,
    MessageType.POLL_REPLY: PollReply.from_json,
    MessageType.ANSWER: ReceivedAnswer.from_json,
    MessageType.ANSWER_REPLY: Accepted.from_json,
    MessageType.ANSWERS: answers_from_json,
    MessageType.ANSWERS_REPLY: Accepted.from_json,
    MessageType.REPORT: ReportMessage.from_json,
    MessageType.REPORT_REPLY: Accepted.from_json,
    MessageType.DELIVER: DeliveredPart.from_json,
    MessageType.DELIVER_REPLY: Accepted.from_json,
    MessageType.RELAY: RelayMessage.from_json,
    MessageType.RELAY_REPLY: Accepted.from_json,
    MessageType.NOTICE: notice_from_json,
    MessageType.NOTICE_REPLY: Accepted.from_json,
    MessageType.RENEW_KEY: RenewKey.from_json,
    MessageType.RENEW_KEY_REPLY: KeyRenewed.from_json,
}


def opened(path: Path) -> Envelope:
    recorded = json.loads(path.read_text("utf-8"))
    payload = Ed25519Verifier().verify(recorded["token"], PublicKey(recorded["key"]))
    envelope = Envelope.decode(payload)
    assert envelope.body == recorded["body"]
    return envelope


def test_each_type_of_message_is_recorded() -> None:
    assert {opened(path).type for path in RECORDED} == set(MessageType)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_recorded_message_is_read(path: Path) -> None:
    envelope = opened(path)
    assert envelope.at == record.AT
    assert READERS[envelope.type](envelope.body)


@pytest.mark.parametrize("type", MessageType)
def test_this_version_writes_the_recorded_bytes(type: MessageType) -> None:
    """Ed25519 is deterministic, so a changed byte of a message changes the token."""
    recorded = json.loads((record.FOLDER / f"v1-{type.value}.json").read_text("utf-8"))
    assert record.token(type, record.bodies()[type]) == recorded["token"]


def test_a_recorded_answer_means_what_it_meant() -> None:
    answer = ReceivedAnswer.from_json(opened(record.FOLDER / "v1-answer.json").body)
    outcomes = [(a.dataset_id, a.outcome, a.n_subjects, a.n_studies) for a in answer.answers]
    assert outcomes == [
        ("prostate-mr", Outcome.COUNTED, 30, 40),
        ("breast-mg", Outcome.TOO_FEW, None, None),
        ("lung-ct", Outcome.NOT_SUPPORTED, None, None),
    ]


def test_a_recorded_query_means_what_it_meant() -> None:
    (task,) = PollReply.from_json(opened(record.FOLDER / "v1-poll-reply.json").body).queries
    assert str(Query.from_json(task.query)) == "cancer = prostate and modality in (MR, PT)"


def test_a_recorded_renewal_of_a_nodes_key_means_what_it_meant() -> None:
    body = opened(record.FOLDER / "v1-renew-key.json").body
    renewal = read_renewal(Ed25519Verifier(), RenewKey.from_json(body).renewal, party="linkoping")
    assert (renewal.former.x, renewal.key.x) == (record.KEY["x"], record.NEXT_KEY["x"])
    assert renewal.at == record.AT


def test_a_recorded_refusal_leads_to_the_hubs_new_key() -> None:
    recorded = json.loads((record.FOLDER / "problem-v1-hub-key-renewed.json").read_text("utf-8"))
    assert recorded["body"] == record.problem()
    refusal = problem_from_json(recorded["body"], 403)
    assert isinstance(refusal, HubKeyRenewed)
    pinned = PublicKey(recorded["key"]).fingerprint
    (renewal,) = followed(Ed25519Verifier(), refusal.renewals, pinned)
    assert (renewal.party, renewal.key.x) == (HUB, record.NEXT_KEY["x"])
