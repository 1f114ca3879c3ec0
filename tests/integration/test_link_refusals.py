"""What a hub does not accept, over a real socket: each with its own reason."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import OctKey

from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.adapters.link.http_link import HttpLink
from tessera.domain.errors import InvalidInput, TesseraError, Unavailable
from tessera.node.link import NodeLink
from tessera.ports.hub_store import NodeState
from tessera.wire.envelope import Envelope, MessageType
from tessera.wire.messages import JoinRequest, PublishDataset, StatusReply
from tessera.wire.refusals import (
    BadMessage,
    BadSignature,
    InviteExpired,
    InviteUnknown,
    InviteUsed,
    NodePending,
    NodeRejected,
    NodeRevoked,
    NodeUnknown,
    Replayed,
    TooLarge,
    VersionTaken,
    WrongRecipient,
    WrongTime,
    WrongType,
)
from tests.hub_trial import (
    TrialHub,
    envelope,
    exact_description,
    pinned,
    released,
    served,
    trial_audit,
    trial_hub,
)

STATUS = {"software": "tessera test"}


class Wire:
    """Sends tokens to a served hub as a node does."""

    def __init__(self, trial: TrialHub, url: str, folder: Path) -> None:
        self.trial, self.url = trial, url
        self.signer = Ed25519Signer.create(folder / "node.key")
        self.stranger = Ed25519Signer.create(folder / "stranger.key")

    def send(self, type: MessageType, token: str) -> Envelope:
        async def sending() -> str:
            async with HttpLink(self.url) as link:
                return await link.send(type, token, timeout_s=10)

        token = asyncio.run(sending())
        return Envelope.decode(Ed25519Verifier().verify(token, self.trial.signer.public_key))

    def refusal(self, type: MessageType, token: str) -> type[TesseraError]:
        with pytest.raises(TesseraError) as refused:
            self.send(type, token)
        return refused.type

    def ask(self, message: Envelope, signer: Ed25519Signer | None = None) -> Envelope:
        return self.send(message.type, (signer or self.signer).sign(message.encode()))

    def refused(self, message: Envelope, signer: Ed25519Signer | None = None) -> type[TesseraError]:
        return self.refusal(message.type, (signer or self.signer).sign(message.encode()))


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    with trial_hub(tmp_path / "hub") as trial, served(trial.hub) as url:
        yield Wire(trial, url, tmp_path)


def test_an_approved_node_is_answered(wire: Wire) -> None:
    node = wire.trial.joined(wire.signer)
    reply = wire.ask(envelope(wire.trial, MessageType.STATUS, STATUS, sender=node.node_id))
    assert StatusReply.from_json(reply.body).state == "approved"
    assert reply.recipient == node.node_id


def test_a_forged_signature_is_refused(wire: Wire) -> None:
    node = wire.trial.joined(wire.signer)
    message = envelope(wire.trial, MessageType.STATUS, STATUS, sender=node.node_id)
    token = wire.signer.sign(message.encode())
    header, payload, signature = token.split(".")
    other = wire.stranger.sign(message.encode()).split(".")
    changed = payload[:-4] + ("AAAA" if payload[-4:] != "AAAA" else "BBBB")
    assert wire.refusal(MessageType.STATUS, f"{header}.{payload}.{other[2]}") is BadSignature
    assert wire.refusal(MessageType.STATUS, f"{header}.{changed}.{signature}") is BadSignature
    assert wire.refusal(MessageType.STATUS, f"{header}.{payload}.") is BadSignature
    assert wire.refusal(MessageType.STATUS, "not.a.token") is BadSignature
    assert wire.refusal(MessageType.STATUS, "") is BadSignature
    assert wire.refused(message, wire.stranger) is NodeUnknown


def test_another_algorithm_is_refused(wire: Wire) -> None:
    """Neither `none`, nor a MAC under the node's public key, nor the old name of the algorithm."""
    node = wire.trial.joined(wire.signer)
    message = envelope(wire.trial, MessageType.STATUS, STATUS, sender=node.node_id).encode()
    kid = wire.signer.public_key.fingerprint
    public = OctKey.import_key(wire.signer.public_key.x)
    mac = jws.serialize_compact({"alg": "HS256", "kid": kid}, message, public, algorithms=["HS256"])
    none = ".".join((_part({"alg": "none", "kid": kid}), _b64(message), ""))
    old = wire.signer.sign(message).split(".")
    old_name = ".".join((_part({"alg": "EdDSA", "kid": kid}), *old[1:]))
    with_key = ".".join((_part({"alg": "Ed25519", "kid": kid, "jwk": {}}), *old[1:]))
    for token in (mac, none, old_name, with_key):
        assert wire.refusal(MessageType.STATUS, token) is BadSignature


def test_a_node_cannot_speak_for_another(wire: Wire) -> None:
    wire.trial.joined(wire.signer)
    victim = wire.trial.joined(wire.stranger, "València")
    message = envelope(wire.trial, MessageType.STATUS, STATUS, sender=victim.node_id)
    assert wire.refused(message) is BadSignature


def test_a_repeated_message_is_refused_also_after_a_restart(wire: Wire, tmp_path: Path) -> None:
    node = wire.trial.joined(wire.signer)
    message = envelope(wire.trial, MessageType.STATUS, STATUS, sender=node.node_id)
    wire.ask(message)
    assert wire.refused(message) is Replayed
    with trial_hub(tmp_path / "hub") as again, served(again.hub) as url:
        wire.url = url
        assert wire.refused(message) is Replayed


def test_a_message_for_another_hub_is_refused(wire: Wire) -> None:
    node = wire.trial.joined(wire.signer)
    message = envelope(
        wire.trial, MessageType.STATUS, STATUS, sender=node.node_id, recipient="a" * 16
    )
    assert wire.refused(message) is WrongRecipient


@pytest.mark.parametrize("off_s", [-301, 301])
def test_a_message_of_another_time_is_refused(wire: Wire, off_s: int) -> None:
    node = wire.trial.joined(wire.signer)
    written = wire.trial.clock.at
    message = envelope(wire.trial, MessageType.STATUS, STATUS, sender=node.node_id, at=written)
    wire.trial.clock.pass_s(off_s)
    assert wire.refused(message) is WrongTime
    wire.trial.clock.pass_s(-off_s // 300)
    wire.ask(message)


def test_a_message_of_another_type_is_refused(wire: Wire) -> None:
    node = wire.trial.joined(wire.signer)
    message = envelope(wire.trial, MessageType.STATUS, STATUS, sender=node.node_id)
    token = wire.signer.sign(message.encode())
    assert wire.refusal(MessageType.POLL, token) is WrongType
    claims = json.loads(message.encode()) | {"v": 2}
    later = wire.signer.sign(json.dumps(claims).encode())
    assert wire.refusal(MessageType.STATUS, later) is WrongType


def test_a_node_that_is_not_approved_may_only_ask_for_its_status(wire: Wire) -> None:
    node = wire.trial.joined(wire.signer, approved=False)

    def poll() -> Envelope:
        return envelope(wire.trial, MessageType.POLL, {"wait_s": 0}, sender=node.node_id)

    def state() -> str:
        message = envelope(wire.trial, MessageType.STATUS, STATUS, sender=node.node_id)
        return StatusReply.from_json(wire.ask(message).body).state

    assert (state(), wire.refused(poll())) == ("pending", NodePending)
    wire.trial.hub.joining.decide(node.node_id, NodeState.REJECTED)
    assert (state(), wire.refused(poll())) == ("rejected", NodeRejected)
    wire.trial.hub.joining.decide(node.node_id, NodeState.APPROVED)
    assert wire.ask(poll()).body == {"queries": [], "answers_together": 50}
    wire.trial.hub.joining.decide(node.node_id, NodeState.REVOKED)
    assert (state(), wire.refused(poll())) == ("revoked", NodeRevoked)
    body = PublishDataset(released()).to_json()
    publish = envelope(wire.trial, MessageType.PUBLISH, body, sender=node.node_id)
    assert wire.refused(publish) is NodeRevoked


def _join(wire: Wire, secret: str, signer: Ed25519Signer, **changes: str) -> Envelope:
    request = JoinRequest(
        secret=secret,
        name="Linköping",
        country="SE",
        public_key=signer.public_key,
        software="tessera test",
    )
    body = request.to_json() | changes
    sender = signer.public_key.fingerprint
    return envelope(wire.trial, MessageType.JOIN, body, sender=sender)


def test_an_invite_opens_once_in_time_and_with_the_right_code(wire: Wire) -> None:
    invite = wire.trial.hub.joining.invite(hours=1)
    assert wire.refused(_join(wire, "a" * 16, wire.signer)) is InviteUnknown
    wire.ask(_join(wire, invite.secret, wire.signer))
    assert wire.refused(_join(wire, invite.secret, wire.stranger), wire.stranger) is InviteUsed
    repeated = wire.ask(_join(wire, invite.secret, wire.signer))
    assert repeated.body["node_id"] == "linkoping"
    late = wire.trial.hub.joining.invite(hours=1)
    wire.trial.clock.pass_s(3601)
    assert wire.refused(_join(wire, late.secret, wire.stranger), wire.stranger) is InviteExpired
    assert [node.node_id for node in wire.trial.store.nodes.all()] == ["linkoping"]


def test_nobody_joins_with_a_key_that_is_not_theirs(wire: Wire) -> None:
    invite = wire.trial.hub.joining.invite()
    message = _join(wire, invite.secret, wire.signer)
    assert wire.refused(message, wire.stranger) is BadSignature
    assert wire.trial.store.nodes.all() == []
    wire.ask(message)


def test_a_join_without_a_name_does_not_use_up_the_invite(wire: Wire) -> None:
    invite = wire.trial.hub.joining.invite()
    assert wire.refused(_join(wire, invite.secret, wire.signer, name="  ")) is InvalidInput
    assert wire.refused(_join(wire, invite.secret, wire.signer, country="Sweden")) is InvalidInput
    assert wire.ask(_join(wire, invite.secret, wire.signer)).body["node_id"] == "linkoping"


def test_a_published_version_cannot_be_changed(wire: Wire) -> None:
    node = wire.trial.joined(wire.signer)

    def publish(sha256: str) -> Envelope:
        body = PublishDataset(released(sha256=sha256)).to_json()
        return envelope(wire.trial, MessageType.PUBLISH, body, sender=node.node_id)

    assert wire.ask(publish("ab" * 32)).body == {"n_accepted": 1}
    assert wire.ask(publish("ab" * 32)).body == {"n_accepted": 0}
    assert wire.refused(publish("cd" * 32)) is VersionTaken
    assert [e.description.manifest_sha256 for e in wire.trial.hub.catalogue()] == ["ab" * 32]


def test_a_message_with_a_missing_key_names_the_key(wire: Wire) -> None:
    node = wire.trial.joined(wire.signer)
    body = {"description": {"version": 1}}
    message = envelope(wire.trial, MessageType.PUBLISH, body, sender=node.node_id)
    with pytest.raises(InvalidInput, match="title: expected an object"):
        wire.ask(message)


def test_a_body_over_the_limit_is_refused_announced_or_not(wire: Wire) -> None:
    url = f"{wire.url}/link/v1/status"
    big = b"a" * 1_000_001
    for content in (big, iter([big[:600_000], big[600_000:]])):
        answer = httpx.post(url, content=content, trust_env=False)
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:tessera:error:too-large")
    assert wire.refusal(MessageType.STATUS, big.decode()) is TooLarge


def test_a_reply_of_another_hub_is_refused_by_the_node(wire: Wire, tmp_path: Path) -> None:
    node = wire.trial.joined(wire.signer)

    async def status(url: str, hub: TrialHub) -> str:
        async with HttpLink(url) as http:
            link = NodeLink(
                records=pinned(tmp_path / "pins", hub.signer.public_key, node.node_id),
                link=http,
                signer=wire.signer,
                verifier=Ed25519Verifier(),
                clock=wire.trial.clock,
                software="tessera test",
                audit=trial_audit(tmp_path / "audit", wire.signer),
            )
            return (await link.status()).state

    assert asyncio.run(status(wire.url, wire.trial)) == "approved"
    with trial_hub(tmp_path / "impostor") as impostor, served(impostor.hub) as url:
        impostor.joined(wire.signer)
        with pytest.raises(WrongRecipient):
            asyncio.run(status(url, wire.trial))
    with pytest.raises(Unavailable):
        asyncio.run(status("http://127.0.0.1:9", wire.trial))


def test_a_plain_description_is_no_message() -> None:
    with pytest.raises(TypeError, match="only as Released"):
        PublishDataset(exact_description()).to_json()  # type: ignore[arg-type]
    assert issubclass(BadMessage, InvalidInput)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _part(header: dict[str, object]) -> str:
    return _b64(json.dumps(header).encode())
