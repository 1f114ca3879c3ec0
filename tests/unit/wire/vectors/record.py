"""Records one signed envelope of each message type; run it once for a new version or message.

    python -m tests.unit.wire.vectors.record

It writes what is not there yet and changes no recorded file. The key pair is for tests only.
"""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from joserfc.jwk import OKPKey

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.domain.catalogue.notice import Notice, NoticeKind
from tessera.domain.cohort.answer import DatasetAnswer
from tessera.domain.cohort.disclosure import CountPolicy, disclose
from tessera.domain.cohort.exact import ExactCounts
from tessera.domain.cohort.syntax import parse
from tessera.domain.ids import DatasetId, NodeId
from tessera.ports.renewal import signed_renewal
from tessera.wire.answers import AnswerMessage, answers_to_json
from tessera.wire.envelope import OVERLAP, VERSION, Envelope, MessageType
from tessera.wire.fetch import RelayMessage
from tessera.wire.keys import PublicKey
from tessera.wire.messages import (
    Accepted,
    DatasetVersion,
    JoinReply,
    JoinRequest,
    Poll,
    PollReply,
    PublishDataset,
    QueryTask,
    StatusReply,
    StatusRequest,
)
from tessera.wire.notice import notice_to_json
from tessera.wire.problem import problem_to_json
from tessera.wire.refusals import HubKeyRenewed
from tessera.wire.renewal import HUB, KeyRenewed, RenewKey
from tessera.wire.tasks import DeliveredPart, Report, ReportKind, ReportMessage, RunState
from tests.hub_trial import released

FOLDER: Final = Path(__file__).parent
AT: Final = datetime(2026, 3, 5, 14, 7, 0, 125000, tzinfo=UTC)
KEY: Final = {
    "kty": "OKP",
    "crv": "Ed25519",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
"""The example key of RFC 8037, appendix A.1."""
NEXT_KEY: Final = {
    "kty": "OKP",
    "crv": "Ed25519",
    "d": "TM0Imyj_ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U-4pvs",
    "x": "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw",
}
"""The key of test 2 of RFC 8032, section 7.1."""
_VERSION: Final = DatasetVersion(dataset_id=DatasetId("prostate-mr"), version=1)
_USE: Final = "1f0b8a52-2c1d-4f0e-8a54-6a0b1c2d3e4f"


def signer() -> Ed25519Signer:
    return Ed25519Signer(OKPKey.import_key(KEY))


def renewal(party: str) -> str:
    """Return the word of the first key that the second takes its place."""
    following = Ed25519Signer(OKPKey.import_key(NEXT_KEY))
    return signed_renewal(signer(), following, party=party, at=AT)


def bodies() -> dict[MessageType, dict[str, object]]:
    """Return one message of each type as this version writes it."""
    key = PublicKey(KEY["x"])
    policy = CountPolicy()
    counted = DatasetAnswer(
        dataset_id=_VERSION.dataset_id,
        version=1,
        created=AT,
        policy=policy.words(),
        counts=disclose(ExactCounts(36, 41, 36), policy),
    )
    few = DatasetAnswer(
        dataset_id=DatasetId("breast-mg"),
        version=2,
        created=AT,
        policy=policy.words(),
        counts=disclose(ExactCounts(4, 4, 4), policy),
    )
    unsupported = DatasetAnswer(
        dataset_id=DatasetId("lung-ct"),
        version=3,
        created=AT,
        policy=policy.words(),
        not_supported=("her2",),
    )
    task = QueryTask(
        search_id="4f3c2f0e-6b1c-4a57-9a55-1de0ac5f9a10",
        query=parse("cancer = prostate and modality in (MR, PT)").to_json(),
        datasets=(_VERSION,),
        deadline=AT + timedelta(seconds=10),
    )
    answer = AnswerMessage(search_id=task.search_id, answers=(counted, few, unsupported))
    other = AnswerMessage(search_id="5f3c2f0e-6b1c-4a57-9a55-1de0ac5f9a11", answers=(counted,))
    joining = JoinRequest(
        secret="abcdefghijklmnop",
        name="Universitetssjukhuset i Linköping",
        country="SE",
        public_key=key,
        software="tessera 0.1.0",
    )
    return {
        MessageType.JOIN: joining.to_json(),
        MessageType.JOIN_REPLY: JoinReply(
            node_id=NodeId("linkoping"), hub_name="Trial hub", hub_key=key
        ).to_json(),
        MessageType.STATUS: StatusRequest(software="tessera 0.1.0").to_json(),
        MessageType.STATUS_REPLY: StatusReply(
            state="approved", hub_name="Trial hub", published=(_VERSION,)
        ).to_json(),
        MessageType.PUBLISH: PublishDataset(released()).to_json(),
        MessageType.PUBLISH_REPLY: Accepted(n_accepted=1).to_json(),
        MessageType.POLL: Poll(wait_s=25, software="tessera 0.1.0").to_json(),
        MessageType.POLL_REPLY: PollReply(queries=(task,)).to_json(),
        MessageType.ANSWER: answer.to_json(),
        MessageType.ANSWER_REPLY: Accepted(n_accepted=3).to_json(),
        MessageType.ANSWERS: answers_to_json([answer, other]),
        MessageType.ANSWERS_REPLY: Accepted(n_accepted=4).to_json(),
        MessageType.REPORT: ReportMessage(reports=_reports()).to_json(),
        MessageType.REPORT_REPLY: Accepted(n_accepted=2).to_json(),
        MessageType.DELIVER: DeliveredPart(
            use_id=_USE,
            name="counts.csv",
            kind="aggregate",
            sha256=sha256(b"group,n\nmale,30\n").hexdigest(),
            part=0,
            n_parts=1,
            data=b"group,n\nmale,30\n",
        ).to_json(),
        MessageType.DELIVER_REPLY: Accepted(n_accepted=1).to_json(),
        MessageType.RELAY: RelayMessage(use_id=_USE, sealed=b"sealed for one reader").to_json(),
        MessageType.RELAY_REPLY: Accepted(n_accepted=1).to_json(),
        MessageType.NOTICE: notice_to_json(
            Notice(
                dataset_id=DatasetId("prostate-mr"),
                kind=NoticeKind.WITHDRAWN,
                at=AT,
                reason="Consent was asked for anew.",
                successor="prostate-mr-2",
            )
        ),
        MessageType.NOTICE_REPLY: Accepted(n_accepted=1).to_json(),
        MessageType.RENEW_KEY: RenewKey(renewal=renewal("linkoping")).to_json(),
        MessageType.RENEW_KEY_REPLY: KeyRenewed(
            fingerprint=PublicKey(NEXT_KEY["x"]).fingerprint, former_until=AT + OVERLAP
        ).to_json(),
    }


def _reports() -> tuple[Report, ...]:
    done = {"task_id": _USE, "problem": "permit-refused", "reason": "expired"}
    run = {"use_id": _USE, "state": RunState.RUNNING.value, "detail": ""}
    return (
        Report(kind=ReportKind.DONE.value, body=done),
        Report(kind=ReportKind.RUN.value, body=run),
    )


def token(type: MessageType, body: dict[str, object]) -> str:
    is_reply = type.value.endswith("-reply")
    message = Envelope(
        type=type,
        sender="hub" if is_reply else "linkoping",
        recipient="linkoping" if is_reply else "hub",
        id="9c5c1c1e-0b2b-4c1e-8a39-7b9d3f0f6a11",
        at=AT,
        body=body,
        reply_to="0f8fad5b-d9cb-469f-a165-70867728950e" if is_reply else "",
    )
    return signer().sign(message.encode())


def problem() -> dict[str, object]:
    """Return the refusal by which a node learns that the hub has a new key."""
    return problem_to_json(HubKeyRenewed([renewal(HUB)]), 403)


def main() -> None:
    refusal = FOLDER / f"problem-v{VERSION}-{HubKeyRenewed.code}.json"
    if not refusal.exists():
        body = {"key": KEY["x"], "body": problem()}
        refusal.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", "utf-8")
    for type, body in bodies().items():
        path = FOLDER / f"v{VERSION}-{type.value}.json"
        if not path.exists():
            record = {"key": KEY["x"], "token": token(type, body), "body": body}
            path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
