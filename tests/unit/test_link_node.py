"""What a node accepts as its hub's reply, and what it does with a description."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.adapters.link.folder import LinkFolder
from tessera.domain.errors import Conflict, InvalidSettings, TesseraError, Unavailable
from tessera.domain.ids import NodeId
from tessera.node.link import NodeLink, join, publish, send_outgoing
from tessera.ports.hub_link import HubPin
from tessera.wire.envelope import Envelope, MessageType
from tessera.wire.keys import InviteCode
from tessera.wire.messages import Accepted, JoinReply, StatusReply
from tessera.wire.refusals import (
    BadMessage,
    BadSignature,
    NodePending,
    Replayed,
    VersionTaken,
    WrongRecipient,
    WrongTime,
    WrongType,
)
from tests.hub_trial import SetClock, pinned, released, trial_audit

HUB_REPLIES = {
    MessageType.STATUS: StatusReply(state="approved", hub_name="Hub", published=()).to_json(),
    MessageType.PUBLISH: Accepted(n_accepted=1).to_json(),
}


@dataclass
class AnyHub:
    """The hub's end of a link in memory; `change` bends each reply before it is signed."""

    signer: Ed25519Signer
    clock: SetClock
    change: Callable[[Envelope], Envelope] = lambda reply: reply
    refusal: TesseraError | None = None
    sent: list[MessageType] = field(default_factory=list)

    async def send(self, type: MessageType, token: str, *, timeout_s: float) -> str:
        self.sent.append(type)
        if self.refusal is not None:
            raise self.refusal
        request = Envelope.decode(Ed25519Verifier().unverified(token))
        body = (
            HUB_REPLIES.get(type)
            or JoinReply(
                node_id=NodeId("linkoping"), hub_name="Hub", hub_key=self.signer.public_key
            ).to_json()
        )
        reply = Envelope(
            type=type.reply,
            sender=self.signer.public_key.fingerprint,
            recipient=request.sender,
            id="9c5c1c1e-0b2b-4c1e-8a39-7b9d3f0f6a11",
            at=self.clock.at,
            body=body,
            reply_to=request.id,
        )
        return self.signer.sign(self.change(reply).encode())


@pytest.fixture
def hub(tmp_path: Path) -> AnyHub:
    return AnyHub(Ed25519Signer.create(tmp_path / "hub.key"), SetClock())


@pytest.fixture
def link(hub: AnyHub, tmp_path: Path) -> NodeLink:
    signer = Ed25519Signer.create(tmp_path / "node.key")
    return NodeLink(
        records=pinned(tmp_path / "link", hub.signer.public_key),
        link=hub,
        signer=signer,
        audit=trial_audit(tmp_path / "audit", signer),
        verifier=Ed25519Verifier(),
        clock=hub.clock,
        software="tessera test",
    )


def test_a_good_reply_is_read_once(hub: AnyHub, link: NodeLink) -> None:
    assert asyncio.run(link.status()).state == "approved"
    with pytest.raises(Replayed):
        asyncio.run(link.status())
    hub.clock.pass_s(601)
    assert asyncio.run(link.status()).state == "approved"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda r: replace(r, reply_to="another"), WrongRecipient),
        (lambda r: replace(r, recipient="valencia"), WrongRecipient),
        (lambda r: replace(r, sender="valencia"), BadSignature),
        (lambda r: replace(r, at=r.at - timedelta(seconds=301)), WrongTime),
        (lambda r: replace(r, type=MessageType.POLL_REPLY), WrongType),
        (lambda r: replace(r, type=MessageType.STATUS), WrongType),
        (lambda r: replace(r, body={}), BadMessage),
    ],
)
def test_a_bent_reply_is_refused(
    hub: AnyHub,
    link: NodeLink,
    change: Callable[[Envelope], Envelope],
    reason: type[TesseraError],
) -> None:
    hub.change = change
    with pytest.raises(reason):
        asyncio.run(link.status())


def test_a_reply_signed_by_another_key_is_refused(
    hub: AnyHub, link: NodeLink, tmp_path: Path
) -> None:
    hub.signer = Ed25519Signer.create(tmp_path / "other.key")
    with pytest.raises(BadSignature):
        asyncio.run(link.status())


def test_a_node_joins_only_the_hub_that_made_the_code(hub: AnyHub, tmp_path: Path) -> None:
    records = LinkFolder(tmp_path / "link")
    signer = Ed25519Signer.create(records.key_file)

    def joining(fingerprint: str) -> HubPin:
        return asyncio.run(
            join(
                code=InviteCode("a" * 16, fingerprint),
                hub_url="http://hub.example.org",
                name="Linköping",
                country="SE",
                software="tessera test",
                records=records,
                link=hub,
                signer=signer,
                verifier=Ed25519Verifier(),
                clock=hub.clock,
            )
        )

    with pytest.raises(BadSignature, match="not the one that made the invite code"):
        joining("b" * 16)
    assert records.pin() is None
    pin = joining(hub.signer.public_key.fingerprint)
    assert records.pin() == pin
    with pytest.raises(Conflict, match="has joined"):
        joining(hub.signer.public_key.fingerprint)


@pytest.mark.parametrize("refusal", [Unavailable("away"), NodePending("later")])
def test_a_description_is_kept_until_the_hub_takes_it(
    hub: AnyHub, link: NodeLink, tmp_path: Path, refusal: TesseraError
) -> None:
    records = LinkFolder(tmp_path / "link")
    hub.refusal = refusal
    with pytest.raises(type(refusal)):
        asyncio.run(publish(link, records, released(), "research/datasets/prostate-mr/v1"))
    assert records.answered() == ()
    (kept,) = LinkFolder(tmp_path / "link").outgoing()
    hub.refusal = None
    asyncio.run(send_outgoing(link, records, kept))
    assert records.outgoing() == []
    (answered,) = LinkFolder(tmp_path / "link").answered()
    assert (answered.dataset_id, answered.version) == ("prostate-mr", 1)
    assert answered.folder == "research/datasets/prostate-mr/v1"


def test_a_description_that_the_hub_does_not_want_is_not_kept(
    hub: AnyHub, link: NodeLink, tmp_path: Path
) -> None:
    records = LinkFolder(tmp_path / "link")
    hub.refusal = VersionTaken("other content")
    with pytest.raises(VersionTaken):
        asyncio.run(publish(link, records, released(), "research/datasets/prostate-mr/v1"))
    assert (records.answered(), records.outgoing()) == ((), [])


def test_a_damaged_record_names_its_file(tmp_path: Path) -> None:
    records = LinkFolder(tmp_path / "link")
    (tmp_path / "link" / "published.json").write_text("{", "utf-8")
    with pytest.raises(InvalidSettings, match=r"published\.json"):
        records.answered()
    assert (tmp_path / "link").stat().st_mode & 0o777 == 0o700
