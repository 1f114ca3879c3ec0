"""Keys of the link are renewed and revoked, over a real socket."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.adapters.jose.key_folder import KeyFolder
from tessera.adapters.link.folder import LinkFolder
from tessera.adapters.link.http_link import HttpLink
from tessera.domain.audit.events import clock_accepted
from tessera.domain.errors import Conflict, TesseraError, Unavailable
from tessera.node.link import NodeLink, join
from tessera.ports.hub_link import HubPin
from tessera.ports.hub_store import NodeState
from tessera.ports.renewal import followed, signed_renewal
from tessera.ports.signing import Signer
from tessera.wire.envelope import OVERLAP, Envelope, MessageType
from tessera.wire.keys import InviteCode
from tessera.wire.messages import PollReply
from tessera.wire.refusals import (
    BadSignature,
    HubKeyRenewed,
    KeyRetired,
    NodePending,
    NodeRevoked,
    NodeUnknown,
    WrongRecipient,
    WrongType,
)
from tessera.wire.renewal import HUB, Renewal
from tests.hub_trial import TrialHub, envelope, pinned, served, trial_hub
from tests.link_key_trial import KeyedNode

SECOND = timedelta(seconds=1)


@dataclass
class Place:
    trial: TrialHub
    node: KeyedNode
    folder: Path

    def at_hub(self) -> list[str]:
        return [entry.event.event for entry in self.trial.hub.reception.audit.entries()]

    def spoken(self, signer: Signer) -> str:
        """Return the state that the hub tells whoever signs as the node with `signer`."""
        reply = self.node.asked(lambda link: replace(link, signer=signer).status())
        return reply.state

    def renewed(self, renewal: str, by: Signer | None = None) -> str:
        """Send a renewal in a message of the node, signed by its key of now or by `by`."""
        signer = by or self.node.ring
        reply = self.node.asked(lambda link: replace(link, signer=signer).renew_key(renewal))
        return reply.fingerprint


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with trial_hub(tmp_path / "hub") as trial, served(trial.hub) as url:
        home = tmp_path / "node"
        home.mkdir()
        pinned(home / "link", trial.signer.public_key)
        trial.joined(KeyFolder.create(home / "link" / "node.key"))
        yield Place(trial, KeyedNode(home, url, trial.clock), tmp_path)


def test_a_node_renews_its_key_and_the_former_one_speaks_for_a_short_while(place: Place) -> None:
    before = Ed25519Signer.load(place.node.folder.key_file)
    running = place.node.ring  # as a program that runs meanwhile holds it
    name = place.node.renew()
    assert running.public_key.fingerprint == name != before.public_key.fingerprint
    at_hub = place.trial.store.nodes.find("linkoping")
    assert at_hub is not None and at_hub.public_key == running.public_key
    assert at_hub.key_since == place.trial.clock.at
    (renewal,) = place.trial.store.nodes.renewals("linkoping")
    assert (
        Renewal.read(Ed25519Verifier().verify(renewal, before.public_key)).key.fingerprint == name
    )

    assert (place.node.state(), place.spoken(before)) == ("approved", "approved")
    place.trial.clock.at += OVERLAP + SECOND
    assert place.node.state() == "approved"
    with pytest.raises(KeyRetired, match="another key now"):
        place.spoken(before)
    assert "link-key-renewed" in [entry.event.event for entry in place.node.audit.entries()]
    assert place.at_hub()[-1] == "node-key-renewed"
    assert not list(place.node.home.glob("link/*.next")) + list(
        place.node.home.glob("link/*.former")
    )


def test_a_renewal_waits_for_a_hub_that_is_away_and_the_node_goes_on(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    away = replace(place.node, url="http://127.0.0.1:9")
    with pytest.raises(Unavailable):
        away.renew()
    prepared = place.node.ring.prepare().public_key
    away.finish()
    assert "the renewal of the link's key waits: the hub cannot be reached" in caplog.text
    assert place.node.ring.public_key != prepared
    assert place.node.state() == "approved"
    place.node.finish()
    assert place.node.ring.public_key == prepared
    assert place.node.state() == "approved"


def test_one_process_renews_at_a_time(place: Place) -> None:
    with place.node.ring.renewing(), pytest.raises(Conflict, match="being renewed already"):
        place.node.renew()
    assert not place.node.ring.is_prepared()


def test_a_renewal_needs_both_keys_and_this_node(place: Place) -> None:
    own, new = place.node.ring, Ed25519Signer.create(place.folder / "new.key")
    thief = Ed25519Signer.create(place.folder / "thief.key")
    at = place.trial.clock.at

    def refused(renewal: str) -> type[TesseraError]:
        with pytest.raises(TesseraError) as refusal:
            place.renewed(renewal)
        return refusal.type

    bare = Renewal(party="linkoping", former=own.public_key, key=new.public_key, at=at)
    by_thief = replace(bare, proof=thief.sign(bare.to_prove()))
    assert refused(own.sign(by_thief.to_sign())) is BadSignature
    of_another = replace(bare, proof=new.sign(replace(bare, at=at - SECOND).to_prove()))
    assert refused(own.sign(of_another.to_sign())) is BadSignature
    assert refused(signed_renewal(thief, new, party="linkoping", at=at)) is BadSignature
    assert refused(signed_renewal(own, new, party="valencia", at=at)) is BadSignature
    assert refused(signed_renewal(own, own, party="linkoping", at=at)) is BadSignature
    assert refused(own.sign(b'{"kind":"tessera-audit-head/1"}')) is WrongType
    assert refused(own.sign(bare.to_prove())) is WrongType
    assert refused(own.sign(replace(by_thief, proof="").to_sign())) is BadSignature
    assert refused("no token") is BadSignature
    assert refused(signed_renewal(own, place.trial.signer, party="linkoping", at=at)) is Conflict
    assert place.trial.store.nodes.renewals("linkoping") == []


def test_a_key_of_another_node_and_a_former_key_are_not_taken(place: Place) -> None:
    first, at = Ed25519Signer.load(place.node.folder.key_file), place.trial.clock.at
    other = Ed25519Signer.create(place.folder / "other.key")
    place.trial.joined(other, "València")
    with pytest.raises(Conflict):
        place.renewed(signed_renewal(first, other, party="linkoping", at=at))
    place.node.renew()
    with pytest.raises(Conflict):
        place.renewed(signed_renewal(place.node.ring, first, party="linkoping", at=at))
    # Who has the former key cannot renew it once more, also not within the overlap.
    thief = Ed25519Signer.create(place.folder / "thief.key")
    with pytest.raises(KeyRetired):
        place.renewed(signed_renewal(first, thief, party="linkoping", at=at), by=first)
    assert place.node.state() == "approved"


def test_a_node_whose_key_a_thief_has_renewed_is_told_so(place: Place) -> None:
    stolen = Ed25519Signer.load(place.node.folder.key_file)
    thief = Ed25519Signer.create(place.folder / "thief.key")
    place.renewed(signed_renewal(stolen, thief, party="linkoping", at=place.trial.clock.at))
    place.trial.clock.at += OVERLAP + SECOND
    with pytest.raises(KeyRetired, match="call the hub's operator"):
        place.node.state()
    with pytest.raises(KeyRetired):
        place.node.renew()


def test_the_hub_renews_its_key_and_nodes_follow(place: Place) -> None:
    before, code = place.trial.signer.public_key, place.trial.hub.joining.invite()
    asked = envelope(place.trial, MessageType.REPORT, {"reports": []}, sender="linkoping")
    key = place.trial.hub.link_keys.renew()
    assert key == place.trial.signer.public_key != before
    with pytest.raises(Conflict, match="answers until"):
        place.trial.hub.link_keys.renew()

    async def sent(link: NodeLink) -> str:
        token = place.node.ring.sign(asked.encode())
        return await link.link.send(asked.type, token, timeout_s=10)

    # What was under way is answered by the key that it names, and only by that one.
    reply = Envelope.decode(Ed25519Verifier().verify(place.node.asked(sent), before))
    assert reply.sender == before.fingerprint
    assert place.node.folder.pin().hub_key == before  # type: ignore[union-attr]
    assert place.node.asked(lambda link: link.poll(0)) is not None
    pin = place.node.folder.pin()
    assert pin is not None and pin.hub_key == key
    assert [one.key for one in pin.former_keys] == [before]
    assert "hub-key-pinned" in [entry.event.event for entry in place.node.audit.entries()]

    place.trial.clock.at += OVERLAP + SECOND
    with pytest.raises(HubKeyRenewed) as refused:
        place.node.asked(sent)
    assert followed(Ed25519Verifier(), refused.value.renewals, before.fingerprint)[0].key == key
    assert not list((place.folder / "hub").glob("hub.key.former"))
    # A code from before the renewal still serves, and so does one that comes after.
    assert joined(place, code, "valencia").hub_key == key
    assert joined(place, place.trial.hub.joining.invite(), "umea").hub_key == key


def joined(place: Place, code: InviteCode, name: str) -> HubPin:
    records = LinkFolder(place.folder / name)
    signer = KeyFolder.create(records.key_file)

    async def joining(link: NodeLink) -> HubPin:
        async with HttpLink(place.node.url) as http:
            return await join(
                code=code,
                hub_url=place.node.url,
                name=name,
                country="SE",
                software="tessera test",
                records=records,
                link=http,
                signer=signer,
                verifier=Ed25519Verifier(),
                clock=place.trial.clock,
            )

    return place.node.asked(joining)


def test_a_node_that_was_away_follows_several_renewals(place: Place) -> None:
    for _ in range(3):
        place.trial.hub.link_keys.renew()
        place.trial.clock.at += OVERLAP + SECOND
    assert place.node.state() == "approved"
    pin = place.node.folder.pin()
    assert pin is not None and pin.hub_key == place.trial.signer.public_key
    assert len(pin.former_keys) == 3


def test_a_node_follows_nobody_but_the_key_that_it_pinned(place: Place) -> None:
    """An impostor at the hub's address signs renewals of his own, and sends the real ones cut."""
    at, real = place.trial.clock.at, place.trial.signer
    evil, other = (Ed25519Signer.create(place.folder / f"{name}.key") for name in "ab")
    place.trial.hub.link_keys.renew()
    (genuine,) = place.trial.signer.renewals(real.keys().former[0].key.fingerprint)
    name = real.keys().former[0].key.fingerprint
    said = Renewal.read(Ed25519Verifier().unverified(genuine))
    forged = replace(said, key=evil.public_key, proof="")
    forged = replace(forged, proof=evil.sign(forged.to_prove()))
    for renewals in (
        [],
        [signed_renewal(evil, other, party=HUB, at=at)],
        [evil.sign(forged.to_sign())],
        [signed_renewal(place.node.ring, evil, party=HUB, at=at)],
        [genuine, signed_renewal(evil, other, party=HUB, at=at)],
        [genuine] * 101,
    ):
        with pytest.raises(BadSignature):
            followed(Ed25519Verifier(), renewals, name)
    assert followed(Ed25519Verifier(), [genuine], name)[-1].key == real.public_key


def test_heads_go_on_under_a_new_key(place: Place) -> None:
    place.node.audit.append(clock_accepted("a", "b"), place.trial.clock.at)
    place.node.asked(lambda link: link.poll(0))
    first = place.node.ring.public_key.fingerprint
    place.node.renew()
    place.trial.hub.link_keys.renew()

    async def polled(link: NodeLink) -> PollReply:
        for _ in range(2):  # the first one says from where the proof is wanted
            await link.poll(0)
        return await link.poll(0)

    reply = place.node.asked(polled)
    assert reply.log is not None and reply.log.kept == len(list(place.node.audit.entries()))
    kept = (place.folder / "hub" / "audit" / "kept" / "linkoping.jws").read_text("ascii").split()
    names = {Ed25519Verifier().key_name(token) for token in kept}
    assert names == {first, place.node.ring.public_key.fingerprint}
    assert "fork-seen" not in place.at_hub()


def test_a_revoked_node_is_refused_at_once_and_joins_anew_with_another_key(place: Place) -> None:
    joining, stolen = place.trial.hub.joining, Ed25519Signer.load(place.node.folder.key_file)
    with pytest.raises(Conflict, match="revoke it"):
        joining.invite(node_id="linkoping")
    joining.decide("linkoping", NodeState.REVOKED)
    with pytest.raises(NodeRevoked, match="The hub's operator has revoked this node"):
        place.node.asked(lambda link: link.poll(0))
    with pytest.raises(NodeRevoked):
        place.node.renew()
    code = joining.invite(node_id="linkoping")

    async def again(link: NodeLink) -> HubPin:
        return await join(
            code=code,
            hub_url=place.node.url,
            name="Linköping",
            country="SE",
            software="tessera test",
            records=place.node.folder,
            link=link.link,
            signer=place.node.ring.prepare(),
            verifier=Ed25519Verifier(),
            clock=place.trial.clock,
            is_again=True,
        )

    assert place.node.asked(again).node_id == "linkoping"
    assert place.node.asked(again).node_id == "linkoping"  # as after a lost reply
    # As after a kill here: the running node finds out that the hub knows the new key.
    place.node.finish()
    assert place.node.state() == "pending"
    with pytest.raises(NodePending):
        place.node.asked(lambda link: link.poll(0))
    joining.decide("linkoping", NodeState.APPROVED)
    assert place.node.asked(lambda link: link.poll(0)) is not None
    with pytest.raises(KeyRetired):
        place.spoken(stolen)
    at_hub = place.trial.store.nodes.find("linkoping")
    assert at_hub is not None and [one.is_revoked for one in at_hub.former_keys] == [True]
    token = stolen.sign(b"a permit")
    with pytest.raises(BadSignature):
        Ed25519Verifier().verify(token, at_hub.keys)
    assert "node-key-replaced" in place.at_hub()


def test_a_held_call_ends_when_the_node_is_revoked_meanwhile(place: Place) -> None:
    """By another program, which rings no bell here."""
    store = place.trial.store

    async def held(link: NodeLink) -> None:
        polling = asyncio.create_task(link.poll(20))
        while (found := store.nodes.find("linkoping")) is None or found.last_seen is None:
            await asyncio.sleep(0.01)
        place.trial.hub.joining.decide("linkoping", NodeState.REVOKED)
        await asyncio.wait_for(polling, 15)

    with pytest.raises(NodeRevoked):
        place.node.asked(held)


def test_an_unknown_key_learns_nothing(place: Place) -> None:
    thief = Ed25519Signer.create(place.folder / "thief.key")
    with pytest.raises(NodeUnknown):
        place.spoken(thief)
    message = envelope(
        place.trial, MessageType.STATUS, {"software": "x"}, sender="linkoping", recipient="a" * 16
    )

    async def sent(link: NodeLink) -> str:
        return await link.link.send(
            message.type, place.node.ring.sign(message.encode()), timeout_s=10
        )

    with pytest.raises(WrongRecipient):
        place.node.asked(sent)
