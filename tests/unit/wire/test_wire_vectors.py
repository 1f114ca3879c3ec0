"""Every recorded message is still read, byte for byte as it was sent."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tessera.adapters.jose.ed25519 import Ed25519Verifier
from tessera.domain.cohort.query import Query
from tessera.domain.cohort.result import Outcome
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
    ReceivedAnswer,
    ReceivedDataset,
    StatusReply,
    StatusRequest,
)
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
    MessageType.REPORT: ReportMessage.from_json,
    MessageType.REPORT_REPLY: Accepted.from_json,
    MessageType.DELIVER: DeliveredPart.from_json,
    MessageType.DELIVER_REPLY: Accepted.from_json,
    MessageType.RELAY: RelayMessage.from_json,
    MessageType.RELAY_REPLY: Accepted.from_json,
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
